"""Faults that can be injected into the simulated controller."""

from typing import Any

import numpy as np

from simulation.errors import SimulationError


class Faults:
    """Present faults of the controller; every field may be set at any time.

    `hang`: requests are taken and never answered. `reply_delay`: s before each reply. `dead`: connections are refused
    and existing ones closed, until it is set back. `gripper_silent`: the tool's bus gets no answer (C19).
    `joint_offset` (7,) rad is added to every joint reading and to the poses computed from it, `reported_state` replaces
    the state in replies and reports: the controller lies. `held_error`: an error whose cause persists, such as the
    pressed emergency button (1): clearing has no effect before it is set back to 0.
    """

    def __init__(self):
        self.hang = False
        self.reply_delay = 0.0
        self.dead = False
        self.gripper_silent = False
        self.joint_offset: np.ndarray | None = None
        self.reported_state: int | None = None
        self.held_error = 0
        self._error = 0
        self._warning = 0
        self._drops = 0

    def apply(self, faults: dict[str, Any]) -> None:
        """Set fields by name, or call methods: raise_error=31, drop_connections=True. Raises SimulationError."""
        for name, value in faults.items():
            if name.startswith("_") or not hasattr(self, name):
                raise SimulationError(f"The simulated controller has no fault {name}.")
            if name == "drop_connections":
                self.drop_connections()
            elif callable(present := getattr(self, name)):
                present(value)
            else:
                setattr(self, name, value)

    def raise_error(self, code: int) -> None:
        """Raise this error (C code) before the controller does anything else."""
        self._error = code

    def raise_warning(self, code: int) -> None:
        self._warning = code

    def drop_connections(self) -> None:
        """Close every present connection; new ones are accepted."""
        self._drops += 1

    @property
    def drops(self) -> int:
        """Number of times the connections have been dropped."""
        return self._drops

    def take_error(self) -> int:
        """Return the error raised since the last call, 0 if none; a held one is returned every time."""
        code, self._error = self._error or self.held_error, 0
        return code

    def take_warning(self) -> int:
        code, self._warning = self._warning, 0
        return code

"""A SpaceMouse's cap as the kernel reports it: six axes at once, as long as its left button is held.

The cap's axes (3Dconnexion: x right, y towards the person, z down) are turned to the base's as seen by somebody who
looks along the arm: x away, y left, z up. Most models report relative axes, which the kernel leaves out once they are
zero: then silence means that the cap was let go.
"""

from dataclasses import dataclass, field

import numpy as np

FULL = 350  # of a relative axis: the cap at its stop
SILENT_MS = 120  # a cap that is pushed reports every 16 ms or so
_DEAD_ZONE = 0.08  # of the way: a hand that rests on the cap
_AXES = {"X": (1, -1), "Y": (0, -1), "Z": (2, -1), "RX": (4, -1), "RY": (3, -1), "RZ": (5, -1)}


@dataclass
class CapState:
    """How far the cap is pushed and turned, each in [-1, 1] by the kernel's names without REL_ or ABS_."""

    pushed: dict[str, float] = field(default_factory=dict)
    armed: bool = False

    @property
    def twist(self) -> np.ndarray:
        """Shares (6,) of full speed; zeros unless the button is held."""
        twist = np.zeros(6)
        if self.armed:
            for name, value in self.pushed.items():
                axis, sign = _AXES[name]
                beyond = max(0.0, abs(value) - _DEAD_ZONE) / (1.0 - _DEAD_ZONE)
                twist[axis] = sign * np.sign(value) * beyond**2  # fine near the middle
        return twist

    def take(self, name: str, value: int, low: int = -FULL, high: int = FULL) -> None:
        """One event of an axis, between its `low` and `high`."""
        axis = name.partition("_")[2]
        if axis in _AXES and high > low:
            self.pushed[axis] = float(np.clip(2.0 * (value - low) / (high - low) - 1.0, -1.0, 1.0))

    def let_go(self) -> None:
        """The cap is in the middle."""
        self.pushed.clear()

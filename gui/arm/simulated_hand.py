"""Simulated hand guiding: held directions pull at the tool of the simulated arm."""

import numpy as np
from PySide6.QtCore import QObject

from gui.arm.hand_control import ArmControlPresenter, Direction
from gui.runtime.connection import Connection
from gui.runtime.jobs import Job, Jobs

PULL = 3.0  # N: about 0.1 m/s against the joints' friction


class SimulatedHand(QObject):
    """Source of the pulling force during hand guiding of the simulated arm (`can_pull`); released at its end.

    The force is sent in a job, so that the window never waits for the lab; of several changes meanwhile the newest
    counts.
    """

    def __init__(self, connection: Connection, control: ArmControlPresenter, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self._connection, self._control, self._jobs = connection, control, jobs
        self._held: dict[Direction, None] = {}
        self._given = np.zeros(3)
        self._job: Job | None = None
        control.changed.connect(self._control_changed)
        connection.stop_pressed.connect(self.let_go)

    @property
    def can_pull(self) -> bool:
        return self._control.guiding and self._connection.session.lab is not None

    def pull(self, direction: Direction) -> None:
        """Add a direction to the pull until it is released."""
        if self.can_pull and not direction.turns:
            self._held[direction] = None
            self._tell()

    def release(self, direction: Direction) -> None:
        if direction in self._held:
            del self._held[direction]
            self._tell()

    def let_go(self) -> None:
        """Release all directions."""
        self._held = {}
        self._tell()

    # --- helpers ---

    @property
    def _wanted(self) -> np.ndarray:
        """Force (3,) N in the base frame."""
        return PULL * np.sum([direction.unit[:3] for direction in self._held] or [np.zeros(3)], axis=0)

    def _tell(self) -> None:
        lab, force = self._connection.session.lab, self._wanted
        if lab is None or self._job is not None or np.array_equal(force, self._given):
            return
        self._given = force
        self._job = self._jobs.run(lambda *_: lab.pull_tool(force), name="pull at the arm")
        self._job.on(ended=self._told)

    def _told(self) -> None:
        self._job = None
        self._tell()

    def _control_changed(self) -> None:
        if self._held and not self.can_pull:
            self.let_go()

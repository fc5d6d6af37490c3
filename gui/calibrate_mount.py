"""Whether the board is on the gripper: a person's word, and in the lab also the lab's, which puts it there itself."""

from gui.connection import Connection
from gui.jobs import Work
from simulation.bench.scene import SceneSpec
from workflows.cancellation import Cancellation, Report


class BoardMount:
    """`put_on` and `take_off` give the work of a job; the board counts as mounted after `confirm`."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._confirmed = False
        self._bench: SceneSpec | None = None  # the lab's bench as it was before the board was put on

    @property
    def mounted(self) -> bool:
        lab = self._connection.session.lab
        return self._confirmed and (lab is None or lab.scene.gripper_board)

    def confirm(self) -> None:
        """Somebody says that the board is on the gripper."""
        self._confirmed = True

    def put_on(self) -> Work:
        lab = self._connection.session.lab

        def work(token: Cancellation, report: Report) -> None:
            from workflows.calibrate_lab import board_scene

            if lab is not None and not lab.scene.gripper_board:
                self._bench = lab.scene
                lab.set_scene(board_scene(lab.scene))

        return work

    def take_off(self) -> Work | None:
        """The board is no longer there; None where the lab has nothing to take off."""
        lab, bench = self._connection.session.lab, self._bench
        self._confirmed, self._bench = False, None
        if lab is None or bench is None or not lab.scene.gripper_board:
            return None
        return lambda token, report: lab.set_scene(bench)

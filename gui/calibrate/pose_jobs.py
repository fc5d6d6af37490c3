"""Jobs of the poses step; each imports the solver only when it runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cameras.capture import Capture
from gui.runtime.jobs import Work
from robot.service.client import RobotClient
from workflows.cancellation import Cancellation, Report

if TYPE_CHECKING:
    from workflows.calibration.calibrate import CalibrationSession
    from workflows.calibration.drive import DriveProgress, DriveResult
    from workflows.calibration.poses import PoseProposal
from gui.runtime.connection import Connection
from simulation.bench.scene import SceneSpec


class BoardMount:
    """State of the board on the gripper: confirmed by the operator; the lab mounts its own.

    `put_on` and `take_off` return the work of a job; the board counts as mounted after `confirm`.
    """

    def __init__(self, connection: Connection):
        self._connection = connection
        self._confirmed = False
        self._bench: SceneSpec | None = None  # the lab's scene before the board was mounted

    @property
    def mounted(self) -> bool:
        lab = self._connection.session.lab
        return self._confirmed and (lab is None or lab.scene.gripper_board)

    def confirm(self) -> None:
        """Confirm that the board is on the gripper."""
        self._confirmed = True

    def put_on(self) -> Work:
        lab = self._connection.session.lab

        def work(token: Cancellation, report: Report) -> None:
            from workflows.calibration.lab import board_scene

            if lab is not None and not lab.scene.gripper_board:
                self._bench = lab.scene
                lab.set_scene(board_scene(lab.scene))

        return work

    def take_off(self) -> Work | None:
        """Mark the board as removed and return the work that restores the lab's bench; None without such work."""
        lab, bench = self._connection.session.lab, self._bench
        self._confirmed, self._bench = False, None
        if lab is None or bench is None or not lab.scene.gripper_board:
            return None
        return lambda token, report: lab.set_scene(bench)


def first_poses(joints: np.ndarray, limits: Any) -> Work:
    """Return a job that proposes poses near the arm's `joints` (7,) rad, with no cameras known yet."""

    def work(token: Cancellation, report: Report) -> Any:
        from workflows.calibration.poses import look_around

        return {}, look_around(joints, limits)

    return work


def all_poses(session: "CalibrationSession", joints: np.ndarray, limits: Any) -> Work:
    """Return a job that estimates the cameras roughly and proposes poses that they can see."""

    def work(token: Cancellation, report: Report) -> Any:
        from workflows.calibration.poses import propose_poses, rough_cameras

        rough = rough_cameras(session)
        return rough, propose_poses(rough, session.board, joints, limits)

    return work


def one_look(session: "CalibrationSession", robot: RobotClient, captures: Mapping[str, Capture]) -> Work:
    """Return a job that observes the board with the arm where it is."""

    def work(token: Cancellation, report: Report) -> Any:
        from workflows.calibration.drive import observe

        return observe(session, robot, captures, token=token)

    return work


def bench_look(session: "CalibrationSession", captures: Mapping[str, Capture]) -> Work:
    """Return a job that adds the bench's tags, as now visible, to the session."""

    def work(token: Cancellation, report: Report) -> "CalibrationSession":
        from cameras.calibration.board import BENCH_TAG_IDS
        from workflows.calibration.drive import see_bench

        return see_bench(session, captures, BENCH_TAG_IDS, token=token)

    return work


def drive_through(
    session: "CalibrationSession",
    poses: "Sequence[PoseProposal]",
    robot: RobotClient,
    captures: Mapping[str, Capture],
    *,
    start: int,
    speed: float,
    bench: bool,
    progress: "Callable[[DriveProgress], None]",
) -> Work:
    """Return a job that drives through the poses from `start` on, and returns the DriveResult.

    The arm moves. After the last pose, with `bench`, the bench's tags are observed.
    """

    def work(token: Cancellation, report: Report) -> "DriveResult":
        from workflows.calibration.drive import drive

        result = drive(session, poses, robot, captures, start=start, speed=speed, token=token, progress=progress)
        if result.finished and bench:
            report("Looking at the bench's tags", 1.0)
            result = replace(result, session=bench_look(result.session, captures)(token, report))
        return result

    return work

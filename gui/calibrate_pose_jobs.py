"""What the poses' step does beside the window: each a job's work, which imports the solver only when it runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cameras.capture import Capture
from gui.jobs import Work
from robot.client import RobotClient
from workflows.cancellation import Cancellation, Report

if TYPE_CHECKING:
    from workflows.calibrate import CalibrationSession
    from workflows.calibrate_drive import DriveProgress, DriveResult
    from workflows.calibrate_poses import PoseProposal


def first_poses(joints: np.ndarray, limits: Any) -> Work:
    """Gives what is known of the cameras, nothing, and some poses near the arm's `joints` (7,) rad."""

    def work(token: Cancellation, report: Report) -> Any:
        from workflows.calibrate_poses import look_around

        return {}, look_around(joints, limits)

    return work


def all_poses(session: "CalibrationSession", joints: np.ndarray, limits: Any) -> Work:
    """Gives the cameras as far as they are known, and poses that they will see."""

    def work(token: Cancellation, report: Report) -> Any:
        from workflows.calibrate_poses import propose_poses, rough_cameras

        rough = rough_cameras(session)
        return rough, propose_poses(rough, session.board, joints, limits)

    return work


def one_look(session: "CalibrationSession", robot: RobotClient, captures: Mapping[str, Capture]) -> Work:
    """Gives what the cameras see of the board where the arm stands now."""

    def work(token: Cancellation, report: Report) -> Any:
        from workflows.calibrate_drive import observe

        return observe(session, robot, captures, token=token)

    return work


def bench_look(session: "CalibrationSession", captures: Mapping[str, Capture]) -> Work:
    """Gives the session with the bench's tags as they are seen now."""

    def work(token: Cancellation, report: Report) -> "CalibrationSession":
        from cameras.board import BENCH_TAG_IDS
        from workflows.calibrate_drive import see_bench

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
    """The arm moves: from pose `start` on; at the end, with `bench`, its tags are looked at. Gives the DriveResult."""

    def work(token: Cancellation, report: Report) -> "DriveResult":
        from workflows.calibrate_drive import drive

        result = drive(session, poses, robot, captures, start=start, speed=speed, token=token, progress=progress)
        if result.finished and bench:
            report("Looking at the bench's tags", 1.0)
            result = replace(result, session=bench_look(result.session, captures)(token, report))
        return result

    return work

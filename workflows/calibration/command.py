"""The command `rehearse calibrate`: calibration on the embedded lab, as on the Calibrate screen, without a window."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from cameras.calibration.board import BENCH_TAG_IDS
from cameras.capture import Capture
from cameras.drivers.simulated import SimulatedCamera
from foundation.deadlines import PRODUCTION, Deadlines
from foundation.poses import pose
from robot.errors import RobotError
from robot.planning.collision import collision_check
from robot.service.client import RobotClient
from robot.state import ArmState
from simulation.bench.scene import SceneSpec
from simulation.client import LabProcess
from storage.library import Library
from workflows.calibration.calibrate import (
    CalibrationReport,
    CalibrationSession,
    CameraEntry,
    report_with_delays,
    solve,
)
from workflows.calibration.drive import DriveProgress, drive, see_bench
from workflows.calibration.lab import calibration_scene, true_errors
from workflows.calibration.observations import ArmAccuracy, CalibrationError
from workflows.calibration.poses import PoseProposal, look_around, propose_poses, rough_cameras
from workflows.calibration.store import save
from workflows.calibration.sweep import sweep
from workflows.cancellation import Report, silently
from workflows.unattended import heartbeat, make_ready

_FIRST_PICTURE = 60.0  # s
_RESUMES = 8  # of a run that the computer's other load interrupts
ROBOT_ERROR = (0.0005, float(np.deg2rad(0.1)))
"""m, rad per axis (standard deviation) injected into the arm's word with `robot_error`."""


@dataclass(frozen=True)
class Request:
    """Arguments of the command. `robot_error`: inject pose errors (ROBOT_ERROR) into the arm, as real ones have;
    `library`: where the calibration is saved, None: not at all."""

    seed: int = 0
    cameras: int = 3
    poses: int = 30
    robot_error: bool = False
    sweep: bool = True
    speed: float = 1.0
    library: Path | None = None
    size: tuple[int, int] = (640, 480)


@dataclass(frozen=True, eq=False)
class CalibratedLab:
    """A finished calibration of the lab, and the scene with the ground truth."""

    scene: SceneSpec
    session: CalibrationSession
    report: CalibrationReport


@dataclass(frozen=True)
class _Lab:
    scene: SceneSpec
    robot: RobotClient
    captures: Mapping[str, Capture]
    session: CalibrationSession


def calibrate(request: Request, report: Report = silently, *, deadlines: Deadlines = PRODUCTION) -> dict[str, Any]:
    """Start the lab, drive, solve, compare with the ground truth. Returns plain data for JSON. Raises KnownError."""
    began = time.monotonic()
    done = calibrate_lab(request, report, deadlines=deadlines)
    saved = None
    if request.library is not None:
        with Library(request.library) as library:
            saved = str(save(library, done.session, done.report))
    return {**result_of(done), "saved": saved, "seconds": round(time.monotonic() - began, 1)}


def calibrate_lab(request: Request, report: Report = silently, *, deadlines: Deadlines = PRODUCTION) -> CalibratedLab:
    """Calibrate the lab end to end: through its process, the SDK, the sockets, the cameras and the tag detector."""
    scene = calibration_scene(request.seed, request.cameras, request.size)
    report("Starting the lab", 0.0)
    collision_check(True, ())  # loads MuJoCo, which delays the heartbeat for a while, before anything moves
    with _running(scene, deadlines) as lab:
        session = _seen(lab, request, report)
        if request.robot_error:
            session = with_robot_error(session, request.seed)
        found = solve(session, report=lambda what, share: report(what, 0.85 + 0.1 * share))
        if request.sweep:
            session = _swept(lab, session, found, report)
            found = report_with_delays(found, session)
        return CalibratedLab(scene, session, found)


def as_text(result: dict[str, Any]) -> str:
    """Format the result as text."""
    lines = [result["sentence"], *result["advice"]]
    for each in result["cameras"]:
        delay = "" if each["delay_ms"] is None else f", {each['delay_ms']:.1f} ms late"
        lines.append(
            f"{each['name']}: held out {each['held_out_mm']:.2f} mm, {each['held_out_px']:.2f} px{delay}; true error "
            f"{each['true_position_mm']:.2f} mm, {each['true_rotation_deg']:.3f} deg"
        )
    lines.append(
        f"Against the simulation's truth: workspace {result['true_workspace_median_mm']:.2f} mm median, "
        f"{result['true_workspace_p95_mm']:.2f} mm at the 95th percentile."
    )
    return "\n".join(lines)


def with_robot_error(session: CalibrationSession, seed: int, factor: float = 1.0) -> CalibrationSession:
    """Return the session with the arm's reported poses off by ROBOT_ERROR times `factor`, drawn anew for each pose."""
    generator = np.random.default_rng([seed, 0xA5])
    changed = []
    for each in session.observations:
        turn = Rotation.from_rotvec(generator.normal(0.0, ROBOT_ERROR[1] * factor, 3)).as_matrix()
        error = pose(turn, generator.normal(0.0, ROBOT_ERROR[0] * factor, 3))
        changed.append(replace(each, base_from_tool=each.base_from_tool @ error))
    return replace(session, observations=tuple(changed))


@contextlib.contextmanager
def _running(scene: SceneSpec, deadlines: Deadlines) -> Iterator[_Lab]:
    """Run the lab until its arm is ready for motion and each camera has delivered its first frame."""
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(LabProcess(scene))
        robot = stack.enter_context(RobotClient(process.address, process.port, deadlines=deadlines))
        stack.enter_context(heartbeat(robot))
        captures = {}
        for spec in scene.cameras:
            camera = SimulatedCamera(process.frames, spec.name)
            captures[camera.identity] = stack.enter_context(Capture(camera, deadlines=deadlines))
        for capture in captures.values():
            capture.next_frame(_FIRST_PICTURE)
        make_ready(robot)
        entries = []
        for identity, capture in captures.items():
            lens = capture.driver.intrinsics
            assert lens is not None  # the lab provides its intrinsics
            entries.append(CameraEntry(identity, identity.partition(":")[2], lens))
        yield _Lab(scene, robot, captures, CalibrationSession(cameras=tuple(entries), arm=ArmAccuracy()))


def _seen(lab: _Lab, request: Request, report: Report) -> CalibrationSession:
    """Look around, choose the poses, visit them."""
    robot = lab.robot
    session = see_bench(lab.session, lab.captures, BENCH_TAG_IDS)
    status = robot.wait_for(ArmState.HOLDING)
    around = look_around(status.position, robot.limits)
    looked = _driven(lab, session, around, request.speed, report, (0.05, 0.15))
    rough = rough_cameras(looked)
    report(f"{len(rough)} of {len(session.cameras)} cameras have seen the board", 0.15)
    status = robot.wait_for(ArmState.HOLDING)
    poses = propose_poses(rough, session.board, status.position, robot.limits, count=request.poses)
    # The observations from looking around are discarded: the poses chosen now are better distributed.
    return _driven(lab, session, poses, request.speed, report, (0.15, 0.85))


def _driven(
    lab: _Lab,
    session: CalibrationSession,
    poses: Sequence[PoseProposal],
    speed: float,
    report: Report,
    shares: tuple[float, float],
) -> CalibrationSession:
    """Visit all poses; after a stop the arm is made ready again and resumes, as an operator would do it."""
    start, progress = 0, _telling(report, *shares)
    for _ in range(_RESUMES + 1):
        done = drive(session, poses, lab.robot, lab.captures, start=start, speed=speed, progress=progress)
        if done.finished:
            return done.session
        report(done.fault, 0.5)
        session, start = done.session, done.next_pose
        make_ready(lab.robot)
    raise CalibrationError(f"The arm was stopped {_RESUMES + 1} times. This computer is too busy for it; try later.")


def _swept(lab: _Lab, session: CalibrationSession, found: CalibrationReport, report: Report) -> CalibrationSession:
    """Return the session with the cameras' delays; the sweep is repeated after a stop."""
    for _ in range(_RESUMES + 1):
        try:
            return sweep(session, found, lab.robot, lab.captures, progress=lambda what: report(what, 0.95))
        except RobotError as error:
            report(str(error), 0.95)
            make_ready(lab.robot)
    raise CalibrationError("The sweep was stopped each time. This computer is too busy for it; try --no-sweep.")


def _telling(report: Report, begin: float, end: float) -> Callable[[DriveProgress], None]:
    def tell(progress: DriveProgress) -> None:
        share = begin + (end - begin) * progress.index / progress.total
        if progress.what == "looking":
            seen = len(progress.session.cameras) - len(progress.problems)
            report(f"Pose {progress.index + 1} of {progress.total}: {seen} cameras see the board", share)

    return tell


def result_of(done: CalibratedLab) -> dict[str, Any]:
    """Return plain data for JSON: the calibration's own figures, and its errors against the ground truth."""
    found, truth = done.report, true_errors(done.report, done.scene)
    return {
        "verdict": str(found.verdict),
        "sentence": found.sentence,
        "advice": list(found.advice),
        "poses": len(done.session.observations),
        "held_out_mm": found.held_out_mm,
        "held_out_worst_mm": found.held_out_worst_mm,
        "held_out_px": found.held_out_px,
        "half_split_mm": found.half_split_mm,
        "half_split_deg": found.half_split_deg,
        "expected_mm": found.expected_mm,
        "arm_error_mm": found.arm_error_mm,
        "arm_error_deg": found.arm_error_deg,
        "true_workspace_median_mm": float(np.median(truth.workspace_mm)),
        "arm_late_ms": truth.arm_late_ms if np.isfinite(truth.arm_late_ms) else None,
        "true_workspace_p95_mm": float(np.percentile(truth.workspace_mm, 95)),
        "dropped": [f"pose {each.pose + 1} {each.identity}: {each.reason}" for each in found.dropped],
        "cameras": [
            {
                "identity": each.identity,
                "name": each.name,
                "views": each.views,
                "held_out_mm": each.held_out_mm,
                "held_out_px": each.held_out_px,
                "half_split_mm": each.half_split_mm,
                "half_split_deg": each.half_split_deg,
                "base_from_camera": each.base_from_camera.tolist(),
                "delay_ms": None if each.delay is None else 1000 * each.delay.seconds,
                "true_position_mm": truth.position_mm[each.identity],
                "true_rotation_deg": truth.rotation_deg[each.identity],
                "true_delay_error_ms": truth.delay_ms.get(each.identity),
            }
            for each in found.cameras
        ],
    }

"""Planning and rehearsals: part of `rehearse benchmark window`. Planning alone first, then a lab with everything on."""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.checks import Check, say
from benchmarks.motion.plan_trials import plan_time, plan_violations
from foundation import xarm7
from foundation.poses import pose
from foundation.trajectory import Scene, View
from robot.limiter import LimiterSettings
from robot.planning.plan import Plan
from robot.planning.planner import PlanSettings, make_plan
from robot.planning.waypoints import Waypoint, joint_path
from robot.service.client import RobotClient
from robot.state import ArmState
from simulation.bench.judging import judge
from simulation.bench.randomise import scene_for
from simulation.bench.scene import COLOURS, SHAPES, SceneSpec
from simulation.bench.tasks import task_from_instruction
from workflows.cancellation import Cancellation, silently
from workflows.demonstration import demonstrate
from workflows.proposals.proposal import Proposal, proposal_from_trajectory
from workflows.proposals.sources import tool_motion
from workflows.rehearsal.rehearsal import DemonstratorSource, Rehearsal
from workflows.rehearsal.tracking import track
from workflows.session import Session
from workflows.settings import LabSettings, ProgramSettings
from workflows.unattended import heartbeat, make_ready

_FIRST_SEED = 200_000
_TASKS = ("reach the {thing}", "pick up the {thing}", "put the {thing} in the bowl")
_SERVO_JOINTS = 29


def measure_rehearsal(quick: bool) -> list[Check]:
    """Run every check of this part; `quick` takes a tenth of every count."""
    share = 10 if quick else 1
    return [
        plan_time(100 // share),
        *plan_violations(10_000 // share, 2_000 // share),
        *replays(50 // share),
        *in_the_lab(10 // share),
    ]


def replays(count: int) -> list[Check]:
    """Replay demonstrations by rendering, decoding, planning and running in virtual time; compare end and outcome."""
    say(f"replays: {count} demonstrations, drawn, read, planned and executed")
    near, done = 0, 0
    things = [f"{colour} {shape}" for colour in COLOURS for shape in SHAPES]
    for i in range(count):
        instruction = _TASKS[i % len(_TASKS)].format(thing=things[i % len(things)])
        apart_mm, success, words = replayed(instruction, _FIRST_SEED + i)
        near, done = near + (apart_mm <= 3.0), done + success
        if apart_mm > 3.0 or not success:
            say(f"seed {_FIRST_SEED + i}, {instruction}: ends {apart_mm:.1f} mm off; {words}")
    return [
        Check("replay_within_3mm_pct", 100.0 * near / count, "%", "= 100"),
        Check("replay_success_pct", 100.0 * done / count, "%", ">= 90"),
    ]


def replayed(instruction: str, seed: int) -> tuple[float, bool, str]:
    """Return a replay's distance (mm) from the demonstration's end, whether the task is done, and the reason."""
    scene = scene_for(instruction, seed)
    arm = demonstrate.VirtualLabArm(scene)
    arm.make_ready()
    start = arm.lab.world.truth()
    shown = tool_motion(demonstrate.plan(instruction, scene, start, arm.joints))
    proposed = proposal_from_trajectory(
        instruction, "replay", _unlit(scene, start.base_from_tool), shown, silently, Cancellation()
    )
    plan = make_plan(
        proposed.decoded.trajectory, arm.joints, start.openness, PlanSettings(), confidence=proposed.decoded.confidence
    )
    if not plan.executable:
        return 1e3, False, " ".join(finding.sentence for finding in plan.findings)
    arm.execute(plan)
    arm.run(0.3)
    now = arm.lab.world.truth()
    apart = float(np.linalg.norm(now.base_from_tool[:3, 3] - shown.base_from_tool[-1, :3, 3]))
    verdict = judge(task_from_instruction(instruction, scene), start, now)
    return 1000 * apart, verdict.success, verdict.reason


def _unlit(scene: SceneSpec, base_from_tool: np.ndarray) -> Scene:
    """Return the scene's true cameras with black images, where only their calibrations matter."""
    cameras = [spec.camera for spec in scene.cameras]
    views = (View(camera, np.zeros((camera.height, camera.width, 3), np.uint8), 0.0) for camera in cameras)
    return Scene(tuple(views), base_from_tool, 1.0)


def in_the_lab(count: int) -> list[Check]:
    """Measure in real time, through the robot process, the SDK and the cameras."""
    say("a lab in real time")
    instruction = "pick up the red cube"
    settings = ProgramSettings(lab=LabSettings(_FIRST_SEED + 3, 2, instruction))
    began = time.monotonic()
    with _opened(settings) as session, tempfile.TemporaryDirectory() as library:
        robot, lab = session.robot, session.lab
        assert robot is not None and lab is not None
        make_ready(robot)
        rehearsal = Rehearsal(session, operator="benchmark", library=Path(library))
        rehearsal.propose(instruction, DemonstratorSource(session))
        rehearsal.approve()
        rehearsal.run(1.0)
        rehearsal.wait()
        rehearsal.finish(lab.judge(instruction).success)
        end_to_end = time.monotonic() - began
        tracking = rehearsal.tracking
        say(f"whole run: {0 if tracking is None else tracking.error_p95_mm:.2f} mm (p95) off the plan")
        errors, waits = [], []
        for i in range(max(2, count)):
            waits.append(_approve_to_motion(session, Path(library), y=0.1 if i % 2 else -0.1))
            errors += _straight_at_100_mm_s(robot, 0.2 if i % 2 else -0.2)
    say(f"approve to motion: {np.round(1000 * np.array(waits)).astype(int).tolist()} ms")
    return [
        Check("approve_to_motion_ms", 1000 * float(np.median(waits)), "ms", "<= 300"),
        Check("tracking_error_p95_mm", float(np.percentile(errors, 95)), "mm", "<= 2"),
        Check("end_to_end_s", end_to_end, "s", "<= 30"),
    ]


class _Sideways:
    """Source that proposes to move the tool `y` m to the side."""

    name = "benchmark"

    def __init__(self, robot: RobotClient, y: float):
        self._robot, self._y = robot, y

    def propose(self, instruction, scene, report, token) -> Proposal:
        return proposal_from_trajectory(
            instruction, self.name, scene, tool_motion(_sideways(self._robot, self._y)), report, token
        )


def _sideways(robot: RobotClient, y: float):
    status = robot.wait_for(ArmState.HOLDING)
    here = xarm7.forward(status.position)
    goal = pose(here[:3, :3], here[:3, 3] + np.array([0.0, y, 0.0]))
    limits = LimiterSettings(tcp_speed=0.1 / 0.9)  # plans use 0.9 of it
    openness = status.openness or 0.0
    return joint_path([Waypoint(goal, openness)], status.position, openness=openness, settings=limits)


def _approve_to_motion(session: Session, library: Path, y: float) -> float:
    """Return the s from the press of Approve, Run following at once, to the first target at the arm's controller."""
    robot, lab = session.robot, session.lab
    assert robot is not None and lab is not None
    rehearsal = Rehearsal(session, operator="benchmark", library=library)
    rehearsal.propose("to the side", _Sideways(robot, y))
    pressed = time.monotonic()
    rehearsal.approve()
    rehearsal.run(1.0)
    rehearsal.wait()
    targets = lab.commands(_SERVO_JOINTS, since=pressed)
    return float(targets[0]["time"]) - pressed


def _straight_at_100_mm_s(robot: RobotClient, y: float) -> list[float]:
    """Return the tool's errors (mm) against the plan at the same time, while it moves at 100 mm/s."""
    plan = Plan.of_motion(_sideways(robot, y))
    staged = robot.stage(plan.to_bytes())
    robot.take_samples()
    robot.execute(staged.nonce)
    robot.wait_for(ArmState.HOLDING, timeout=30.0)
    return track(plan, robot.take_samples()).error_mm.tolist()


@contextlib.contextmanager
def _opened(settings: ProgramSettings) -> Iterator[Session]:
    session = Session(settings)
    try:
        session.open()
        robot = session.robot
        assert robot is not None, session.problems
        with heartbeat(robot):
            yield session
    finally:
        session.close()

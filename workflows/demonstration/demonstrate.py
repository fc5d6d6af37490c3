"""Scripted demonstrations in the embedded lab: in virtual time, or in real time through the SDK.

Both use the same chain: scene, plan, follower, limiter, wire, controller, physics. In virtual time the robot loop runs
as pure steps against the controller's command handler; in real time it is the robot process, the SDK and sockets.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cameras.capture import Capture
from cameras.drivers.simulated import SimulatedCamera
from cameras.errors import CameraError
from foundation import xarm7
from foundation.clocks import VirtualClock
from foundation.deadlines import PRODUCTION, Deadlines
from robot.control.loop import RobotLoop
from robot.errors import RobotError
from robot.limiter import PERIOD
from robot.planning.joint_trajectory import JointTrajectory
from robot.planning.plan import Plan
from robot.planning.waypoints import joint_path
from robot.service.client import RobotClient
from robot.state import ArmState
from simulation.bench.judging import Verdict, judge
from simulation.bench.randomise import scene_for
from simulation.bench.scene import SceneSpec
from simulation.bench.tasks import task_from_instruction
from simulation.bench.world import Truth
from simulation.client import LabProcess
from simulation.controller.link import VirtualLink
from simulation.lab import Lab
from simulation.pictures.rendering import SceneRenderer
from workflows.camera_watchdog import CameraWatchdog
from workflows.demonstration.demonstrator import waypoints
from workflows.unattended import heartbeat, make_ready
from workflows.video_grid import SideBySideVideo

_SETTLE = 0.2  # s between the end of the motion and the verdict: released objects come to rest
_FAULT_LASTS = 0.5  # s after which an arm that was stopped by a fault will not continue by itself


@dataclass(frozen=True)
class Outcome:
    """Result of a demonstration; `motion_s`: duration of the planned motion, `wall_s`: time it took to run."""

    instruction: str
    seed: int
    success: bool
    reason: str
    motion_s: float
    plan_ms: float
    wall_s: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def as_text(self) -> str:
        return f"{'Done' if self.success else 'Failed'}: {self.reason} ({self.motion_s:.1f} s of motion)"


def in_virtual_time(instruction: str, seed: int, *, video: Path | None = None) -> Outcome:
    """Run as fast as the machine can. Raises KnownError when the instruction or the motion is impossible."""
    scene = scene_for(instruction, seed)
    with contextlib.ExitStack() as stack:
        arm = VirtualLabArm(scene, _filming(stack, video, scene, _fps(scene)))
        arm.make_ready()
        start = arm.lab.world.truth()
        began = time.perf_counter()
        trajectory = plan(instruction, scene, start, arm.joints)
        plan_s = time.perf_counter() - began
        arm.follow(trajectory)
        arm.run(_SETTLE)
        verdict = judge(task_from_instruction(instruction, scene), start, arm.lab.world.truth())
        return _outcome(instruction, seed, verdict, trajectory, plan_s, time.perf_counter() - began)


def in_real_time(
    instruction: str, seed: int, *, video: Path | None = None, deadlines: Deadlines = PRODUCTION
) -> Outcome:
    """Run through the lab process, the robot process, the SDK and the sockets, with the cameras on."""
    scene = scene_for(instruction, seed)
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(LabProcess(scene))
        robot = stack.enter_context(RobotClient(lab.address, lab.port, deadlines=deadlines))
        stack.enter_context(heartbeat(robot))
        cameras = [SimulatedCamera(lab.frames, spec.name) for spec in scene.cameras]
        captures = {camera.name: stack.enter_context(Capture(camera, deadlines=deadlines)) for camera in cameras}
        make_ready(robot)
        joints = robot.wait_for(ArmState.HOLDING).position
        lab.begin()
        began = time.perf_counter()
        trajectory = plan(instruction, scene, lab.truth(), joints)
        plan_s = time.perf_counter() - began
        watch = stack.enter_context(CameraWatchdog(robot, captures))
        rate = cameras[0].fps or _fps(scene)  # the actual rate: this machine may render too slowly for the nominal one
        with _filmed(list(captures.values()), _filming(stack, video, scene, rate)):
            robot.execute(robot.stage(Plan.of_motion(trajectory).to_bytes()).nonce)
            ended = robot.wait_for(ArmState.HOLDING, ArmState.PAUSED, timeout=2.0 * trajectory.duration + 5.0)
            if ended.state is ArmState.PAUSED:
                raise RobotError(watch.reason)
            time.sleep(_SETTLE)
        verdict = lab.judge(instruction)
        return _outcome(instruction, seed, verdict, trajectory, plan_s, time.perf_counter() - began)


def plan(instruction: str, scene: SceneSpec, truth: Truth, joints: np.ndarray) -> JointTrajectory:
    """Plan the demonstrator's motion from joints (7,) rad. Raises KnownError naming what is impossible."""
    task = task_from_instruction(instruction, scene)
    return joint_path(waypoints(task, scene, truth), joints, openness=truth.openness)


class VirtualLabArm:
    """A lab and the robot loop that drives its arm, in one thread and one virtual time.

    `film` is called with the lab whenever a camera would capture a frame; `joints` (7,) rad: the arm's initial posture.
    """

    def __init__(self, scene: SceneSpec, film: Callable[[Lab], None] | None = None, joints: np.ndarray = xarm7.HOME):
        self.lab = Lab(scene, joints)
        self.clock = VirtualClock()
        self.loop = RobotLoop(VirtualLink(self.lab.controller), self.clock)
        self._film, self._frame_period = film, 1.0 / _fps(scene)
        self._next_frame = 0.0

    @property
    def joints(self) -> np.ndarray:
        """Measured joints (7,) rad."""
        assert self.loop.facts.joints is not None
        return self.loop.facts.joints.position

    def make_ready(self) -> None:
        """Enable the arm and make it ready for motion, with the same steps as an operator."""
        self.run(0.1)
        self.loop.enable()
        self.run(0.1)
        self.loop.arm_for_motion()
        self._run_until_holding(5.0)

    def follow(self, trajectory: JointTrajectory, speed: float = 1.0) -> None:
        """Follow the trajectory to its end, staged and approved here. Raises RobotError when it does not finish."""
        self.execute(Plan.of_motion(trajectory), speed)

    def execute(self, plan: Plan, speed: float = 1.0, passed: Callable[[float], None] | None = None) -> None:
        """Execute the plan to its end, staged and approved here. Raises RobotError if refused or not finished.

        `passed` is called after every step with the time (s) of the plan that the arm has reached.
        """
        self.loop.execute(self.loop.stage(plan.to_bytes()).nonce, speed)
        self._run_until_holding(2.0 * plan.motion.duration / speed + 5.0, passed)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / PERIOD)):
            self.step()

    def step(self) -> None:
        """Advance by one period of the robot loop, and the lab's cycles in it."""
        self.loop.heartbeat()
        self.loop.tick()
        self.clock.advance(PERIOD)
        self.lab.run_until(self.clock.now())
        if self._film is not None and self.clock.now() >= self._next_frame:
            self._next_frame += self._frame_period
            self._film(self.lab)

    def _run_until_holding(self, seconds: float, passed: Callable[[float], None] | None = None) -> None:
        ended = 0
        for _ in range(round(seconds / PERIOD)):
            self.step()
            if passed is not None and self.loop.moment is not None:
                passed(self.loop.moment)
            if self.loop.state is ArmState.HOLDING:
                return
            ended = ended + 1 if self.loop.state in (ArmState.ERROR, ArmState.STOPPED) else 0
            if ended * PERIOD >= _FAULT_LASTS:
                break
        facts = self.loop.facts
        raise RobotError(f"The arm is {facts.state} and did not finish. {facts.fault} {facts.limited}".strip())


@contextlib.contextmanager
def _filmed(captures: list[Capture], film: Callable[[list[np.ndarray]], None] | None) -> Iterator[None]:
    """Record what the cameras deliver meanwhile."""
    ended = threading.Event()

    def work() -> None:
        while film is not None and not ended.is_set():
            with contextlib.suppress(CameraError):  # missing frames are skipped
                film([capture.next_frame(1.0).rgb for capture in captures])

    thread = threading.Thread(target=work, name="film", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _filming(stack: contextlib.ExitStack, video: Path | None, scene: SceneSpec, fps: float) -> Callable | None:
    """Return the callback that records the lab (virtual time) or images (real time); None when no video is wanted."""
    if video is None:
        return None
    file = stack.enter_context(SideBySideVideo(video, fps))
    renderers: list[SceneRenderer] = []

    def film(shown: Lab | list[np.ndarray]) -> None:
        if isinstance(shown, Lab):
            if not renderers:
                renderers.append(SceneRenderer(shown.world))
                stack.callback(renderers[0].close)
            renderers[0].update(shown.world.snapshot())
            file.add([renderers[0].render(spec).rgb for spec in scene.cameras])
        else:
            file.add(shown)

    return film


def _fps(scene: SceneSpec) -> float:
    return scene.cameras[0].fps


def _outcome(
    instruction: str, seed: int, verdict: Verdict, trajectory: JointTrajectory, plan_s: float, wall_s: float
) -> Outcome:
    return Outcome(
        instruction,
        seed,
        verdict.success,
        verdict.reason,
        round(trajectory.duration, 3),
        round(1000 * plan_s, 1),
        round(wall_s, 2),
    )

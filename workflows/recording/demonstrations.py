"""Recording of the lab's scripted demonstrator: a new bench for every episode, success by the lab's judge."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from foundation import xarm7
from foundation.errors import KnownError
from robot.planning.joint_trajectory import JointTrajectory
from robot.planning.plan import Plan
from robot.planning.waypoints import joint_path
from robot.service.client import RobotClient
from robot.state import ArmState
from simulation.bench.randomise import random_scene, scene_for
from simulation.bench.tasks import task_from_instruction
from simulation.client import LabProcess
from simulation.errors import SimulationError
from workflows.cancellation import Cancellation, Report, silently
from workflows.demonstration.demonstrator import waypoints
from workflows.recording.recorder import Kept, Recorder, RecordError, RecordRequest
from workflows.session import NotConnectedError, Session

DEMONSTRATOR = "demonstrator"
LEAD = 0.3  # s recorded before and after the motion, as with an operator; released objects come to rest
_LOOK = 0.02  # s
_AT_HOME = 0.02  # rad
_OPEN_AFTER = 1.0  # s for the gripper to release
_NEW_PICTURES = 0.5  # s until every camera has delivered a frame of the new bench
_WELL_WITHIN = 10.0  # s: the lab's cameras stall while they load another bench
_MOST_IMPOSSIBLE = 10  # benches in a row; beyond that, the bench is not the cause


@dataclass(frozen=True)
class Demonstration:
    """One recorded demonstration: the bench's `seed`, and the `reason` of the judge's verdict."""

    kept: Kept
    seed: int
    reason: str


class ImpossibleError(KnownError):
    """This bench does not allow the motion; another may."""


def on_new_benches(
    one: Callable[[int], Demonstration], count: int, seed: int, report: Report = silently
) -> list[Demonstration]:
    """Call `one(seed)`, `one(seed + 1)`, ... until `count` succeeded; benches that raise ImpossibleError are skipped.

    Raises RecordError when ten benches in a row are impossible.
    """
    demonstrations: list[Demonstration] = []
    impossible = 0
    while len(demonstrations) < count:
        report(f"Demonstration {len(demonstrations) + 1} of {count}", len(demonstrations) / count)
        try:
            demonstrations.append(one(seed))
            impossible = 0
        except ImpossibleError as error:
            impossible += 1
            if impossible == _MOST_IMPOSSIBLE:
                raise RecordError(f"The demonstrator finds no way to do this: {error}") from error
        seed += 1
    report(f"{count} demonstrations recorded", 1.0)
    return demonstrations


class Demonstrations:
    """Does a task on one new bench after the other, and records each. The arm must be ready; the operator's one
    action that calls `record` authorises all of its motions."""

    def __init__(self, session: Session, recorder: Recorder):
        lab, robot = session.lab, session.robot
        if lab is None or robot is None:
            raise NotConnectedError("The scripted demonstrator needs the embedded lab. Choose it on the Set up screen.")
        self._lab: LabProcess = lab
        self._robot: RobotClient = robot
        self._cameras = session.settings.lab.cameras
        self._recorder = recorder

    def record(
        self,
        request: RecordRequest,
        count: int,
        *,
        seed: int = 0,
        report: Report = silently,
        token: Cancellation | None = None,
        done: Callable[[Demonstration], None] = lambda _: None,
    ) -> list[Demonstration]:
        """Record `count` episodes on the benches `seed`, `seed + 1`, ...; `done` is called with each.

        Benches on which the motion is impossible are skipped.

        Raises:
            KnownError: When the lab does not understand the instruction, and when the arm or the recording was stopped;
                the last recording can then still be kept.
        """
        token = token or Cancellation()

        def one(number: int) -> Demonstration:
            motion = self._prepare(request.instruction, number, token)
            demonstration = self._record_one(request, motion, number, token)
            done(demonstration)
            return demonstration

        return on_new_benches(one, count, seed, report)

    def new_bench(self, instruction: str, seed: int, token: Cancellation | None = None) -> None:
        """Drive the arm home and set up another bench, one that fits the instruction if the lab understands it."""
        token = token or Cancellation()
        try:
            scene = scene_for(instruction, seed, cameras=self._cameras)
        except SimulationError:
            scene = random_scene(seed, cameras=self._cameras)
        self._clear_the_bench(token)
        self._lab.set_scene(scene)
        self._until_all_is_well(token)

    # --- parts ---

    def _prepare(self, instruction: str, seed: int, token: Cancellation) -> JointTrajectory:
        """Set up a new bench with the arm over it, and return the motion to demonstrate."""
        scene = scene_for(instruction, seed, cameras=self._cameras)
        self._clear_the_bench(token)
        self._lab.set_scene(scene)
        self._until_all_is_well(token)
        task, truth = task_from_instruction(instruction, self._lab.scene), self._lab.truth()
        try:
            return joint_path(
                waypoints(task, self._lab.scene, truth),
                self._joints,
                openness=truth.openness,
                settings=self._robot.limits,
            )
        except KnownError as error:
            raise ImpossibleError(str(error)) from error

    def _clear_the_bench(self, token: Cancellation) -> None:
        """Open the gripper and move the arm home, clear of new objects; hand guiding is ended first."""
        status = self._robot.status
        if status is not None and status.state is ArmState.HAND_GUIDING:
            self._robot.release()
            self._until_it_holds(5.0, token)
        if status is not None and status.openness is not None and status.openness < 0.95:
            self._robot.move_gripper(1.0)
            token.wait(_OPEN_AFTER)
        if np.abs(self._joints - xarm7.HOME).max() > _AT_HOME:
            self._robot.home(1.0)
            self._until_it_holds(30.0, token)

    def _until_all_is_well(self, token: Cancellation) -> None:
        token.wait(_NEW_PICTURES)
        deadline = time.monotonic() + _WELL_WITHIN
        while self._recorder.trouble and time.monotonic() < deadline:  # otherwise reported by `start`
            token.wait(_LOOK)

    def _record_one(
        self, request: RecordRequest, motion: JointTrajectory, seed: int, token: Cancellation
    ) -> Demonstration:
        recorder = self._recorder
        recorder.start(request, token=token)
        try:
            self._lab.begin()
            token.wait(LEAD)
            self._robot.execute(self._robot.stage(Plan.of_motion(motion).to_bytes()).nonce)
            self._until_it_holds(2.0 * motion.duration + 5.0, token)
            token.wait(LEAD)
        finally:
            recorder.stop()
        if recorder.fault:
            raise RecordError(recorder.fault)
        verdict = self._lab.judge(request.instruction)
        return Demonstration(recorder.keep(verdict.success, verdict.reason), seed, verdict.reason)

    @property
    def _joints(self) -> np.ndarray:
        status = self._robot.status
        if status is None or not np.isfinite(status.position).all():
            raise NotConnectedError("The arm does not say where it is. Connect it again.")
        return status.position

    def _until_it_holds(self, seconds: float, token: Cancellation) -> None:
        """Wait until the motion has ended without a fault. A cancellation stops the arm."""
        deadline = time.monotonic() + seconds
        moving = (ArmState.FOLLOWING, ArmState.PREPARING)
        while True:
            status = self._robot.settled_status
            state = ArmState.FOLLOWING if status is None else status.state
            if state is ArmState.HOLDING:
                return
            if token.cancelled or time.monotonic() > deadline:
                self._robot.stop()
                token.raise_if_cancelled()
            if state not in moving or self._recorder.fault:
                fault = self._recorder.fault or (status.fault if status is not None else "")
                raise RecordError(fault or f"The arm is {state}: the demonstration was not finished.")
            if time.monotonic() > deadline:
                raise RecordError("The arm did not finish the demonstration in time, and was stopped.")
            time.sleep(_LOOK)

"""One trial of an answer: planned, executed by the simulated arm in virtual time, judged by the task's checker."""

import re
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from foundation.trajectory import Trajectory
from robot.errors import RobotError
from robot.planning.findings import Level
from robot.planning.joint_trajectory import JointTrajectory
from robot.planning.plan import Plan
from robot.planning.planner import PlanSettings, make_plan
from simulation.bench.grasps import middle_of
from simulation.bench.judging import judge
from simulation.bench.scene import SceneSpec
from simulation.bench.tasks import Task
from simulation.bench.world import Truth
from simulation.errors import SimulationError
from workflows.demonstration.demonstrate import VirtualLabArm
from workflows.embedded.clips import Clip
from workflows.evaluation.policies import Answer

_GRIPPER_WORKS = 1.5  # s after the last command, in which the gripper reaches its target
_SAME = 1e-6  # rad
_SETTLE = 0.3  # s between the end of the motion and the verdict: released objects come to rest


class Ending(StrEnum):
    """Result of a trial; all but the first are failures."""

    DONE = "done"
    UNREADABLE = "not readable"  # nothing could be decoded from the action images
    REFUSED = "refused by planning"
    STOPPED = "stopped on the way"  # by the limiter or the controller
    WRONG_THING = "wrong thing"  # executed, but at another object than the one named
    MISSED = "missed"  # executed at the right object, without success


@dataclass(frozen=True, slots=True)
class Trial:
    """`reason` is a sentence, `finding` the kind of refusal ('' without); `tool_error_mm`: distance between the
    tool's final position and the demonstrator's, NaN when no frame is known; `named`: whether the tool went to the
    named object, None if there is only one object."""

    seed: int
    kind: str
    ending: Ending
    reason: str
    finding: str
    tool_error_mm: float
    named: bool | None

    @property
    def success(self) -> bool:
        return self.ending is Ending.DONE


@dataclass(frozen=True, eq=False)
class Attempt:
    """An answer with all that its trial needs: the bench, the arm's joints, and the final position (3,) m of the
    demonstrator's tool. Serialisable, so that it can be tried in another process."""

    seed: int
    task: Task
    scene: SceneSpec
    joints: np.ndarray
    wanted_end: np.ndarray
    answer: Answer

    def to_dict(self) -> dict[str, Any]:
        """Return plain values and arrays; `Attempt.from_dict` reads them."""
        motion = self.answer.trajectory
        names = ("times", "base_from_tool", "openness")
        return {
            "seed": self.seed,
            "task": asdict(self.task),
            "scene": self.scene.to_dict(),
            "joints": self.joints,
            "wanted_end": self.wanted_end,
            "trajectory": None if motion is None else {name: getattr(motion, name) for name in names},
            "confidence": self.answer.confidence,
            "reason": self.answer.reason,
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Attempt":
        motion = values["trajectory"]
        answer = Answer(None if motion is None else Trajectory(**motion), values["confidence"], values["reason"])
        task, scene = Task(**values["task"]), SceneSpec.from_dict(values["scene"])
        return Attempt(values["seed"], task, scene, values["joints"], values["wanted_end"], answer)


def attempt_of(clip: Clip, answer: Answer) -> Attempt:
    """Return the attempt that tests this answer to this clip."""
    end = clip.trajectory.base_from_tool[-1, :3, 3]
    return Attempt(clip.seed, clip.task, clip.scene, clip.joints, end, answer)


def run_trial(attempt: Attempt) -> Trial:
    """Plan, execute and judge one answer."""
    proposed = attempt.answer.trajectory
    if proposed is None or not proposed.known.any():
        return _trial(attempt, Ending.UNREADABLE, attempt.answer.reason or "No frame could be read.", None)
    arm = VirtualLabArm(attempt.scene, joints=attempt.joints)
    arm.make_ready()
    start = arm.lab.world.truth()
    named = reaches_the_named_object(attempt, proposed, start)
    confidence = attempt.answer.confidence
    plan = make_plan(proposed, arm.joints, start.openness, PlanSettings(), confidence=confidence)
    if not plan.executable:
        return _trial(attempt, Ending.REFUSED, refusal(plan), named, finding=kind_of(refusal(plan)))
    try:
        arm.execute(without_waiting(plan))
        arm.run(_SETTLE)
    except (RobotError, SimulationError) as error:
        return _trial(attempt, Ending.STOPPED, str(error), named)
    now = arm.lab.world.truth()
    verdict = judge(attempt.task, start, now)
    failed = Ending.WRONG_THING if named is False else Ending.MISSED
    ending = Ending.DONE if verdict.success else failed
    return _trial(attempt, ending, verdict.reason, named, ended=now.base_from_tool[:3, 3])


def reaches_the_named_object(attempt: Attempt, proposed: Trajectory, start: Truth) -> bool | None:
    """Return whether, of all loose objects, the motion comes nearest to the named one; None with fewer than two, or
    when no loose object was named."""
    names = [thing.name for thing in attempt.scene.objects]
    if len(names) < 2 or attempt.task.thing not in names:
        return None
    tool = proposed.base_from_tool[proposed.known][:, :3, 3]
    middles = np.stack([middle_of(name, start) for name in names])
    nearest = np.linalg.norm(tool[:, None] - middles, axis=-1).min(axis=0)
    return names[int(np.argmin(nearest))] == attempt.task.thing


def without_waiting(plan: Plan) -> Plan:
    """Trim the stationary end of a plan, which changes nothing any more and need not be simulated."""
    motion = plan.motion
    apart = (np.abs(motion.position - motion.position[-1]) > _SAME).any(axis=1) | (
        motion.openness != motion.openness[-1]
    )
    if not apart.any():
        return plan
    last = float(motion.times[np.flatnonzero(apart)[-1]]) + _GRIPPER_WORKS
    kept = motion.times <= last
    shorter = JointTrajectory(motion.times[kept], motion.position[kept], motion.openness[kept])
    return replace(plan, motion=shorter, frame_moments=np.minimum(plan.frame_moments, shorter.duration))


def kind_of(sentence: str) -> str:
    """Return a finding's sentence without its numbers, so that equal ones can be counted."""
    return re.sub(r"\d+(\.\d+)?", "#", sentence)


def refusal(plan: Plan) -> str:
    """Return the first sentence that forbids the plan; StopIteration when none does."""
    return next(finding.sentence for finding in plan.findings if finding.level is Level.REFUSAL)


def _trial(
    attempt: Attempt,
    ending: Ending,
    reason: str,
    named: bool | None,
    *,
    finding: str = "",
    ended: np.ndarray | None = None,
) -> Trial:
    """Return the trial; if nothing was executed, the proposed motion's last known frame counts as the tool's end."""
    proposed = attempt.answer.trajectory
    if ended is None and proposed is not None and proposed.known.any():
        ended = proposed.base_from_tool[np.flatnonzero(proposed.known)[-1], :3, 3]
    error = float("nan") if ended is None else 1000.0 * float(np.linalg.norm(ended - attempt.wanted_end))
    return Trial(attempt.seed, attempt.task.kind, ending, reason, finding, error, named)

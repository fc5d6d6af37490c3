"""Real-time evaluation: lab process, cameras, robot process and SDK, as an operator would see it."""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from robot.errors import RobotError
from robot.planning.planner import PlanSettings, make_plan
from robot.state import ArmState
from simulation.bench.judging import Verdict
from simulation.bench.randomise import random_scene
from simulation.bench.tasks import Task, possible_tasks
from workflows.evaluation.model_policy import answered
from workflows.evaluation.trial import Ending, Trial, kind_of, refusal
from workflows.proposals.model_source import cropped, window
from workflows.session import NotConnectedError, Session
from workflows.settings import LabSettings, ProgramSettings
from workflows.unattended import heartbeat, make_ready

_SETTLE = 0.3  # s between the end of the motion and the lab's verdict


def evaluate_in_real_time(
    pipeline: Any,
    kinds: Sequence[str],
    first_seed: int,
    count: int,
    told: Callable[[str], None],
    *,
    mode: str,
    steps: int | None,
) -> list[Trial]:
    """Run `count` scenes of each kind, each in a lab of its own. Raises KnownError when the lab does not start."""
    trials = []
    for kind in kinds:
        for seed in range(first_seed, first_seed + count):
            task = _task(kind, seed)
            with contextlib.ExitStack() as stack:
                trials.append(_trial(pipeline, task, seed, mode, steps, stack))
            told(f"{task.instruction}, seed {seed}: {trials[-1].ending}. {trials[-1].reason}")
    return trials


def _task(kind: str, seed: int) -> Task:
    """Return the first task of this kind on the bench of this seed."""
    return next(task for task in possible_tasks(random_scene(seed, kind)) if task.kind == kind)


def _trial(pipeline: Any, task: Task, seed: int, mode: str, steps: int | None, stack: contextlib.ExitStack) -> Trial:
    session = Session(ProgramSettings(lab=LabSettings(seed, 2, task.instruction)))
    stack.callback(session.close)
    session.open()
    robot, lab = session.robot, session.lab
    if robot is None or lab is None:
        raise NotConnectedError(session.problems.get("arm", "The lab did not start."))
    stack.enter_context(heartbeat(robot))
    make_ready(robot)
    status = robot.wait_for(ArmState.HOLDING)
    scene = session.take_scene()
    windows = [window(camera, pipeline.config) for camera in scene.cameras]
    answer = answered(pipeline, task.instruction, cropped(scene, windows), seed, mode, steps=steps)
    if answer.trajectory is None or not answer.trajectory.known.any():
        return _ended(seed, task, Ending.UNREADABLE, answer.reason)
    limits = PlanSettings(limits=robot.limits)
    plan = make_plan(answer.trajectory, status.position, scene.openness, limits, confidence=answer.confidence)
    if not plan.executable:
        return _ended(seed, task, Ending.REFUSED, refusal(plan), finding=kind_of(refusal(plan)))
    lab.begin()
    try:
        robot.execute(robot.stage(plan.to_bytes()).nonce)
        robot.wait_for(ArmState.HOLDING, timeout=2.0 * plan.motion.duration + 5.0)
    except RobotError as error:
        return _ended(seed, task, Ending.STOPPED, str(error))
    time.sleep(_SETTLE)
    verdict: Verdict = lab.judge(task.instruction)
    return _ended(seed, task, Ending.DONE if verdict.success else Ending.MISSED, verdict.reason)


def _ended(seed: int, task: Task, ending: Ending, reason: str, finding: str = "") -> Trial:
    """Return a trial without tool error, as the demonstrator's motion is not known here."""
    return Trial(seed, task.kind, ending, reason, finding, float("nan"), None)

"""From an instruction to an outcome by the model: `rehearse benchmark rehearse`. Virtual time where possible."""

import contextlib
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.checks import Check, say
from benchmarks.motion.approval_attacks import ATTACKS, bypasses
from benchmarks.window.virtual_screen import virtual_screen
from foundation.errors import KnownError
from foundation.processes import RoleProcess
from foundation.trajectory import Scene, View
from model.checkpoints.default_weights import embedded_weights
from model.service.client import ModelProcess
from robot.planning.planner import PlanSettings, make_plan
from simulation.bench.judging import judge
from simulation.pictures.studio import Studio
from workflows.cancellation import Cancellation, silently
from workflows.demonstration.demonstrate import VirtualLabArm
from workflows.embedded.clips import Clip
from workflows.evaluation.evaluate import EvaluationError
from workflows.evaluation.model_policy import ModelPolicy, load_model
from workflows.evaluation.policies import Answer, Policy
from workflows.evaluation.questions import divided, kinds_named, questions, studio
from workflows.evaluation.trial import attempt_of, run_trial, without_waiting
from workflows.evaluation.trials import TrialRunner
from workflows.proposals.model_source import GenerationSettings, ModelSource
from workflows.proposals.proposal import Proposal, Source
from workflows.proposals.receding_horizon import RecedingHorizonSource

_FIRST_SEED = 200_000
_CANDIDATES = 4
_PUSHED = 0.05  # m, to the side, while the motion is under way
_LATER_LOOK = 1.0  # s of settling before the next observation
_TASKS = ("reach", "pick", "place", "push", "drawer", "lid")  # each of `scenes`, divided among its kinds
_KINDS = ("reach", "pick up", "place")  # of the pairs
_WINDOW_WITHIN = 900.0  # s


@dataclass(frozen=True)
class Counts:
    """Size of the measurement.

    `scenes` of each task, `pairs` of scenes done twice, `timed` requests, and `seconds` of the window.
    """

    scenes: int = 200
    pairs: int = 60
    timed: int = 11
    seconds: float = 15.0


QUICK = Counts(20, 21, 5, 4.0)


def measure(quick: bool) -> list[Check]:
    """Run every check; `quick` takes a tenth of the scenes. Raises EvaluationError without weights."""
    return measured(QUICK if quick else Counts())


def measured(counts: Counts) -> list[Check]:
    """Run every check; the time of each part and of a scene is printed to standard error."""
    folder = embedded_weights()
    if folder is None:
        raise EvaluationError("The program came without the embedded model's weights: there is nothing to measure.")
    with _told("approval", len(ATTACKS)):
        found, through = bypasses()
    for name in through:
        say(f"the arm moved: {name}")
    checks = [Check("approval_bypasses", float(found), f"of {len(ATTACKS)}", "= 0")]
    with ModelProcess(folder) as process, studio() as drawn, TrialRunner(os.cpu_count() or 1, say) as court:
        with _told("scenes drawn", len(_TASKS) * counts.scenes + counts.pairs):
            clips = {task: _asked(drawn, task, counts.scenes) for task in _TASKS}
            each = -(-counts.pairs // len(_KINDS))
            some = [clip for kind in _KINDS for clip in questions(drawn, kind, _FIRST_SEED, each)]
        process.load()
        with _told("preview", counts.timed):
            checks += [preview_s(process, drawn, some[: counts.timed])]
        with _told("the model, loaded once more", 1):
            asked_model = ModelPolicy(load_model(folder))
        for task, asked in clips.items():
            with _told(f"outcomes, {task}", len(asked)):
                checks += [outcome_pct(court, _Program(process, drawn), asked_model, task, asked)]
        with _told("closed loop", len(some)):
            checks += [closed_loop_gain(process, drawn, some)]
        with _told("candidates", len(some)):
            checks += [ranking_gain(process, drawn, some)]
        with _told("killed and asked again", 1):
            checks += [recover_s(process, drawn, some[0])]
    with _told("the window", 1):
        return [*checks, gui_fps(counts.seconds)]


@contextlib.contextmanager
def _told(part: str, scenes: int) -> Iterator[None]:
    """Print how long a part takes, by wall clock and this process's processor time (the model's is beside it).

    This gives an estimate of the cost of the full counts.
    """
    began, worked = time.monotonic(), time.process_time()
    yield
    passed, work = time.monotonic() - began, time.process_time() - worked
    scenes = max(scenes, 1)
    say(f"{part}: {passed:.1f} s; for each of {scenes} {passed / scenes:.2f} s, processor {work / scenes:.2f} s")


def preview_s(process: ModelProcess, drawn: Studio, clips: Sequence[Clip]) -> Check:
    """Time from the instruction to a watchable motion, the motion alone, with a warm model."""
    source, times = ModelSource(process, GenerationSettings(mode="policy", seed=0)), []
    for clip in (clips[0], *clips):
        scene = seen(drawn, clip)
        began = time.perf_counter()
        _planned(source, clip, scene, clip.joints)
        times.append(time.perf_counter() - began)
    return Check("instruction_to_preview_s", statistics.median(times[1:]), "s", "<= 2")


@dataclass(frozen=True, eq=False)
class _Program:
    """Policy of the whole program: the bench in the lab's own cameras, and the model process."""

    process: ModelProcess
    drawn: Studio
    name: str = "the program"

    def answer(self, clips: Sequence[Clip]) -> list[Answer]:
        source = ModelSource(self.process, GenerationSettings(mode="policy", seed=0))
        return [_answer(source, clip, seen(self.drawn, clip)) for clip in clips]


def outcome_pct(court: TrialRunner, program: Policy, model: Policy, task: str, asked: Sequence[Clip]) -> Check:
    """Measure success of whole rehearsals, beside the model alone in the same scenes: the program loses nothing."""
    done, own = (
        100.0 * sum(trial.success for trial in court.judge(judged, asked, task)) / len(asked)
        for judged in (program, model)
    )
    return Check(f"instruction_to_outcome_success_pct_{task}", done, "%", f">= {own - 3.0:.1f}")


def _asked(drawn: Studio, task: str, scenes: int) -> list[Clip]:
    """Return that many scenes of a task, divided evenly among its kinds."""
    shares = divided(scenes, kinds_named(task)).items()
    return [clip for kind, count in shares for clip in questions(drawn, kind, _FIRST_SEED, count)]


def closed_loop_gain(process: ModelProcess, drawn: Studio, clips: Sequence[Clip]) -> Check:
    """Move the object by 5 cm after the first observation: successes with a second one half way, less those without."""
    source = ModelSource(process, GenerationSettings(mode="policy", seed=0))
    open_, closed = (
        sum(_with_a_push(source, drawn, clip, parts=parts) for clip in clips) / len(clips) for parts in (1, 2)
    )
    say(f"open {100 * open_:.0f} %, closed {100 * closed:.0f} %")
    return Check("closed_loop_gain_points", 100.0 * (closed - open_), "points", ">= 30")


def ranking_gain(process: ModelProcess, drawn: Studio, clips: Sequence[Clip]) -> Check:
    """Compare the successes of the candidate ranked best of four with those of the first one drawn."""
    source, gain = ModelSource(process, GenerationSettings(mode="policy", candidates=_CANDIDATES, seed=0)), 0
    for clip in clips:
        try:
            best = source.propose(clip.instruction, seen(drawn, clip), silently, Cancellation())
        except KnownError:
            continue
        first = min((best, *best.others), key=lambda each: each.made_by.seed if each.made_by else 0)
        results = [run_trial(attempt_of(clip, _read(each))).success for each in (best, first)]
        gain += int(results[0]) - int(results[1])
    return Check("candidate_ranking_gain_points", 100.0 * gain / len(clips), "points", ">= 0")


def recover_s(process: ModelProcess, drawn: Studio, clip: Clip) -> Check:
    """Time from kill -9 of the model process to its next answer."""
    scene, source = seen(drawn, clip), ModelSource(process)
    source.propose(clip.instruction, scene, silently, Cancellation())
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    began = time.perf_counter()
    for _ in range(2):  # the first request may meet the process that has just died
        try:
            source.propose(clip.instruction, scene, silently, Cancellation())
            break
        except KnownError:
            continue
    return Check("model_kill_recover_s", time.perf_counter() - began, "s", "<= 30")


def gui_fps(seconds: float) -> Check:
    """Measure the frame rate of the window while the model works; see `benchmarks.window.window_process`."""
    with virtual_screen(), tempfile.TemporaryDirectory() as folder:
        settings = {
            "settings_file": f"{folder}/settings.json",
            "logs": f"{folder}/logs",
            "seconds": seconds,
            "began": time.monotonic(),
            "generating": True,
        }
        process = RoleProcess("window", settings, timeout=_WINDOW_WITHIN)
        process.close()
        return Check("gui_fps", float(process.ready["generating_fps"]), "Hz", ">= 15")


def seen(drawn: Studio, clip: Clip) -> Scene:
    """Return the initial bench in the lab's own cameras."""
    arm = VirtualLabArm(clip.scene, joints=clip.joints)
    return _look(drawn, arm, clip)


def _look(drawn: Studio, arm: VirtualLabArm, clip: Clip) -> Scene:
    truth = arm.lab.world.truth()
    joints = clip.joints if arm.loop.facts.joints is None else arm.joints
    drawn.show(truth, clip.scene, joints, clip.look)
    views = tuple(View(spec.camera, drawn.draw(spec.camera), 0.0) for spec in clip.scene.cameras)
    return Scene(views, truth.base_from_tool, truth.openness, joints)


def _planned(source: Source, clip: Clip, scene: Scene, joints: np.ndarray):
    proposal = source.propose(clip.instruction, scene, silently, Cancellation())
    read = proposal.decoded
    return make_plan(read.trajectory, joints, scene.openness, PlanSettings(), confidence=read.confidence)


def _answer(source: Source, clip: Clip, scene: Scene) -> Answer:
    try:
        return _read(source.propose(clip.instruction, scene, silently, Cancellation()))
    except KnownError as error:
        return Answer(None, reason=str(error))


def _read(proposal: Proposal) -> Answer:
    doubt = "" if proposal.made_by is None else proposal.made_by.doubt
    return Answer(proposal.decoded.trajectory, proposal.decoded.confidence, doubt)


def _with_a_push(source: Source, drawn: Studio, clip: Clip, *, parts: int) -> bool:
    """Do one task in `parts` parts; its object is moved by 5 cm as soon as the first observation was made."""
    arm = VirtualLabArm(clip.scene, joints=clip.joints)
    arm.make_ready()
    pushed = False
    start = arm.lab.world.truth()
    for number in range(1, parts + 1):
        scene = _look(drawn, arm, clip)
        if not pushed and clip.task.thing in start.poses:
            place = start.poses[clip.task.thing][:3, 3] + np.array([0.0, _PUSHED, 0.0])
            arm.lab.world.place(clip.task.thing, place)
            arm.run(_LATER_LOOK)
            start, pushed = arm.lab.world.truth(), True
        try:
            plan = _planned(RecedingHorizonSource(source, number, parts), clip, scene, arm.joints)
            if not plan.executable:
                return False
            arm.execute(without_waiting(plan) if number == parts else plan)
        except KnownError:
            return False
    arm.run(_LATER_LOOK)
    return judge(clip.task, start, arm.lab.world.truth()).success

"""Planning in thousands of trials: its time, and whether any plan it passes makes the arm's controller refuse."""

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from benchmarks.checks import Check, say
from benchmarks.motion.plan_trial import KINDS, proposal
from foundation import xarm7
from foundation.arm import Mode
from robot.control.follower import Follower
from robot.limiter import PERIOD, Limiter, LimiterSettings
from robot.planning.plan import Plan
from robot.planning.planner import make_plan
from simulation.controller.controller import TICK, Controller
from simulation.controller.link import VirtualLink
from simulation.controller.plant import IdealArm
from simulation.controller.settings import gripper_settings

FORBIDDEN = (22, 23, 24, 31, 35, 60)  # the controller's errors that a plan must never cause
_LONGEST_RUN = 30.0  # s of motion that is run in virtual time
_CHUNK = 50  # proposals handed to a process at once


def plan_time(count: int) -> Check:
    """Time good proposals of 41 frames, one after the other in one thread."""
    say("plan time")
    taken = []
    for i in range(count):
        _, proposed, confidence = proposal(i * len(KINDS))  # the first kind: what a good model proposes
        began = time.perf_counter()
        make_plan(proposed, xarm7.HOME, 1.0, confidence=confidence)
        taken.append(1000 * (time.perf_counter() - began))
    say(f"plan: longest {max(taken):.0f} ms")
    return Check("plan_ms", float(np.median(taken)), "ms", "<= 150")


@dataclass
class Tried:
    """Counts over some proposals; `words` describe the failures.

    `raised` exceptions, `passed` plans without a refusal, of which `run` were run; `broken` ended in one of FORBIDDEN,
    `limited` were held back by the limiter.
    """

    planned: int = 0
    raised: int = 0
    passed: int = 0
    run: int = 0
    broken: int = 0
    limited: int = 0
    words: tuple[str, ...] = ()

    def __add__(self, other: "Tried") -> "Tried":
        return Tried(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def plan_violations(planned: int, run: int) -> list[Check]:
    """Plan proposals of every kind, and run those that pass in virtual time, on all of the machine's cores."""
    say(f"violations: {planned} proposals planned, {run} of those that pass run in virtual time")
    done = Tried()
    starts = range(0, planned, _CHUNK)
    # About half of the proposals pass: each chunk runs its share of the number wanted, and half as many more.
    most = int(np.ceil(1.5 * run / len(starts)))
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        counts = [min(_CHUNK, planned - start) for start in starts]
        for i, tried in enumerate(pool.map(try_proposals, starts, counts, [most] * len(starts))):
            done += tried
            for words in tried.words:
                say(words)
            if i % 20 == 19:
                say(f"{done.planned} planned, {done.passed} passed, {done.run} run")
    return [
        Check("plan_exceptions", done.raised, "", "= 0"),
        Check("plan_violations", done.broken, "", "= 0"),
        Check("plan_limited", done.limited, "", "= 0"),
        Check("plans_run", done.run, "", f">= {run}"),
    ]


def try_proposals(first: int, count: int, most_run: int) -> Tried:
    """Plan the proposals of these seeds, and run at most `most_run` of the plans that pass."""
    tried, words = Tried(planned=count), []
    for seed in range(first, first + count):
        name, proposed, confidence = proposal(seed)
        try:
            plan = make_plan(proposed, xarm7.HOME, 1.0, confidence=confidence)
        except Exception as error:  # noqa: BLE001 - any exception at all is what is counted here
            words.append(f"seed {seed} ({name}): {type(error).__name__}: {error}")
            tried.raised += 1
            continue
        tried.passed += plan.executable
        if plan.executable and tried.run < most_run and plan.motion.duration <= _LONGEST_RUN:
            code, held = run_in_virtual_time(plan)
            tried.run, tried.limited = tried.run + 1, tried.limited + held
            tried.broken += code in FORBIDDEN
            if code or held:
                words.append(f"seed {seed} ({name}): controller error C{code}, held back: {held}")
    tried.words = tuple(words)
    return tried


def run_in_virtual_time(plan: Plan) -> tuple[int, bool]:
    """Return the simulated controller's error (0 none) after the motion, and whether the limiter held it back."""
    plant = IdealArm(xarm7.HOME)
    controller = Controller(plant, settings=gripper_settings())
    link = VirtualLink(controller)
    link.enable()
    link.set_mode(Mode.SERVO)
    link.set_ready()
    follower, limiter = Follower(plan.motion), Limiter(xarm7.HOME, LimiterSettings())
    held, ahead, last = False, 0.0, xarm7.HOME
    while not follower.finished:
        step = limiter.toward(follower.step().state)
        held = held or bool(step.reason)
        if not np.array_equal(step.state.position, last):
            link.servo_joints(step.state.position)
            last = step.state.position
        ahead += PERIOD
        while ahead > 0.5 * TICK:
            controller.tick()
            plant.step(TICK)
            ahead -= TICK
        error = link.read_status().error if round(follower.moment / PERIOD) % 20 == 0 else 0
        if error:
            return error, held
    return link.read_status().error, held

"""The loop's thread, its clock driving the simulated controller: reported status, and stops among presses."""

import math
import queue
import time
from dataclasses import replace

import numpy as np
import pytest

from foundation import xarm7
from foundation.clocks import VirtualClock
from foundation.deadlines import PRODUCTION
from robot.control.loop import RobotLoop
from robot.control.loop_settings import LoopSettings
from robot.control.loop_thread import Command, LoopThread
from robot.state import ArmState
from simulation.controller.controller import TICK, Controller
from simulation.controller.link import VirtualLink
from simulation.controller.plant import IdealArm
from simulation.controller.settings import gripper_settings

FORWARD = np.array([0.05, 0, 0, 0, 0, 0])


class ControllerClock(VirtualClock):
    """Clock whose time passes where the loop's thread waits, and there the controller works."""

    def __init__(self, controller: Controller, plant: IdealArm):
        super().__init__()
        self._controller, self._plant = controller, plant

    def sleep_until(self, moment: float) -> None:
        while self.now() < moment:
            self._controller.tick()
            self._plant.step(TICK)
            self.advance(TICK)


class WatchedLink(VirtualLink):
    """Link that notes the reported status while the controller is being asked for another mode."""

    told: list[ArmState]
    thread: LoopThread
    stop_in_between = False
    slept = 0.0  # s the computer was asleep

    def set_ready(self) -> None:
        self.told.append(self.thread.snapshot.facts.state)
        if self.stop_in_between:
            self.thread.note_stop(self.thread.stops + 1)
        super().set_ready()


@pytest.fixture
def link():
    plant = IdealArm(xarm7.HOME.copy())
    controller = Controller(plant, settings=gripper_settings())
    link = WatchedLink(controller)
    clock = ControllerClock(controller, plant)
    link.told = []
    loop = RobotLoop(link, clock, LoopSettings(deadlines=replace(PRODUCTION, heartbeat=1e9, heartbeat_at_rest=1e9)))
    link.thread = LoopThread(loop, clock, lambda: link.slept)
    link.thread.start()
    yield link
    link.thread.close()


def clock_of(link: WatchedLink) -> VirtualClock:
    clock = link.thread._clock
    assert isinstance(clock, VirtualClock)
    return clock


def do(thread: LoopThread, act, *, stops: int | None = None, given: float = math.inf) -> str:
    """Give one press and return its answer: '' or why not."""
    answers: queue.SimpleQueue[str] = queue.SimpleQueue()
    known = thread.stops if stops is None else stops
    thread.give(Command(act, lambda error, _: answers.put(error), known, given))
    return answers.get(timeout=10.0)


def wait_for(thread: LoopThread, state: ArmState) -> None:
    deadline = time.monotonic() + 10.0
    while thread.snapshot.facts.state is not state:
        assert time.monotonic() < deadline, f"{thread.snapshot.facts.state}, not {state}"
        time.sleep(0.001)


def make_ready(thread: LoopThread) -> None:
    wait_for(thread, ArmState.NOT_ENABLED)
    assert do(thread, RobotLoop.enable) == ""
    wait_for(thread, ArmState.NOT_READY)
    assert do(thread, RobotLoop.arm_for_motion) == ""
    wait_for(thread, ArmState.HOLDING)


def test_what_is_told_of_the_arm_is_the_end_of_a_turn(link):
    """Check that no intermediate state of a press is ever reported: it would make a window release its press."""
    make_ready(link.thread)
    link.told.clear()
    assert do(link.thread, lambda loop: loop.jog(FORWARD)) == ""
    assert link.told == [ArmState.HOLDING]
    assert link.thread.snapshot.done >= 2


def test_a_press_given_before_a_stop_is_refused(link):
    make_ready(link.thread)
    before = link.thread.stops
    link.thread.note_stop(before + 1)
    assert "Stop was pressed" in do(link.thread, lambda loop: loop.jog(FORWARD), stops=before)


def test_a_stop_in_the_middle_of_a_press_prevails(link):
    make_ready(link.thread)
    link.stop_in_between = True
    assert "Stop was pressed" in do(link.thread, lambda loop: loop.jog(FORWARD))
    link.stop_in_between = False
    wait_for(link.thread, ArmState.STOPPED)


def test_a_press_that_comes_too_late_is_refused(link):
    make_ready(link.thread)
    assert "too late" in do(link.thread, lambda loop: loop.jog(FORWARD), given=clock_of(link).now() - 10.0)
    assert do(link.thread, lambda loop: loop.jog(FORWARD), given=clock_of(link).now()) == ""


def test_nothing_is_done_for_a_window_that_has_gone(link):
    """Check the last messages of a closed window, which may still be read after its end was noticed."""
    make_ready(link.thread)
    link.thread.halt("The window has gone.")
    wait_for(link.thread, ArmState.STOPPED)
    for act in (RobotLoop.arm_for_motion, lambda loop: loop.jog(FORWARD)):
        assert "has gone" in do(link.thread, act)
    assert link.thread.snapshot.facts.state is ArmState.STOPPED


def test_a_computer_that_slept_stops_the_arm(link):
    make_ready(link.thread)
    link.slept += 0.5  # less than a sleep: two clocks are never read at once
    assert do(link.thread, lambda loop: loop.jog(FORWARD)) == ""
    link.slept += 3600.0
    wait_for(link.thread, ArmState.STOPPED)
    assert "asleep" in link.thread.snapshot.facts.fault
    assert do(link.thread, RobotLoop.arm_for_motion) == ""  # with a fresh press it continues
    wait_for(link.thread, ArmState.HOLDING)

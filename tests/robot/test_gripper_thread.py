"""The gripper's own thread: commands superseded by a stop are never sent."""

import threading

import numpy as np
import pytest

from foundation import xarm7
from robot.controller.gripper_thread import GripperThread
from simulation.controller.controller import Controller
from simulation.controller.link import VirtualLink
from simulation.controller.plant import IdealArm

pytestmark = pytest.mark.alone

WITHIN = 10.0  # s


class SlowLink(VirtualLink):
    """Link on which enabling reports that it has begun, and waits for permission to end."""

    def __init__(self):
        super().__init__(Controller(IdealArm(np.array(xarm7.HOME))))
        self.begun, self.may_end, self.looked = threading.Event(), threading.Event(), threading.Event()
        self.moves: list[float] = []

    def enable_gripper(self) -> None:
        self.begun.set()
        assert self.may_end.wait(WITHIN)
        super().enable_gripper()

    def move_gripper(self, pulse: float) -> None:
        self.moves.append(pulse)
        super().move_gripper(pulse)

    def read_gripper(self) -> float:
        self.looked.set()
        return super().read_gripper()


@pytest.mark.parametrize("stopped", [False, True])
def test_a_stop_while_the_gripper_is_being_enabled(stopped):
    link = SlowLink()
    gripper = GripperThread(link)
    try:
        with gripper._changed:  # both before the thread looks again
            gripper.enable_gripper()
            gripper.move_gripper(0.0)
        assert link.begun.wait(WITHIN)
        if stopped:
            gripper.forget()
        link.may_end.set()
        assert link.looked.wait(WITHIN)
    finally:
        link.may_end.set()
        gripper.close()
    assert gripper.fault == ""
    assert link.moves == ([] if stopped else [0.0])

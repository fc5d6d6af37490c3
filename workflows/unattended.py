"""The arm without a window: its heartbeat and its way to ready, for commands, benchmarks and tests."""

import contextlib
import threading
from collections.abc import Iterator

from robot.errors import LinkError
from robot.service.client import HEARTBEAT_PERIOD, RobotClient
from robot.state import ArmState

READY_WITHIN = 60.0  # s; a busy computer takes its time


@contextlib.contextmanager
def heartbeat(robot: RobotClient) -> Iterator[None]:
    """Send heartbeats from a thread, for commands without a window: the arm may move as long as this process lives."""
    ended = threading.Event()

    def beat() -> None:
        with contextlib.suppress(LinkError):  # the user of the robot client gets the same error
            while not ended.wait(HEARTBEAT_PERIOD):
                robot.heartbeat()

    heart = threading.Thread(target=beat, name="heart", daemon=True)
    heart.start()
    try:
        yield
    finally:
        ended.set()
        heart.join()


def make_ready(robot: RobotClient, timeout: float = READY_WITHIN) -> None:
    """Bring the arm from any state without an error to ready for motion, as an operator would.

    Raises RobotError when it does not come there within `timeout` s a step.
    """
    states = (ArmState.NOT_ENABLED, ArmState.NOT_READY, ArmState.STOPPED, ArmState.HOLDING)
    state = robot.wait_for(*states, timeout=timeout).state
    if state is ArmState.NOT_ENABLED:
        robot.enable()
        robot.wait_for(ArmState.NOT_READY, timeout=timeout)
    if state is not ArmState.HOLDING:
        robot.arm_for_motion()
        robot.wait_for(ArmState.HOLDING, timeout=timeout)

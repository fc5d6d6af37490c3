"""Embedded lab with small images for tests of rehearsals, with patience for a busy machine."""

import contextlib
import time
from collections.abc import Callable, Iterator

from foundation.errors import KnownError
from robot.service.client import RobotClient
from robot.state import ArmState
from workflows.demonstration.demonstrate import heartbeat
from workflows.rehearsal.rehearsal import DemonstratorSource, Rehearsal
from workflows.session import Session
from workflows.settings import LabSettings, ProgramSettings

# Legitimate messages and stops when the machine is too busy for a heartbeat, a frame or an answer.
TOO_BUSY = (
    *(
        "went silent",
        "held this program up",
        "does not answer",
        "did not answer",
        "does not say where it is",
        "came too late",
        "was stopped",
        "arm is stopped",
    ),
    *("too few pictures", "ms old", "is slow", "pictures were taken", "Paused:", "no longer good", "not holding"),
)


@contextlib.contextmanager
def lab_session(instruction: str = "pick up the red cube", seed: int = 200_003) -> Iterator[Session]:
    """Yield a connected session with a ready arm and a heartbeat."""
    lab = LabSettings(seed, 2, instruction, picture_px=(160, 120))
    session = Session(ProgramSettings(lab=lab, operator="Ada"))
    try:
        session.open()
        if session.robot is None:
            raise KnownError(f"{session.problems} does not answer")
        with heartbeat(session.robot):
            make_ready(session.robot)
            yield session
    finally:
        session.close()


def make_ready(robot: RobotClient) -> None:
    """Make the arm ready from any state, again when a busy machine stopped it meanwhile."""
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline:
        status = robot.wait_for(ArmState.NOT_ENABLED, ArmState.NOT_READY, ArmState.STOPPED, ArmState.HOLDING)
        if status.state is ArmState.HOLDING:
            return
        with contextlib.suppress(KnownError):
            robot.enable() if status.state is ArmState.NOT_ENABLED else robot.arm_for_motion()
        time.sleep(0.3)
    raise KnownError("The arm was stopped again and again.")


def undisturbed(act: Callable[[Session], None], times: int = 4) -> None:
    """Do `act` in a lab of its own; once more, in another, when the machine was too busy for it."""
    for attempt in range(times):
        try:
            with lab_session() as session:
                act(session)
                return
        except (KnownError, AssertionError) as error:
            if attempt == times - 1 or not any(words in str(error) for words in TOO_BUSY):
                raise


def proposed(rehearsal: Rehearsal, instruction: str = "reach the red cube") -> Rehearsal:
    rehearsal.propose(instruction, DemonstratorSource(rehearsal.session))
    return rehearsal


def run_to_its_end(rehearsal: Rehearsal) -> None:
    """Run the approved motion at full speed; raises the error that ended it early."""
    rehearsal.run(1.0)
    fault = rehearsal.wait().fault
    assert fault == "", fault

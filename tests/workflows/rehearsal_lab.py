"""The embedded lab with small pictures for tests of rehearsals, and patience with a busy machine's late pictures."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from cameras.errors import CameraError
from foundation.errors import KnownError
from robot.state import ArmState
from workflows.demonstrate import beating_heart
from workflows.rehearse import DemonstratorSource, Rehearsal
from workflows.session import Session
from workflows.settings import LabSettings, ProgramSettings

T = TypeVar("T")


@contextlib.contextmanager
def lab_session(instruction: str = "pick up the red cube", seed: int = 200_003) -> Iterator[Session]:
    """Connected, its arm enabled, a heart beating."""
    lab = LabSettings(seed, 2, instruction, picture_px=(160, 120))
    session = Session(ProgramSettings(lab=lab, operator="Ada"))
    try:
        session.open()
        assert session.robot is not None, session.problems
        with beating_heart(session.robot):
            session.robot.wait_for(ArmState.NOT_ENABLED)
            session.robot.enable()
            yield session
    finally:
        session.close()


def make_ready(session: Session) -> None:
    robot = session.robot
    assert robot is not None
    if robot.status is not None and robot.status.state is not ArmState.HOLDING:
        robot.arm_for_motion()
    robot.wait_for(ArmState.HOLDING)


def patiently(act: Callable[[], T], times: int = 8) -> T:
    """Again when a picture was too old, or seemed to show a change because it was of another moment."""
    for _ in range(times - 1):
        try:
            return act()
        except CameraError:
            time.sleep(0.3)
        except KnownError as error:
            if "pictures were taken" not in str(error) and "too old" not in str(error):
                raise
            time.sleep(0.3)
    return act()


def proposed(rehearsal: Rehearsal, instruction: str = "reach the red cube") -> Rehearsal:
    patiently(lambda: rehearsal.propose(instruction, DemonstratorSource(rehearsal.session)))
    return rehearsal


def approved(rehearsal: Rehearsal) -> Rehearsal:
    make_ready(rehearsal.session)
    patiently(rehearsal.approve)
    return rehearsal

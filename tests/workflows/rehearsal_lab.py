"""The embedded lab with small pictures for tests of rehearsals."""

import contextlib
from collections.abc import Iterator

from patience import PATIENT

from foundation.deadlines import Deadlines
from foundation.errors import KnownError
from workflows.rehearsal.rehearsal import DemonstratorSource, Rehearsal
from workflows.session import Session
from workflows.settings import LabSettings, ProgramSettings
from workflows.unattended import heartbeat, make_ready


@contextlib.contextmanager
def lab_session(
    instruction: str = "pick up the red cube", seed: int = 200_003, deadlines: Deadlines = PATIENT
) -> Iterator[Session]:
    """Yield a connected session with a ready arm and a heartbeat."""
    lab = LabSettings(seed, 2, instruction, picture_px=(160, 120))
    session = Session(ProgramSettings(lab=lab, operator="Ada"), deadlines=deadlines)
    try:
        session.open()
        if session.robot is None:
            raise KnownError(f"{session.problems} does not answer")
        with heartbeat(session.robot):
            make_ready(session.robot)
            yield session
    finally:
        session.close()


def proposed(rehearsal: Rehearsal, instruction: str = "reach the red cube") -> Rehearsal:
    rehearsal.propose(instruction, DemonstratorSource(rehearsal.session))
    return rehearsal


def run_to_its_end(rehearsal: Rehearsal) -> None:
    """Run the approved motion at full speed; raises the error that ended it early."""
    rehearsal.run(1.0)
    fault = rehearsal.wait().fault
    assert fault == "", fault

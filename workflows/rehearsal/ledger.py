"""One rehearsal's facts, changed and stored from one place; what proposes, approves and runs shares it."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from foundation.errors import KnownError
from robot.service.client import RobotClient
from workflows.rehearsal.facts import Facts, RehearsalState
from workflows.rehearsal.files import write_record
from workflows.session import NotConnectedError, Session


class RehearsalError(KnownError):
    """What was asked for does not fit the rehearsal's present state."""


class Ledger:
    """`facts` are replaced, never changed, under `lock`; `store` writes them where the rehearsal is kept.

    `library` None means the session's own.
    """

    def __init__(self, session: Session, operator: str, library: Path | None):
        self.session, self.operator = session, operator
        self.facts = Facts()
        self.lock = threading.RLock()
        self._library = library

    @property
    def state(self) -> RehearsalState:
        return self.facts.state

    @property
    def robot(self) -> RobotClient:
        """Raises NotConnectedError without one."""
        robot = self.session.robot
        if robot is None:
            raise NotConnectedError("The arm is not connected. Connect it first.")
        return robot

    @property
    def library_folder(self) -> Path:
        return self._library or self.session.library_folder

    def require(self, *states: RehearsalState) -> None:
        """Raises RehearsalError unless it is in one of these."""
        if self.state not in states:
            detail = f" {self.facts.revoked}" if self.facts.revoked else ""
            raise RehearsalError(f"This motion is {self.state}, not {' or '.join(states)}.{detail}")

    def change(self, **changes: Any) -> None:
        with self.lock:
            self.facts = replace(self.facts, **changes)

    def store(self, **coming: Any) -> None:
        """Write what is known now, where something is kept of it at all; `coming`: and what is about to be so."""
        facts = replace(self.facts, **coming)
        if facts.folder is not None:
            write_record(facts.folder, facts.record(self.session.settings))

    def timed(self, stage: str, act: Callable[[], Any]) -> Any:
        """What `act()` gives; how long it took is kept as this stage's."""
        began = time.perf_counter()
        result = act()
        self.facts.seconds[stage] = time.perf_counter() - began
        return result

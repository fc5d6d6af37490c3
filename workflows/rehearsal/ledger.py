"""The data of one rehearsal, changed and stored in one place; shared by proposing, approving and running."""

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
    """The request is not valid in the rehearsal's present state."""


class Ledger:
    """`facts` is immutable and replaced under `lock`; `store` writes it to the rehearsal's folder.

    `library` None: the session's own.
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
        """The session's robot client. Raises NotConnectedError without one."""
        robot = self.session.robot
        if robot is None:
            raise NotConnectedError("The arm is not connected. Connect it first.")
        return robot

    @property
    def library_folder(self) -> Path:
        return self._library or self.session.library_folder

    def require(self, *states: RehearsalState) -> None:
        """Raise RehearsalError unless the rehearsal is in one of these states."""
        if self.state not in states:
            detail = f" {self.facts.revoked}" if self.facts.revoked else ""
            raise RehearsalError(f"This motion is {self.state}, not {' or '.join(states)}.{detail}")

    def change(self, **changes: Any) -> None:
        with self.lock:
            self.facts = replace(self.facts, **changes)

    def store(self, **coming: Any) -> None:
        """Write the facts, if there is a folder for them; `coming`: changes written before they take effect."""
        facts = replace(self.facts, **coming)
        if facts.folder is not None:
            write_record(facts.folder, facts.record(self.session.settings))

    def timed(self, stage: str, act: Callable[[], Any]) -> Any:
        """Return the result of `act()`, and keep its duration as that of `stage`."""
        began = time.perf_counter()
        result = act()
        self.facts.seconds[stage] = time.perf_counter() - began
        return result

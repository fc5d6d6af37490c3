"""Presenter of the set-up: edited and saved settings, the available cameras, and the checklist."""

import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from cameras.drivers.driver import CameraInfo
from cameras.drivers.network import SCHEMES
from foundation.errors import KnownError
from gui.runtime.connection import Connection
from gui.runtime.jobs import Job, Jobs
from robot.state import ArmState
from workflows import settings as program_settings
from workflows.camera_listing import connected_cameras, wait_for_unplugged
from workflows.cancellation import Cancellation, Report
from workflows.session import Check
from workflows.settings import ArmSettings, CameraChoice, ProgramSettings, TagSettings

_CHECK_MS = 500
_RECENT = 20
_READY = (ArmState.HOLDING, ArmState.JOGGING, ArmState.FOLLOWING, ArmState.PAUSED, ArmState.PREPARING)


class SetupError(KnownError):
    """Invalid input."""


@dataclass(frozen=True)
class CameraRow:
    """One camera of the list: connected or only remembered, selected or not."""

    identity: str
    name: str
    chosen: bool
    present: bool


class SetupPresenter(QObject):
    """`draft` holds the edited settings, `saved` those in the file and in use; `apply` saves and connects the draft."""

    changed = Signal()  # the draft, the cameras, or whether it is connecting
    checked = Signal()
    identifying_changed = Signal()
    failed = Signal(KnownError)
    go_on = Signal(str)  # name of the next screen

    def __init__(self, connection: Connection, jobs: Jobs, file: Path, parent: QObject | None = None):
        super().__init__(parent)
        self.connection, self._jobs, self._file = connection, jobs, file
        self.saved = self.draft = connection.session.settings
        self.found: tuple[CameraInfo, ...] = ()
        self.checks: list[Check] = []
        self.watching = False  # a camera may now be unplugged to be identified
        self.unplugged = ""  # identity of the camera last identified by unplugging
        self._newest, self._saving = self.saved, threading.Lock()
        self._identifying: Job | None = None
        self._looking: Job | None = None
        self._timer = QTimer(self, interval=_CHECK_MS)
        self._timer.timeout.connect(self._check)
        self._timer.start()
        connection.changed.connect(self._connection_changed)

    # --- state ---

    @property
    def dirty(self) -> bool:
        return self.draft != self.saved

    @property
    def simulated(self) -> bool:
        return self.draft.arm.kind == program_settings.SIMULATED

    @property
    def connected(self) -> bool:
        """Whether the connection corresponds to the draft."""
        return self.connection.opened and not self.dirty

    @property
    def all_well(self) -> bool:
        return bool(self.checks) and all(check.ok for check in self.checks) and self.connected

    @property
    def looking(self) -> bool:
        return self._looking is not None

    @property
    def identifying(self) -> bool:
        return self._identifying is not None

    def cameras(self) -> list[CameraRow]:
        """Return the lab's cameras, or the real ones: selected ones first, then others that are connected."""
        session = self.connection.session
        if self.simulated:
            in_use = dict(session.names) if session.simulated else {}  # a copy: a job may be connecting
            return [CameraRow(identity, name, True, True) for identity, name in in_use.items()]
        present = {info.identity: info.name for info in self.found if not info.identity.startswith("lab:")}
        chosen = [CameraRow(c.identity, c.name, True, c.identity in present) for c in self.draft.cameras]
        known = {row.identity for row in chosen}
        return chosen + [CameraRow(i, name, False, True) for i, name in present.items() if i not in known]

    # --- editing ---

    def edit(self, part: str = "", **values: Any) -> None:
        """Change fields of the draft or of a part (arm, lab, workspace, speed); `failed` reports invalid values."""
        try:
            if part:
                values = {part: replace(getattr(self.draft, part), **values)}
            self.draft = replace(self.draft, **values)
        except ValueError as error:
            self.failed.emit(SetupError(f"This cannot be used: {error}."))
        if not self.simulated and not self.found:
            self.look_for_cameras()
        self.changed.emit()

    def choose_camera(self, identity: str, name: str, chosen: bool) -> None:
        """Select or deselect a camera; the other cameras keep their names."""
        others = tuple(c for c in self.draft.cameras if c.identity != identity)
        self.edit(cameras=(*others, CameraChoice(identity, name)) if chosen else others)

    def rename_camera(self, identity: str, name: str) -> None:
        name = name.strip()
        if name:
            cameras = tuple(replace(c, name=name) if c.identity == identity else c for c in self.draft.cameras)
            self.edit(cameras=cameras)

    def add_address(self, address: str) -> None:
        """Add a network camera by its address, since it cannot be discovered."""
        address = address.strip()
        if address.partition(":")[0] not in SCHEMES:
            kinds = ", ".join(f"{scheme}://" for scheme in SCHEMES)
            self.failed.emit(SetupError(f'"{address}" is no address of a camera. It must begin with {kinds}.'))
            return
        self.choose_camera(address, f"camera {len(self.draft.cameras) + 1}", True)

    def undo(self) -> None:
        """Reset the draft to the saved settings."""
        self.draft = self.saved
        self.changed.emit()

    # --- actions ---

    def apply(self) -> None:
        """Save the draft, then connect accordingly."""
        draft = replace(self.draft, arm=_trimmed(self.draft.arm))
        self.draft = draft
        self._save(draft)
        self.unplugged = ""
        self.connection.open(draft)

    def remember_appearance(self, appearance: str) -> None:
        if appearance != self.saved.appearance:
            self._remember(appearance=appearance)

    def remember_instruction(self, instruction: str) -> None:
        """Store an instruction as the most recent one, without duplicates."""
        recent = (instruction, *(each for each in self.saved.recent_instructions if each != instruction))
        self._remember(recent_instructions=recent[:_RECENT])

    def remember_hold_to_run(self, hold: bool) -> None:
        if hold != self.saved.hold_to_run:
            self._remember(hold_to_run=hold)

    def remember_operator(self, name: str) -> None:
        self._remember(operator=" ".join(name.split()))

    def remember_library(self, folder: Path) -> None:
        """Store the library's folder for the next start; `failed` reports a SetupError when it is not writable."""
        if not os.access(folder, os.W_OK | os.X_OK):
            self.failed.emit(SetupError(f"Nothing can be written in {folder}. Choose another folder for the library."))
            return
        self._remember(library=str(folder))

    def remember_tags(self, tags: TagSettings) -> None:
        if tags != self.saved.tags:
            self._remember(tags=tags)

    def remember_true_places(self, truth: bool) -> None:
        """Store whether the simulated cameras use their ground truth poses or the calibrated ones."""
        if truth != self.saved.lab.true_places:
            self._remember(lab=replace(self.saved.lab, true_places=truth))

    def _remember(self, **values: Any) -> None:
        """Save settings that need no reconnection; other changes of the draft remain unsaved."""
        session = self.connection.session
        session.settings = replace(session.settings, **values)
        self.draft = replace(self.draft, **values)
        self._save(replace(self.saved, **values))

    def _save(self, settings: ProgramSettings) -> None:
        """Save the settings in a job; jobs that save are serialised."""
        self.saved = settings
        self._newest = settings

        def work(token: Cancellation, report: Report) -> None:
            with self._saving:
                program_settings.save(self._newest, self._file)

        self._jobs.run(work, name="save settings").on(failed=self.failed.emit)
        self.changed.emit()

    def look_for_cameras(self) -> None:
        """List the connected cameras in a job."""
        if self._looking is None:
            self._looking = self._jobs.run(lambda *_: connected_cameras(self._lab_frames()), name="find cameras")
            self._looking.on(done=self._found, failed=self.failed.emit, ended=self._looked)
            self.changed.emit()

    def identify(self) -> None:
        """Wait for a camera to be unplugged and identify it; a second call cancels."""
        if self._identifying is not None:
            self._identifying.cancel()
            return
        self.unplugged = ""
        lab = self._lab_frames()
        work = lambda token, report: wait_for_unplugged(lab, token, report)  # noqa: E731
        self._identifying = self._jobs.run(work, name="identify camera")
        self._identifying.on(
            done=self._identified, failed=self.failed.emit, progress=self._watches, ended=self._identify_ended
        )
        self.identifying_changed.emit()

    def _lab_frames(self) -> str | None:
        lab = self.connection.session.lab
        return None if lab is None else lab.frames

    def _found(self, cameras: list[CameraInfo]) -> None:
        self.found = tuple(cameras)

    def _looked(self) -> None:
        self._looking = None
        self.changed.emit()

    def _watches(self, *_: object) -> None:
        self.watching = True
        self.identifying_changed.emit()

    def _identified(self, identity: str) -> None:
        self.unplugged = identity

    def _identify_ended(self) -> None:
        self._identifying, self.watching = None, False
        self.identifying_changed.emit()
        self.changed.emit()

    def _connection_changed(self) -> None:
        if self.connection.opened and not self.simulated:
            self.look_for_cameras()
        self._check()
        self.changed.emit()

    def _check(self) -> None:
        if self.connection.opening:
            self.checks = []
        elif self.connection.opened:
            self.checks = [*map(self._in_words, self.connection.session.checks()), self._ready_check()]
        self.checked.emit()

    def _in_words(self, check: Check) -> Check:
        if check.name == "Arm" and check.ok:
            return replace(check, sentence="connected")
        return check

    def _ready_check(self) -> Check:
        state = self.connection.arm_state
        if state in _READY:
            return Check("Ready to move", True, "motors on")
        return Check("Ready to move", False, "switch the motors on and make the arm ready")


def _trimmed(arm: ArmSettings) -> ArmSettings:
    return replace(arm, address=arm.address.strip())

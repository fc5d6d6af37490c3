"""What the live views show: each camera's newest picture, and in words how good it is."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal

from cameras.capture import Capture
from cameras.frame import Frame
from cameras.health import State
from cameras.undistort import distort
from gui.live.calibration_status import CalibrationStatus, calibration_status
from gui.live.tool_outline import tool_outline
from gui.pictures.camera_view import Drawing
from gui.runtime.connection import Connection
from workflows.known_cameras import KnownCamera

_WORDS = {
    State.OPENING: "starting",
    State.SLOW: "too slow",
    State.FROZEN: "frozen",
    State.STALLED: "no new pictures",
    State.GONE: "unplugged",
    State.CLOSED: "switched off",
}
_KNOWN_EVERY = 6  # pulls: what is known of the cameras seldom changes
_SHOWN = (State.LIVE, State.SLOW)
_ADVICE = {
    State.FROZEN: "It repeats one picture. Unplug the camera and plug it in again.",
    State.STALLED: "Check its cable.",
    State.GONE: "Plug it in again: it comes back by itself.",
    State.SLOW: "More light, another cable, or fewer programs on this computer help.",
}


@dataclass(frozen=True, eq=False)
class LiveCamera:
    """One camera now. `rgb` (H, W, 3) uint8 or None; `number` of its frame; `live`: whether it is of this moment.

    `note` says rate and age, or what is wrong, in `colour` of the theme; `advice` what to do about it. `drawing`: where
    the arm's tool should be seen, None where that is not known; `place`: whether it stands where it was calibrated.
    """

    identity: str
    name: str
    rgb: np.ndarray | None
    number: int
    live: bool
    note: str
    colour: str
    advice: str
    drawing: Drawing | None
    place: CalibrationStatus


class LivePresenter(QObject):
    """Looks at the captures whenever the connection says so."""

    cameras_changed = Signal()  # other cameras than before
    refreshed = Signal()
    lost = Signal(str)  # a sentence: a camera that was live no longer is
    back = Signal(str)  # the same sentence is no longer so

    def __init__(self, connection: Connection, parent: QObject | None = None):
        super().__init__(parent)
        self._connection = connection
        self.outlined = True  # whether the tool is drawn where it should be seen
        self._pulls = 0
        self._known: dict[str, KnownCamera] = {}
        self._drawn: dict[str, tuple[Frame, Drawing | None]] = {}  # by identity, for the newest frame
        self._identities: tuple[str, ...] = ()
        self._well: set[str] = set()
        self._lost: dict[str, str] = {}  # sentences by identity
        connection.pulled.connect(self.refresh)

    @property
    def identities(self) -> tuple[str, ...]:
        """The cameras in use, in their order."""
        return self._identities

    @property
    def opening(self) -> bool:
        return self._connection.opening

    def name(self, identity: str) -> str:
        return self._connection.session.names.get(identity, identity)

    def cameras(self) -> list[LiveCamera]:
        """All of them now."""
        captures = self._connection.session.captures
        return [self._camera(each, captures[each]) for each in self._identities if each in captures]

    def show_outline(self, shown: bool) -> None:
        """Whether the arm's tool is drawn into the pictures."""
        self.outlined = shown
        self.refreshed.emit()

    def refresh(self) -> None:
        identities = tuple(self._connection.session.captures)
        if self._pulls % _KNOWN_EVERY == 0 or identities != self._identities:
            self._known = self._connection.session.known
        self._pulls += 1
        if identities != self._identities:
            self._identities, self._well, self._lost = identities, set(), {}
            self.cameras_changed.emit()
        self._watch()
        self.refreshed.emit()

    def _watch(self) -> None:
        """Say once that a camera has gone, however it went."""
        if self._connection.opening:
            return
        captures = self._connection.session.captures
        for identity in self._identities:
            capture = captures.get(identity)
            state = State.CLOSED if capture is None else capture.state
            if state in (State.LIVE, State.SLOW):
                self._well.add(identity)
                if identity in self._lost:
                    self.back.emit(self._lost.pop(identity))
            elif identity in self._well and state in (State.GONE, State.STALLED, State.FROZEN):
                self._well.discard(identity)
                self._lost[identity] = f"Camera {self.name(identity)}: {_WORDS[state]}. {_ADVICE[state]}"
                self.lost.emit(self._lost[identity])

    def _camera(self, identity: str, capture: Capture) -> LiveCamera:
        figures, frame = capture.figures, capture.newest
        fresh = figures.age is not None and figures.age <= capture.deadlines.frame_age
        live = figures.state is State.LIVE and fresh
        if figures.age is None:
            note, colour = _WORDS.get(figures.state, "starting"), "muted"
        elif figures.state is State.LIVE:
            note, colour = f"{figures.fps:.0f} fps · {1000 * figures.age:.0f} ms", "success" if live else "warning"
        else:
            colour = "warning" if figures.state is State.SLOW else "danger"
            note = f"{_WORDS[figures.state]} · {figures.age:.1f} s old"
        rgb, number = (None, 0) if frame is None else (frame.rgb, frame.number)
        return LiveCamera(
            identity,
            self.name(identity),
            rgb,
            number,
            live,
            note,
            colour,
            _ADVICE.get(figures.state, ""),
            self._drawing(identity, capture, frame) if self.outlined and figures.state in _SHOWN else None,
            calibration_status(self._known.get(identity), self._connection.session.check, identity),
        )

    def _drawing(self, identity: str, capture: Capture, frame: Frame | None) -> Drawing | None:
        """The tool where it was when the frame was taken, worked out once for each frame."""
        if frame is None:
            return None
        drawn = self._drawn.get(identity)
        if drawn is None or drawn[0] is not frame:
            session = self._connection.session
            known, drawing = self._known.get(identity), None
            arm = None if known is None else self._connection.moments.at(frame.captured - known.delay_s)
            if known is not None and arm is not None:
                lens, gripper = known.intrinsics, session.settings.arm.gripper
                drawing = tool_outline(known.camera, arm, gripper=gripper, as_seen=lambda pixels: distort(pixels, lens))
            drawn = self._drawn[identity] = frame, drawing
        return drawn[1]

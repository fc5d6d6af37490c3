"""Presenter of the live views: each camera's newest frame, and its state as text."""

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
_KNOWN_EVERY = 6  # pulls: the calibrations change rarely
_SHOWN = (State.LIVE, State.SLOW)
_ADVICE = {
    State.FROZEN: "It repeats one picture. Unplug the camera and plug it in again.",
    State.STALLED: "Check its cable.",
    State.GONE: "Plug it in again: it comes back by itself.",
    State.SLOW: "More light, another cable, or fewer programs on this computer help.",
}


@dataclass(frozen=True, eq=False)
class LiveCamera:
    """Current state of one camera.

    `rgb` (H, W, 3) uint8 or None is frame `number`; `live`: fresh, from a running camera. `note` is rate and age, or
    the fault, in `colour` of the theme; `advice` is its remedy. `drawing`: outline of the tool where it should be
    visible, None when unknown; `place`: whether the camera is still where it was calibrated.
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
    """Reads the captures at each pull of the connection."""

    cameras_changed = Signal()  # the set of cameras is another
    refreshed = Signal()
    lost = Signal(str)  # message: a live camera has failed
    back = Signal(str)  # the same message no longer applies

    def __init__(self, connection: Connection, parent: QObject | None = None):
        super().__init__(parent)
        self._connection = connection
        self.outlined = True  # draw the tool where it should be visible
        self._pulls = 0
        self._known: dict[str, KnownCamera] = {}
        self._drawn: dict[str, tuple[Frame, Drawing | None]] = {}  # by identity, for the newest frame
        self._identities: tuple[str, ...] = ()
        self._well: set[str] = set()
        self._lost: dict[str, str] = {}  # messages by identity
        connection.pulled.connect(self.refresh)

    @property
    def identities(self) -> tuple[str, ...]:
        """Identities of the cameras in use, in order."""
        return self._identities

    @property
    def opening(self) -> bool:
        return self._connection.opening

    def name(self, identity: str) -> str:
        return self._connection.session.names.get(identity, identity)

    def cameras(self) -> list[LiveCamera]:
        """Return the current state of all cameras."""
        captures = self._connection.session.captures
        return [self._camera(each, captures[each]) for each in self._identities if each in captures]

    def show_outline(self, shown: bool) -> None:
        """Set whether the arm's tool is drawn into the images."""
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
        """Report once that a camera has failed, for whatever reason."""
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
        """Return the tool's outline at the frame's capture time, cached per frame."""
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

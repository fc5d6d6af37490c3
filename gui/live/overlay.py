"""Current frames of the cameras, undistorted, with a motion drawn over them."""

from dataclasses import dataclass

import numpy as np

from cameras.capture import Capture
from cameras.frame import Frame
from cameras.health import State
from cameras.undistort import undistort
from foundation.camera import Camera
from foundation.trajectory import Trajectory
from gui.live.calibration_status import CalibrationStatus, calibration_status
from gui.live.tool_outline import tool_outline
from gui.pictures.camera_view import Drawing
from gui.player.playback_clip import PixelPath, path_in, pixels_of
from gui.runtime.arm_history import ArmHistory
from workflows.session import Session

_MOST_POINTS = 300  # points of the measured path that are drawn


@dataclass(frozen=True, eq=False)
class LiveView:
    """Live view of one camera: `rgb` (H, W, 3) or None, its overlay, its age in colour, and its calibration status."""

    name: str
    rgb: np.ndarray | None
    drawing: Drawing | None
    note: str
    colour: str
    place: CalibrationStatus


class LiveOverlay:
    """Overlays for the session's calibrated cameras; the motion, if there is one, is projected only once."""

    def __init__(self, session: Session, intended: Trajectory | None = None):
        self._session = session
        self._known = session.known
        self.cameras: dict[str, Camera] = {identity: each.camera for identity, each in self._known.items()}
        self._ways: dict[str, PixelPath] = {}
        self._seen: dict[str, tuple[Frame, np.ndarray]] = {}
        self._outlined: dict[str, tuple[Frame, Drawing | None]] = {}
        if intended is not None:
            self._ways = {identity: path_in(camera, intended) for identity, camera in self.cameras.items()}

    def views(
        self, frame: int = 0, trail: np.ndarray | None = None, moments: ArmHistory | None = None
    ) -> list[LiveView]:
        """Return the live views with the motion at `frame` and the tool's measured path `trail` (n, 3) m.

        Without a motion, the tool's outline is drawn at the arm pose of the frame's capture time, looked up in
        `moments`.
        """
        points = np.zeros((0, 3)) if trail is None else thinned(trail)
        captures = self._session.captures
        shown = [(identity, camera) for identity, camera in self.cameras.items() if identity in captures]
        return [
            self.view(
                identity,
                camera.name,
                captures[identity],
                self._drawn(identity, camera, frame, points) or self._outline(identity, captures[identity], moments),
            )
            for identity, camera in shown
        ]

    def view(self, identity: str, name: str, capture: Capture, drawing: Drawing | None) -> LiveView:
        """Return the live view of one camera with an overlay."""
        age, live = capture.figures.age, capture.state is State.LIVE
        place = calibration_status(self._known.get(identity), self._session.check, identity)
        if age is None:
            return LiveView(name, None, None, "starting", "muted", place)
        fresh = live and age <= capture.deadlines.frame_age
        note = "live" if fresh else f"{1000 * age:.0f} ms old" if live else f"not live, {age:.1f} s old"
        colour = "success" if fresh else "warning" if live else "danger"
        return LiveView(name, self._picture(identity, capture), drawing, note, colour, place)

    def _drawn(self, identity: str, camera: Camera, frame: int, trail: np.ndarray) -> Drawing | None:
        way = self._ways.get(identity)
        return None if way is None else way.at(frame, pixels_of(camera, trail))

    def _outline(self, identity: str, capture: Capture, moments: ArmHistory | None) -> Drawing | None:
        """Return the tool's outline in the newest frame, cached per frame."""
        newest, known = capture.newest, self._known[identity]
        if moments is None or newest is None:
            return None
        outlined = self._outlined.get(identity)
        if outlined is None or outlined[0] is not newest:
            arm, gripper = moments.at(newest.captured - known.delay_s), self._session.settings.arm.gripper
            outlined = (newest, None if arm is None else tool_outline(known.camera, arm, gripper=gripper))
            self._outlined[identity] = outlined
        return outlined[1]

    def _picture(self, identity: str, capture: Capture) -> np.ndarray | None:
        """Return the newest frame, undistorted where the intrinsics are known; cached per frame."""
        newest = capture.newest
        if newest is None:
            return None
        seen = self._seen.get(identity)
        if seen is None or seen[0] is not newest:
            known = self._known.get(identity)
            intrinsics = capture.driver.intrinsics if known is None else known.intrinsics
            seen = (newest, newest.rgb if intrinsics is None else undistort(newest, intrinsics).rgb)
            self._seen[identity] = seen
        return seen[1]


def thinned(points: np.ndarray) -> np.ndarray:
    """Subsample points (n, 3) to at most about 300, including the last one."""
    return points[::-1][:: 1 + len(points) // _MOST_POINTS][::-1]

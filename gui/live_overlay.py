"""The cameras' present pictures, undistorted, with a motion drawn over them."""

from dataclasses import dataclass

import numpy as np

from cameras.capture import Capture
from cameras.frame import Frame
from cameras.health import State
from cameras.undistort import undistort
from foundation.camera import Camera
from foundation.trajectory import Trajectory
from gui.film import Way, pixels_of, way_in
from gui.picture import Drawing
from workflows.session import FRESH, Session

_MOST_POINTS = 300  # of the line where the tool has been


@dataclass(frozen=True, eq=False)
class LiveView:
    """One camera now: `rgb` (H, W, 3) or None, what is drawn over it, and a word on its age in a colour."""

    name: str
    rgb: np.ndarray | None
    drawing: Drawing | None
    note: str
    colour: str


class LiveOverlay:
    """Looks at the session's calibrated cameras; the motion, when there is one, is projected once."""

    def __init__(self, session: Session, intended: Trajectory | None = None):
        self._session = session
        self.cameras: dict[str, Camera] = session.cameras
        self._ways: dict[str, Way] = {}
        self._seen: dict[str, tuple[Frame, np.ndarray]] = {}
        if intended is not None:
            self._ways = {identity: way_in(camera, intended) for identity, camera in self.cameras.items()}

    def views(self, frame: int = 0, trail: np.ndarray | None = None) -> list[LiveView]:
        """All cameras now, with the motion at `frame`, and the tool's real way `trail` (n, 3) m over them."""
        points = np.zeros((0, 3)) if trail is None else thinned(trail)
        captures = self._session.captures
        shown = [(identity, camera) for identity, camera in self.cameras.items() if identity in captures]
        return [
            self.view(identity, camera.name, captures[identity], self._drawn(identity, camera, frame, points))
            for identity, camera in shown
        ]

    def view(self, identity: str, name: str, capture: Capture, drawing: Drawing | None) -> LiveView:
        """One camera now, with what is drawn over it."""
        age, live = capture.figures.age, capture.state is State.LIVE
        if age is None:
            return LiveView(name, None, None, "starting", "muted")
        fresh = live and age <= FRESH
        note = "live" if fresh else f"{1000 * age:.0f} ms old" if live else f"not live, {age:.1f} s old"
        colour = "success" if fresh else "warning" if live else "danger"
        return LiveView(name, self._picture(identity, capture), drawing, note, colour)

    def _drawn(self, identity: str, camera: Camera, frame: int, trail: np.ndarray) -> Drawing | None:
        way = self._ways.get(identity)
        return None if way is None else way.at(frame, pixels_of(camera, trail))

    def _picture(self, identity: str, capture: Capture) -> np.ndarray | None:
        """The newest picture without its lens's distortion where that is known, worked out once for each picture."""
        newest = capture.newest
        if newest is None:
            return None
        if capture.driver.intrinsics is None:
            return newest.rgb
        seen = self._seen.get(identity)
        if seen is None or seen[0] is not newest:
            seen = (newest, undistort(newest, capture.driver.intrinsics).rgb)
            self._seen[identity] = seen
        return seen[1]


def thinned(points: np.ndarray) -> np.ndarray:
    """At most about 300 of the points (n, 3), the last one among them."""
    return points[::-1][:: 1 + len(points) // _MOST_POINTS][::-1]

"""Every camera now, with the tool drawn into the calibrated ones: what a demonstration is recorded as."""

import numpy as np

from foundation import xarm7
from gui.film import pixels_of, tool_in
from gui.live_overlay import LiveOverlay, LiveView, thinned
from gui.picture import Drawing
from robot.status import RobotStatus
from workflows.session import Session


class TeachingViews:
    """Looks at the session's cameras as they are at its making; also those that are not calibrated."""

    def __init__(self, session: Session):
        self._session, self._overlay = session, LiveOverlay(session)

    def views(self, status: RobotStatus | None, trail: np.ndarray) -> list[LiveView]:
        """All cameras, with the tool where the arm says it is, and where it has been: `trail` (n, 3) m."""
        known = status is not None and np.isfinite(status.position).all()
        base_from_tool = xarm7.forward(status.position) if known and status is not None else None
        closed = status is not None and status.openness is not None and status.openness < 0.5
        session, shown = self._session, []
        for identity, capture in tuple(session.captures.items()):
            camera, drawing = self._overlay.cameras.get(identity), None
            if camera is not None and base_from_tool is not None:
                points = pixels_of(camera, thinned(trail))
                drawing = Drawing(tool=tool_in(camera, base_from_tool), closed=closed, trail=points)
            shown.append(self._overlay.view(identity, session.names.get(identity, identity), capture, drawing))
        return shown

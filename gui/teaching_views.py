"""Every camera now, with the tool drawn into the calibrated ones: what a demonstration is recorded as."""

from dataclasses import replace

import numpy as np

from gui.arm_moments import ArmPose
from gui.film import pixels_of
from gui.live_overlay import LiveOverlay, LiveView, thinned
from gui.tool_outline import tool_drawing
from robot.status import RobotStatus
from workflows.session import Session


class TeachingViews:
    """Looks at the session's cameras as they are at its making; also those that are not calibrated."""

    def __init__(self, session: Session):
        self._session, self._overlay = session, LiveOverlay(session)

    def views(self, status: RobotStatus | None, trail: np.ndarray) -> list[LiveView]:
        """All cameras, with the tool where the arm says it is, and where it has been: `trail` (n, 3) m."""
        known = status is not None and np.isfinite(status.position).all()
        arm = None
        if known and status is not None:
            arm = ArmPose(status.position, 1.0 if status.openness is None else status.openness)
        session, shown = self._session, []
        for identity, capture in tuple(session.captures.items()):
            camera, drawing = self._overlay.cameras.get(identity), None
            if camera is not None and arm is not None:
                drawing = tool_drawing(camera, arm, gripper=session.settings.arm.gripper)
                drawing = replace(drawing, trail=pixels_of(camera, thinned(trail)))
            shown.append(self._overlay.view(identity, session.names.get(identity, identity), capture, drawing))
        return shown

"""Expected outline of the arm's tool in a camera, from forward kinematics, as an overlay of the live image.

Where outline and image disagree, calibration, mounting or kinematics are wrong, which is visible at a glance.
"""

from collections.abc import Callable

import cv2
import numpy as np

from foundation import xarm7
from foundation.camera import Camera
from gui.pictures.camera_view import Drawing
from gui.player.playback_clip import tool_in
from gui.runtime.arm_history import ArmPose
from gui.view3d.arm_mesh import arm_shape

_GRIPPER = ("gripper", "left_finger", "right_finger")
_BARE = ("link7",)
_HALF_OPEN = 0.5

AsSeen = Callable[[np.ndarray], np.ndarray]


def tool_outline(
    camera: Camera, arm: ArmPose, *, gripper: bool = True, as_seen: AsSeen | None = None, axes: bool = True
) -> Drawing:
    """Return the outlines of palm and fingers, or of the bare flange, and the tool's axes, in this camera's pixels.

    `as_seen` maps ideal pixels (..., 2) to distorted ones, for images that are not undistorted.
    """
    shape = arm_shape()
    posed = shape.at(arm.q, arm.openness)
    seen = as_seen or (lambda pixels: pixels)
    parts = [shape.of_body(posed, name) for name in (_GRIPPER if gripper else _BARE)]
    outlines = tuple(outline for part in parts if len(outline := _outline(seen(camera.project(part)))))
    tool = seen(tool_in(camera, xarm7.forward(arm.q))) if axes else None
    return Drawing(tool=tool, closed=gripper and arm.openness < _HALF_OPEN, outlines=outlines)


def _outline(pixels: np.ndarray) -> np.ndarray:
    """Return the convex hull (m, 2) of points (n, 2); empty when some of them are behind the camera."""
    if not np.isfinite(pixels).all():
        return np.zeros((0, 2))
    return cv2.convexHull(pixels.astype(np.float32)).reshape(-1, 2).astype(float)

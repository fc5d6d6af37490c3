"""A point of the 3-D view that can be taken with the mouse: it stays under the pointer, as far from the eye."""

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QMatrix4x4

NEAR_PX = 16.0  # from the point within which a press takes it


class DragHandle:
    """`point` (3,) m in the base frame; matrices are the view's own at the moment of the call."""

    def __init__(self):
        self.point: np.ndarray | None = None
        self.held = False

    def takes(self, at: QPointF, size: tuple[int, int], projection: QMatrix4x4, view: QMatrix4x4) -> bool:
        """Whether a press there takes the point."""
        place = None if self.point is None else pixel_of(self.point, size, projection, view)
        self.held = place is not None and float(np.hypot(place[0] - at.x(), place[1] - at.y())) <= NEAR_PX
        return self.held

    def drag(self, at: QPointF, size: tuple[int, int], projection: QMatrix4x4, view: QMatrix4x4) -> None:
        """Move the held point under the pointer."""
        if self.held and self.point is not None:
            self.point = point_under(at, self.point, size, projection, view)


def pixel_of(point: np.ndarray, size: tuple[int, int], projection: QMatrix4x4, view: QMatrix4x4) -> np.ndarray | None:
    """Where (2,) px a point (3,) is seen; None behind the eye."""
    clip = _matrix(projection) @ _matrix(view) @ np.append(point, 1.0)
    if clip[3] <= 0.0:
        return None
    x, y = clip[:2] / clip[3]
    return np.array([0.5 * (x + 1.0) * size[0], 0.5 * (1.0 - y) * size[1]])


def point_under(
    at: QPointF, like: np.ndarray, size: tuple[int, int], projection: QMatrix4x4, view: QMatrix4x4
) -> np.ndarray:
    """The point (3,) seen at a pixel, as far from the eye as `like` (3,)."""
    both = _matrix(projection) @ _matrix(view)
    clip = both @ np.append(like, 1.0)
    x, y = 2.0 * at.x() / size[0] - 1.0, 1.0 - 2.0 * at.y() / size[1]
    found = np.linalg.solve(both, np.array([x, y, clip[2] / clip[3], 1.0]))
    return found[:3] / found[3]


def _matrix(matrix: QMatrix4x4) -> np.ndarray:
    return np.array(matrix.copyDataTo(), float).reshape(4, 4)

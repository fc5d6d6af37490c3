"""Coverage of the image area and of the board's attitudes by a series of views."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cameras.calibration.board import TagBoard
from cameras.calibration.board_view import BoardView
from cameras.calibration.rig_start import board_pose
from cameras.intrinsics import Intrinsics


@dataclass(frozen=True, eq=False)
class Coverage:
    """Coverage by a series of views.

    `regions` (3, 3) bool are the ninths of the image, row by row, in which a tag's corner was seen; `tilt_deg` is the
    largest angle between the board's normal and the line of sight; `distance_ratio` is farthest to nearest.
    """

    regions: np.ndarray
    tilt_deg: float
    distance_ratio: float


def regions_of(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return (3, 3) bool: the ninths of the image that contain the pixels (n, 2)."""
    regions = np.zeros((3, 3), bool)
    cells = np.clip((pixels + 0.5) / [width, height] * 3, 0, 2).astype(int)
    regions[cells[:, 1], cells[:, 0]] = True
    return regions


def attitude(view: BoardView, board: TagBoard, lens: Intrinsics) -> tuple[float, float]:
    """Return the tilt (deg) of the board against the line of sight, and its distance (m)."""
    camera_from_board = board_pose(board.points(view.ids).reshape(-1, 3), view.pixels, lens)
    sight = camera_from_board[:3, 3]
    distance = float(np.linalg.norm(sight))
    cosine = abs(camera_from_board[:3, 2] @ sight) / distance
    return float(np.rad2deg(np.arccos(np.clip(cosine, 0.0, 1.0)))), distance


def coverage(views: Sequence[BoardView], board: TagBoard, lens: Intrinsics) -> Coverage:
    """Return the coverage by all views of one camera together; empty without views."""
    if not views:
        return Coverage(np.zeros((3, 3), bool), 0.0, 1.0)
    regions = np.any([regions_of(view.pixels, view.width, view.height) for view in views], axis=0)
    tilts, distances = np.array([attitude(view, board, lens) for view in views]).T
    return Coverage(regions, float(tilts.max()), float(distances.max() / distances.min()))

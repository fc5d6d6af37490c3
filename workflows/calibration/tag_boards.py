"""The boards of a calibration, as large as they were really printed."""

from cameras.calibration.board import TagBoard
from workflows.settings import TagSettings

_GAP = 0.25  # of a tag's edge, between two tags of a board
_BOARD = (20, 2, 2)  # first id, columns, rows
_GRID = {"tag36h11": (30, 5, 6)}
_SMALL_GRID = (4, 4, 4)  # families with few tags: what bench and gripper leave


def gripper_board(tags: TagSettings) -> TagBoard:
    """The board that is fastened to the gripper."""
    return _board(tags, tags.board_tag_mm, *_BOARD)


def lens_grid(tags: TagSettings) -> TagBoard:
    """The sheet that is held before a camera whose lens is not known."""
    return _board(tags, tags.grid_tag_mm, *_GRID.get(tags.family, _SMALL_GRID))


def bench_tag_size(tags: TagSettings) -> float:
    """Edge of the bench tags' black squares in m."""
    return tags.bench_tag_mm * tags.measured_mm / 100.0 / 1000.0


def _board(tags: TagSettings, size_mm: float, first: int, columns: int, rows: int) -> TagBoard:
    size = size_mm * tags.measured_mm / 100.0 / 1000.0
    return TagBoard(tags.family, first, columns, rows, size, _GAP * size)

"""Tag boards of a calibration, at their measured printed size."""

from cameras.calibration.board import TagBoard
from workflows.settings import TagSettings

_GAP = 0.25  # of a tag's edge, between two tags of a board
_BOARD = (20, 2, 2)  # first id, columns, rows
_GRID = {"tag36h11": (30, 5, 6)}
_SMALL_GRID = (4, 4, 4)  # families with few tags: those left over by bench and gripper


def gripper_board(tags: TagSettings) -> TagBoard:
    """Return the board that is mounted on the gripper."""
    return _board(tags, tags.board_tag_mm, *_BOARD)


def lens_grid(tags: TagSettings) -> TagBoard:
    """Return the sheet that is held before a camera with unknown intrinsics."""
    return _board(tags, tags.grid_tag_mm, *_GRID.get(tags.family, _SMALL_GRID))


def bench_tag_size(tags: TagSettings) -> float:
    """Return the edge of the bench tags' black squares in m."""
    return tags.bench_tag_mm * tags.measured_mm / 100.0 / 1000.0


def _board(tags: TagSettings, size_mm: float, first: int, columns: int, rows: int) -> TagBoard:
    size = size_mm * tags.measured_mm / 100.0 / 1000.0
    return TagBoard(tags.family, first, columns, rows, size, _GAP * size)

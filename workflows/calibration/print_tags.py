"""Printable sheets of a calibration: the board for the gripper, the tags for the bench, the grid for intrinsics."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from cameras.calibration.board import BENCH_TAG_IDS, TagBoard
from cameras.calibration.tag_print import PlacedTag, TagSheet, free_room_mm, reach_mm, write_sheets
from workflows.calibration.tag_boards import gripper_board, lens_grid
from workflows.settings import TagSettings

_MARGIN = 1.5  # cells of white around the black squares, up to the cut line
_APART_MM = 3.0  # between two cut lines


def sheets(tags: TagSettings, *, grid: bool = True) -> tuple[TagSheet, ...]:
    """Return the sheets to print, in the order of use; the grid is needed only for a camera with unknown intrinsics."""
    wanted = replace(tags, measured_mm=100.0)  # the printer's scale error must not change what is sent to it
    pages = [_board_sheet("Board for the gripper", _BOARD_STEPS, gripper_board(wanted)), *_bench_sheets(tags)]
    if grid:
        pages.append(_board_sheet("Grid for lenses", _GRID_STEPS, lens_grid(wanted)))
    return tuple(pages)


def print_tags(path: Path, tags: TagSettings = TagSettings(), *, grid: bool = True) -> dict[str, Any]:
    """Write the PDF and return its contents as plain data. Raises PrintError when the tags do not fit on the paper."""
    pages = sheets(tags, grid=grid)
    write_sheets(path, pages, tags.family, tags.paper)
    return {
        "file": str(path),
        "family": tags.family,
        "paper": tags.paper,
        "pages": [{"title": page.title, "tags": [tag.number for tag in page.tags]} for page in pages],
    }


def as_text(printed: dict[str, Any]) -> str:
    """Format the result as text."""
    pages = ", ".join(dict.fromkeys(page["title"].lower() for page in printed["pages"]))
    return f"{printed['file']}: {pages}. Print it on {printed['paper']} at 100 % and check the rulers."


def _board_sheet(title: str, steps: tuple[str, ...], board: TagBoard) -> TagSheet:
    size_mm = 1000.0 * board.tag_size
    centres = {number: 1000.0 * corners.mean(axis=0) for number, corners in board.corners.items()}
    tags = tuple(PlacedTag(number, size_mm, (float(c[0]), float(c[1]))) for number, c in centres.items())
    return TagSheet(title, steps, tags, (_cut(tags, size_mm * _MARGIN / 8),))


def _bench_sheets(tags: TagSettings) -> list[TagSheet]:
    """Lay out the loose tags to be cut out: four a page, or one where they are too large for that."""
    size_mm, title = tags.bench_tag_mm, "Tags for the bench"
    margin_mm = size_mm * _MARGIN / 8
    step = size_mm / 2 + margin_mm + _APART_MM / 2
    places = [(-step, step), (step, step), (-step, -step), (step, -step)]
    placed = tuple(PlacedTag(n, size_mm, place) for n, place in zip(BENCH_TAG_IDS, places, strict=True))
    together = TagSheet(title, _BENCH_STEPS, placed, tuple(_cut((tag,), margin_mm) for tag in placed))
    if all(needed <= room for needed, room in zip(reach_mm(together), free_room_mm(tags.paper), strict=True)):
        return [together]
    single = [PlacedTag(number, size_mm, (0.0, 0.0)) for number in BENCH_TAG_IDS]
    return [TagSheet(title, _BENCH_STEPS, (tag,), (_cut((tag,), margin_mm),)) for tag in single]


def _cut(tags: tuple[PlacedTag, ...], margin_mm: float) -> tuple[float, float, float, float]:
    reach = margin_mm + tags[0].size_mm / 2
    across, up = [tag.centre_mm[0] for tag in tags], [tag.centre_mm[1] for tag in tags]
    return min(across) - reach, min(up) - reach, max(across) + reach, max(up) + reach


_BOARD_STEPS = (
    "Print at 100 % (“actual size”) and check both rulers with a steel ruler.",
    "Cut along the dashed line and glue it to a flat, stiff plate.",
    "Fasten the plate to the front of the gripper so that it cannot slip.",
)
_BENCH_STEPS = (
    "Print at 100 % and check both rulers. Cut the tags out along the dashed lines.",
    "Glue them flat to the bench, far apart, where the cameras see them and nobody works.",
    "They stay there: with them the program notices when a camera was moved.",
)
_GRID_STEPS = (
    "Print at 100 % and check both rulers. Glue the sheet to a flat, stiff plate.",
    "You hold it before each camera whose lens is not known: near, far and tilted.",
)

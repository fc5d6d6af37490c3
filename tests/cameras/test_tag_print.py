"""PDF of tags, read back as a printer would draw it: right codes, right sizes, right rulers."""

import re

import numpy as np
import pytest

from cameras.calibration.board import TagBoard
from cameras.calibration.tag_print import RULER_MM, PlacedTag, PrintError, TagSheet, free_room_mm, write_sheets
from cameras.calibration.tags import detect_tags

MM = 72.0 / 25.4  # PDF counts in points
PX_PER_MM = 8


def drawn_cells(path, page: int) -> np.ndarray:
    """Return (n, 4) mm: left, bottom, width, height of every rectangle of the tags on a page, in the sheet's frame."""
    streams = re.findall(rb"stream\r?\n(.*?)endstream", path.read_bytes(), re.DOTALL)
    pages = [text.decode("latin-1") for text in streams if b" re" in text]
    number = r"(-?[\d.]+)"
    tags = re.findall(rf"n\s((?:{number} {number} {number} {number} re\s)+)f", pages[page])
    found = [re.findall(rf"{number} {number} {number} {number} re", tag[0]) for tag in tags]
    return np.array([[float(v) for v in cell] for tag in found for cell in tag]) / MM


def as_picture(cells: np.ndarray, half_mm: float) -> np.ndarray:
    """Render a perfect print on paper, (n, n) uint8, with the sheet's origin in the middle."""
    side = round(2 * half_mm * PX_PER_MM)
    picture = np.full((side, side), 255, np.uint8)
    for left, bottom, width, height in cells:
        columns = np.rint((half_mm + np.array([left, left + width])) * PX_PER_MM).astype(int)
        rows = np.rint((half_mm - np.array([bottom + height, bottom])) * PX_PER_MM).astype(int)
        picture[rows[0] : rows[1], columns[0] : columns[1]] = 0
    return picture


@pytest.mark.parametrize("family", ["tag36h11", "tag25h9", "tag16h5"])
def test_what_is_printed_is_found_again_upright_and_in_its_true_size(tmp_path, family):
    tags = (PlacedTag(3, 48.0, (-30.0, 0.0)), PlacedTag(17, 32.0, (32.0, 8.0)))
    file = tmp_path / "new folder" / "tags.pdf"
    write_sheets(file, [TagSheet("Test", ("Print it.",), tags)], family)
    found = detect_tags(as_picture(drawn_cells(file, 0), 70.0), family, decimate=1.0)
    assert [tag.id for tag in found] == [3, 17]
    for tag, placed in zip(found, tags, strict=True):
        corners_mm = (tag.corners + 0.5) / PX_PER_MM - 70.0  # y down
        half = placed.size_mm / 2
        square = np.array([[-half, -half], [half, -half], [half, half], [-half, half]])  # top left first: upright
        centre = np.array([placed.centre_mm[0], -placed.centre_mm[1]])
        assert np.abs(corners_mm - (square + centre)).max() < 0.1  # mm; the sheet's y is up


def test_a_board_is_printed_where_its_description_says(tmp_path):
    board = TagBoard(columns=3, rows=2, tag_size=0.03, gap=0.0075)
    tags = tuple(
        PlacedTag(number, 30.0, tuple(1000.0 * corners.mean(axis=0)[:2])) for number, corners in board.corners.items()
    )
    write_sheets(tmp_path / "board.pdf", [TagSheet("Board", (), tags)], board.family)
    found = detect_tags(as_picture(drawn_cells(tmp_path / "board.pdf", 0), 80.0), board.family, decimate=1.0)
    assert tuple(tag.id for tag in found) == board.ids
    for tag in found:
        corners_mm = (tag.corners + 0.5) / PX_PER_MM - 80.0
        assert np.abs(corners_mm * (1, -1) - 1000.0 * board.corners[tag.id][:, :2]).max() < 0.1


def test_both_rulers_are_as_long_as_they_say(tmp_path):
    write_sheets(tmp_path / "tags.pdf", [TagSheet("Test", (), (PlacedTag(1, 40.0, (0.0, 0.0)),))], "tag36h11")
    text = (tmp_path / "tags.pdf").read_bytes().decode("latin-1")
    lines = re.findall(r"n ([\d.]+) ([\d.]+) m ([\d.]+) ([\d.]+) l S", text)
    x0, y0, x1, y1 = (np.array(column) for column in zip(*np.array(lines, float), strict=True))
    lengths = np.hypot(x1 - x0, y1 - y0) / MM
    assert np.sum(np.abs(lengths - RULER_MM) < 0.01) == 2  # one along, one up
    ticks = lengths < 5.0
    along = np.unique(np.round(x0[ticks & (x0 == x1)] / MM, 3))
    assert len(along) == RULER_MM + 1 and np.allclose(np.diff(along), 1.0, atol=0.002)


def test_what_does_not_fit_is_refused_with_what_to_do(tmp_path):
    width, height = free_room_mm("A4")
    large = TagSheet("Board", (), (PlacedTag(1, width + 1.0, (0.0, 0.0)),))
    with pytest.raises(PrintError, match="needs 179 x 179 mm, and A4 has room for 178"):
        write_sheets(tmp_path / "tags.pdf", [large], "tag36h11")
    write_sheets(tmp_path / "tags.pdf", [large], "tag36h11", "A3")
    assert height > width


def test_wrong_choices_are_refused(tmp_path):
    sheet = TagSheet("Board", (), (PlacedTag(1, 40.0, (0.0, 0.0)),))
    with pytest.raises(PrintError, match="Choose one of"):
        write_sheets(tmp_path / "tags.pdf", [sheet], "tagCircle21h7")
    with pytest.raises(PrintError, match="no paper B7"):
        write_sheets(tmp_path / "tags.pdf", [sheet], "tag36h11", "B7")
    (tmp_path / "file").write_text("")
    with pytest.raises(PrintError, match="cannot be written"):
        write_sheets(tmp_path / "file" / "tags.pdf", [sheet], "tag36h11")

"""Printing of AprilTags: a vector PDF at true scale, with rulers that show whether the printer kept it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from reportlab.lib.pagesizes import A3, A4, LETTER
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from cameras.calibration.board import PRINTABLE_FAMILIES, tag_cells
from cameras.errors import CameraError

PAPERS = {"A4": A4, "Letter": LETTER, "A3": A3}
RULER_MM = 100
_EDGE_MM, _TOP_MM, _BOTTOM_MM = 16.0, 46.0, 30.0  # left and right; title and steps; ruler and note
_LINE_MM = 5.0
_GREY, _FAINT = 0.35, 0.6


class PrintError(CameraError):
    """The tags cannot be printed as requested."""


@dataclass(frozen=True)
class PlacedTag:
    """Tag `number` whose black square has edge `size_mm`, centred at `centre_mm` (x right, y up) in the sheet's frame.

    The frame's origin is the middle of the paper's free area.
    """

    number: int
    size_mm: float
    centre_mm: tuple[float, float]


@dataclass(frozen=True)
class TagSheet:
    """Page with a title, instructions, the tags, and cutting lines: (left, bottom, right, top) mm of each box."""

    title: str
    steps: tuple[str, ...]
    tags: tuple[PlacedTag, ...]
    cuts_mm: tuple[tuple[float, float, float, float], ...] = ()


def free_room_mm(paper: str) -> tuple[float, float]:
    """Return width and height in mm of the area for tags on a sheet."""
    width, height = _paper(paper)
    return width / mm - 2 * _EDGE_MM, height / mm - _TOP_MM - _BOTTOM_MM


def reach_mm(sheet: TagSheet) -> tuple[float, float]:
    """Return width and height in mm of everything on a sheet, which is centred on the paper."""
    boxes = [*sheet.cuts_mm]
    for tag in sheet.tags:
        (x, y), half = tag.centre_mm, tag.size_mm / 2
        boxes.append((x - half, y - half, x + half, y + half))
    across, up = 2 * np.abs(np.array(boxes).reshape(-1, 2, 2)).max(axis=(0, 1))
    return float(across), float(up)


def write_sheets(path: Path, sheets: Sequence[TagSheet], family: str, paper: str = "A4") -> None:
    """Write the sheets, one per page, as vectors. Raises PrintError if they do not fit or cannot be written."""
    if family not in PRINTABLE_FAMILIES:
        raise PrintError(f"Tags of the family {family} cannot be printed. Choose one of {_listed(PRINTABLE_FAMILIES)}.")
    for sheet in sheets:
        _refuse_too_large(sheet, paper)
    # Uncompressed: a few kilobytes more, but readable as text.
    canvas = Canvas(str(path), pagesize=_paper(paper), pageCompression=0)
    canvas.setTitle("Calibration tags")
    for sheet in sheets:
        _draw_words(canvas, sheet, paper)
        _draw_ruler(canvas, paper)
        canvas.saveState()
        width, height = _paper(paper)
        canvas.translate(width / 2, (height + (_BOTTOM_MM - _TOP_MM) * mm) / 2)
        for tag in sheet.tags:
            _draw_tag(canvas, tag, family)
        _draw_cuts(canvas, sheet)
        canvas.restoreState()
        canvas.showPage()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        canvas.save()
    except OSError as error:
        raise PrintError(f"The file {path} cannot be written: {error.strerror}. Choose another place.") from error


def _draw_tag(canvas: Canvas, tag: PlacedTag, family: str) -> None:
    """Draw all black cells as one path: single cells would show hairlines between them."""
    black = tag_cells(family, tag.number)
    cell = tag.size_mm / len(black)
    left, top = tag.centre_mm[0] - tag.size_mm / 2, tag.centre_mm[1] + tag.size_mm / 2
    path = canvas.beginPath()
    for row, cells in enumerate(black):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], cells.astype(int), [0]])))
        for start, end in edges.reshape(-1, 2).tolist():
            x, y = left + start * cell, top - (row + 1) * cell
            path.rect(x * mm, y * mm, (end - start) * cell * mm, cell * mm)
    canvas.setFillGray(0.0)
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.setFillGray(_FAINT)
    canvas.setFont("Helvetica", 6)
    words = f"{family}  {tag.number}  ·  {tag.size_mm:g} mm"
    canvas.drawCentredString(tag.centre_mm[0] * mm, (top - tag.size_mm - cell) * mm - 1.5 * mm, words)


def _draw_cuts(canvas: Canvas, sheet: TagSheet) -> None:
    canvas.setStrokeGray(_FAINT)
    canvas.setLineWidth(0.3)
    canvas.setDash(3, 2)
    for left, bottom, right, top in sheet.cuts_mm:
        canvas.rect(left * mm, bottom * mm, (right - left) * mm, (top - bottom) * mm)
    canvas.setDash()


def _draw_words(canvas: Canvas, sheet: TagSheet, paper: str) -> None:
    height = _paper(paper)[1]
    canvas.setFillGray(0.0)
    canvas.setFont("Helvetica-Bold", 14)
    canvas.drawString(_EDGE_MM * mm, height - 16 * mm, sheet.title)
    canvas.setFillGray(_GREY)
    canvas.setFont("Helvetica", 9.5)
    for i, step in enumerate(sheet.steps):
        canvas.drawString(_EDGE_MM * mm, height - (23 + i * _LINE_MM) * mm, f"{i + 1}.  {step}")


def _draw_ruler(canvas: Canvas, paper: str) -> None:
    """Draw 100 mm rulers along the bottom and the left side: a printer can scale the two differently."""
    canvas.setStrokeGray(0.0)
    canvas.setFillGray(0.0)
    canvas.setLineWidth(0.35)
    canvas.setFont("Helvetica", 6)
    x0, y0 = _EDGE_MM, 14.0
    canvas.line(x0 * mm, y0 * mm, (x0 + RULER_MM) * mm, y0 * mm)
    canvas.line((x0 - 8) * mm, y0 * mm, (x0 - 8) * mm, (y0 + RULER_MM) * mm)
    for i in range(0, RULER_MM + 1):
        length = 4.0 if i % 10 == 0 else 3.0 if i % 5 == 0 else 2.0
        canvas.line((x0 + i) * mm, y0 * mm, (x0 + i) * mm, (y0 + length) * mm)
        canvas.line((x0 - 8) * mm, (y0 + i) * mm, (x0 - 8 + length) * mm, (y0 + i) * mm)
        if i % 10 == 0:
            canvas.drawCentredString((x0 + i) * mm, (y0 + 5) * mm, str(i))
            if i:
                canvas.drawString((x0 - 3.5) * mm, (y0 + i - 0.8) * mm, str(i))
    canvas.setFont("Helvetica", 8)
    words = f"Both rulers must measure {RULER_MM} mm. If they do not, print again at 100 % (“actual size”)."
    canvas.drawString(x0 * mm, (y0 - 5) * mm, words)


def _refuse_too_large(sheet: TagSheet, paper: str) -> None:
    width, height = free_room_mm(paper)
    reach = reach_mm(sheet)
    if reach[0] > width or reach[1] > height:
        raise PrintError(
            f"“{sheet.title}” needs {reach[0]:.0f} x {reach[1]:.0f} mm, and {paper} has room for {width:.0f} x "
            f"{height:.0f} mm. Choose smaller tags or larger paper."
        )


def _paper(paper: str) -> tuple[float, float]:
    if paper not in PAPERS:
        raise PrintError(f"There is no paper {paper}. Choose one of {_listed(PAPERS)}.")
    return PAPERS[paper]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)

"""A contact sheet: what really happened and, below it, what the model imagined, of one demonstration of each kind."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from foundation.errors import KnownError
from workflows.evaluation.reference_video import ReferenceVideo

FRAMES_SHOWN = 6
_ACROSS = 2  # demonstrations side by side
_SIDE = 160  # px of a picture
_GAP, _MARGIN = 4, 20  # px between pictures, and around each demonstration
_LABELS, _TITLE, _TIMES = 96, 30, 22  # px for the names of the rows, the title and the times
_LARGE, _SMALL = 20, 16  # px of the letters
_INK, _FAINT, _PAPER = (24, 28, 34), (96, 104, 114), (250, 250, 248)
_WIDTH = 2 * _MARGIN + _LABELS + FRAMES_SHOWN * (_SIDE + _GAP) - _GAP
_HEIGHT = _MARGIN + _TITLE + _TIMES + 2 * _SIDE + _GAP


class SheetError(KnownError):
    """The contact sheet cannot be written."""


@dataclass(frozen=True, eq=False)
class Compared:
    """A demonstration of a `kind` of task, and the video `made` (V, T, H, W, 3) uint8 of it."""

    kind: str
    film: ReferenceVideo
    made: np.ndarray

    @property
    def view(self) -> int:
        """The view with most pixels of what is moved; the first where the arm alone moves."""
        return int(np.argmax(self.film.moved.sum(axis=(1, 2, 3))))

    @property
    def shown(self) -> np.ndarray:
        """Which frames are shown, evenly spaced from the first to the last (at most FRAMES_SHOWN,)."""
        return np.unique(np.rint(np.linspace(0, len(self.film.trajectory) - 1, FRAMES_SHOWN)).astype(int))


def contact_sheet(compared: Sequence[Compared], title: str) -> np.ndarray:
    """The sheet (H, W, 3) uint8 under its title."""
    top = _MARGIN + _TITLE
    down = -(-len(compared) // _ACROSS)
    width = _WIDTH * min(_ACROSS, len(compared))
    paper = Image.new("RGB", (width, top + down * _HEIGHT + _MARGIN), _PAPER)
    ImageDraw.Draw(paper).text((_MARGIN, _MARGIN), title, fill=_FAINT, font=ImageFont.load_default(_SMALL))
    for number, one in enumerate(compared):
        row, column = divmod(number, _ACROSS)
        _draw(paper, one, column * _WIDTH + _MARGIN, top + row * _HEIGHT + _MARGIN)
    return np.asarray(paper)


def require_writable(path: Path) -> None:
    """Raises SheetError for a place where no PNG can be, before the long work and not after it."""
    if path.suffix.lower() != ".png":
        raise SheetError(f'The contact sheet {path} would be no picture. Give it a name that ends in ".png".')
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise SheetError(f"The contact sheet cannot be written to {path.parent}. Choose a folder that is there.")


def write_png(path: Path, picture: np.ndarray) -> None:
    """A picture (H, W, 3) uint8 as a file. Raises SheetError; a part file is never left."""
    part = path.with_name(path.name + ".part")
    try:
        Image.fromarray(picture).save(part, format="PNG", optimize=True)
        part.replace(path)
    except OSError as error:
        message = f"The contact sheet {path} cannot be written: {error.strerror or error}. Choose another place."
        raise SheetError(message) from error
    finally:
        part.unlink(missing_ok=True)


def _draw(paper: Image.Image, one: Compared, left: int, top: int) -> None:
    """A title, the times, and a row of pictures for each of the two videos."""
    draw = ImageDraw.Draw(paper)
    large, small = ImageFont.load_default(_LARGE), ImageFont.load_default(_SMALL)
    start = left + _LABELS
    draw.text((left, top), one.kind, fill=_INK, font=large)
    seen = f"seed {one.film.seed}, {one.film.cameras[one.view].name}"
    draw.text((start + _LABELS // 2, top), f'"{one.film.instruction}"', fill=_INK, font=large)
    end = start + FRAMES_SHOWN * (_SIDE + _GAP) - _GAP
    draw.text((end, top + 2), seen, fill=_FAINT, font=small, anchor="ra")
    pictures = top + _TITLE + _TIMES
    for place, frame in enumerate(one.shown):
        x = start + place * (_SIDE + _GAP)
        moment = f"{one.film.trajectory.times[frame]:.1f} s"
        draw.text((x + _SIDE // 2, pictures - 4), moment, fill=_FAINT, font=small, anchor="ms")
        for row, video in enumerate((one.film.rgb, one.made)):
            picture = Image.fromarray(np.ascontiguousarray(video[one.view, frame]))
            sized = picture.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
            paper.paste(sized, (x, pictures + row * (_SIDE + _GAP)))
    for row, name in enumerate(("true", "generated")):
        draw.text((left, pictures + row * (_SIDE + _GAP) + _SIDE // 2), name, fill=_INK, font=small, anchor="lm")

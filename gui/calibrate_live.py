"""The cameras as they are now, with the board as it was just found in them."""

from typing import TYPE_CHECKING

import numpy as np

from gui.calibrate_watch import BoardWatch
from gui.live_presenter import LivePresenter
from gui.picture import Drawing
from gui.picture_grid import PictureGrid

if TYPE_CHECKING:
    from cameras.board import TagBoard
    from cameras.board_view import Sighting


class BoardViews(PictureGrid):
    """Every camera in use; the tags found are outlined, and the note says whether the board can be used."""

    def __init__(self, live: LivePresenter):
        super().__init__()
        self._live = live
        self.show_words("No camera is in use. Choose some in Set up.")

    def show_found(self, watch: BoardWatch) -> None:
        """The newest frames; with the tags of the frame in which they were found."""
        cameras = self._live.cameras()
        for picture, camera in zip(self.show_names([each.name for each in cameras]), cameras, strict=True):
            seen = watch.seen.get(camera.identity)
            if seen is None or watch.board is None:
                picture.show_rgb(camera.rgb)
                picture.show_drawing(None)
                picture.show_note(camera.note, camera.colour)
            else:
                if picture.rgb is not seen.frame.rgb:  # picture and tags of one moment
                    tags = tuple(np.asarray(tag.corners, float) for tag in seen.sighting.tags)
                    picture.show_rgb(seen.frame.rgb)
                    picture.show_drawing(Drawing(found=tags))
                picture.show_note(*_note(seen.sighting, watch.board))
            picture.show_light(camera.place.light, camera.place.short, camera.place.sentence)


def _note(sighting: "Sighting", board: "TagBoard") -> tuple[str, str]:
    """What to say beside the camera's name."""
    if sighting.view is not None:
        return f"board seen, {len(sighting.view.ids)} tags", "success"
    if not any(tag.id in board.ids for tag in sighting.tags):
        return "board not in sight", "muted"
    return sighting.problem.partition(".")[0] or f"{len(sighting.tags)} tags", "warning"

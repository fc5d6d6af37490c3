"""The cameras as they are now, with the board as it was just found in them."""

from typing import TYPE_CHECKING

import numpy as np

from cameras.frame import Frame
from cameras.undistort import distort, ideal_camera
from foundation import xarm7
from foundation.poses import transform
from gui.calibrate.board_detection import BoardDetection
from gui.live.presenter import LivePresenter
from gui.pictures.camera_view import Drawing
from gui.pictures.view_grid import PictureGrid
from gui.runtime.arm_history import ArmHistory

if TYPE_CHECKING:
    from cameras.calibration.board import TagBoard
    from cameras.calibration.board_view import Sighting
    from workflows.calibration.calibrate import CalibrationReport


class BoardViews(PictureGrid):
    """Every camera in use; the tags found are outlined in green, and the note says whether the board can be used.

    After `expect` the board is also outlined in blue-green where a report says it should be: both must agree.
    """

    def __init__(self, live: LivePresenter, moments: ArmHistory, what: str = "board"):
        super().__init__()
        self._live, self._moments, self._what = live, moments, what
        self._expected: CalibrationReport | None = None
        self.show_words("No camera is in use. Choose some in Set up.")

    def show_found(self, watch: BoardDetection) -> None:
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
                    outlines = self._outlines(camera.identity, seen.frame, watch.board)
                    picture.show_drawing(Drawing(outlines=outlines, found=tags))
                picture.show_note(*_note(seen.sighting, watch.board, self._what))
            picture.show_light(camera.place.light, camera.place.short, camera.place.sentence)

    def expect(self, report: "CalibrationReport | None") -> None:
        """Where the board should be by this report, None for nowhere."""
        self._expected = report

    def _outlines(self, identity: str, frame: Frame, board: "TagBoard") -> tuple[np.ndarray, ...]:
        """The board's outline in the picture as it came, by the arm's word and the report."""
        report = self._expected
        found = next((each for each in report.cameras if each.identity == identity), None) if report else None
        if report is None or found is None:
            return ()
        delay = 0.0 if found.delay is None else found.delay.seconds
        arm = self._moments.at(frame.captured - delay)
        if arm is None:
            return ()
        camera = ideal_camera(found.name, found.intrinsics, found.base_from_camera)
        base_from_board = xarm7.forward(arm.q) @ report.tool_from_board[-1]
        outline = distort(camera.project(transform(base_from_board, board.outline)), found.intrinsics)
        return (outline,) if np.isfinite(outline).all() else ()


def _note(sighting: "Sighting", board: "TagBoard", what: str) -> tuple[str, str]:
    """What to say beside the camera's name; `what` people call the board."""
    if sighting.view is not None:
        return f"{what} seen, {len(sighting.view.ids)} tags", "success"
    if not any(tag.id in board.ids for tag in sighting.tags):
        return f"{what} not in sight", "muted"
    return sighting.problem.partition(".")[0] or f"{len(sighting.tags)} tags", "warning"

"""Live camera views with the board as detected in them."""

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
    """All cameras in use: detected tags are outlined in green, and a note shows whether the board is usable.

    After `expect` the board is also outlined in cyan where a report predicts it; both must agree.
    """

    def __init__(self, live: LivePresenter, moments: ArmHistory, what: str = "board"):
        super().__init__()
        self._live, self._moments, self._what = live, moments, what
        self._expected: CalibrationReport | None = None
        self.show_words("No camera is in use. Choose some in Set up.")

    def show_found(self, watch: BoardDetection) -> None:
        """Show the newest frames; where tags were detected, the frame in which they were."""
        cameras = self._live.cameras()
        for picture, camera in zip(self.show_names([each.name for each in cameras]), cameras, strict=True):
            seen = watch.seen.get(camera.identity)
            if seen is None or watch.board is None:
                picture.show_rgb(camera.rgb)
                picture.show_drawing(None)
                picture.show_note(camera.note, camera.colour)
            else:
                if picture.rgb is not seen.frame.rgb:  # image and tags of the same frame
                    tags = tuple(np.asarray(tag.corners, float) for tag in seen.sighting.tags)
                    picture.show_rgb(seen.frame.rgb)
                    outlines = self._outlines(camera.identity, seen.frame, watch.board)
                    picture.show_drawing(Drawing(outlines=outlines, found=tags))
                picture.show_note(*_note(seen.sighting, watch.board, self._what))
            picture.show_light(camera.place.light, camera.place.short, camera.place.sentence)

    def expect(self, report: "CalibrationReport | None") -> None:
        """Set the report that predicts the board's position; None for no prediction."""
        self._expected = report

    def _outlines(self, identity: str, frame: Frame, board: "TagBoard") -> tuple[np.ndarray, ...]:
        """Return the outline of the board in the distorted frame, predicted from the arm's pose and the report."""
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
    """Return note and colour for a camera; `what` is the name of the board for the operator."""
    if sighting.view is not None:
        return f"{what} seen, {len(sighting.view.ids)} tags", "success"
    if not any(tag.id in board.ids for tag in sighting.tags):
        return f"{what} not in sight", "muted"
    return sighting.problem.partition(".")[0] or f"{len(sighting.tags)} tags", "warning"

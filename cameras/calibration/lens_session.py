"""Session of a lens calibration: selects useful views of a tag grid and decides when there are enough."""

from dataclasses import dataclass, replace

import numpy as np

from cameras.calibration.board import TagBoard
from cameras.calibration.board_view import BoardView
from cameras.calibration.coverage import attitude, regions_of
from cameras.calibration.rig_start import board_pose
from cameras.errors import CameraError
from cameras.intrinsics import Intrinsics

VIEWS_NEEDED, TILT_NEEDED_DEG, RATIO_NEEDED = 30, 30.0, 2.0
_LEAST_TAGS = 4  # per view: fewer tags constrain distortion poorly
_ALIKE = 0.18  # distance of two views, see `_place`, below which the second is redundant
_PLACES = ("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right")


@dataclass(frozen=True)
class LensDecision:
    """Decision on whether a view is useful, with the reason."""

    useful: bool
    reason: str


@dataclass(frozen=True, eq=False)
class LensMissing:
    """Progress and requirements; `regions` (3, 3) bool are ninths of the image, `sentence` says what to do next."""

    views: int
    views_needed: int
    regions: np.ndarray
    tilt_deg: float
    tilt_needed_deg: float
    distance_ratio: float
    ratio_needed: float
    sentence: str

    @property
    def complete(self) -> bool:
        return not self.sentence


@dataclass(frozen=True, eq=False)
class LensSession:
    """Views of `board` by one camera of `width` x `height` px; each change returns a new session."""

    board: TagBoard
    width: int
    height: int
    views: tuple[BoardView, ...] = ()

    def consider(self, view: BoardView) -> LensDecision:
        """Decide whether this view (of a grid at rest) would add information."""
        if (view.width, view.height) != (self.width, self.height):
            return LensDecision(False, "The picture's size has changed.")
        if len(view.ids) < min(_LEAST_TAGS, len(self.board.ids)):
            return LensDecision(False, f"Only {len(view.ids)} tags are seen. Show more of the grid.")
        places = [self._place(each) for each in self.views]
        here = self._place(view)
        if places and min(float(np.linalg.norm(here - place)) for place in places) < _ALIKE:
            return LensDecision(False, "This is much like a view that is there already. Move or tilt the grid.")
        return LensDecision(True, "New.")

    def added(self, view: BoardView) -> "LensSession":
        """Return a session with one more view. Raises CameraError if the image size differs."""
        if (view.width, view.height) != (self.width, self.height):
            raise CameraError(
                f"The pictures have changed from {self.width} x {self.height} to {view.width} x {view.height}. Begin "
                "again with the size that will be used."
            )
        return replace(self, views=(*self.views, view))

    @property
    def missing(self) -> LensMissing:
        regions, tilt, ratio = np.zeros((3, 3), bool), 0.0, 1.0
        if self.views:
            regions = np.any([regions_of(view.pixels, self.width, self.height) for view in self.views], axis=0)
            tilts, distances = np.array([attitude(view, self.board, self._guess) for view in self.views]).T
            tilt, ratio = float(tilts.max()), float(distances.max() / distances.min())
        words = self._sentence(regions, tilt, ratio)
        figures = (tilt, TILT_NEEDED_DEG, ratio, RATIO_NEEDED)
        return LensMissing(len(self.views), VIEWS_NEEDED, regions, *figures, words)

    def _sentence(self, regions: np.ndarray, tilt: float, ratio: float) -> str:
        if not regions.all():
            place = _PLACES[int(np.flatnonzero(~regions.ravel())[0])]
            return f"Show the grid at the {place} of the picture."
        if tilt < TILT_NEEDED_DEG:
            return f"Tilt the grid more: up to {TILT_NEEDED_DEG:.0f} degrees, about both axes."
        if ratio < RATIO_NEEDED:
            return "Show the grid also from twice as near, or twice as far."
        if len(self.views) < VIEWS_NEEDED:
            return f"{VIEWS_NEEDED - len(self.views)} more views, each different."
        return ""

    @property
    def _guess(self) -> Intrinsics:
        """Typical lens, accurate enough for rough tilt and distance."""
        focal = 0.95 * self.width
        K = np.array([[focal, 0, (self.width - 1) / 2], [0, focal, (self.height - 1) / 2], [0, 0, 1]])
        return Intrinsics(self.width, self.height, K, np.zeros(5))

    def _place(self, view: BoardView) -> np.ndarray:
        """Return a feature (6,) of the grid's position, distance and tilt, with comparable scales."""
        there = board_pose(self.board.points(view.ids).reshape(-1, 3), view.pixels, self._guess)
        middle = view.pixels.mean(axis=0) / [self.width, self.height]
        return np.concatenate([middle, [np.log(np.linalg.norm(there[:3, 3]))], there[:3, 2] * 0.6])

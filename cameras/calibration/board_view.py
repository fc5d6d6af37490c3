"""Detection of the board in an image: its visible tags, and the reason why an image cannot be used."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cameras.calibration.board import TagBoard
from cameras.calibration.tags import TagDetection, detect_tags

MOST_BLUR = 4.0
"""px over which a tag's edge may rise from black to white: beyond, AprilTag's corners leave their 0.1 px."""

MOST_MOTION = 0.5
"""px by which corners may differ between the frames of one look; twenty times their noise."""

_LEAST_CONTRAST = 25.0  # grey levels between black and white


@dataclass(frozen=True, eq=False)
class BoardView:
    """View of the board by one camera: tags `ids`, `corners` (n, 4, 2) px in the raw image of `width` x `height`."""

    ids: tuple[int, ...]
    corners: np.ndarray
    width: int
    height: int

    def __post_init__(self):
        corners = np.array(self.corners, float).reshape(-1, 4, 2)
        corners.setflags(write=False)
        object.__setattr__(self, "corners", corners)
        if len(corners) != len(self.ids) or len(set(self.ids)) != len(self.ids):
            raise ValueError(f"a view needs four corners for each of its tags, not {len(corners)} for {self.ids}")

    @property
    def pixels(self) -> np.ndarray:
        """Corners (4 n, 2) px."""
        return self.corners.reshape(-1, 2)


@dataclass(frozen=True, eq=False)
class Sighting:
    """Detections in one image: all `tags`, the board's `view` if usable, else the `problem` as a message.

    `sharpness_px` is the width in pixels of the tags' edges from black to white, nan if no tag is visible.
    """

    tags: tuple[TagDetection, ...]
    view: BoardView | None
    problem: str = ""
    sharpness_px: float = float("nan")


def look_for_board(rgb: np.ndarray, board: TagBoard, *, camera: str = "the camera") -> Sighting:
    """Detect the board in a grey or RGB uint8 image; `camera` is its name in the messages."""
    grey = rgb if rgb.ndim == 2 else np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    tags = tuple(detect_tags(grey, board.family))
    found = [tag for tag in tags if tag.id in board.ids]
    if not found:
        return Sighting(tags, None, _why_none(grey, board, camera, tags))
    twice = sorted({tag.id for tag in found if sum(other.id == tag.id for other in found) > 1})
    if twice:
        words = f"{camera} sees tag {twice[0]} twice. Cover or remove the second one: every number may be there once."
        return Sighting(tags, None, _sentence(words))
    blur = float(np.median([edge_width(grey, tag.corners) for tag in found]))
    if blur > MOST_BLUR:
        words = f"the picture of {camera} is blurred. Hold the board still, add light, or focus the lens."
        return Sighting(tags, None, _sentence(words), blur)
    height, width = grey.shape
    view = BoardView(tuple(tag.id for tag in found), np.array([tag.corners for tag in found]), width, height)
    return Sighting(tags, view, "", blur)


def median_view(views: Sequence[BoardView]) -> BoardView | None:
    """Return the tags visible in all frames, each corner at its median; None without a common tag, or if they moved."""
    if not views:
        return None
    common = tuple(number for number in views[0].ids if all(number in view.ids for view in views))
    if not common:
        return None
    stack = np.array([[view.corners[view.ids.index(number)] for number in common] for view in views])
    middle = np.median(stack, axis=0)
    # Motion of the board as a whole, not of each corner: the median removes the noise of single corners.
    motion = np.linalg.norm((stack - middle).mean(axis=(1, 2)), axis=-1).max()
    return None if motion > MOST_MOTION else BoardView(common, middle, views[0].width, views[0].height)


def edge_width(grey: np.ndarray, corners: np.ndarray) -> float:
    """Return the width in px, contrast by slope, of the black-to-white edge of a tag with `corners` (4, 2)."""
    widths = []
    centre = corners.mean(axis=0)
    for first, second in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        along = second - first
        length = np.linalg.norm(along)
        outward = np.array([along[1], -along[0]]) / max(length, 1e-9)
        outward *= np.sign(outward @ ((first + second) / 2 - centre)) or 1.0
        reach = np.clip(length / 8, 2.0, 12.0)  # one cell: black border inside, white margin outside
        steps = np.arange(-reach, reach + 0.25, 0.5)
        starts = first + np.linspace(0.2, 0.8, 9)[:, None] * along
        where = (starts[:, None] + steps[None, :, None] * outward).astype(np.float32)
        rows = cv2.remap(grey, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        profile = rows.astype(float).mean(axis=0)
        contrast = profile.max() - profile.min()
        slope = np.gradient(profile, 0.5).max()
        if contrast > _LEAST_CONTRAST:
            widths.append(contrast / max(slope, 1e-9))
    return float(np.median(widths)) if widths else float("nan")


def _why_none(grey: np.ndarray, board: TagBoard, camera: str, tags: tuple[TagDetection, ...]) -> str:
    mirrored = detect_tags(np.ascontiguousarray(grey[:, ::-1]), board.family)
    if any(tag.id in board.ids for tag in mirrored):
        words = f"{camera} shows the board mirrored. Switch off mirroring in the camera, or print the board again."
        return _sentence(words)
    if tags:
        seen = ", ".join(str(number) for number in sorted({tag.id for tag in tags}))
        wanted = f"{board.ids[0]} to {board.ids[-1]}"
        return _sentence(f"{camera} sees the tags {seen}, and none of the board's ({wanted}).")
    return _sentence(f"{camera} does not see the board. Turn it towards the camera, and add light if it is dark.")


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]

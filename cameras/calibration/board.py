"""Calibration board: AprilTags in rows and columns on one flat plate."""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from cameras.calibration.tags import FAMILIES

# Families that OpenCV can draw.
PRINTABLE_FAMILIES = ("tag16h5", "tag25h9", "tag36h11")
_DICTIONARIES = {
    "tag16h5": cv2.aruco.DICT_APRILTAG_16h5,
    "tag25h9": cv2.aruco.DICT_APRILTAG_25h9,
    "tag36h11": cv2.aruco.DICT_APRILTAG_36h11,
}
_LEAST_GAP = 0.2
"""Of a tag's edge: the detector needs a white margin of one of its cells all round, and eight cells make an edge."""

BENCH_TAG_IDS = (0, 1, 2, 3)
BENCH_TAG_SIZE = 0.06
"""m; the tags that lie on the bench for the check. Where they lie is measured, not prescribed."""


@dataclass(frozen=True)
class TagBoard:
    """Board of `rows` x `columns` tags with ids rising from `first_id`, row by row from the top left.

    `tag_size` is the edge of the black square, m; `gap` the white space between two black squares, m. The board's frame
    has its origin in the centre of the board, x to the right, y up and z out of the paper, as it is printed upright.
    Raises ValueError for an impossible board.
    """

    family: str = "tag36h11"
    first_id: int = 20
    columns: int = 2
    rows: int = 2
    tag_size: float = 0.05
    gap: float = 0.0125

    def __post_init__(self):
        if self.family not in FAMILIES:
            raise ValueError(f"there is no tag family {self.family}; there are: {', '.join(FAMILIES)}")
        if self.columns < 1 or self.rows < 1 or self.first_id < 0:
            raise ValueError("a board needs at least one tag, with an id of 0 or more")
        if not 0.005 <= self.tag_size <= 1.0:
            raise ValueError(f"a tag of {1000 * self.tag_size:g} mm is not between 5 mm and 1 m")
        if not _LEAST_GAP * self.tag_size - 1e-9 <= self.gap <= 10 * self.tag_size:
            raise ValueError(
                f"the gap between tags of {1000 * self.tag_size:g} mm must be "
                f"{1000 * _LEAST_GAP * self.tag_size:g} mm or more, not {1000 * self.gap:g} mm"
            )

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(range(self.first_id, self.first_id + self.columns * self.rows))

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in m of all black squares together."""
        pitch = self.tag_size + self.gap
        return self.columns * pitch - self.gap, self.rows * pitch - self.gap

    @cached_property
    def corners(self) -> dict[int, np.ndarray]:
        """Corners (4, 3) m of each id in the board's frame: top left, top right, bottom right, bottom left."""
        half, pitch = self.tag_size / 2, self.tag_size + self.gap
        square = np.array([[-half, half, 0.0], [half, half, 0.0], [half, -half, 0.0], [-half, -half, 0.0]])
        left, top = -(self.columns - 1) / 2 * pitch, (self.rows - 1) / 2 * pitch
        places = [(left + c * pitch, top - r * pitch, 0.0) for r in range(self.rows) for c in range(self.columns)]
        return {number: square + place for number, place in zip(self.ids, places, strict=True)}

    @property
    def outline(self) -> np.ndarray:
        """Outline (4, 3) m of the plate, with half a gap of white around the black, corners in the order of a tag's."""
        width, height = (side / 2 + self.gap / 2 for side in self.size)
        return np.array([[-width, height, 0], [width, height, 0], [width, -height, 0], [-width, -height, 0.0]])

    def points(self, ids: tuple[int, ...]) -> np.ndarray:
        """Return the corners (n, 4, 3) m of these tags."""
        return np.array([self.corners[number] for number in ids]).reshape(-1, 4, 3)

    def resized(self, factor: float) -> "TagBoard":
        """Return the board as a printer that scales by `factor` makes it."""
        return TagBoard(self.family, self.first_id, self.columns, self.rows, self.tag_size * factor, self.gap * factor)

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers for JSON; `TagBoard.from_dict` reads them."""
        return asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "TagBoard":
        return TagBoard(**values)


GRIPPER_BOARD = TagBoard()
"""The plate of the embedded lab's gripper, and what is printed unless somebody chooses otherwise."""


def tag_cells(family: str, number: int) -> np.ndarray:
    """Return the cells (n, n) bool of the black square with its border, True = black, top row of the upright tag first.

    Raises ValueError for a family that cannot be drawn, or an id that it does not have.
    """
    if family not in PRINTABLE_FAMILIES:
        raise ValueError(f"tags of {family} cannot be drawn; choose one of {', '.join(PRINTABLE_FAMILIES)}")
    dictionary = cv2.aruco.getPredefinedDictionary(_DICTIONARIES[family])
    if not 0 <= number < len(dictionary.bytesList):
        raise ValueError(f"{family} has the tags 0 to {len(dictionary.bytesList) - 1}, not {number}")
    cells = dictionary.markerSize + 2
    drawn = cv2.aruco.generateImageMarker(dictionary, number, cells)
    # OpenCV draws these tags upside down, see `cameras.calibration.tags.TagDetection`.
    return np.asarray(cv2.rotate(drawn, cv2.ROTATE_180)) == 0

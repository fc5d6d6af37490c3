"""AprilTag detection with subpixel accuracy."""

import threading
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from pupil_apriltags import Detector

FAMILIES = (
    "tag16h5",
    "tag25h9",
    "tag36h11",
    "tagCircle21h7",
    "tagCircle49h12",
    "tagCustom48h12",
    "tagStandard41h12",
    "tagStandard52h13",
)

_LEAST_MARGIN = 20.0
"""Of AprilTag's decision margin: random texture decodes with less, a tag that is sharp enough to measure with more."""

_detectors = threading.local()


@dataclass(frozen=True, eq=False)
class TagDetection:
    """Detected tag: `corners` (4, 2) and `centre` (2,) in pixels, the centre of the top-left pixel being (0, 0).

    The corners are those of the black square (of the inner edge for families with an outer code), in the order
    top-left, top-right, bottom-right, bottom-left of the tag as it is printed upright, whatever its rotation in the
    image. Upright is as in AprilTag's own images; OpenCV's generator prints the same tags rotated by 180 degrees.
    `centre` is the image of the tag's centre (the intersection of the diagonals). `margin` is the contrast of the code
    in grey levels; `corrected` the number of bits of the code that were misread and corrected.
    """

    id: int
    corners: np.ndarray
    centre: np.ndarray
    margin: float
    corrected: int


def detect_tags(
    image: np.ndarray, family: str = "tag36h11", *, decimate: float = 1.5, least_margin: float = _LEAST_MARGIN
) -> list[TagDetection]:
    """Detect the tags in a grey (H, W) or RGB (H, W, 3) uint8 image, by rising id; a repeated id is listed repeatedly.

    Codes with more than one wrong bit are left out. May be called from any thread. Raises ValueError for an unknown
    family or another kind of image.

    Args:
        decimate: Factor by which the image is reduced to search for squares (corners are refined in the full image).
            AprilTag averages pixels for 1.5 and only skips them for 2, so that in noisy images of plain surfaces 2
            takes four times as long, and its corners are a tenth less exact; 1 finds smaller tags and takes longest.
    """
    if family not in FAMILIES:
        raise ValueError(f"there is no tag family {family}; there are: {', '.join(FAMILIES)}")
    if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise ValueError(f"an image must be uint8 (H, W) or (H, W, 3), not {image.dtype} {image.shape}")
    grey = image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    tags: list[Any] = _detector(family, decimate).detect(grey)  # type: ignore[assignment] (annotated wrongly there)
    found = [
        TagDetection(
            int(tag.tag_id),
            # AprilTag counts from the image's corner, so that the first pixel's centre is (0.5, 0.5), and lists the
            # corners in the opposite order, from the bottom-left one.
            tag.corners[::-1] - 0.5,
            tag.center - 0.5,
            float(tag.decision_margin),
            int(tag.hamming),
        )
        for tag in tags
        if tag.decision_margin >= least_margin and tag.hamming <= 1
    ]
    return sorted(found, key=lambda tag: (tag.id, *tag.centre))


class _Detector(Detector):
    """Detector with a safe destructor.

    The library's own frees the tag family before the detector that uses it, and now and then crashes the process
    (pupil-labs/apriltags issues 34 and 46). The family, a few kilobytes a thread, is never freed.
    """

    def __del__(self):
        pointer, self.tag_detector_ptr = getattr(self, "tag_detector_ptr", None), None
        if pointer is not None:
            assert self.libc is not None  # a detector was made with it
            self.libc.apriltag_detector_destroy(pointer)


def _detector(family: str, decimate: float) -> Detector:
    """Return this thread's detector: it must not be shared between threads, and creating it is slow."""
    made = _detectors.__dict__.setdefault("made", {})
    if (family, decimate) not in made:
        made[family, decimate] = _Detector(families=family, quad_decimate=decimate)
    return made[family, decimate]

"""Whether the bench still looks as it did when a motion was proposed."""

import cv2
import numpy as np

from foundation.trajectory import Scene

_BLOCK = 8  # px: a block's mean is free of a camera's noise
_DIFFERENT = 18.0  # grey levels of a block's mean; noise and flicker leave a few
_LEAST_BLOCKS = 0.002  # of all: a cube of 4 cm covers about this much of a picture of the whole bench


def what_changed(before: Scene, now: Scene) -> str:
    """'' when nothing did, else what, in words that follow "since the pictures were taken"."""
    cameras = {view.camera.name: view for view in now.views}
    for view in before.views:
        present = cameras.get(view.camera.name)
        if present is None:
            return f"the camera {view.camera.name} was disconnected"
        same_place = np.array_equal(view.camera.base_from_camera, present.camera.base_from_camera)
        if not same_place or not np.array_equal(view.camera.K, present.camera.K):
            return f"the camera {view.camera.name} was calibrated again"
        if different_part(view.rgb, present.rgb) > _LEAST_BLOCKS:
            return f"something was moved in front of the camera {view.camera.name}"
    return ""


def different_part(before: np.ndarray, now: np.ndarray) -> float:
    """The part in [0, 1] of the blocks that differ between two pictures (H, W, 3) uint8 of one size.

    A change of the light as a whole does not count: the median difference is taken off each colour.
    """
    if before.shape != now.shape:
        return 1.0
    size = (max(1, before.shape[1] // _BLOCK), max(1, before.shape[0] // _BLOCK))
    small = [cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32) for image in (before, now)]
    difference = small[1] - small[0]
    difference -= np.median(difference, axis=(0, 1))
    return float((np.abs(difference).max(axis=-1) > _DIFFERENT).mean())

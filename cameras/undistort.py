"""From the picture a lens gives to the picture of an ideal camera."""

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np

from cameras.errors import CameraError, spoken
from cameras.frame import Frame
from cameras.intrinsics import Intrinsics
from foundation.camera import Camera


def undistort(frame: Frame, intrinsics: Intrinsics, K: np.ndarray | None = None) -> Frame:
    """The frame as an ideal camera with `K` (3, 3), by default the lens's own, would see it; same size.

    What the lens did not see is black, its depth 0 (unknown). Raises CameraError when the picture is not of the size
    the calibration is for.
    """
    if frame.size != (intrinsics.width, intrinsics.height):
        raise CameraError(
            f"The camera {spoken(frame.camera)} sends {frame.size[0]} x {frame.size[1]} pictures, and its calibration "
            f"is for {intrinsics.width} x {intrinsics.height}. Choose that size, or calibrate the camera again."
        )
    if not intrinsics.distortion.any() and K is None:
        return frame
    wanted = intrinsics.K if K is None else np.asarray(K, float)
    where = _maps(frame.size, intrinsics.K.tobytes(), intrinsics.distortion.tobytes(), wanted.tobytes())
    rgb = cv2.remap(frame.rgb, *where, cv2.INTER_LINEAR)
    # Depths must not be mixed: between near and far lies nothing.
    depth_mm = None if frame.depth_mm is None else cv2.remap(frame.depth_mm, *where, cv2.INTER_NEAREST)
    return replace(frame, rgb=rgb, depth_mm=depth_mm)


def borderless_matrix(intrinsics: Intrinsics) -> np.ndarray:
    """K (3, 3) of the largest ideal picture of the same size without black borders."""
    size = (intrinsics.width, intrinsics.height)
    return cv2.getOptimalNewCameraMatrix(intrinsics.K, intrinsics.distortion, size, 0.0)[0]


def ideal_camera(
    name: str, intrinsics: Intrinsics, base_from_camera: np.ndarray, K: np.ndarray | None = None
) -> Camera:
    """The camera of undistorted frames, standing at `base_from_camera` (4, 4); `K` as given to `undistort`."""
    return Camera(name, intrinsics.width, intrinsics.height, intrinsics.K if K is None else K, base_from_camera)


@lru_cache(maxsize=16)
def _maps(size: tuple[int, int], K: bytes, distortion: bytes, wanted: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Where each ideal pixel lies in the picture; computed once per lens, as bytes can be remembered."""
    lens = np.frombuffer(K).reshape(3, 3), np.frombuffer(distortion)
    ideal = np.frombuffer(wanted).reshape(3, 3)
    return cv2.initUndistortRectifyMap(*lens, np.eye(3), ideal, size, cv2.CV_16SC2)

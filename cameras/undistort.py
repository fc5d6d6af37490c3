"""Undistortion: from the image of a lens to that of an ideal pinhole camera."""

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np

from cameras.errors import CameraError, spoken
from cameras.frame import Frame
from cameras.intrinsics import Intrinsics
from foundation.camera import Camera

_MODELLED = 1.5  # times the distance from an image's centre to its corner: the valid range of a lens model


def undistort(frame: Frame, intrinsics: Intrinsics, K: np.ndarray | None = None) -> Frame:
    """Undistort the frame to an ideal camera with `K` (3, 3), by default the lens's own; same size.

    Pixels that the lens did not see are black, with depth 0 (unknown). Raises CameraError if the image size is not that
    of the calibration.
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
    # Depths must not be interpolated: there is nothing between near and far.
    depth_mm = None if frame.depth_mm is None else cv2.remap(frame.depth_mm, *where, cv2.INTER_NEAREST)
    return replace(frame, rgb=rgb, depth_mm=depth_mm)


def distort(pixels: np.ndarray, intrinsics: Intrinsics) -> np.ndarray:
    """Map pixels (..., 2) of the ideal camera (own K, no distortion) to the image of the lens.

    NaN stays NaN, and points far outside the image become NaN: there a lens model is invalid, or folds back.
    """
    pixels = np.asarray(pixels, float)
    if not intrinsics.distortion.any():
        return pixels
    ideal = np.concatenate([pixels, np.ones_like(pixels[..., :1])], axis=-1).reshape(-1, 3)
    inverse = np.linalg.inv(intrinsics.K).T
    rays = ideal @ inverse
    corner = np.array([-0.5, -0.5, 1.0]) @ inverse
    rays[np.linalg.norm(rays[:, :2], axis=1) > _MODELLED * np.linalg.norm(corner[:2])] = np.nan
    shown = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), intrinsics.K, intrinsics.distortion)[0]
    return shown.reshape(pixels.shape)


def borderless_matrix(intrinsics: Intrinsics) -> np.ndarray:
    """Return K (3, 3) of the largest ideal image of the same size without black borders."""
    size = (intrinsics.width, intrinsics.height)
    return cv2.getOptimalNewCameraMatrix(intrinsics.K, intrinsics.distortion, size, 0.0)[0]


def ideal_camera(
    name: str, intrinsics: Intrinsics, base_from_camera: np.ndarray, K: np.ndarray | None = None
) -> Camera:
    """Return the camera of undistorted frames at `base_from_camera` (4, 4); `K` as given to `undistort`."""
    return Camera(name, intrinsics.width, intrinsics.height, intrinsics.K if K is None else K, base_from_camera)


@lru_cache(maxsize=16)
def _maps(size: tuple[int, int], K: bytes, distortion: bytes, wanted: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return the maps from ideal pixels to the image, cached per lens (bytes are hashable)."""
    lens = np.frombuffer(K).reshape(3, 3), np.frombuffer(distortion)
    ideal = np.frombuffer(wanted).reshape(3, 3)
    return cv2.initUndistortRectifyMap(*lens, np.eye(3), ideal, size, cv2.CV_16SC2)

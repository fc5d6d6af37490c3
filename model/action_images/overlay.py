"""Visualisation: action images and trajectories drawn over camera images."""

from itertools import pairwise

import cv2
import numpy as np

from foundation.camera import Camera
from foundation.poses import transform
from foundation.trajectory import Trajectory
from model.action_images.encoding import AXIS_LENGTH, BLUE, OPEN_ABOVE, PEDESTAL

# Lighter than the channels' own colours: pure blue is invisible on a dark image.
COLOURS = np.array([[255, 70, 60], [70, 230, 80], [80, 150, 255]], np.float32)
OPACITY = 0.75
# Threshold of the blue blob above an open gripper's pedestal, with a margin for video codecs.
BLOB_ABOVE = PEDESTAL + 0.04
BLACK = (0, 0, 0)
FINE = 4  # fractional bits of OpenCV's pixel coordinates


def draw_overlay(image: np.ndarray, action_image: np.ndarray) -> np.ndarray:
    """Draw the three blobs of an action image (h, w, 3) over a copy of the camera image (H, W, 3) uint8.

    The action image is uint8, or float in [0, 1], and may have another size; its blue pedestal is not shown.
    """
    _check_picture(image)
    if action_image.ndim != 3 or action_image.shape[2] != 3:
        raise ValueError(f"an action image must be (h, w, 3), not {action_image.shape}")
    heat = action_image.astype(np.float32)
    if action_image.dtype == np.uint8:
        heat /= 255.0
    heat[..., BLUE] *= heat[..., BLUE] > BLOB_ABOVE
    if heat.shape != image.shape:
        heat = cv2.resize(heat, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
    total = heat.sum(axis=-1, keepdims=True)
    colour = heat @ COLOURS / np.maximum(total, 1e-6)
    alpha = OPACITY * np.clip(heat.max(axis=-1, keepdims=True), 0.0, 1.0)
    return np.rint(image * (1.0 - alpha) + colour * alpha).clip(0, 255).astype(np.uint8)


def draw_trajectory(
    image: np.ndarray, camera: Camera, trajectory: Trajectory, *, axis_length: float = AXIS_LENGTH, axes: int = 6
) -> np.ndarray:
    """Draw a trajectory over a copy of the camera image (H, W, 3) uint8.

    The path goes from blue through green to red with time. `axes` frames, evenly spaced, show the tool's axes (x red,
    y green, z blue, `axis_length` m) and the gripper: a ring when open, a dot when closed. Frames that are unknown or
    behind the camera are omitted. The camera must be static and have the image's size.
    """
    _check_picture(image)
    if camera.moving or image.shape[:2] != (camera.height, camera.width):
        raise ValueError(
            f"camera {camera.name} must stand still and have the picture's size {image.shape[1]} x {image.shape[0]}"
        )
    drawn = image.copy()
    unit = max(1, round(min(image.shape[:2]) / 256))
    path = camera.project(trajectory.base_from_tool[:, :3, 3])
    colours = _ramp(len(path))
    for start, end in pairwise(path):
        _line(drawn, start, end, BLACK, 4 * unit)
    for (start, end), colour in zip(pairwise(path), colours[1:], strict=True):
        _line(drawn, start, end, colour, 2 * unit)
    known = np.flatnonzero(trajectory.known)
    shown = known[np.unique(np.linspace(0, len(known) - 1, axes).round().astype(int))] if len(known) else known
    ends = np.concatenate([axis_length * np.eye(3), np.zeros((1, 3))])
    for frame in shown:
        *tips, origin = camera.project(transform(trajectory.base_from_tool[frame], ends))
        for tip, colour in zip(tips, COLOURS.tolist(), strict=True):
            _line(drawn, origin, tip, colour, unit)
        _disc(drawn, origin, 3 * unit, BLACK, cv2.FILLED)
        is_open = trajectory.openness[frame] > OPEN_ABOVE
        _disc(drawn, origin, 2 * unit, colours[frame], unit if is_open else cv2.FILLED)
    return drawn


def _ramp(count: int) -> list[list[int]]:
    """Return colours from blue through green to red."""
    steps = np.linspace(30, 235, count).astype(np.uint8)[:, None]
    return cv2.applyColorMap(steps, cv2.COLORMAP_TURBO)[:, 0, ::-1].tolist()


def _check_picture(image: np.ndarray) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"a picture must be (H, W, 3) uint8, not {image.shape} {image.dtype}")


def _fixed(pixel: np.ndarray) -> tuple[int, int] | None:
    """Convert to OpenCV's fixed-point pixel; None when it is unknown, or too far away to be drawn."""
    if not (np.abs(pixel) < 1e5).all():
        return None
    u, v = np.rint(pixel * 2**FINE).astype(int)
    return int(u), int(v)


def _line(image: np.ndarray, start: np.ndarray, end: np.ndarray, colour, thickness: int) -> None:
    first, last = _fixed(start), _fixed(end)
    if first and last:
        cv2.line(image, first, last, colour, thickness, cv2.LINE_AA, FINE)


def _disc(image: np.ndarray, centre: np.ndarray, radius: int, colour, thickness: int) -> None:
    middle = _fixed(centre)
    if middle:
        cv2.circle(image, middle, radius << FINE, colour, thickness, cv2.LINE_AA, FINE)

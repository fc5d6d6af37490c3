"""Proposal prepared for playback: images, action image layers, and the motion projected into each view."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from foundation.camera import Camera
from foundation.poses import transform
from foundation.trajectory import Trajectory
from gui.pictures.camera_view import Drawing
from model.action_images.encoding import BLUE
from model.action_images.overlay import BLOB_ABOVE, COLOURS, OPACITY

_AXIS = 0.05  # m: drawn length of the tool's axes
_LEAST_ALPHA = 0.02  # invisible below


class DrawnPath(Protocol):
    """Overlay of one view, by frame."""

    def at(self, frame: int) -> Drawing | None: ...


class Watched(Protocol):
    """Interface of what the player can show: a proposal's `PlaybackClip`, whose members it has, or a recording."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def ways(self) -> Sequence[DrawnPath]: ...
    @property
    def moments(self) -> np.ndarray: ...
    @property
    def confidence(self) -> np.ndarray | None: ...
    @property
    def closed(self) -> np.ndarray: ...
    @property
    def still(self) -> bool: ...
    @property
    def residual_px(self) -> np.ndarray | None: ...
    @property
    def original(self) -> Sequence[np.ndarray]: ...
    def __len__(self) -> int: ...
    def picture(self, view: int, frame: int) -> np.ndarray: ...
    def layer(self, view: int, frame: int) -> np.ndarray | None: ...
    def frame_at(self, moment: float) -> int: ...


@dataclass(frozen=True, eq=False)
class PixelPath:
    """Motion projected into one camera: `path` (T, 2) px, `tool` (T, 4, 2) origin and axis tips, `closed` (T,) bool."""

    path: np.ndarray
    tool: np.ndarray
    closed: np.ndarray

    def at(self, frame: int, trail: np.ndarray | None = None) -> Drawing:
        """Return the overlay of a frame; `trail` (n, 2) px is the measured path of the tool."""
        done = np.zeros((0, 2)) if trail is None else trail
        return Drawing(self.path, frame, self.tool[frame], bool(self.closed[frame]), done)


@dataclass(frozen=True, eq=False)
class PlaybackClip:
    """Video of a proposal in all views with its overlays.

    Attributes:
        names, ways: (V,) views and their projected motions.
        rgb: (V,) of (T or 1, H, W, 3) uint8; `layers`: (V, T, h, w, 4) uint8 or None.
        moments: (T,) s at which each frame is passed at full speed.
        confidence: (T,) or None; `closed`: (T,) bool.
        residual_px: (T, V) distance between what a view shows and the motion, or None.
        original: (V,) of (H, W, 3), the camera frames at the time of the request, where `rgb` are generated.
    """

    names: tuple[str, ...]
    rgb: tuple[np.ndarray, ...]
    layers: np.ndarray | None
    ways: Sequence[DrawnPath]
    moments: np.ndarray
    confidence: np.ndarray | None
    closed: np.ndarray
    residual_px: np.ndarray | None = None
    original: tuple[np.ndarray, ...] = ()

    def __len__(self) -> int:
        return len(self.moments)

    @property
    def still(self) -> bool:
        """Whether the images are single present frames, because the source generated no video."""
        return len(self.rgb[0]) == 1 and len(self) > 1

    def picture(self, view: int, frame: int) -> np.ndarray:
        return self.rgb[view][min(frame, len(self.rgb[view]) - 1)]

    def layer(self, view: int, frame: int) -> np.ndarray | None:
        return None if self.layers is None else self.layers[view, frame]

    def frame_at(self, moment: float) -> int:
        """Return the frame shown `moment` s after the first: the last one passed by then."""
        return frame_at(self.moments, moment)


def frame_at(moments: np.ndarray, moment: float) -> int:
    """Return the frame of those at `moments` (n,) s that is shown `moment` s after the first: the last one passed."""
    return max(0, int(np.searchsorted(moments - moments[0], moment + 1e-9, side="right")) - 1)


def path_in(camera: Camera, trajectory: Trajectory) -> PixelPath:
    """Project the motion into this camera."""
    tool = tool_in(camera, trajectory.base_from_tool)
    return PixelPath(tool[:, 0], tool, np.nan_to_num(trajectory.openness, nan=1.0) < 0.5)


def tool_in(camera: Camera, base_from_tool: np.ndarray) -> np.ndarray:
    """Project the tool's origin and axis tips at poses (..., 4, 4); returns (..., 4, 2) px."""
    ends = np.concatenate([np.zeros((1, 3)), _AXIS * np.eye(3)])
    return camera.project(transform(base_from_tool[..., None, :, :], ends))


def pixels_of(camera: Camera, points: np.ndarray) -> np.ndarray:
    """Project points (n, 3) m to pixels (n, 2) of a static camera."""
    return camera.project(points) if len(points) else np.zeros((0, 2))


def make_clip(
    cameras: Sequence[Camera],
    rgb: Sequence[np.ndarray],
    action: np.ndarray | None,
    trajectory: Trajectory,
    *,
    moments: np.ndarray,
    confidence: np.ndarray | None,
    residual_px: np.ndarray | None = None,
    original: Sequence[np.ndarray] = (),
) -> PlaybackClip:
    """Create a clip; slow, so run it in a job.

    Args:
        cameras: (V,), resized to the images.
        rgb: (V,) of (T or 1, H, W, 3) uint8.
        action: action images (V, T, h, w, 3), uint8 or float in [0, 1].
    """
    sizes = [(pictures.shape[2], pictures.shape[1]) for pictures in rgb]
    ways = tuple(path_in(camera.resized(*size), trajectory) for camera, size in zip(cameras, sizes, strict=True))
    layers = None if action is None else np.stack([[blob_layer(image) for image in view] for view in action])
    closed = np.nan_to_num(trajectory.openness, nan=1.0) < 0.5
    names = tuple(camera.name for camera in cameras)
    return PlaybackClip(
        names, tuple(rgb), layers, ways, np.asarray(moments, float), confidence, closed, residual_px, tuple(original)
    )


def blob_layer(action_image: np.ndarray) -> np.ndarray:
    """Convert an action image (h, w, 3) with its three blobs to a translucent layer (h, w, 4) uint8.

    Blended over an image it equals `model.action_images.overlay.draw_overlay`.
    """
    heat = action_image.astype(np.float32)
    if action_image.dtype == np.uint8:
        heat /= 255.0
    heat[..., BLUE] *= heat[..., BLUE] > BLOB_ABOVE
    alpha = OPACITY * np.clip(heat.max(axis=-1), 0.0, 1.0)
    layer = np.zeros((*heat.shape[:2], 4), np.uint8)
    seen = alpha > _LEAST_ALPHA
    shares = heat[seen] / np.maximum(heat[seen].sum(axis=-1, keepdims=True), 1e-6)
    layer[seen, :3] = np.rint(shares @ COLOURS).clip(0, 255)
    layer[seen, 3] = np.rint(255 * alpha[seen])
    return layer

"""A proposal made ready to be watched: pictures, blobs as layers, and the motion's way in each view's pixels."""

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

_AXIS = 0.05  # m: the drawn length of the tool's axes
_LEAST_ALPHA = 0.02  # below it nothing can be seen


class DrawnPath(Protocol):
    """What is drawn over one view's pictures."""

    def at(self, frame: int) -> Drawing | None: ...


class Watched(Protocol):
    """What can be watched in every view: a proposal's `PlaybackClip`, whose members it has, or a recording."""

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
    """A motion in one camera's pixels: `path` (T, 2), `tool` (T, 4, 2) origin and ends of the axes, `closed` (T,)."""

    path: np.ndarray
    tool: np.ndarray
    closed: np.ndarray

    def at(self, frame: int, trail: np.ndarray | None = None) -> Drawing:
        """What is drawn at a frame; `trail` (n, 2) px: where the tool has really been."""
        done = np.zeros((0, 2)) if trail is None else trail
        return Drawing(self.path, frame, self.tool[frame], bool(self.closed[frame]), done)


@dataclass(frozen=True, eq=False)
class PlaybackClip:
    """`names` (V,); `rgb` (V,) of (T or 1, H, W, 3) uint8; `layers` (V, T, h, w, 4) uint8 or None; `ways` (V,);
    `moments` (T,) s at which each frame is passed at full speed; `confidence` (T,) or None; `closed` (T,) bool;
    `residual_px` (T, V): how far what a view shows lies from the motion, or None; `original` (V,) of (H, W, 3): the
    pictures that were there before, where `rgb` are imagined ones."""

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
        """Whether the pictures are those of the present, since the source showed no others."""
        return len(self.rgb[0]) == 1 and len(self) > 1

    def picture(self, view: int, frame: int) -> np.ndarray:
        return self.rgb[view][min(frame, len(self.rgb[view]) - 1)]

    def layer(self, view: int, frame: int) -> np.ndarray | None:
        return None if self.layers is None else self.layers[view, frame]

    def frame_at(self, moment: float) -> int:
        """The frame shown `moment` s after the first: the last one that has been passed."""
        return max(0, int(np.searchsorted(self.moments - self.moments[0], moment + 1e-9, side="right")) - 1)


def path_in(camera: Camera, trajectory: Trajectory) -> PixelPath:
    """The motion as this camera sees it."""
    tool = tool_in(camera, trajectory.base_from_tool)
    return PixelPath(tool[:, 0], tool, np.nan_to_num(trajectory.openness, nan=1.0) < 0.5)


def tool_in(camera: Camera, base_from_tool: np.ndarray) -> np.ndarray:
    """The tool's origin and the ends of its axes (..., 4, 2) px at poses (..., 4, 4)."""
    ends = np.concatenate([np.zeros((1, 3)), _AXIS * np.eye(3)])
    return camera.project(transform(base_from_tool[..., None, :, :], ends))


def pixels_of(camera: Camera, points: np.ndarray) -> np.ndarray:
    """Points (n, 3) m as pixels (n, 2) of a camera that stands still."""
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
    """`rgb` (V,) of (T or 1, H, W, 3), `action` (V, T, h, w, 3) uint8 or float in [0, 1]; it takes a while.

    `cameras` (V,) are brought to the pictures' sizes.
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
    """The three blobs of an action image (h, w, 3) as a see-through picture (h, w, 4) uint8.

    Mixed into a picture it gives what `model.action_images.overlay.draw_overlay` draws.
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

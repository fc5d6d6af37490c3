"""Trajectories of the arm, and the scene that the model is given."""

from dataclasses import dataclass, replace

import numpy as np

from foundation.camera import Camera
from foundation.poses import interpolate, is_pose


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Tool poses and gripper openness over time.

    `times` (T,) s, strictly increasing; `base_from_tool` (T, 4, 4), tool = TCP; `openness` (T,) in [0, 1], 1 = open.
    An unknown frame has NaN in its pose and openness. Raises ValueError for anything else.
    """

    times: np.ndarray
    base_from_tool: np.ndarray
    openness: np.ndarray

    def __post_init__(self):
        for name in ("times", "base_from_tool", "openness"):
            array = np.array(getattr(self, name), float)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        T = len(self.times) if self.times.ndim == 1 else 0
        if T < 1 or self.base_from_tool.shape != (T, 4, 4) or self.openness.shape != (T,):
            raise ValueError(
                f"a trajectory needs times (T,), base_from_tool (T, 4, 4) and openness (T,) with T >= 1, not "
                f"{self.times.shape}, {self.base_from_tool.shape}, {self.openness.shape}"
            )
        if not np.isfinite(self.times).all() or not (np.diff(self.times) > 0).all():
            raise ValueError("the times of a trajectory must be finite and rise strictly")
        if np.isinf(self.base_from_tool).any() or not is_pose(self.base_from_tool[self.known]):
            raise ValueError("base_from_tool must hold rigid transforms, or NaN where a frame is unknown")
        openness = self.openness[~np.isnan(self.openness)]
        if ((openness < 0) | (openness > 1)).any():
            raise ValueError("openness must lie in [0, 1], 1 = open")

    def __len__(self) -> int:
        return len(self.times)

    @property
    def known(self) -> np.ndarray:
        """Bool (T,): frames whose pose and openness are given."""
        return ~(np.isnan(self.base_from_tool).any(axis=(1, 2)) | np.isnan(self.openness))

    @property
    def duration(self) -> float:
        """Seconds from the first to the last frame."""
        return float(self.times[-1] - self.times[0])

    def at(self, times: np.ndarray) -> "Trajectory":
        """Resample at `times` (n,) s from the known frames, clamped at the ends; ValueError when none is known."""
        known = self.known
        if not known.any():
            raise ValueError("no frame of this trajectory is known")
        times = np.asarray(times, float)
        poses = interpolate(self.times[known], self.base_from_tool[known], times)
        return Trajectory(times, poses, np.interp(times, self.times[known], self.openness[known]))

    def __getitem__(self, frames: slice) -> "Trajectory":
        return replace(
            self, times=self.times[frames], base_from_tool=self.base_from_tool[frames], openness=self.openness[frames]
        )


@dataclass(frozen=True, eq=False)
class View:
    """One camera's image: `rgb` (H, W, 3) uint8, undistorted, `captured` s on the machine's monotonic clock."""

    camera: Camera
    rgb: np.ndarray
    captured: float

    def __post_init__(self):
        expected = (self.camera.height, self.camera.width, 3)
        if self.rgb.shape != expected or self.rgb.dtype != np.uint8:
            raise ValueError(
                f"camera {self.camera.name}: the image must be {expected} uint8, not {self.rgb.shape} {self.rgb.dtype}"
            )

    def cropped(self, left: int, top: int, width: int, height: int) -> "View":
        """Crop the image and its camera together; beyond the border the edge pixels are replicated."""
        if (left, top, width, height) == (0, 0, self.camera.width, self.camera.height):
            return self
        rows = np.clip(np.arange(top, top + height), 0, self.camera.height - 1)
        columns = np.clip(np.arange(left, left + width), 0, self.camera.width - 1)
        rgb = np.ascontiguousarray(self.rgb[rows][:, columns])
        return replace(self, camera=self.camera.cropped(left, top, width, height), rgb=rgb)


@dataclass(frozen=True, eq=False)
class Scene:
    """Input of the model: one image per camera, the tool's present pose (4, 4) and openness, and the arm's joints (7,)
    rad, None where they are not known."""

    views: tuple[View, ...]
    base_from_tool: np.ndarray
    openness: float
    joints: np.ndarray | None = None

    def __post_init__(self):
        if not self.views:
            raise ValueError("a scene needs at least one view")
        names = [view.camera.name for view in self.views]
        if len(set(names)) != len(names):
            raise ValueError(f"the views of a scene need different camera names, not {names}")
        if self.base_from_tool.shape != (4, 4) or not is_pose(self.base_from_tool):
            raise ValueError("a scene needs the arm's present pose as a rigid (4, 4) transform")
        if not 0.0 <= self.openness <= 1.0:
            raise ValueError(f"openness must lie in [0, 1], not {self.openness}")

    @property
    def cameras(self) -> tuple[Camera, ...]:
        return tuple(view.camera for view in self.views)

"""Input and output of a joint calibration: plain arrays, independent of camera names and of the library."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from cameras.intrinsics import Intrinsics

POSITION_ACCURACY = 0.0005
"""m per axis: how far an xArm7's tool is from where its controller says, loads and bending included. Its repeatability
is 0.1 mm (maker's data sheet); what it is off by in different postures is several times that."""

ROTATION_ACCURACY = float(np.deg2rad(0.1))
"""rad per axis, likewise."""

CORNER_NOISE_PX = 0.1
"""px of a tag's corner in a sharp picture, one axis (measured on drawn pictures: 0.06 to 0.12)."""


@dataclass(frozen=True, eq=False)
class RigView:
    """View by camera `camera` at robot pose `pose` (indices): board points (n, 3) m at raw `pixels` (n, 2)."""

    camera: int
    pose: int
    points: np.ndarray
    pixels: np.ndarray


@dataclass(frozen=True, eq=False)
class RigData:
    """Observations of a rig.

    Per camera its lens, per robot pose `base_from_tool` (P, 4, 4) and the index of the board's mounting `mount` (P,);
    `position_sigma` m and `rotation_sigma` rad of the poses per axis, `pixel_sigma` px of corners.
    """

    lenses: tuple[Intrinsics, ...]
    base_from_tool: np.ndarray
    mount: np.ndarray
    views: tuple[RigView, ...]
    position_sigma: float = POSITION_ACCURACY
    rotation_sigma: float = ROTATION_ACCURACY
    pixel_sigma: float = CORNER_NOISE_PX

    @property
    def mounts(self) -> int:
        return int(self.mount.max(initial=0)) + 1

    def with_poses(self, keep: Sequence[int] | np.ndarray) -> "RigData":
        """Return the data with the views at these poses only; indices are unchanged."""
        kept = {int(pose) for pose in keep}
        return replace(self, views=tuple(view for view in self.views if view.pose in kept))

    @property
    def seen_poses(self) -> np.ndarray:
        """Indices of the poses with a view, rising."""
        return np.unique([view.pose for view in self.views]).astype(int)

    def of_camera(self, camera: int) -> list[RigView]:
        return [view for view in self.views if view.camera == camera]


@dataclass(frozen=True, eq=False)
class Rig:
    """Solution of a rig calibration.

    `camera_from_base` (C, 4, 4), `tool_from_board` (M, 4, 4), `correction` (P, 6) in each pose's tool frame (m, then
    rad), the `lenses`, and the ratio `scale` of the board's true size to the described one.
    """

    camera_from_base: np.ndarray
    tool_from_board: np.ndarray
    correction: np.ndarray
    lenses: tuple[Intrinsics, ...]
    scale: float = 1.0
    scale_sigma: float = field(default=float("nan"))

"""Convex shapes of the arm, from foundation/xarm7.xml, placed by its joints: for rendering and its shadow."""
# pyright: reportAttributeAccessIssue=false
# (MuJoCo's names come from compiled modules without type stubs.)

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from foundation import mjcf

_AROUND = 10  # corners of a circle


@dataclass(frozen=True, eq=False)
class ArmShapes:
    """Convex parts of the arm.

    MuJoCo's `model` and `data`, the n visible `geoms` (n,), the `corners` (n, c, 3) m of each in its own frame
    (padded with its centre), its position in the `order` (n,) from the base's 0 to the fingers' 1, and its material
    (n,), an index into the default `colours` (m, 3) in [0, 1]. `facets` (f, 4): the parts' faces, as indices into all n
    * c corners, in cyclic order. `owners` (f,): the part of each.
    """

    model: Any
    data: Any
    geoms: np.ndarray
    corners: np.ndarray
    order: np.ndarray
    materials: np.ndarray
    colours: np.ndarray
    facets: np.ndarray
    owners: np.ndarray

    def placed(self, q: np.ndarray, openness: float) -> np.ndarray | None:
        """Return the corners (n, c, 3) in base, with joints `q` (7,) rad; None where those are unknown."""
        import mujoco

        if not (np.isfinite(q).all() and np.isfinite(openness)):
            return None
        self.data.qpos[:] = mjcf.arm_qpos(q, float(openness))
        mujoco.mj_kinematics(self.model, self.data)
        turns = self.data.geom_xmat[self.geoms].reshape(-1, 3, 3)
        return np.einsum("nij,ncj->nci", turns, self.corners) + self.data.geom_xpos[self.geoms][:, None]


@cache
def arm_shapes() -> ArmShapes:
    """Return the shapes of the xArm7 with its gripper."""
    import mujoco

    model = mjcf.arm_spec().compile()
    geoms = np.flatnonzero(model.geom_group == mjcf.LOOK_GROUP)
    parts = [_part(mujoco.mjtGeom(model.geom_type[g]).name, model.geom_size[g]) for g in geoms]
    most = max(len(corners) for corners, _ in parts)
    padded = [np.concatenate([one, np.tile(one.mean(axis=0), (most - len(one), 1))]) for one, _ in parts]
    facets = [facets + most * i for i, (_, facets) in enumerate(parts)]
    owners = np.repeat(np.arange(len(parts)), [len(one) for one in facets])
    used, materials = np.unique(model.geom_matid[geoms], return_inverse=True)
    order, colours = model.geom_bodyid[geoms] / (model.nbody - 1), model.mat_rgba[used, :3].astype(float)
    corners = np.stack(padded)
    data = mujoco.MjData(model)
    return ArmShapes(model, data, geoms, corners, order, materials, colours, np.concatenate(facets), owners)


def _part(kind: str, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return corners (c, 3) and facets (f, 4) of a MuJoCo geom of this kind and size."""
    if kind == "mjGEOM_BOX":
        signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
        facets = [(0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (0, 2, 6, 4), (1, 3, 7, 5)]
        return signs * size, np.array(facets)
    if kind == "mjGEOM_CYLINDER":  # from the centre of one end to the centre of the other
        profile = [(0.0, size[1]), (size[0], size[1]), (size[0], -size[1]), (0.0, -size[1])]
    else:
        half, slope = 0.0 if kind == "mjGEOM_SPHERE" else size[1], size[0] * np.sqrt(0.5)
        upper = [(0.0, half + size[0]), (slope, half + slope), (size[0], half)]
        profile = upper + [(radius, -height) for radius, height in reversed(upper)]
    angles = 2 * np.pi * np.arange(_AROUND) / _AROUND
    rings = [np.stack([r * np.cos(angles), r * np.sin(angles), np.full(_AROUND, z)], axis=1) for r, z in profile]
    here = np.arange(_AROUND)
    beside = np.roll(here, -1)
    band = np.stack([here, beside, beside + _AROUND, here + _AROUND], axis=1)
    bands = [band + _AROUND * i for i in range(len(profile) - 1)]
    return np.concatenate(rings), np.concatenate(bands)

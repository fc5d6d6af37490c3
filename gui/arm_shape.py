"""The xArm7 as triangles for drawing: the looks in its MuJoCo description, posed by joint values."""
# pyright: reportAttributeAccessIssue=false
# (MuJoCo's names come from compiled modules without type stubs.)

from dataclasses import dataclass
from functools import cache

import numpy as np

from foundation import mjcf
from foundation.poses import pose, transform
from gui.solids import Solid, box, capsule, cylinder, joined, sphere


@dataclass(frozen=True, eq=False)
class PosedMesh:
    """`vertices` and `normals` (n, 3) float32 in base."""

    vertices: np.ndarray
    normals: np.ndarray


class ArmShape:
    """All of the arm's parts as one mesh; `at` moves each part to where the joints put it."""

    def __init__(self):
        import mujoco  # the kinematics alone, nothing is drawn with it

        self._mujoco = mujoco
        self._model = mjcf.arm_spec().compile()
        self._data = mujoco.MjData(self._model)
        looks = [g for g in range(self._model.ngeom) if self._model.geom_group[g] == mjcf.LOOK_GROUP]
        solids = [self._solid(geom) for geom in looks]
        self._body = np.repeat([self._model.geom_bodyid[g] for g in looks], [len(s.vertices) for s in solids])
        self.solid = joined(solids)

    def at(self, q: np.ndarray, openness: float = 1.0) -> PosedMesh:
        """The mesh with joints q (7,) rad and the gripper open by `openness` in [0, 1]."""
        self._data.qpos[: len(q) + 2] = mjcf.arm_qpos(np.asarray(q, float), float(np.clip(openness, 0.0, 1.0)))
        self._mujoco.mj_kinematics(self._model, self._data)
        rotation = self._data.xmat.reshape(-1, 3, 3)[self._body]
        vertices = np.einsum("nij,nj->ni", rotation, self.solid.vertices) + self._data.xpos[self._body]
        normals = np.einsum("nij,nj->ni", rotation, self.solid.normals)
        return PosedMesh(vertices.astype(np.float32), normals.astype(np.float32))

    def _solid(self, geom: int) -> Solid:
        """One geom's surface in its body's frame."""
        kind, size = self._mujoco.mjtGeom(self._model.geom_type[geom]), self._model.geom_size[geom]
        if kind == self._mujoco.mjtGeom.mjGEOM_SPHERE:
            solid = sphere(size[0])
        elif kind == self._mujoco.mjtGeom.mjGEOM_CAPSULE:
            solid = capsule(size[0], size[1])
        elif kind == self._mujoco.mjtGeom.mjGEOM_CYLINDER:
            solid = cylinder(size[0], size[1])
        elif kind == self._mujoco.mjtGeom.mjGEOM_BOX:
            solid = box(size)
        else:
            raise ValueError(f"the arm's description has a look of a kind that cannot be drawn here: {kind}")
        rotation = np.empty(9)
        self._mujoco.mju_quat2Mat(rotation, self._model.geom_quat[geom])
        material = self._model.geom_matid[geom]
        colour = self._model.mat_rgba[material] if material >= 0 else self._model.geom_rgba[geom]
        return solid.moved(pose(rotation.reshape(3, 3), self._model.geom_pos[geom])).coloured(tuple(colour))


@cache
def arm_shape() -> ArmShape:
    """The one shape of this process; only for the thread of the window."""
    return ArmShape()


def tool_marks(base_from_tool: np.ndarray, length: float) -> np.ndarray:
    """Ends (n, 3, 2, 3) of lines along the tool's x, y, z axes at poses (n, 4, 4), each `length` m."""
    ends = np.concatenate([np.zeros((1, 3)), length * np.eye(3)])
    points = transform(base_from_tool[:, None], ends[None])
    origin = np.repeat(points[:, :1], 3, axis=1)
    return np.stack([origin, points[:, 1:]], axis=2)

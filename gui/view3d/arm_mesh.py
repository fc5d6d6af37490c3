"""Triangle mesh of the xArm7 for drawing: the visual geoms of its MuJoCo description, posed by joint positions."""
# pyright: reportAttributeAccessIssue=false
# (MuJoCo's names come from compiled modules without type stubs.)

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.spatial.transform import Rotation

from foundation import mjcf
from foundation.poses import pose, transform
from gui.view3d.meshes import Mesh, box, capsule, cylinder, joined, sphere, tube


@dataclass(frozen=True, eq=False)
class PosedMesh:
    """`vertices` (n, 3) m and `normals` (n, 3), float32, in the base frame."""

    vertices: np.ndarray
    normals: np.ndarray


class ArmShape:
    """All parts of the arm as one mesh; `at` poses it by forward kinematics."""

    def __init__(self):
        import mujoco  # kinematics only, MuJoCo does not render here

        self._mujoco = mujoco
        self._model = mjcf.arm_spec().compile()
        self._data = mujoco.MjData(self._model)
        looks = [g for g in range(self._model.ngeom) if self._model.geom_group[g] == mjcf.LOOK_GROUP]
        solids = [self._solid(geom) for geom in looks]
        bodies = [np.full(len(s.vertices), self._model.geom_bodyid[g]) for s, g in zip(solids, looks, strict=True)]
        for bar, ends in self._bars():
            solids.append(bar)
            bodies.append(ends)
        self._body = np.concatenate(bodies)
        self.solid = joined(solids)

    def at(self, q: np.ndarray, openness: float = 1.0) -> PosedMesh:
        """Return the mesh for joint positions q (7,) rad and a gripper opening in [0, 1]."""
        self._data.qpos[: len(q) + 2] = mjcf.arm_qpos(np.asarray(q, float), float(np.clip(openness, 0.0, 1.0)))
        self._mujoco.mj_kinematics(self._model, self._data)
        rotation = self._data.xmat.reshape(-1, 3, 3)[self._body]
        vertices = np.einsum("nij,nj->ni", rotation, self.solid.vertices) + self._data.xpos[self._body]
        normals = np.einsum("nij,nj->ni", rotation, self.solid.normals)
        return PosedMesh(vertices.astype(np.float32), normals.astype(np.float32))

    def of_body(self, posed: PosedMesh, name: str) -> np.ndarray:
        """Return the vertices (n, 3) m of one body of a mesh from `at`: "gripper", "left_finger", "link7", ..."""
        return posed.vertices[self._body == self._model.body(name).id]

    def _bars(self) -> Iterator[tuple[Mesh, np.ndarray]]:
        """Yield the gripper's knuckles: tubes whose two ends belong to two bodies, and every vertex's body."""
        model, data = self._model, self._data
        self._mujoco.mj_forward(model, data)
        for tendon in range(model.ntendon):
            first, count = model.tendon_adr[tendon], model.tendon_num[tendon]
            if model.wrap_type[first] != self._mujoco.mjtWrap.mjWRAP_SITE or count != 2:
                continue
            sites = model.wrap_objid[first : first + 2]
            across = data.site_xpos[sites[1]] - data.site_xpos[sites[0]]
            turn = Rotation.align_vectors(across[None] / np.linalg.norm(across), [[0, 0, 1.0]])[0].as_matrix()
            ring = tube(float(model.tendon_width[tendon])).moved(pose(turn))
            half = len(ring.vertices) // 2
            ends = np.repeat(model.site_bodyid[sites], half)
            rotation = data.xmat.reshape(-1, 3, 3)[ends]
            in_bodies = np.einsum("nji,nj->ni", rotation, ring.vertices)
            normals = np.einsum("nji,nj->ni", rotation, ring.normals)
            placed = replace(ring, vertices=in_bodies + np.repeat(model.site_pos[sites], half, axis=0), normals=normals)
            yield placed.coloured(model.mat_rgba[model.tendon_matid[tendon]]), ends

    def _solid(self, geom: int) -> Mesh:
        """Return the surface of one geom in its body's frame."""
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
    """Return the process's only ArmShape; GUI thread only."""
    return ArmShape()


def tool_marks(base_from_tool: np.ndarray, length: float) -> np.ndarray:
    """Return end points (n, 3, 2, 3) of lines of `length` m along the tool's x, y, z axes at poses (n, 4, 4)."""
    ends = np.concatenate([np.zeros((1, 3)), length * np.eye(3)])
    points = transform(base_from_tool[:, None], ends[None])
    origin = np.repeat(points[:, :1], 3, axis=1)
    return np.stack([origin, points[:, 1:]], axis=2)

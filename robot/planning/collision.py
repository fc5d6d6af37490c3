"""Collision check of the arm with itself, the table and known boxes: MuJoCo contacts of the arm's convex hulls."""
# pyright: reportAttributeAccessIssue=false
# (MuJoCo's names come from compiled modules without type stubs.)

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from foundation import mjcf

if TYPE_CHECKING:
    import mujoco

TABLE = "the table"
# Clearance of a hull, m. Fingers work at the table's surface; all other parts keep away from it.
FINGERS_NEAR, ARM_NEAR, SELF_NEAR = 0.0005, 0.005, 0.002
_FINGER_BODIES = ("left_finger", "right_finger")
_TABLE_HALF = (1.5, 1.5, 0.05)
_PARTS = {  # names of the model's bodies for the operator
    "base": "the base",
    **{f"link{i}": f"link {i}" for i in range(1, 8)},
    "gripper": "the gripper",
    "left_finger": "a finger",
    "right_finger": "a finger",
}


@dataclass(frozen=True, slots=True)
class KnownBox:
    """Solid obstacle in the workspace: `centre` and full `size` (x, y, z) m in base, axis-aligned."""

    name: str
    centre: tuple[float, float, float]
    size: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Contact:
    """Contact between a part of the arm and a part of the arm, the table or a box, named for the operator."""

    part: str
    other: str
    depth: float  # m, how far the clearance is violated


class CollisionCheck:
    """Collision check of the arm among known obstacles. Not for concurrent use: it poses one model."""

    def __init__(self, *, table: bool = True, boxes: tuple[KnownBox, ...] = ()):
        import mujoco  # a third of a second; only planning waits for it

        self._mujoco = mujoco
        self._model = _build(table, boxes)
        self._data = mujoco.MjData(self._model)
        self._names: list[str] = [self._model.body(i).name for i in range(self._model.nbody)]
        self._obstacles: dict[int, str] = {
            self._model.geom(name).id: name for name in (*([TABLE] if table else []), *_names(boxes))
        }
        self._fingers = {self._model.body(name).id for name in _FINGER_BODIES}

    def touch(self, q: np.ndarray, openness: float) -> Contact | None:
        """Return the deepest contact of the arm at joints (7,) rad, None if there is none."""
        data = self._data
        data.qpos[:9] = mjcf.arm_qpos(q, openness)
        self._mujoco.mj_kinematics(self._model, data)
        self._mujoco.mj_collision(self._model, data)
        deepest: Contact | None = None
        for i in range(data.ncon):
            found = self._judged(data.contact.geom[i], float(data.contact.dist[i]))
            if found is not None and (deepest is None or found.depth > deepest.depth):
                deepest = found
        return deepest

    def _judged(self, geoms: np.ndarray, distance: float) -> Contact | None:
        obstacle = next((self._obstacles[g] for g in geoms if g in self._obstacles), None)
        bodies = [int(self._model.geom_bodyid[g]) for g in geoms if g not in self._obstacles]
        near = SELF_NEAR if obstacle is None else FINGERS_NEAR if bodies[0] in self._fingers else ARM_NEAR
        if distance >= near:
            return None
        parts = [_PARTS[self._names[body]] for body in bodies]
        return Contact(parts[-1], parts[0] if obstacle is None else obstacle, near - distance)


@lru_cache(maxsize=4)
def collision_check(table: bool, boxes: tuple[KnownBox, ...]) -> CollisionCheck:
    """Return a cached check for these obstacles."""
    return CollisionCheck(table=table, boxes=boxes)


def _names(boxes: tuple[KnownBox, ...]) -> list[str]:
    return [f"the {box.name}" for box in boxes]


def _build(table: bool, boxes: tuple[KnownBox, ...]) -> "mujoco.MjModel":
    import mujoco

    spec = mjcf.arm_spec()
    for geom in spec.geoms:
        geom.margin = SELF_NEAR
    solid = {
        "type": mujoco.mjtGeom.mjGEOM_BOX,
        "contype": mjcf.BENCH_BIT,
        "conaffinity": mjcf.BENCH_BIT,
        "margin": ARM_NEAR,
    }
    if table:
        spec.worldbody.add_geom(name=TABLE, pos=[0, 0, -_TABLE_HALF[2]], size=list(_TABLE_HALF), **solid)
    for name, box in zip(_names(boxes), boxes, strict=True):
        half = [0.5 * edge for edge in box.size]
        spec.worldbody.add_geom(name=name, pos=list(box.centre), size=half, **solid)
    return spec.compile()

"""Images of many scenes from one model: objects are moved, resized and recoloured instead of rebuilt.

Building a model and an OpenGL context for every scene costs twenty times as much as drawing it. This model holds one
bench with everything that any scene can have; what an image shows of it is set before drawing.
"""
# pyright: reportAttributeAccessIssue=false
# (MuJoCo's names come from compiled modules without type stubs.)

from dataclasses import dataclass

import cv2
import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from foundation import mjcf, xarm7
from foundation.camera import Camera
from simulation.bench.build import TABLE_CENTRE, bench_spec
from simulation.bench.scene import COLOURS, FURNITURE, SHAPES, BowlSpec, BoxSpec, DrawerSpec, ObjectSpec, SceneSpec
from simulation.bench.world import Truth
from simulation.pictures.looks import CLUTTER, Clutter, Look, Rgb
from simulation.pictures.rendering import SceneRenderer

_HIDDEN_GROUP = 5
_TYPES = {
    "cube": mujoco.mjtGeom.mjGEOM_BOX,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "ball": mujoco.mjtGeom.mjGEOM_SPHERE,
    "egg": mujoco.mjtGeom.mjGEOM_ELLIPSOID,
    "slab": mujoco.mjtGeom.mjGEOM_BOX,
    "stick": mujoco.mjtGeom.mjGEOM_CAPSULE,
}
_EVERYTHING = SceneSpec(
    objects=tuple(ObjectSpec(colour, shape, (0.0, 0.0)) for colour in COLOURS for shape in SHAPES),
    bowl=BowlSpec((0.0, 0.0)),
    box=BoxSpec((0.0, 0.0), (0.0, 0.0)),
    drawer=DrawerSpec((0.0, 0.0)),
)


class Studio:
    """One model and one OpenGL context for any scene. Used by one thread; `close` frees the graphics memory.

    `show` sets what is drawn, `draw` renders images of it.
    """

    def __init__(self) -> None:
        self._model = _everything()
        self._usual = {
            "mat": self._model.mat_rgba.copy(),
            "size": self._model.geom_size.copy(),
            "group": self._model.geom_group.copy(),
        }
        self._bodies = {self._model.body(i).name: i for i in range(self._model.nbody)}
        self._geoms = {
            name: np.flatnonzero(self._model.geom_bodyid == body) for name, body in self._bodies.items() if name
        }
        self._tags = [i for i in range(self._model.ngeom) if self._model.geom(i).name.startswith("tag ")]
        self._sky: tuple[Rgb, Rgb] | None = None
        self._qpos = self._model.qpos0.copy()
        self._renderer = SceneRenderer(_Drawn(self._model, self._qpos))

    def show(self, truth: Truth, scene: SceneSpec, position: np.ndarray, look: Look = Look()) -> None:
        """Set the drawn state to the poses in `truth`, with the arm in joints `position` (7,) rad."""
        self._show_objects(truth, scene, look)
        self._show_furniture(truth, scene)
        self._show_room(scene, look)
        self._show_arm(position, truth.openness, look)
        self._renderer.layout_changed()
        self._renderer.update(self._qpos)

    def draw(self, camera: Camera, *, supersampling: int = 2) -> np.ndarray:
        """Render an ideal image (H, W, 3) uint8.

        Each pixel is the mean of `supersampling` squared samples: a camera's pixel too covers a square, not a point.
        """
        if supersampling == 1:
            return self._renderer.draw(camera)[0]
        size = camera.width * supersampling, camera.height * supersampling
        rgb, _ = self._renderer.draw(camera.resized(*size))
        return cv2.resize(rgb, (camera.width, camera.height), interpolation=cv2.INTER_AREA)

    def close(self) -> None:
        self._renderer.close()

    def _show_objects(self, truth: Truth, scene: SceneSpec, look: Look) -> None:
        shown = {thing.name: thing for thing in scene.objects}
        for thing in _EVERYTHING.objects:
            (geom,) = self._geoms[thing.name]
            self._model.geom_group[geom] = 0 if thing.name in shown else _HIDDEN_GROUP
            if thing.name not in shown:
                continue
            form = look.forms.get(thing.name, thing.shape)
            self._model.geom_type[geom] = _TYPES[form]
            self._model.geom_size[geom] = _form_size(form, *shown[thing.name].size[1:])
            self._model.geom_rgba[geom, :3] = look.shades.get(thing.name, COLOURS[thing.colour])
            self._place(thing.name, truth)

    def _show_furniture(self, truth: Truth, scene: SceneSpec) -> None:
        for name in (*FURNITURE, "lid", "cabinet"):
            there = name in truth.poses
            geoms = self._geoms[name]
            self._model.geom_group[geoms] = self._usual["group"][geoms] if there else _HIDDEN_GROUP
            if there and name not in ("cabinet", "drawer"):
                self._place(name, truth)
        if scene.bowl:
            self._model.geom_rgba[self._geoms["bowl"], :3] = COLOURS[scene.bowl.colour]
        if scene.drawer:
            cabinet = truth.poses["cabinet"]
            body = self._bodies["cabinet"]
            self._model.body_pos[body] = cabinet[:3, 3]
            self._model.body_quat[body] = Rotation.from_matrix(cabinet[:3, :3]).as_quat(scalar_first=True)
            self._qpos[self._model.joint("drawer").qposadr[0]] = truth.drawer_opening or 0.0

    def _place(self, name: str, truth: Truth) -> None:
        base_from_thing = truth.poses[name]
        first = self._model.jnt_qposadr[self._model.body_jntadr[self._bodies[name]]]
        self._qpos[first : first + 3] = base_from_thing[:3, 3]
        turn = Rotation.from_matrix(base_from_thing[:3, :3]).as_quat(scalar_first=True)
        self._qpos[first + 3 : first + 7] = turn

    def _show_room(self, scene: SceneSpec, look: Look) -> None:
        model = self._model
        model.geom_rgba[model.geom("table").id, :3] = scene.table_rgb
        model.geom_rgba[model.geom("floor").id, :3] = look.floor
        model.light_pos[0] = scene.light.position
        direction = np.array([*TABLE_CENTRE, 0.0]) - scene.light.position
        model.light_dir[0] = direction / np.linalg.norm(direction)
        model.light_diffuse[0] = scene.light.brightness
        model.vis.headlight.ambient[:] = scene.light.ambient
        for i in range(CLUTTER):
            geom = model.geom(f"clutter {i}").id
            model.geom_group[geom] = 0 if i < len(look.clutter) else _HIDDEN_GROUP
            if i < len(look.clutter):
                self._show_clutter(geom, look.clutter[i])
        model.geom_group[self._tags] = self._usual["group"][self._tags] if look.tags else _HIDDEN_GROUP
        if look.sky != self._sky:
            self._paint_sky(look)

    def _show_clutter(self, geom: int, thing: Clutter) -> None:
        model = self._model
        kinds = mujoco.mjtGeom.mjGEOM_CYLINDER, mujoco.mjtGeom.mjGEOM_BOX
        model.geom_type[geom] = kinds[0] if thing.round else kinds[1]
        model.geom_size[geom] = (thing.half[0], thing.half[2], 0.0) if thing.round else thing.half
        model.geom_pos[geom] = thing.position
        model.geom_rgba[geom, :3] = thing.rgb

    def _paint_sky(self, look: Look) -> None:
        """Paint the skybox of six square faces one below the other: right, left, up, down, front, back, y up."""
        model, room = self._model, self._model.texture("room")
        side = int(room.width[0])
        above, below = (255.0 * np.array(rgb) for rgb in look.sky)
        share = np.linspace(0.0, 1.0, side)[:, None, None]
        wall = np.broadcast_to(above + share * (below - above), (side, side, 3))
        faces = [wall, wall, np.broadcast_to(above, wall.shape), np.broadcast_to(below, wall.shape), wall, wall]
        painted = np.concatenate(faces).astype(np.uint8).ravel()
        first = int(room.adr[0])
        model.tex_data[first : first + len(painted)] = painted
        self._renderer.upload_texture(int(room.id))
        self._sky = look.sky

    def _show_arm(self, position: np.ndarray, openness: float, look: Look) -> None:
        self._qpos[: xarm7.JOINTS + 2] = mjcf.arm_qpos(position, openness)
        model = self._model
        model.mat_rgba[:] = self._usual["mat"]
        for name, rgb in look.materials.items():
            model.mat_rgba[model.material(name).id, :3] = rgb
        for names, girth in (
            (mjcf.LINK_BODIES, look.arm_girth),
            (("gripper", "left_finger", "right_finger"), look.gripper_girth),
        ):
            for geom in np.concatenate([self._geoms[name] for name in names]):
                # The first size is a radius, or a box's half depth: thicker, but as long as before.
                model.geom_size[geom, 0] = self._usual["size"][geom, 0] * girth


@dataclass(frozen=True, eq=False)
class _Drawn:
    """The part of a world that a renderer needs."""

    model: mujoco.MjModel
    qpos: np.ndarray

    def snapshot(self) -> np.ndarray:
        return self.qpos.copy()


def _form_size(form: str, width: float, height: float) -> tuple[float, float, float]:
    """Return MuJoCo's three sizes of a geom that is `height` m high and up to `width` m wide."""
    return {
        "cube": (width / 2, width / 2, height / 2),
        "cylinder": (width / 2, height / 2, 0.0),
        "ball": (width / 2, 0.0, 0.0),
        "egg": (0.36 * width, 0.36 * width, height / 2),
        "slab": (width / 2, width / 5, height / 2),
        "stick": (0.2 * width, height / 2 - 0.2 * width, 0.0),
    }[form]


def _everything() -> mujoco.MjModel:
    spec = bench_spec(_EVERYTHING)
    for i in range(CLUTTER):
        box, far = mujoco.mjtGeom.mjGEOM_BOX, [0.0, 0.0, -2.0]
        spec.worldbody.add_geom(name=f"clutter {i}", type=box, size=[0.01] * 3, pos=far, contype=0, conaffinity=0)
    return spec.compile()

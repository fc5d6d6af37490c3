"""Compilation of a scene into a MuJoCo model: arm, table, lamp, objects and tags."""
# pyright: reportAttributeAccessIssue=false
# (MuJoCo's names come from compiled modules without type stubs.)

import mujoco
import numpy as np

from foundation import mjcf
from simulation.bench.furniture import add_bowl, add_box, add_drawer, yaw_quat
from simulation.bench.scene import COLOURS, ObjectSpec, SceneSpec
from simulation.bench.tag_textures import add_tag

TABLE_CENTRE = (0.30, 0.0)
TABLE_SIZE = (1.10, 1.30)  # m along x and y; its top is at z = 0
TABLE_HEIGHT = 0.75
DENSITY = 600.0  # kg/m3: hollow plastic; a 40 mm cube weighs 38 g
# The AprilTag board on the gripper: two rows of two tags, numbered row by row; sizes in m.
GRIPPER_TAGS, GRIPPER_TAG_SIZE, GRIPPER_TAG_GAP = (20, 21, 22, 23), 0.05, 0.0125
_BOARD_PLACE = (0.0545, 0.0, 0.045)  # in the gripper's frame, on the flange's +x side

_SHAPES = {
    "cube": mujoco.mjtGeom.mjGEOM_BOX,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "ball": mujoco.mjtGeom.mjGEOM_SPHERE,
}
# Sliding, torsional (m) and rolling (m) friction; rolling friction brings balls and lying cylinders to rest.
_FRICTION = {"cube": [0.8, 0.005, 0.0001], "cylinder": [0.8, 0.005, 0.0006], "ball": [0.8, 0.01, 0.0015]}


def build_model(scene: SceneSpec) -> mujoco.MjModel:
    """Compile the scene's model; its first nine coordinates are the arm's seven joints and the two fingers."""
    return bench_spec(scene).compile()


def bench_spec(scene: SceneSpec) -> mujoco.MjSpec:
    """Return the editable, not yet compiled description of the arm on its bench."""
    spec = mjcf.arm_spec()
    spec.modelname = "embedded lab"
    # MuJoCo 4.0.0's sparse factorisation can give the Newton solver a wrong Hessian (its issue 3767): stay dense.
    spec.option.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
    _set_picture_quality(spec, scene)
    _add_room(spec, scene)
    for thing in scene.objects:
        _add_object(spec, thing)
    if scene.bowl:
        add_bowl(spec, scene.bowl)
    if scene.box:
        add_box(spec, scene.box)
    if scene.drawer:
        add_drawer(spec, scene.drawer)
    _add_tags(spec, scene)
    return spec


def _set_picture_quality(spec: mujoco.MjSpec, scene: SceneSpec) -> None:
    quality = spec.visual.quality
    quality.offsamples = 0  # a software renderer pays for every sample; the camera noise hides aliased edges
    # The shadow pass costs per triangle and per pixel; a coarser mesh and shadow map make it three times cheaper.
    quality.shadowsize = 640
    quality.numslices, quality.numstacks, quality.numquads = 20, 10, 1
    spec.visual.map.znear = 0.02
    spec.visual.map.zfar = 20.0
    spec.visual.map.shadowclip = 0.85
    spec.stat.extent = 1.0  # fixed, so that near and far planes do not depend on the scene
    spec.stat.center = [*TABLE_CENTRE, 0.2]
    headlight = spec.visual.headlight
    headlight.ambient = [scene.light.ambient] * 3
    headlight.diffuse = [0.18] * 3
    headlight.specular = [0.0] * 3


def _add_room(spec: mujoco.MjSpec, scene: SceneSpec) -> None:
    world = spec.worldbody
    spec.add_texture(
        name="room",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.82, 0.85, 0.88],
        rgb2=[0.60, 0.63, 0.67],
        width=64,
        height=64,
    )
    target = np.array([*TABLE_CENTRE, 0.0])
    world.add_light(
        pos=scene.light.position,
        dir=target - scene.light.position,
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        diffuse=[scene.light.brightness] * 3,
        specular=[0.25] * 3,
        castshadow=True,
    )
    plane, box = mujoco.mjtGeom.mjGEOM_PLANE, mujoco.mjtGeom.mjGEOM_BOX
    looks_only = {"contype": 0, "conaffinity": 0}
    below, grey = [0, 0, -TABLE_HEIGHT], [0.46, 0.48, 0.50, 1]
    world.add_geom(name="floor", type=plane, size=[4, 4, 0.1], pos=below, rgba=grey, **looks_only)
    half, thickness = (TABLE_SIZE[0] / 2, TABLE_SIZE[1] / 2), 0.015
    top, rgba = [*TABLE_CENTRE, -thickness], [*scene.table_rgb, 1.0]
    world.add_geom(name="table", type=box, size=[*half, thickness], pos=top, rgba=rgba, friction=_FRICTION["cube"])
    for x in (-1, 1):
        for y in (-1, 1):
            place = [TABLE_CENTRE[0] + x * (half[0] - 0.04), y * (half[1] - 0.04), -(TABLE_HEIGHT + 2 * thickness) / 2]
            leg = [0.022, 0.022, TABLE_HEIGHT / 2 - thickness]
            world.add_geom(type=box, size=leg, pos=place, rgba=[0.30, 0.31, 0.33, 1], **looks_only)


def _add_object(spec: mujoco.MjSpec, thing: ObjectSpec) -> None:
    width, _, height = thing.size
    body = spec.worldbody.add_body(name=thing.name, pos=[*thing.position, height / 2], quat=yaw_quat(thing.yaw))
    body.add_freejoint()
    size = {"cube": [width / 2] * 3, "cylinder": [width / 2, height / 2, 0], "ball": [width / 2, 0, 0]}
    body.add_geom(
        name=thing.name,
        type=_SHAPES[thing.shape],
        size=size[thing.shape],
        rgba=[*COLOURS[thing.colour], 1.0],
        density=DENSITY,
        friction=_FRICTION[thing.shape],
        condim=4 if thing.shape == "cube" else 6,
    )


def _add_tags(spec: mujoco.MjSpec, scene: SceneSpec) -> None:
    for tag in scene.tags:
        # One millimetre above the table: thicker than print, but larger than the depth buffer's resolution.
        place, turn = [*tag.position, 0.001], yaw_quat(tag.yaw - np.pi / 2)
        add_tag(spec, spec.worldbody, tag.number, tag.size, name=f"tag {tag.number}", pos=place, quat=turn)
    if scene.gripper_board:
        _add_gripper_board(spec.body("gripper"), spec)


def _add_gripper_board(gripper, spec: mujoco.MjSpec) -> None:
    """Add a plate that faces the flange's +x, away from the arm when the tool points down, its top to the fingers."""
    x, y, z = _BOARD_PLACE
    half = GRIPPER_TAG_SIZE + GRIPPER_TAG_GAP
    gripper.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[0.002, half, half],
        pos=[x - 0.0025, y, z],
        rgba=[1, 1, 1, 1],
        group=mjcf.LOOK_GROUP,
        contype=0,
        conaffinity=0,
        mass=0,
    )
    step = (GRIPPER_TAG_SIZE + GRIPPER_TAG_GAP) / 2
    for number, right, up in zip(GRIPPER_TAGS, (-1, 1, -1, 1), (1, 1, -1, -1), strict=True):
        place, turn = [x, y + right * step, z + up * step], [0.5, 0.5, 0.5, 0.5]
        add_tag(spec, gripper, number, GRIPPER_TAG_SIZE, name=f"tag {number}", pos=place, quat=turn)

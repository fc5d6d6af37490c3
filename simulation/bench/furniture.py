"""The bench's furniture as MuJoCo bodies: bowl, box with lid, cabinet with drawer. Sizes in m are part of the API."""
# pyright: reportAttributeAccessIssue=false
# (MuJoCo's names come from compiled modules without type stubs.)

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from simulation.bench.scene import COLOURS, BowlSpec, BoxSpec, DrawerSpec

BOWL_RADIUS, BOWL_FOOT_RADIUS, BOWL_HEIGHT, BOWL_WALL = 0.070, 0.038, 0.048, 0.003
BOWL_FACETS = 16

BOX_INSIDE, BOX_WALL, BOX_HEIGHT = 0.110, 0.006, 0.070  # square inside; the height is the rim's above the table
LID_EDGE, LID_THICKNESS = 0.130, 0.003
LID_PLUG_WIDTH, LID_PLUG = 0.086, 0.010  # the plug fits the box loosely and is round, so it fits at any yaw
LID_KNOB_WIDTH, LID_KNOB_HEIGHT = 0.024, 0.036
# Varnished wood on a table, whatever the table's own friction. With the friction of the other bodies, the lid would
# jam under a finger that touches its knob first and presses it down while pushing, until the arm reports a collision.
LID_FRICTION = (0.35, 0.005, 0.0001)  # sliding, torsional (m), rolling (m)

CABINET = np.array([0.20, 0.19, 0.105])  # depth along x, width, height
CABINET_WALL = 0.008
CABINET_GRIP = 8.0  # N of friction between its feet and the table
DRAWER_TRAVEL = 0.12
HANDLE_REACH, HANDLE_WIDTH, HANDLE_LENGTH = 0.060, 0.012, 0.056  # in front of the panel; an upright bar
HANDLE_HEIGHT = 0.052  # of the bar's middle above the table

_BOX = mujoco.mjtGeom.mjGEOM_BOX
_CYLINDER = mujoco.mjtGeom.mjGEOM_CYLINDER
WOOD = (0.72, 0.55, 0.36, 1.0)
DARK_WOOD = (0.55, 0.40, 0.25, 1.0)
STEEL = (0.62, 0.63, 0.65, 1.0)
CARD = (0.80, 0.70, 0.52, 1.0)


def yaw_quat(yaw: float) -> list[float]:
    """Return MuJoCo's quaternion (w, x, y, z) of a rotation about z."""
    return [float(np.cos(yaw / 2)), 0.0, 0.0, float(np.sin(yaw / 2))]


def add_bowl(spec: mujoco.MjSpec, bowl: BowlSpec) -> None:
    """Add a loose bowl of flat facets around a round foot, with the origin at the centre of its underside."""
    body = spec.worldbody.add_body(name="bowl", pos=[*bowl.position, 0.0])
    body.add_freejoint()
    rgba = [*COLOURS[bowl.colour], 1.0]
    foot = 0.004
    body.add_geom(type=_CYLINDER, size=[BOWL_FOOT_RADIUS, foot / 2, 0], pos=[0, 0, foot / 2], rgba=rgba, mass=0.16)
    slope = np.arctan2(BOWL_RADIUS - BOWL_FOOT_RADIUS, BOWL_HEIGHT)
    length = np.hypot(BOWL_RADIUS - BOWL_FOOT_RADIUS, BOWL_HEIGHT)
    middle = (BOWL_RADIUS + BOWL_FOOT_RADIUS) / 2
    half_width = BOWL_RADIUS * np.tan(np.pi / BOWL_FACETS)
    for angle in np.arange(BOWL_FACETS) * 2 * np.pi / BOWL_FACETS:
        turn = Rotation.from_euler("ZY", [angle, slope])
        body.add_geom(
            type=_BOX,
            size=[BOWL_WALL / 2, half_width, length / 2],
            pos=[middle * np.cos(angle), middle * np.sin(angle), BOWL_HEIGHT / 2 + foot / 2],
            quat=turn.as_quat(scalar_first=True),
            rgba=rgba,
            mass=0.008,
        )


def add_box(spec: mujoco.MjSpec, box: BoxSpec) -> None:
    """Add a loose open box, origin at the centre of its underside, and its lid, origin under its plug."""
    body = spec.worldbody.add_body(name="box", pos=[*box.position, 0.0], quat=yaw_quat(box.yaw))
    body.add_freejoint()
    outside = BOX_INSIDE / 2 + BOX_WALL
    middle = BOX_INSIDE / 2 + BOX_WALL / 2
    body.add_geom(type=_BOX, size=[outside, outside, BOX_WALL / 2], pos=[0, 0, BOX_WALL / 2], rgba=CARD, mass=0.25)
    for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        size = [BOX_WALL / 2 if x else outside, BOX_WALL / 2 if y else BOX_INSIDE / 2, (BOX_HEIGHT - BOX_WALL) / 2]
        place = [x * middle, y * middle, (BOX_HEIGHT + BOX_WALL) / 2]
        body.add_geom(type=_BOX, size=size, pos=place, rgba=CARD, mass=0.06)
    _add_lid(spec, box)


def _add_lid(spec: mujoco.MjSpec, box: BoxSpec) -> None:
    position = [*box.position, BOX_HEIGHT - LID_PLUG] if box.closed else [*box.lid_position, 0.0]
    lid = spec.worldbody.add_body(name="lid", pos=position, quat=yaw_quat(box.yaw if box.closed else box.lid_yaw))
    lid.add_freejoint()
    plug, plate = LID_PLUG_WIDTH / 2, LID_EDGE / 2
    rgba = DARK_WOOD
    slides = {"friction": LID_FRICTION, "priority": 1}  # the finger pads' priority; they hold it as firmly as before
    lid.add_geom(type=_CYLINDER, size=[plug, LID_PLUG / 2, 0], pos=[0, 0, LID_PLUG / 2], rgba=rgba, mass=0.03, **slides)
    height = LID_PLUG + LID_THICKNESS / 2
    lid.add_geom(type=_BOX, size=[plate, plate, LID_THICKNESS / 2], pos=[0, 0, height], rgba=rgba, mass=0.05, **slides)
    knob = [LID_KNOB_WIDTH / 2, LID_KNOB_HEIGHT / 2, 0]
    height = LID_PLUG + LID_THICKNESS + LID_KNOB_HEIGHT / 2
    lid.add_geom(type=_CYLINDER, size=knob, pos=[0, 0, height], rgba=STEEL, mass=0.02)


def add_drawer(spec: mujoco.MjSpec, drawer: DrawerSpec) -> None:
    """Add a cabinet, origin at the centre of its underside, and the drawer that slides out along its -x.

    The cabinet stands on rubber feet: pushing against the closed drawer moves the cabinet back, as on any table.
    """
    cabinet = spec.worldbody.add_body(name="cabinet", pos=[*drawer.position, 0.0], quat=yaw_quat(drawer.yaw))
    cabinet.add_joint(
        name="cabinet",
        type=mujoco.mjtJoint.mjJNT_SLIDE,
        axis=[1, 0, 0],
        damping=[20.0, 0, 0],
        frictionloss=CABINET_GRIP,
    )
    half, wall = CABINET / 2, CABINET_WALL / 2
    for y in (-1, 1):
        place = [0, y * (half[1] - wall), half[2]]
        cabinet.add_geom(type=_BOX, size=[half[0], wall, half[2]], pos=place, rgba=WOOD)
    for z in (wall, CABINET[2] - wall):
        cabinet.add_geom(type=_BOX, size=[half[0], half[1] - 2 * wall, wall], pos=[0, 0, z], rgba=WOOD)
    back = [wall, half[1] - 2 * wall, half[2] - 2 * wall]
    cabinet.add_geom(type=_BOX, size=back, pos=[half[0] - wall, 0, half[2]], rgba=WOOD)
    _add_tray(cabinet)
    spec.add_exclude(bodyname1="cabinet", bodyname2="drawer")


def _add_tray(cabinet) -> None:
    half, wall = CABINET / 2, CABINET_WALL / 2
    tray = cabinet.add_body(name="drawer", pos=[-half[0], 0, 0])
    # Dry friction keeps it where it was left; damping keeps a push from slamming it.
    tray.add_joint(
        name="drawer",
        type=mujoco.mjtJoint.mjJNT_SLIDE,
        axis=[-1, 0, 0],
        range=[0, DRAWER_TRAVEL],
        limited=True,
        damping=[8.0, 0, 0],
        frictionloss=0.6,
    )
    depth, width, floor, side = 0.17, CABINET[1] - 4 * CABINET_WALL, 0.018, 0.062
    tray.add_geom(type=_BOX, size=[wall, half[1], half[2] - 0.002], pos=[-wall, 0, half[2]], rgba=DARK_WOOD, mass=0.15)
    bottom = [depth / 2, width / 2, 0.003]
    tray.add_geom(type=_BOX, size=bottom, pos=[depth / 2, 0, floor], rgba=WOOD, mass=0.12)
    for y in (-1, 1):
        size = [depth / 2, 0.003, side / 2]
        tray.add_geom(type=_BOX, size=size, pos=[depth / 2, y * width / 2, floor + side / 2], rgba=WOOD, mass=0.04)
    size = [0.003, width / 2, side / 2]
    tray.add_geom(type=_BOX, size=size, pos=[depth, 0, floor + side / 2], rgba=WOOD, mass=0.04)
    bar, front = HANDLE_WIDTH / 2, -2 * wall
    middle = [front - HANDLE_REACH, 0, HANDLE_HEIGHT]
    tray.add_geom(name="handle", type=_CYLINDER, size=[bar, HANDLE_LENGTH / 2, 0], pos=middle, rgba=STEEL, mass=0.03)
    # A single post below: from above the bar is a hook, which fingers can pull without grasping it.
    post = [front - HANDLE_REACH / 2, 0, HANDLE_HEIGHT - HANDLE_LENGTH / 2 + 0.006]
    tray.add_geom(type=_BOX, size=[HANDLE_REACH / 2, 0.004, 0.004], pos=post, rgba=STEEL, mass=0.01)

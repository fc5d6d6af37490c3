"""Scripted demonstrator: tasks as waypoints for a gripper that points straight down."""

from collections.abc import Callable

import numpy as np

from foundation.poses import transform
from robot.planning.waypoints import Waypoint
from simulation.bench.furniture import CABINET, CABINET_WALL, HANDLE_HEIGHT, HANDLE_REACH, HANDLE_WIDTH
from simulation.bench.grasps import (
    LOWEST,
    TIP_BELOW_MIDDLE,
    Grasp,
    drawer_motion,
    drawer_outline,
    drop_point,
    grasp_of,
    lid_seat,
    middle_of,
    tool_down,
    yaw_of,
)
from simulation.bench.randomise import DIRECTIONS
from simulation.bench.scene import SceneSpec
from simulation.bench.tasks import Task
from simulation.bench.world import Truth

CARRY = 0.16  # m above the table: clear of everything on the bench, also with an object in the gripper
ABOVE = 0.06  # m above a grasp, from where the tool moves straight down
LIFT = 0.12  # m
FINGER = 0.018  # m: space that a finger needs beside an object, its own thickness and some clearance
KNUCKLE = 0.035  # m by which the open gripper is wider on each side, higher up, than at its tips: it meets walls first
FULL_STROKE = 0.084  # m between the open fingers
REACH_HEIGHT = 0.05  # m between the TCP and the centre of the object to reach
SQUEEZE = 0.0  # commanded openness when closing: the fingers stop at the object
CLOSED_DEPTH, CLOSED_WIDTH = 0.011, 0.018  # m: half extents of the closed fingers along the tool's x and y
PUSH_GAP = 0.014  # m between the closed fingers and the object before they push it
PUSH = 0.090  # m
BESIDE_HANDLE = 0.055  # m: where the fingers push the drawer's front
DRAWER_GAP = 0.030  # m between the closed fingers and the drawer's front before they push it
PRESS = 0.005  # m that a closed drawer is pushed further: its cabinet is compliant
BELOW_HANDLE = 0.004  # m between the handle's centre and the fingertips that pull it
OPEN_SHORT = 0.010  # m before the drawer's stop
ENOUGH = 0.06  # m between a finger and the centre of a neighbouring object, beyond which more clearance is no better
_YAWS = np.deg2rad(np.arange(-90, 90, 15))


def waypoints(task: Task, scene: SceneSpec, truth: Truth) -> list[Waypoint]:
    """Return the tool's waypoints for `task` from the present state."""
    return _SCRIPTS[task.kind](task, scene, truth)


def _reach(task: Task, scene: SceneSpec, truth: Truth) -> list[Waypoint]:
    middle = middle_of(task.thing, truth)
    height = max(middle[2] + REACH_HEIGHT, 0.07)
    yaw = yaw_of(truth.base_from_tool)
    return [
        Waypoint(tool_down(np.array([*middle[:2], max(CARRY, height)]), yaw), truth.openness),
        Waypoint(tool_down(np.array([*middle[:2], height]), yaw), truth.openness),
    ]


def _pick_up(task: Task, scene: SceneSpec, truth: Truth) -> list[Waypoint]:
    grasp = _clear_grasp(task.thing, scene, truth)
    return [*_grasp(grasp), Waypoint(_raised(grasp.base_from_tool, LIFT), SQUEEZE, pause=0.3)]


def _place(task: Task, scene: SceneSpec, truth: Truth) -> list[Waypoint]:
    assert task.goal is not None
    grasp = _clear_grasp(task.thing, scene, truth)
    release = grasp.base_from_tool.copy()
    if task.goal == "drawer":  # the fingers along its front: across, they would hit the cabinet
        turn = yaw_of(truth.poses["drawer"]) - yaw_of(release)
        release = tool_down(release[:3, 3], yaw_of(release) + (turn + np.pi / 2) % np.pi - np.pi / 2)
    release[:3, 3] = drop_point(task.goal, truth)
    opened = _opening(grasp.width)
    over = _at_height(release, CARRY)
    return [
        *_grasp(grasp),
        Waypoint(_at_height(grasp.base_from_tool, CARRY), SQUEEZE),
        Waypoint(over, SQUEEZE),
        Waypoint(release, opened, pause=0.3),
        Waypoint(over, opened, pause=0.3),
    ]


def _push(task: Task, scene: SceneSpec, truth: Truth) -> list[Waypoint]:
    """Go down with closed fingers behind the object, and push it by PUSH in the direction of the task."""
    direction = np.array([*DIRECTIONS[task.kind], 0.0])
    middle = middle_of(task.thing, truth)
    thing = scene.object(task.thing)
    turned = yaw_of(truth.poses[task.thing]) if thing.shape == "cube" else 0.0
    reach = 0.5 * thing.width * (abs(np.cos(turned)) + abs(np.sin(turned)) if thing.shape == "cube" else 1.0)
    sideways = direction[1] != 0.0
    place = middle - (reach + (CLOSED_WIDTH if sideways else CLOSED_DEPTH) + PUSH_GAP) * direction
    place[2] = max(middle[2] - TIP_BELOW_MIDDLE[thing.shape], LOWEST)
    if not sideways:  # with one finger: a round object would wedge itself into the seam between the two
        place[1] += 0.5 * CLOSED_WIDTH
    return _pushing(tool_down(place), (PUSH_GAP + PUSH) * direction)


def _close_drawer(task: Task, scene: SceneSpec, truth: Truth) -> list[Waypoint]:
    """Go down with closed fingers in front of the drawer beside its handle, and push until it is shut."""
    cabinet = truth.poses["cabinet"]
    side = min((-1, 1), key=lambda side: abs(transform(cabinet, np.array([0, side * BESIDE_HANDLE, 0]))[1]))
    end = [-CABINET[0] / 2 - CABINET_WALL - CLOSED_DEPTH + PRESS, side * BESIDE_HANDLE, HANDLE_HEIGHT]
    shift = ((truth.drawer_opening or 0.0) + DRAWER_GAP) * cabinet[:3, 0]
    begin = tool_down(transform(cabinet, np.array(end)) - shift, yaw_of(cabinet))
    return _pushing(begin, shift)


def _pushing(begin: np.ndarray, shift: np.ndarray) -> list[Waypoint]:
    """Return waypoints over `begin` (4, 4), down with closed fingers, along `shift` (3,) m and up."""
    end = begin.copy()
    end[:3, 3] += shift
    return [
        Waypoint(_at_height(begin, CARRY), 0.0),
        Waypoint(begin, 0.0, pause=0.1),
        Waypoint(end, 0.0, pause=0.1),
        Waypoint(_raised(end, ABOVE), 0.0),
    ]


def _open_drawer(task: Task, scene: SceneSpec, truth: Truth) -> list[Waypoint]:
    """Go down with closed fingers behind the upright handle, and pull: grasped, a rigid handle would hold the hand."""
    drawer, way = truth.poses["drawer"], drawer_motion(truth)
    behind = 0.5 * (0.5 * HANDLE_WIDTH + HANDLE_REACH)  # from the bar's centre: half way to the drawer's front
    place = middle_of("drawer", truth) + behind * drawer[:3, 0] - [0.0, 0.0, BELOW_HANDLE]
    way = way * (1.0 - OPEN_SHORT / max(float(np.linalg.norm(way)), OPEN_SHORT))
    return _pushing(tool_down(place, yaw_of(drawer)), way)


def _close_box(task: Task, scene: SceneSpec, truth: Truth) -> list[Waypoint]:
    grasp = _clear_grasp("lid", scene, truth)
    seat = lid_seat(truth, grasp.base_from_tool)
    opened = _opening(grasp.width)
    over = _at_height(seat, CARRY)
    return [
        *_grasp(grasp),
        Waypoint(_at_height(grasp.base_from_tool, CARRY), SQUEEZE),
        Waypoint(over, SQUEEZE),
        Waypoint(seat, opened, pause=0.3),
        Waypoint(over, opened, pause=0.3),
    ]


def _grasp(grasp: Grasp) -> list[Waypoint]:
    """Return waypoints over the object with the fingers opened as far as needed, straight down, and closed."""
    opened = _opening(grasp.width)
    at = grasp.base_from_tool
    return [
        Waypoint(_at_height(at, max(CARRY, at[2, 3] + ABOVE)), opened),
        Waypoint(_raised(at, ABOVE), opened),
        Waypoint(at, SQUEEZE, pause=0.3),
    ]


def _clear_grasp(name: str, scene: SceneSpec, truth: Truth) -> Grasp:
    """Return the grasp with the least rotation of the hand that keeps the fingers clear of everything else.

    The held object aligns itself between the closing fingers, a cube too (24 of 24 lifted, at any angle).
    """
    grasp = grasp_of(name, scene, truth)
    others = [truth.poses[other][:2, 3] for other in truth.poses if other != name]
    walls = drawer_outline(truth) if scene.drawer else np.zeros((0, 2))
    yaw = yaw_of(truth.base_from_tool)
    position = grasp.base_from_tool[:3, 3]
    grown = 1.0 + KNUCKLE / (0.5 * grasp.width + FINGER)

    def room(turn: float) -> float:
        across = np.array([np.sin(yaw + turn), -np.cos(yaw + turn)]) * (0.5 * grasp.width + FINGER)
        tips = [position[:2] + across, position[:2] - across]
        knuckles = [position[:2] + across * grown, position[:2] - across * grown]
        near = [float(np.linalg.norm(tip - other)) for tip in tips for other in others]
        near += [float(np.linalg.norm(knuckle - wall)) for knuckle in knuckles for wall in walls]
        return min([*near, ENOUGH]) - 0.002 * abs(turn)

    best = max(_YAWS, key=room)
    return Grasp(tool_down(position, yaw + float(best)), grasp.width)


def _opening(width: float) -> float:
    return float(min(1.0, (width + 2 * FINGER) / FULL_STROKE))


def _raised(base_from_tool: np.ndarray, by: float) -> np.ndarray:
    return _at_height(base_from_tool, float(base_from_tool[2, 3]) + by)


def _at_height(base_from_tool: np.ndarray, height: float) -> np.ndarray:
    raised = base_from_tool.copy()
    raised[2, 3] = height
    return raised


_SCRIPTS: dict[str, Callable[[Task, SceneSpec, Truth], list[Waypoint]]] = {
    "reach": _reach,
    "pick up": _pick_up,
    "place": _place,
    "push left": _push,
    "push right": _push,
    "push away": _push,
    "open drawer": _open_drawer,
    "close drawer": _close_drawer,
    "close box": _close_box,
}

"""Success checks of tasks: the true state now is compared with the true state at the start."""

from dataclasses import dataclass

import numpy as np

from foundation.poses import invert, transform
from simulation.bench.furniture import BOWL_RADIUS, BOX_HEIGHT, BOX_INSIDE, DRAWER_TRAVEL, LID_PLUG
from simulation.bench.grasps import middle_of
from simulation.bench.randomise import DIRECTIONS
from simulation.bench.tasks import Task
from simulation.bench.world import Truth

REACHED, REACHED_ABOVE = 0.030, 0.080  # m, horizontal and vertical distance between the TCP and the object's centre
LIFTED = 0.050  # m
PUSHED = 0.050  # m
PUSH_ANGLE = np.deg2rad(35)  # between the push and the requested direction
OPENED, CLOSED = 0.7 * DRAWER_TRAVEL, 0.010  # m
AT_REST = 0.05  # m/s
LID_OFF_CENTRE, LID_OFF_HEIGHT, LID_TILT = 0.012, 0.004, np.deg2rad(4)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`success`, and a sentence that gives the reason."""

    success: bool
    reason: str


def judge(task: Task, start: Truth, now: Truth) -> Verdict:
    """Judge whether `task`, started at `start`, is done `now`."""
    if task.kind in DIRECTIONS:
        return _pushed(task, start, now)
    if task.kind == "reach":
        return _reached(task, start, now)
    if task.kind == "pick up":
        return _picked_up(task, start, now)
    if task.kind == "place":
        return _placed(task, now)
    if task.kind == "close box":
        return _box_closed(now)
    opening = now.drawer_opening or 0.0
    done = opening >= OPENED if task.kind == "open drawer" else opening <= CLOSED
    return Verdict(done, f"The drawer is open by {opening * 1000:.0f} mm of {DRAWER_TRAVEL * 1000:.0f} mm.")


def _reached(task: Task, start: Truth, now: Truth) -> Verdict:
    offset = now.base_from_tool[:3, 3] - middle_of(task.thing, now)
    sideways, above = float(np.hypot(*offset[:2])), float(offset[2])
    moved = float(np.linalg.norm(now.poses[task.thing][:3, 3] - start.poses[task.thing][:3, 3]))
    done = sideways <= REACHED and abs(above) <= REACHED_ABOVE and moved <= REACHED
    return Verdict(
        done,
        f"The tool is {sideways * 1000:.0f} mm beside and {above * 1000:.0f} mm above the middle of the {task.thing}, "
        f"which moved by {moved * 1000:.0f} mm.",
    )


def _picked_up(task: Task, start: Truth, now: Truth) -> Verdict:
    lifted = float(now.poses[task.thing][2, 3] - start.poses[task.thing][2, 3])
    held = task.thing in now.held
    words = "held" if held else "not held"
    return Verdict(held and lifted >= LIFTED, f"The {task.thing} is {words}, {lifted * 1000:.0f} mm above its start.")


def _placed(task: Task, now: Truth) -> Verdict:
    inside = is_inside(task.thing, str(task.goal), now)
    if task.thing in now.held:
        return Verdict(False, f"The {task.thing} is still held.")
    if not inside:
        return Verdict(False, f"The {task.thing} is not in the {task.goal}.")
    if now.speeds[task.thing] > AT_REST:
        return Verdict(False, f"The {task.thing} is still moving.")
    return Verdict(True, f"The {task.thing} lies in the {task.goal}.")


def is_inside(thing: str, goal: str, truth: Truth) -> bool:
    """Return whether the centre of an object is inside the bowl, the box or the drawer."""
    x, y, z = transform(invert(truth.poses[goal]), truth.poses[thing][:3, 3])
    if goal == "bowl":
        return bool(np.hypot(x, y) < BOWL_RADIUS * 0.85 and 0 < z < 0.07)
    if goal == "box":
        return bool(max(abs(x), abs(y)) < BOX_INSIDE / 2 and 0 < z < BOX_HEIGHT)
    return bool(0 < x < 0.17 and abs(y) < 0.08 and 0.015 < z < 0.10)


def _pushed(task: Task, start: Truth, now: Truth) -> Verdict:
    moved = now.poses[task.thing][:3, 3] - start.poses[task.thing][:3, 3]
    direction = np.array(DIRECTIONS[task.kind])
    along = float(moved[:2] @ direction)
    across = float(moved[:2] @ np.array([direction[1], -direction[0]]))
    on_table = abs(moved[2]) < 0.02
    done = along >= PUSHED and abs(across) <= along * np.tan(PUSH_ANGLE) and on_table and task.thing not in now.held
    way = task.kind.removeprefix("push ")
    words = "" if on_table else ", and is no longer on the table"
    return Verdict(
        done, f"The {task.thing} moved {along * 1000:.0f} mm {way} and {abs(across) * 1000:.0f} mm across{words}."
    )


def _box_closed(now: Truth) -> Verdict:
    box_from_lid = invert(now.poses["box"]) @ now.poses["lid"]
    off_centre = float(np.hypot(*box_from_lid[:2, 3]))
    off_height = abs(float(box_from_lid[2, 3]) - (BOX_HEIGHT - LID_PLUG))
    tilt = float(np.arccos(np.clip(box_from_lid[2, 2], -1, 1)))
    done = off_centre <= LID_OFF_CENTRE and off_height <= LID_OFF_HEIGHT and tilt <= LID_TILT
    done = done and "lid" not in now.held
    return Verdict(
        done,
        f"The lid is {off_centre * 1000:.0f} mm beside and {off_height * 1000:.0f} mm above or below its place on the "
        f"box, tilted by {np.rad2deg(tilt):.0f} degrees{', and still held' if 'lid' in now.held else ''}.",
    )

"""Requests for planned moves: queued in mode 0, replaced while under way in modes 6 and 7."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from foundation.arm import Mode
from simulation.controller.core import Task
from simulation.controller.kinematics import ControllerFault
from simulation.controller.motions import CircleMove, Dwell, JointMove, LineMove, Motion
from simulation.controller.online import CartesianOnline, JointOnline
from simulation.controller.protocol import Register, Status, pose_from_wire
from simulation.controller.requests.stream import running
from simulation.controller.requests.table import Call, Refused, handles
from simulation.controller.settings import MM, Settings
from simulation.controller.targets import Target, absolute, added, in_tool

if TYPE_CHECKING:
    from simulation.controller.controller import Controller


def _count(controller: Controller) -> bytes:
    return struct.pack(">H", controller.core.queue_length)


def _queue(controller: Controller, call: Call, motion: Motion, check: int = 0) -> bytes:
    """Put a motion into the queue of mode 0; with `check` it is only tried, and the reply ends with the result."""
    core = controller.core
    if check:
        return _count(controller) + bytes((_try(controller, motion),))
    if not core.ready or core.mode != Mode.POSITION:
        raise Refused(Status.NOT_READY)
    core.enqueue(Task(motion, controller.ticket(call)))
    return _count(controller)


def _try(controller: Controller, motion: Motion) -> int:
    try:
        motion.begin(controller.core.q, controller.settings)
    except ControllerFault as fault:
        return fault.code
    return 0


# Joints


@handles(Register.MOVE_JOINTS, Register.MOVE_JOINTS_BLENDED)
def move_joints(controller: Controller, call: Call) -> bytes:
    values = call.floats(10, infinite=True)
    return _move_joints(controller, call, np.array(values[:7]), values[7], values[8], False, call.byte(40, 0))


def _move_joints(
    controller: Controller,
    call: Call,
    target: np.ndarray,
    speed: float,
    acceleration: float,
    relative: bool,
    check: int,
) -> bytes:
    stream = controller.core.stream
    if isinstance(stream, JointOnline) and not check:
        running(controller, JointOnline).target(target, speed, acceleration, relative)
        return _count(controller)
    return _queue(controller, call, JointMove(target, speed, acceleration, relative), check)


@handles(Register.MOVE_HOME)
def move_home(controller: Controller, call: Call) -> bytes:
    speed, acceleration, _ = call.floats(3)
    return _queue(controller, call, JointMove(np.zeros(7), speed, acceleration), call.byte(12, 0))


# Lines


@handles(Register.MOVE_LINE)
def move_line(controller: Controller, call: Call) -> bytes:
    """Move along a line: ten numbers with coordinates, kind of rotation and check; nine from old clients."""
    if len(call.params) < 43:
        values = call.floats(9, infinite=True)
        return _move_line(controller, call, absolute(values), values[6], values[7], call.byte(36, 0))
    values = call.floats(10, infinite=True)
    tool, axis_angle = bool(call.byte(40)), bool(call.byte(41))
    target = in_tool(values, axis_angle) if tool else absolute(values, axis_angle)
    return _move_line(controller, call, target, values[6], values[7], call.byte(42))


@handles(Register.MOVE_LINE_BLENDED)
def move_line_blended(controller: Controller, call: Call) -> bytes:
    values = call.floats(10, infinite=True)
    return _move_line(controller, call, absolute(values), values[6], values[7], call.byte(40, 0))


@handles(Register.MOVE_LINE_TOOL)
def move_line_tool(controller: Controller, call: Call) -> bytes:
    values = call.floats(9, infinite=True)
    return _move_line(controller, call, in_tool(values), values[6], values[7], call.byte(36, 0))


@handles(Register.MOVE_LINE_AXIS_ANGLE)
def move_line_axis_angle(controller: Controller, call: Call) -> bytes:
    values = call.floats(9, infinite=True)
    tool, relative = bool(call.byte(36)), bool(call.byte(37))
    target = in_tool(values, True) if tool else (added if relative else absolute)(values, True)
    return _move_line(controller, call, target, values[6], values[7], call.byte(38, 0))


@handles(Register.MOVE_RELATIVE)
def move_relative(controller: Controller, call: Call) -> bytes:
    values = call.floats(11)
    joint, axis_angle, check = bool(call.byte(44)), bool(call.byte(45)), call.byte(46, 0)
    if joint:
        return _move_joints(controller, call, np.array(values[:7]), values[7], values[8], True, check)
    return _move_line(controller, call, added(values, axis_angle), values[7], values[8], check)


def _move_line(
    controller: Controller, call: Call, target: Target, speed_mm: float, acceleration_mm: float, check: int
) -> bytes:
    core = controller.core
    if isinstance(core.stream, CartesianOnline) and not check:
        stream = running(controller, CartesianOnline)
        stream.target(target(stream.present, core.settings), speed_mm * MM, acceleration_mm * MM, core.q)
        return _count(controller)
    return _queue(controller, call, LineMove(target, speed_mm * MM, acceleration_mm * MM), check)


@handles(Register.MOVE_CIRCLE)
def move_circle(controller: Controller, call: Call) -> bytes:
    values = call.floats(16)
    tool, axis_angle, check = bool(call.byte(64, 0)), bool(call.byte(65, 0)), call.byte(66, 0)
    start = controller.settings.tool_in_base(controller.core.q)

    def points(settings: Settings) -> np.ndarray:
        poses = [pose_from_wire(values[i : i + 6], axis_angle) for i in (0, 6)]
        base = start if tool else settings.base_from_world
        return np.stack([(base @ pose)[:3, 3] for pose in poses])

    motion = CircleMove(points, values[15] / 100.0, values[12] * MM, values[13] * MM)
    return _queue(controller, call, motion, check)


@handles(Register.PAUSE_TIME)
def pause_time(controller: Controller, call: Call) -> bytes:
    return _queue(controller, call, Dwell(call.floats(1)[0]))

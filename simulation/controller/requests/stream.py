"""Streamed requests: servo targets and velocities."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from simulation.controller.core import Stream
from simulation.controller.protocol import Register, Status
from simulation.controller.requests.table import Call, Refused, handles
from simulation.controller.servo import Servo
from simulation.controller.settings import MM
from simulation.controller.targets import absolute, added, in_tool
from simulation.controller.velocity import CartesianVelocity, JointVelocity

if TYPE_CHECKING:
    from simulation.controller.controller import Controller

Running = TypeVar("Running", bound=Stream)


def running(controller: Controller, kind: type[Running]) -> Running:
    """Return the running stream; a client in the wrong mode or state gets the status "not ready"."""
    core = controller.core
    if core.error or not core.ready or not isinstance(core.stream, kind):
        raise Refused(Status.NOT_READY)
    return core.stream


@handles(Register.SERVO_JOINTS)
def servo_joints(controller: Controller, call: Call) -> bytes:
    running(controller, Servo).target(np.array(call.floats(7)), call.arrived)
    return b""


@handles(Register.JOINT_VELOCITY)
def joint_velocity(controller: Controller, call: Call) -> bytes:
    velocity = np.array(call.floats(7))
    duration = call.floats(1, 29)[0] if len(call.params) >= 33 else 0.0
    stream = running(controller, JointVelocity)
    stream.command(velocity, bool(call.byte(28, 1)), duration, controller.core.ticks)
    return b""


@handles(Register.SERVO_CARTESIAN)
def servo_cartesian(controller: Controller, call: Call) -> bytes:
    values = call.floats(9)
    return _servo_pose(controller, call, values, tool=bool(values[8]), axis_angle=False, relative=False)


@handles(Register.SERVO_CARTESIAN_AXIS_ANGLE)
def servo_cartesian_axis_angle(controller: Controller, call: Call) -> bytes:
    values = call.floats(8)
    tool, relative = call.byte(32) != 0, bool(call.byte(36))
    return _servo_pose(controller, call, values, tool=tool, axis_angle=True, relative=relative)


def _servo_pose(
    controller: Controller, call: Call, values: tuple[float, ...], *, tool: bool, axis_angle: bool, relative: bool
) -> bytes:
    stream = running(controller, Servo)
    settings = controller.settings
    near = stream.pending
    start = settings.tool_in_base(near)
    target = in_tool(values, axis_angle) if tool else (added if relative else absolute)(values, axis_angle)
    stream.target_pose(target(start, settings), near, call.arrived)
    return b""


@handles(Register.CARTESIAN_VELOCITY)
def cartesian_velocity(controller: Controller, call: Call) -> bytes:
    twist = np.array(call.floats(6))
    twist[:3] *= MM
    duration = call.floats(1, 25)[0] if len(call.params) >= 29 else 0.0
    stream = running(controller, CartesianVelocity)
    stream.command(twist, bool(call.byte(24)), duration, controller.core.ticks)
    return b""

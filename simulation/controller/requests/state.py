"""Requests about the controller itself: identity, states, modes, errors, readings, kinematics."""

from __future__ import annotations

import copy
import struct
from typing import TYPE_CHECKING

import numpy as np

from foundation import xarm7
from foundation.poses import invert
from simulation.controller.core import SETTABLE_MODES, Task
from simulation.controller.motions import Dwell
from simulation.controller.protocol import (
    Register,
    pack_floats,
    pose_from_wire,
    pose_to_wire,
    pose_to_wire_axis_angle,
)
from simulation.controller.requests.table import Call, Refused, handles

if TYPE_CHECKING:
    from simulation.controller.controller import Controller

IK_ATTEMPTS = 4  # other postures tried for a query, which blocks everything else


@handles(Register.GET_VERSION)
def get_version(controller: Controller, call: Call) -> bytes:
    return f"7,7,{controller.model},AC1305,{controller.firmware}".encode("ascii").ljust(40, b"\0")


@handles(Register.GET_SERIAL)
def get_serial(controller: Controller, call: Call) -> bytes:
    text = f"{controller.model}{controller.serial}\0AC1305{controller.serial}\0"
    return text.encode("ascii").ljust(40, b"\0")[:40]


@handles(Register.CHECK_VERIFICATION)
def check_verification(controller: Controller, call: Call) -> bytes:
    return b"\0"


@handles(Register.RELOAD_DYNAMICS)
def accept(controller: Controller, call: Call) -> bytes:
    """Accept without effect in a simulated box."""
    return b""


@handles(Register.SYSTEM_CONTROL)
def system_control(controller: Controller, call: Call) -> bytes:
    """Shut down (1) or restart (2); both drop every connection."""
    if call.byte(0) == 2:
        controller.power_cycle()
    else:
        controller.faults.dead = True
    controller.faults.drop_connections()
    return b""


@handles(Register.ENABLE_MOTION)
def enable_motion(controller: Controller, call: Call) -> bytes:
    joint = call.byte(0)
    if not 1 <= joint <= 8:
        raise Refused
    controller.core.enable(joint, bool(call.byte(1)))
    return b""


@handles(Register.SET_BRAKE)
def set_brake(controller: Controller, call: Call) -> bytes:
    joint = call.byte(0)
    if not 1 <= joint <= 8:
        raise Refused
    controller.core.release_brake(joint, bool(call.byte(1)))
    return b""


@handles(Register.SET_STATE)
def set_state(controller: Controller, call: Call) -> bytes:
    if call.byte(0) not in (0, 3, 4, 6):
        raise Refused
    controller.core.set_state(call.byte(0))
    return b""


@handles(Register.GET_STATE)
def get_state(controller: Controller, call: Call) -> bytes:
    return bytes((controller.face.state,))


@handles(Register.GET_MOVEMENT)
def get_movement(controller: Controller, call: Call) -> bytes:
    return bytes((int(controller.core.busy),))


@handles(Register.GET_QUEUE_LENGTH)
def get_queue_length(controller: Controller, call: Call) -> bytes:
    return struct.pack(">H", controller.core.queue_length)


@handles(Register.GET_ERROR)
def get_error(controller: Controller, call: Call) -> bytes:
    return bytes((controller.core.error, controller.core.warning))


@handles(Register.CLEAR_ERROR)
def clear_error(controller: Controller, call: Call) -> bytes:
    if not controller.faults.held_error:
        controller.core.clear_error()
    return b""


@handles(Register.CLEAR_WARNING)
def clear_warning(controller: Controller, call: Call) -> bytes:
    controller.core.warning = 0
    return b""


@handles(Register.SET_MODE)
def set_mode(controller: Controller, call: Call) -> bytes:
    if call.byte(0) not in SETTABLE_MODES:
        raise Refused
    controller.core.set_mode(call.byte(0))
    return b""


@handles(Register.CLEAN_CONFIGURATION)
def clean_configuration(controller: Controller, call: Call) -> bytes:
    controller.saved = type(controller.settings)()
    return b""


@handles(Register.SAVE_CONFIGURATION)
def save_configuration(controller: Controller, call: Call) -> bytes:
    controller.saved = copy.deepcopy(controller.settings)
    return b""


@handles(Register.GET_POSE)
def get_pose(controller: Controller, call: Call) -> bytes:
    return pack_floats(pose_to_wire(controller.face.pose))


@handles(Register.GET_POSE_AXIS_ANGLE)
def get_pose_axis_angle(controller: Controller, call: Call) -> bytes:
    return pack_floats(pose_to_wire_axis_angle(controller.face.pose))


@handles(Register.GET_JOINTS)
def get_joints(controller: Controller, call: Call) -> bytes:
    """Return positions; with a number n also velocities (2) and efforts (3)."""
    face = controller.face
    n = call.byte(0, 1) & 0x0F
    values = face.position.tolist()
    if n >= 2:
        values += face.measured.velocity.tolist()
    if n >= 3:
        values += face.measured.effort.tolist()
    return pack_floats(values)


@handles(Register.GET_TORQUES)
def get_torques(controller: Controller, call: Call) -> bytes:
    return pack_floats(controller.core.measured.effort.tolist())


@handles(Register.INVERSE_KINEMATICS)
def inverse_kinematics(controller: Controller, call: Call) -> bytes:
    settings = controller.settings
    near = controller.core.q
    if len(call.params) >= 24 + 1 + 28:
        near = np.array(call.floats(7, 25))
    goal = settings.from_client(call.floats(6))
    q = xarm7.inverse_anywhere(goal, near, flange_from_tool=settings.flange_from_tool, attempts=IK_ATTEMPTS)
    if q is None:
        raise Refused(params=bytes(28))
    return pack_floats(q.tolist())


@handles(Register.FORWARD_KINEMATICS)
def forward_kinematics(controller: Controller, call: Call) -> bytes:
    settings = controller.settings
    pose = settings.to_client(settings.tool_in_base(np.array(call.floats(7))))
    return pack_floats(pose_to_wire(pose))


@handles(Register.IS_JOINT_LIMIT)
def is_joint_limit(controller: Controller, call: Call) -> bytes:
    q = np.array(call.floats(7))
    inside = np.all((q >= controller.settings.lower) & (q <= controller.settings.upper))
    return bytes((int(not inside),))


@handles(Register.IS_TCP_LIMIT)
def is_tcp_limit(controller: Controller, call: Call) -> bytes:
    """Return whether the pose is out of limits: no joints put the tool there."""
    settings = controller.settings
    goal = settings.from_client(call.floats(6))
    q = xarm7.inverse_anywhere(
        goal, controller.core.q, flange_from_tool=settings.flange_from_tool, attempts=IK_ATTEMPTS
    )
    return bytes((int(q is None),))


@handles(Register.GET_POSE_OFFSET)
def get_pose_offset(controller: Controller, call: Call) -> bytes:
    """Return the second pose as seen from the first; each flag: 1 = rotation vector."""
    values = call.floats(12)
    kind_in, kind_out = call.byte(48, 0), call.byte(49, 0)
    first, second = (pose_from_wire(values[i : i + 6], bool(kind_in)) for i in (0, 6))
    offset = invert(first) @ second
    return pack_floats(pose_to_wire_axis_angle(offset) if kind_out else pose_to_wire(offset))


@handles(Register.GET_DH)
def get_dh(controller: Controller, call: Call) -> bytes:
    """Return offset, d, alpha, a of each joint; mm and rad."""
    rows = [(0.0, d * 1000.0, alpha, a * 1000.0) for d, alpha, a in xarm7.DH.tolist()]
    return pack_floats([value for row in rows for value in row])


@handles(Register.SET_FEEDBACK)
def set_feedback(controller: Controller, call: Call) -> bytes:
    controller.set_feedback(call.client, call.byte(0))
    return b""


@handles(Register.WAIT_ALL)
def wait_all(controller: Controller, call: Call) -> bytes:
    """Enqueue a marker whose end is reported when everything before it is done."""
    task = Task(Dwell(), controller.ticket(call))
    if controller.core.ready:
        controller.core.enqueue(task)
    else:
        controller.core.discard(task)
    return b""

"""Requests that change or read settings: offsets, load, sensitivity, reduced mode, boundary, switches."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from foundation import xarm7
from simulation.controller.core import Event, Task
from simulation.controller.motions import Dwell
from simulation.controller.protocol import Feedback, FramingError, Outcome, Register, Status, pack_floats
from simulation.controller.requests.table import Call, Refused, handles
from simulation.controller.settings import FAR_MM, SERVO_SPEED_FACTOR

if TYPE_CHECKING:
    from simulation.controller.controller import Controller

SERVO_SPEED_FACTOR_TYPE = 1  # of register 232
LARGEST_OFFSET_MM = 5000.0
SPEED_LIMIT_INFO = 50  # of register 234
ERROR_INFO_FLOATS = {101: 2, 102: 1, 103: 7, 104: 1, 106: 7, 107: 2}  # of register 234, after one byte
REGISTER_SWITCHES = {
    Register.SET_FENCE: "fence",
    Register.SET_REBOUND: "rebound",
    Register.SET_SELF_COLLISION: "self_collision",
    Register.SET_REPORT_CURRENT: "report_current",
    Register.SET_APPROXIMATE_MOTION: "approximate_motion",
    Register.SET_CONTINUOUS_VELOCITY: "continuous_velocity",
}
QUEUED_NUMBERS = {  # the setting and its range
    Register.SET_TCP_JERK: ("tcp_jerk_mm", 1.0, 100_000.0),
    Register.SET_TCP_ACCELERATION: ("tcp_acceleration_mm", 1.0, 50_000.0),
    Register.SET_JOINT_JERK: ("joint_jerk", 0.1, xarm7.MAX_JOINT_JERK),
    Register.SET_JOINT_ACCELERATION: ("joint_acceleration", 0.01, xarm7.MAX_JOINT_ACCELERATION),
}


@handles(*REGISTER_SWITCHES)
def set_switch(controller: Controller, call: Call) -> bytes:
    setattr(controller.settings, REGISTER_SWITCHES[Register(call.request.register)], bool(call.byte(0)))
    return b""


@handles(*QUEUED_NUMBERS)
def set_queued_number(controller: Controller, call: Call) -> bytes:
    """Set a number when the motions before it are done."""
    name, lowest, highest = QUEUED_NUMBERS[Register(call.request.register)]
    (wanted,) = call.floats(1)
    value = min(max(wanted, lowest), highest)
    _when_idle(controller, call, lambda: setattr(controller.settings, name, value))
    return struct.pack(">H", controller.core.queue_length)


@handles(Register.SET_LOAD)
def set_load(controller: Controller, call: Call) -> bytes:
    load = list(call.floats(4))
    _when_idle(controller, call, lambda: setattr(controller.settings, "load", load))
    return b""


def _when_idle(controller: Controller, call: Call, action) -> None:
    """Run `action` at once while nothing is queued, in its turn otherwise."""
    core = controller.core
    ticket = controller.ticket(call)
    if core.queue_length:
        core.enqueue(Task(Dwell(action=action), ticket, Feedback.TRIGGER, Feedback.TRIGGER))
    else:
        action()
        controller.announce(Event(ticket, Feedback.TRIGGER, Outcome.DONE))


def _offset(call: Call) -> list[float]:
    values = list(call.floats(6))
    if max(abs(value) for value in values) > LARGEST_OFFSET_MM:
        raise Refused
    return values


@handles(Register.SET_TCP_OFFSET)
def set_tcp_offset(controller: Controller, call: Call) -> bytes:
    controller.settings.tcp_offset = _offset(call)
    return _reset(controller)


@handles(Register.SET_WORLD_OFFSET)
def set_world_offset(controller: Controller, call: Call) -> bytes:
    controller.settings.world_offset = _offset(call)
    return _reset(controller)


@handles(Register.SET_COLLISION_SENSITIVITY)
def set_collision_sensitivity(controller: Controller, call: Call) -> bytes:
    if not 0 <= call.byte(0) <= 5:
        raise Refused
    controller.settings.collision_sensitivity = call.byte(0)
    return _reset(controller)


@handles(Register.SET_TEACH_SENSITIVITY)
def set_teach_sensitivity(controller: Controller, call: Call) -> bytes:
    if not 1 <= call.byte(0) <= 5:
        raise Refused
    controller.settings.teach_sensitivity = call.byte(0)
    return _reset(controller)


@handles(Register.SET_GRAVITY)
def set_gravity(controller: Controller, call: Call) -> bytes:
    controller.settings.gravity = list(call.floats(3))
    return _reset(controller)


def _reset(controller: Controller) -> bytes:
    controller.settings.refresh()
    controller.core.reset()
    return b""


# Reduced mode and the safety boundary


@handles(Register.SET_REDUCED_TCP_SPEED)
def set_reduced_tcp_speed(controller: Controller, call: Call) -> bytes:
    controller.settings.reduced_tcp_speed_mm = max(0.1, call.floats(1)[0])
    return b""


@handles(Register.SET_REDUCED_JOINT_SPEED)
def set_reduced_joint_speed(controller: Controller, call: Call) -> bytes:
    controller.settings.reduced_joint_speed = max(0.001, call.floats(1)[0])
    return b""


@handles(Register.SET_REDUCED_RANGES)
def set_reduced_ranges(controller: Controller, call: Call) -> bytes:
    controller.settings.reduced_ranges = list(call.floats(14))
    return b""


@handles(Register.SET_REDUCED_MODE)
def set_reduced_mode(controller: Controller, call: Call) -> bytes:
    """Switch reduced mode; the limits set before take effect here."""
    controller.settings.reduced = bool(call.byte(0))
    controller.settings.refresh()
    return b""


@handles(Register.GET_REDUCED_MODE)
def get_reduced_mode(controller: Controller, call: Call) -> bytes:
    return bytes((int(controller.settings.reduced),))


@handles(Register.SET_BOUNDARY)
def set_boundary(controller: Controller, call: Call) -> bytes:
    if len(call.params) < 24:
        raise FramingError("a boundary has six numbers")
    values = struct.unpack_from("<6i", call.params)
    controller.settings.boundary_mm = [min(max(v, -FAR_MM), FAR_MM) for v in values]
    controller.settings.refresh()
    return b""


@handles(Register.GET_REDUCED_STATES)
def get_reduced_states(controller: Controller, call: Call) -> bytes:
    s = controller.settings
    head = bytes((int(s.reduced),)) + struct.pack(">6h", *s.boundary_mm)
    numbers = pack_floats([s.reduced_tcp_speed_mm, s.reduced_joint_speed, *s.reduced_ranges])
    return head + numbers + bytes((int(s.fence), int(s.rebound)))


# Switches and stores


@handles(Register.GET_REPORT_CURRENT)
def get_report_current(controller: Controller, call: Call) -> bytes:
    return bytes((int(controller.settings.report_current),))


@handles(Register.GET_APPROXIMATE_MOTION)
def get_approximate_motion(controller: Controller, call: Call) -> bytes:
    return bytes((int(controller.settings.approximate_motion),))


@handles(Register.SET_SIMULATION_ROBOT)
def set_simulation_robot(controller: Controller, call: Call) -> bytes:
    """Accept only "off": with this flag on, clients stop talking to the arm."""
    if call.byte(0):
        raise Refused
    return b""


@handles(Register.SET_TOOL_MODEL)
def set_tool_model(controller: Controller, call: Call) -> bytes:
    """Set the tool model: numbers, if any, and then the kind of tool."""
    count = (len(call.params) - 1) // 4
    values = call.floats(count) if count > 0 else ()
    controller.settings.tool_model = call.byte(len(call.params) - 1)
    controller.settings.tool_params = [*values, *[0.0] * 6][:6]
    return b""


@handles(Register.SET_IO_STOP_RESET)
def set_io_stop_reset(controller: Controller, call: Call) -> bytes:
    kind = call.byte(0)
    if kind not in (0, 1):
        raise Refused
    controller.settings.io_stop_reset[kind] = call.byte(1)
    return b""


@handles(Register.RESET_COUNTER)
def reset_counter(controller: Controller, call: Call) -> bytes:
    controller.counter = 0
    return b""


@handles(Register.INCREASE_COUNTER)
def increase_counter(controller: Controller, call: Call) -> bytes:
    controller.counter += 1
    return b""


@handles(Register.SET_COMMON_PARAMETER)
def set_common_parameter(controller: Controller, call: Call) -> bytes:
    kind = call.byte(0)
    if kind == SERVO_SPEED_FACTOR_TYPE:
        (factor,) = call.floats(1, 1)
        controller.settings.servo_speed_factor = factor
    controller.settings.common[kind] = call.params[1:]
    return b""


@handles(Register.GET_COMMON_PARAMETER)
def get_common_parameter(controller: Controller, call: Call) -> bytes:
    kind = call.byte(0)
    stored = controller.settings.common.get(kind)
    if stored is not None:
        return stored
    if kind == SERVO_SPEED_FACTOR_TYPE:
        return pack_floats([SERVO_SPEED_FACTOR])
    if kind == 7:  # preferred posture of the redundancy, and its weight: not used here
        return pack_floats([0.0] * 14)
    if kind in (6, 12, 14):
        return pack_floats([0.0] * 6)
    return bytes(4)


@handles(Register.GET_COMMON_INFO)
def get_common_info(controller: Controller, call: Call) -> bytes:
    """Return the speed limit, or zeros of the right length: details of the last error are not simulated."""
    kind = call.byte(0)
    if kind == SPEED_LIMIT_INFO:
        return pack_floats([controller.settings.servo_speed_factor * xarm7.MAX_TCP_SPEED * 1000.0])
    if kind in (1, 2):
        return b"\0"
    if kind == 105:
        return pack_floats([0.0, 0.0])
    if kind in ERROR_INFO_FLOATS:
        return b"\0" + pack_floats([0.0] * ERROR_INFO_FLOATS[kind])
    raise Refused(Status.REFUSED)

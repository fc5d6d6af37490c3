"""Requests about the tool bus, the gripper and the control box's terminals."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from simulation.controller.kinematics import ControllerFault
from simulation.controller.protocol import FramingError, Register
from simulation.controller.requests.table import Call, Refused, handles
from simulation.controller.tool import switched

if TYPE_CHECKING:
    from simulation.controller.controller import Controller


@handles(Register.TOOL_MODBUS, Register.TOOL_TRANSPARENT)
def tool_modbus(controller: Controller, call: Call) -> bytes:
    """Exchange the host's number and a Modbus-RTU frame without checksum; the answer has the same form."""
    host = call.byte(0)
    return bytes((host,)) + controller.tool.modbus(host, call.params[1:], controller.faults.gripper_silent)


@handles(Register.TOOL_TIMEOUT, Register.TOOL_TRANSPARENT_TIMEOUT)
def tool_timeout(controller: Controller, call: Call) -> bytes:
    return b""


@handles(Register.GRIPPER_ERROR)
def gripper_error(controller: Controller, call: Call) -> bytes:
    return bytes((controller.gripper.error, 0))


def _address(call: Call) -> tuple[int, int]:
    if len(call.params) < 3:
        raise FramingError("a register's address is missing")
    return call.params[0], struct.unpack_from(">H", call.params, 1)[0]


@handles(Register.TOOL_READ_16, Register.TOOL_READ_32)
def tool_read(controller: Controller, call: Call) -> bytes:
    try:
        value = controller.tool.read(*_address(call), controller.faults.gripper_silent)
    except ControllerFault as fault:
        controller.core.fail(fault.code)
        value = 0  # clients expect four bytes in any case
    return struct.pack(">i", value)


@handles(Register.TOOL_WRITE_16, Register.TOOL_WRITE_32)
def tool_write(controller: Controller, call: Call) -> bytes:
    device, address = _address(call)
    value = int(call.floats(1, 3)[0])
    size = 4  # both widths carry the value as fp32; four bytes hold either
    controller.tool.write(device, address, value, size, controller.faults.gripper_silent)
    return b""


@handles(Register.SERVO_READ_16, Register.SERVO_READ_32)
def servo_read(controller: Controller, call: Call) -> bytes:
    return bytes(4)


@handles(Register.SERVO_WRITE_16, Register.SERVO_WRITE_32)
def servo_write(controller: Controller, call: Call) -> bytes:
    raise Refused


@handles(Register.BOX_GET_DIGITAL)
def box_get_digital(controller: Controller, call: Call) -> bytes:
    return struct.pack(">H", controller.box.inputs)


@handles(Register.BOX_GET_ANALOG_1, Register.BOX_GET_ANALOG_2)
def box_get_analog(controller: Controller, call: Call) -> bytes:
    return bytes(2)


@handles(Register.BOX_SET_DIGITAL)
def box_set_digital(controller: Controller, call: Call) -> bytes:
    """Set outputs by one or two 16-bit numbers, each: which outputs (high byte), to what (low byte)."""
    if len(call.params) < 2:
        raise Refused
    words = struct.unpack_from(f">{min(2, len(call.params) // 2)}H", call.params)
    for i, word in enumerate(words):
        controller.box.outputs[i] = switched(controller.box.outputs[i], word)
    return b""


@handles(Register.BOX_SET_ANALOG_1, Register.BOX_SET_ANALOG_2)
def box_set_analog(controller: Controller, call: Call) -> bytes:
    if len(call.params) < 2:
        raise Refused
    channel = int(call.request.register == Register.BOX_SET_ANALOG_2)
    controller.box.analog_out[channel] = min(struct.unpack_from(">H", call.params)[0], 4095)
    return b""


@handles(Register.BOX_SET_INPUT_FUNCTION, Register.BOX_SET_OUTPUT_FUNCTION)
def box_set_function(controller: Controller, call: Call) -> bytes:
    box = controller.box
    table = box.input_functions if call.request.register == Register.BOX_SET_INPUT_FUNCTION else box.output_functions
    if call.byte(0) >= len(table):
        raise Refused
    table[call.byte(0)] = call.byte(1)
    return b""


@handles(Register.BOX_GET_STATE)
def box_get_state(controller: Controller, call: Call) -> bytes:
    box = controller.box
    words = struct.pack(">8H", 0, box.inputs, 0, box.output_word, 0, 0, *box.analog_out)
    tables = (box.input_functions[:8], box.output_functions[:8], box.input_functions[8:], box.output_functions[8:])
    return bytes(2) + words + b"".join(bytes(table) for table in tables)


@handles(Register.GET_POWER_VERSION)
def get_power_version(controller: Controller, call: Call) -> bytes:
    return bytes(6)


@handles(Register.GET_HARDWARE_TYPES)
def get_hardware_types(controller: Controller, call: Call) -> bytes:
    return bytes(2)

"""The tool's RS485 bus and registers, and the control box's inputs and outputs."""

from dataclasses import dataclass, field

from simulation.controller.gripper import GRIPPER_ID, Gripper
from simulation.controller.kinematics import ControllerFault

TOOL_HOST = 9  # the bus at the tool flange
BAUD, SET_BAUD, RESTART = 0x0A0B, 0x1A0B, 0x0607
DIGITAL_IN, DIGITAL_OUT = 0x0A14, 0x0A15
GRIPPER_BAUD_INDEX = 11  # 2 000 000 baud, in the SDK's list
DIGITAL_OUTPUTS = 8


class ToolBus:
    """Bus at the tool flange: one gripper, and the flange's own registers."""

    def __init__(self, gripper: Gripper):
        self.gripper = gripper
        self._registers = {BAUD: GRIPPER_BAUD_INDEX, DIGITAL_IN: 0, DIGITAL_OUT: 0}

    def modbus(self, host: int, frame: bytes, silent: bool) -> bytes:
        """Answer a frame on the bus; raises C19 when the device at the tool, C111 when one at the box, is silent."""
        if host != TOOL_HOST:
            raise ControllerFault(111)
        if silent or not frame or frame[0] != GRIPPER_ID or self._registers[BAUD] != GRIPPER_BAUD_INDEX:
            raise ControllerFault(19)
        return self.gripper.modbus(frame)

    def read(self, device: int, address: int, silent: bool) -> int:
        """Read one register of the flange (9) or, in the older protocol, of the gripper (8)."""
        if device == GRIPPER_ID:
            if silent:
                raise ControllerFault(19)
            return self.gripper.read(address)
        return self._registers.get(address, 0)

    def write(self, device: int, address: int, value: int, size: int, silent: bool) -> None:
        if device == GRIPPER_ID:
            if silent:
                raise ControllerFault(19)
            self.gripper.write(address, value.to_bytes(size, "big", signed=True))
        elif address in (SET_BAUD, BAUD):
            self._registers[BAUD] = value
        elif address == DIGITAL_OUT:
            self._registers[DIGITAL_OUT] = switched(self._registers[DIGITAL_OUT], value)
        elif address != RESTART:
            self._registers[address] = value


def switched(present: int, command: int) -> int:
    """Return the output bits after a command: its high byte selects the bits to change, its low byte their values."""
    mask = command >> 8
    return (present & ~mask) | (command & 0xFF & mask)


@dataclass
class BoxIo:
    """The control box's terminals; nothing is connected, so inputs read high as with the pull-ups of the real box."""

    outputs: list[int] = field(default_factory=lambda: [0, 0])  # CO0-7, DO0-7
    analog_out: list[int] = field(default_factory=lambda: [0, 0])  # 0-4095 = 0-10 V
    input_functions: list[int] = field(default_factory=lambda: [0] * 16)
    output_functions: list[int] = field(default_factory=lambda: [0] * 16)

    @property
    def inputs(self) -> int:
        return 0xFFFF

    @property
    def output_word(self) -> int:
        return self.outputs[1] << 8 | self.outputs[0]

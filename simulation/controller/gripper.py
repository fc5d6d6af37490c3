"""First-generation xArm gripper on the tool's RS485 bus: Modbus-RTU registers, motion, grip detection."""

import struct

from foundation import xarm7
from simulation.controller.plant import Plant

GRIPPER_ID = 8
STATUS, ERROR, ENABLE, MODE, CLEAR, SPEED = 0x0000, 0x000F, 0x0100, 0x0101, 0x0109, 0x0303
TARGET, POSITION, VERSION, SET_ZERO = 0x0700, 0x0702, 0x0801, 0x0817
VERSION_NUMBERS = (3, 4, 3)  # the first whose status word reports that the gripper has stopped
STOPPED, MOVING, CLAMPED = 0, 1, 2
LOWEST_PULSE, HIGHEST_PULSE = -10, xarm7.GRIPPER_OPEN_PULSE
# Pulses per second for each r/min of the speed register: no source; 5000 r/min then open or close in 0.7 s.
PULSES_PER_REVOLUTION_PER_MINUTE = 0.25
DEFAULT_SPEED = 2000  # r/min
REACHED_PULSES, STILL_PULSES = 3.0, 0.5
STILL_TICKS = 40  # cycles without motion short of the target: it holds an object
READ, WRITE = 0x03, 0x10
BAD_FUNCTION, BAD_ADDRESS, BAD_VALUE = 1, 2, 3


class Gripper:
    """The gripper's registers, and the motor behind them, which the plant moves."""

    def __init__(self, plant: Plant):
        self.plant = plant
        self.status, self.error = STOPPED, 0
        self.enabled, self.mode, self.speed = False, 0, DEFAULT_SPEED
        self.position = plant.measure().gripper_pulse
        self._target = round(self.position)
        self._still_at, self._still_ticks = self.position, 0

    def tick(self, position: float) -> None:
        """Read the measured position in pulses; choose between moving, arrived and clamped."""
        self.position = position
        if self.status != MOVING:
            return
        if abs(position - self._target) <= REACHED_PULSES:
            self.status = STOPPED
        elif abs(position - self._still_at) > STILL_PULSES:
            self._still_at, self._still_ticks = position, 0
        else:
            self._still_ticks += 1
            if self._still_ticks >= STILL_TICKS:
                self.status = CLAMPED

    def move(self, pulse: int) -> None:
        """Move to `pulse`; ignored while the gripper is disabled or has an error."""
        self._target = min(max(pulse, LOWEST_PULSE), HIGHEST_PULSE)
        if not self.enabled or self.error:
            return
        self.status, self._still_at, self._still_ticks = MOVING, self.position, 0
        self.plant.command_gripper(float(self._target), self.speed * PULSES_PER_REVOLUTION_PER_MINUTE)

    def modbus(self, frame: bytes) -> bytes:
        """Answer a Modbus-RTU frame (without its checksum) for this device."""
        if len(frame) < 6:
            return self._refuse(frame, BAD_VALUE)
        function = frame[1]
        address, count = struct.unpack_from(">HH", frame, 2)
        if function == READ:
            data = self._read(address, count)
            return self._refuse(frame, BAD_ADDRESS) if data is None else frame[:2] + bytes((len(data),)) + data
        if function == WRITE:
            data = frame[7:]
            if len(data) != 2 * count or frame[6] != len(data):
                return self._refuse(frame, BAD_VALUE)
            return frame[:6] if self.write(address, data) else self._refuse(frame, BAD_ADDRESS)
        return self._refuse(frame, BAD_FUNCTION)

    @staticmethod
    def _refuse(frame: bytes, code: int) -> bytes:
        return bytes((frame[0], (frame[1] if len(frame) > 1 else 0) | 0x80, code))

    def _read(self, address: int, count: int) -> bytes | None:
        pulse = struct.pack(">i", round(self.position))
        words = {STATUS: self.status, ERROR: self.error, ENABLE: int(self.enabled), MODE: self.mode, SPEED: self.speed}
        words |= {VERSION + i: number for i, number in enumerate(VERSION_NUMBERS)}
        words |= dict(zip((POSITION, POSITION + 1), struct.unpack(">HH", pulse), strict=True))
        words |= dict(zip((TARGET, TARGET + 1), struct.unpack(">HH", struct.pack(">i", self._target)), strict=True))
        wanted = [words.get(address + i) for i in range(count)]
        if None in wanted or not wanted:
            return None
        return struct.pack(f">{count}H", *wanted)

    def read(self, address: int) -> int:
        """Return one register, or the position's two, as a number (the older protocol)."""
        data = self._read(address, 2 if address in (TARGET, POSITION) else 1)
        return 0 if data is None else int.from_bytes(data, "big", signed=True)

    def write(self, address: int, data: bytes) -> bool:
        """Write a register; return False when it does not exist."""
        value = int.from_bytes(data, "big", signed=True)
        if address == TARGET and len(data) == 4:
            self.move(value)
        elif address == ENABLE:
            self.enabled = bool(value)
        elif address == MODE:
            self.mode = value
        elif address == SPEED:
            self.speed = min(max(value, 1), 5000)
        elif address == CLEAR:
            self.error = 0
        elif address != SET_ZERO:
            return False
        return True

import struct

import pytest
from wire import BlockedGripper, Wire

from simulation.controller.gripper import CLAMPED, MOVING, STOPPED
from simulation.controller.protocol import Register, Status, pack_floats

READ_POSITION = struct.pack(">BBHH", 8, 3, 0x0702, 2)


def bus(wire: Wire, frame: bytes) -> bytes:
    """Return the gripper's answer."""
    reply = wire.send(Register.TOOL_MODBUS, b"\x09" + frame)
    assert reply.params[:1] == b"\x09"
    return reply.params[1:]


def write(wire: Wire, address: int, value: int, words: int = 1) -> bytes:
    data = value.to_bytes(2 * words, "big", signed=True)
    return bus(wire, struct.pack(">BBHHB", 8, 16, address, words, 2 * words) + data)


def read(wire: Wire, address: int, words: int = 1) -> int:
    answer = bus(wire, struct.pack(">BBHH", 8, 3, address, words))
    assert answer[:3] == bytes((8, 3, 2 * words))
    return int.from_bytes(answer[3:], "big", signed=True)


def prepared(plant=None) -> Wire:
    wire = Wire(plant=plant).ready()
    write(wire, 0x0100, 1)
    write(wire, 0x0303, 4000)
    return wire


def test_frames_have_the_documented_bytes():
    wire = prepared()
    assert bus(wire, READ_POSITION) == bytes.fromhex("08 03 04 00 00 03 52")
    frame = bytes.fromhex("08 10 07 00 00 02 04 00 00 00 c8")
    assert bus(wire, frame) == frame[:6]


def test_it_moves_at_its_speed_and_says_so():
    wire = prepared()
    write(wire, 0x0700, 250, words=2)
    assert read(wire, 0x0000) == MOVING
    wire.run(0.3)
    assert read(wire, 0x0702, 2) == pytest.approx(850 - 0.3 * 1000, abs=10)
    wire.run(0.5)
    assert read(wire, 0x0702, 2) == pytest.approx(250, abs=3)
    assert read(wire, 0x0000) == STOPPED


def test_it_holds_what_stops_the_fingers():
    wire = prepared(BlockedGripper(width=400.0))
    write(wire, 0x0700, 0, words=2)
    wire.run(1.5)
    assert read(wire, 0x0702, 2) == 400
    assert read(wire, 0x0000) == CLAMPED
    write(wire, 0x0700, 850, words=2)
    wire.run(1.0)
    assert read(wire, 0x0000) == STOPPED
    assert wire.error == 0


def test_it_does_not_move_before_it_is_enabled_or_with_an_error():
    wire = Wire().ready()
    write(wire, 0x0700, 100, words=2)
    wire.run(1.0)
    assert read(wire, 0x0702, 2) == 850
    write(wire, 0x0100, 1)
    wire.controller.gripper.error = 11
    write(wire, 0x0700, 100, words=2)
    wire.run(1.0)
    assert read(wire, 0x000F) == 11
    assert read(wire, 0x0702, 2) == 850
    write(wire, 0x0109, 1)
    write(wire, 0x0700, 100, words=2)
    wire.run(2.0)
    assert read(wire, 0x0702, 2) == pytest.approx(100, abs=3)


def test_targets_are_limited_to_its_range():
    wire = prepared()
    write(wire, 0x0700, -500, words=2)
    assert read(wire, 0x0700, 2) == -10
    write(wire, 0x0700, 2000, words=2)
    assert read(wire, 0x0700, 2) == 850


def test_unknown_registers_and_functions_are_modbus_exceptions():
    wire = prepared()
    assert bus(wire, struct.pack(">BBHH", 8, 3, 0x0999, 1)) == bytes((8, 0x83, 2))
    assert bus(wire, struct.pack(">BBHH", 8, 6, 0x0100, 1)) == bytes((8, 0x86, 1))
    assert bus(wire, bytes((8, 16, 7, 0, 0, 2, 4, 0))) == bytes((8, 0x90, 3))


def test_version_has_a_status_word():
    wire = prepared()
    assert (read(wire, 0x0801), read(wire, 0x0802), read(wire, 0x0803)) >= (3, 4, 3)


def test_baud_rate_of_the_bus_is_the_grippers_own():
    wire = Wire().ready()
    assert wire.send(Register.TOOL_READ_16, b"\x09\x0a\x0b").params == struct.pack(">i", 11)
    wire.send(Register.TOOL_WRITE_16, b"\x09\x1a\x0b" + pack_floats([3.0]))
    assert wire.send(Register.TOOL_READ_16, b"\x09\x0a\x0b").params == struct.pack(">i", 3)
    wire.send(Register.TOOL_MODBUS, b"\x09" + READ_POSITION)
    assert wire.error == 19


def test_the_older_protocol_reaches_the_same_gripper():
    wire = Wire().ready()
    wire.send(Register.TOOL_WRITE_16, b"\x08\x01\x00" + pack_floats([1.0]))
    wire.send(Register.TOOL_WRITE_16, b"\x08\x03\x03" + pack_floats([5000.0]))
    wire.send(Register.TOOL_WRITE_32, b"\x08\x07\x00" + pack_floats([300.0]))
    wire.run(1.0)
    position = struct.unpack(">i", wire.send(Register.TOOL_READ_32, b"\x08\x07\x02").params)[0]
    assert position == pytest.approx(300, abs=3)


def test_a_silent_gripper_stops_the_arm_and_has_to_be_enabled_again():
    wire = prepared()
    wire.move_joints([0.5, 0, 0, 0, 0, 0, 0])
    wire.run(0.2)
    wire.controller.faults.gripper_silent = True
    wire.send(Register.TOOL_MODBUS, b"\x09" + READ_POSITION)
    assert wire.status & Status.ERROR
    assert wire.error == 19
    assert wire.state == 4
    wire.run(0.1)
    wire.controller.faults.gripper_silent = False
    wire.ready()
    assert read(wire, 0x0100) == 0
    write(wire, 0x0100, 1)
    assert read(wire, 0x0100) == 1
    assert wire.error == 0


def test_nothing_hangs_on_the_boxs_own_bus():
    wire = Wire().ready()
    wire.send(Register.TOOL_MODBUS, b"\x0b\x01\x03\x00\x00\x00\x01")
    assert wire.error == 111

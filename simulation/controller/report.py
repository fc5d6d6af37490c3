"""Frames of the controller's report ports (developer manual, "Automatic reporting")."""

import struct
from dataclasses import dataclass

import numpy as np

from foundation import xarm7
from simulation.controller.core import Core
from simulation.controller.faults import Faults
from simulation.controller.gripper import Gripper
from simulation.controller.protocol import pack_floats, pose_to_wire, pose_to_wire_axis_angle
from simulation.controller.settings import Settings
from simulation.controller.tool import BoxIo

REAL_TIME, NORMAL, RICH, FAST = 30000, 30001, 30002, 30003
PERIODS = {REAL_TIME: 0.005, NORMAL: 0.2, RICH: 0.2, FAST: 0.01}  # s
SIZES = {REAL_TIME: 804, NORMAL: 145, RICH: 587, FAST: 135}
TEMPERATURE = 35  # deg C of every joint
VOLTAGE = 4800  # 48 V in units of 10 mV


@dataclass(frozen=True, eq=False, slots=True)
class Face:
    """State as reported to clients: the core's true state overlaid by the injected lies."""

    core: Core
    settings: Settings
    faults: Faults
    gripper: Gripper
    box: BoxIo
    firmware: str
    counter: int

    @property
    def measured(self):
        return self.core.measured

    @property
    def position(self) -> np.ndarray:
        """Joints (7,) rad."""
        offset = self.faults.joint_offset
        return self.core.measured.position if offset is None else self.core.measured.position + offset

    @property
    def state(self) -> int:
        lie = self.faults.reported_state
        return int(self.core.state) if lie is None else lie

    @property
    def pose(self) -> np.ndarray:
        """world_from_tool (4, 4)."""
        return self.settings.to_client(self.settings.tool_in_base(self.position))

    def twist(self, velocity: np.ndarray) -> list[float]:
        """Return the tool's velocity, mm/s and rad/s."""
        twist = xarm7.jacobian(self.position, self.settings.flange_from_tool) @ velocity
        return [*(twist[:3] * 1000.0).tolist(), *twist[3:].tolist()]


def encode_report(port: int, face: Face) -> bytes:
    """Encode one whole frame, its size first; `port` is one of 30000 .. 30003."""
    if port == REAL_TIME:
        body = _real_time(face)
    else:
        present = face.pose
        body = _common(face, present)
        if port == FAST:
            body += pack_floats([0.0] * 12)
        else:
            body += _status(face)
        if port == RICH:
            body += _rich(face, present)
    if len(body) + 4 != SIZES[port]:
        raise AssertionError(f"the report of port {port} has {len(body) + 4} bytes, not {SIZES[port]}")
    return struct.pack(">I", len(body) + 4) + body


def _head(face: Face) -> bytes:
    return struct.pack(">BH", face.state & 0x0F | face.core.mode << 4, face.core.queue_length)


def _common(face: Face, present: np.ndarray) -> bytes:
    numbers = [*face.position.tolist(), *pose_to_wire(present), *face.measured.effort.tolist()]
    return _head(face) + pack_floats(numbers)


def _status(face: Face) -> bytes:
    core, s = face.core, face.settings
    return (
        bytes((core.brakes_open, core.enabled, core.error, core.warning))
        + pack_floats([*s.tcp_offset, *s.load])
        + bytes((s.collision_sensitivity, s.teach_sensitivity))
        + pack_floats(s.gravity)
    )


def _rich(face: Face, present: np.ndarray) -> bytes:
    s = face.settings
    current = face.measured.effort.tolist()  # no motor constants: torque stands for current
    return b"".join(
        (
            bytes((7, 7, 0xAA, 0x55, 0, 0)),
            face.firmware.encode("ascii")[:30].ljust(30, b"\0"),
            pack_floats([s.tcp_jerk_mm, 1.0, s.tcp_acceleration_mm, 0.1, xarm7.MAX_TCP_SPEED * 1000.0]),
            pack_floats([s.joint_jerk, 0.01, s.joint_acceleration, 0.0001, xarm7.MAX_JOINT_SPEED]),
            pack_floats([2.3, 2.7]),
            bytes(16),
            bytes([TEMPERATURE] * 7),
            pack_floats([float(np.linalg.norm(face.twist(face.core.qd)[:3])), *face.core.qd.tolist()]),
            struct.pack(">I", face.counter),
            pack_floats(s.world_offset),
            bytes(s.io_stop_reset) + bytes((0, int(s.self_collision), s.tool_model)),
            pack_floats(s.tool_params),
            struct.pack(">7H", *[VOLTAGE] * 7),
            pack_floats(current),
            _box(face.box),
            pack_floats([0.0] * 12),
            b"\0",
            pack_floats(pose_to_wire_axis_angle(present)[3:]),
            _limits(s),
            bytes(5),
            _monitored(face.gripper),
        )
    )


def _box(box: BoxIo) -> bytes:
    words = struct.pack(">8H", 0, box.inputs, 0, box.output_word, 0, 0, *box.analog_out)
    tables = (box.input_functions[:8], box.output_functions[:8], box.input_functions[8:], box.output_functions[8:])
    return bytes(2) + words + b"".join(bytes(table) for table in tables)


def _limits(s: Settings) -> bytes:
    switches = (s.reduced, s.fence, s.report_current, s.approximate_motion, s.continuous_velocity)
    bits = sum(int(on) << i for i, on in enumerate(switches))
    return (
        bytes((bits, int(s.reduced)))
        + struct.pack(">6h", *s.boundary_mm)
        + pack_floats([s.reduced_tcp_speed_mm, s.reduced_joint_speed, *s.reduced_ranges])
        + bytes((int(s.fence), int(s.rebound)))
    )


def _monitored(gripper: Gripper) -> bytes:
    return struct.pack(">BB3h", 1, gripper.status, round(gripper.position), 0, 0)


def _real_time(face: Face) -> bytes:
    core = face.core
    zeros = np.zeros(7)
    joints = [core.q, core.qd, zeros, face.position, face.measured.velocity, zeros]
    joints += [face.measured.effort, face.measured.effort, *[zeros] * 6]
    s = face.settings
    target = s.to_client(s.tool_in_base(core.q))
    tool = [*pose_to_wire_axis_angle(target), *face.twist(core.qd)]
    tool += [*pose_to_wire_axis_angle(face.pose), *face.twist(face.measured.velocity)]
    tool += [0.0] * (6 * 3 + 24 + 12)
    return b"".join(
        (
            struct.pack(">Q", round(core.time * 1e6)),
            _head(face),
            bytes(17),
            pack_floats(np.concatenate(joints).tolist()),
            pack_floats(tool),
            _monitored(face.gripper),
            bytes(40),
            struct.pack(">HH", 0, face.box.output_word),
            bytes(16),
        )
    )

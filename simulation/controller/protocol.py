"""Wire format of the xArm controller's command socket: frames, registers, status bits, numbers.

Request: transaction u16, protocol u16, length u16 (big-endian), register u8, parameters. A reply carries one status
byte after the register. Parameters are little-endian fp32 and int32 in mm, rad, s, kg; counts are big-endian u16
(xArm developer manual, "private TCP protocol").
"""

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np

from foundation.poses import from_rotation_vector, from_rpy, pose, rotation_vector, to_rpy

HEADER = struct.Struct(">HHHB")
HEARTBEAT_PROTOCOL = 1  # keeps the connection alive and is never answered
STANDARD_PROTOCOL = 0  # plain Modbus TCP
PRIVATE_PROTOCOL = 2
FEEDBACK_REGISTER = 0xFF
MAX_LENGTH = 1024  # bytes after the length field; the longest real request has 117


class Register(IntEnum):
    """Commands of the private protocol that this controller implements."""

    GET_VERSION = 1
    GET_SERIAL = 2
    CHECK_VERIFICATION = 3
    RELOAD_DYNAMICS = 4
    GET_REPORT_CURRENT = 5
    GET_APPROXIMATE_MOTION = 7
    SYSTEM_CONTROL = 10
    ENABLE_MOTION = 11
    SET_STATE = 12
    GET_STATE = 13
    GET_QUEUE_LENGTH = 14
    GET_ERROR = 15
    CLEAR_ERROR = 16
    CLEAR_WARNING = 17
    SET_BRAKE = 18
    SET_MODE = 19
    MOVE_LINE = 21
    MOVE_LINE_BLENDED = 22
    MOVE_JOINTS = 23
    MOVE_JOINTS_BLENDED = 24
    MOVE_HOME = 25
    PAUSE_TIME = 26
    MOVE_CIRCLE = 27
    MOVE_LINE_TOOL = 28
    SERVO_JOINTS = 29
    SERVO_CARTESIAN = 30
    SET_TCP_JERK = 31
    SET_TCP_ACCELERATION = 32
    SET_JOINT_JERK = 33
    SET_JOINT_ACCELERATION = 34
    SET_TCP_OFFSET = 35
    SET_LOAD = 36
    SET_COLLISION_SENSITIVITY = 37
    SET_TEACH_SENSITIVITY = 38
    CLEAN_CONFIGURATION = 39
    SAVE_CONFIGURATION = 40
    GET_POSE = 41
    GET_JOINTS = 42
    INVERSE_KINEMATICS = 43
    FORWARD_KINEMATICS = 44
    IS_JOINT_LIMIT = 45
    IS_TCP_LIMIT = 46
    SET_REDUCED_TCP_SPEED = 47
    SET_REDUCED_JOINT_SPEED = 48
    GET_REDUCED_MODE = 49
    SET_REDUCED_MODE = 50
    SET_GRAVITY = 51
    SET_BOUNDARY = 52
    GET_REDUCED_STATES = 53
    GET_TORQUES = 55
    SET_REDUCED_RANGES = 58
    SET_FENCE = 59
    SET_REBOUND = 60
    RECORD = 61
    SAVE_TRAJECTORY = 62
    LOAD_TRAJECTORY = 63
    PLAY_TRAJECTORY = 64
    GET_TRAJECTORY_STATUS = 65
    SET_APPROXIMATE_MOTION = 66
    GET_DH = 67
    GET_MOVEMENT = 69
    SET_REPORT_CURRENT = 70
    SET_WORLD_OFFSET = 73
    RESET_COUNTER = 74
    INCREASE_COUNTER = 75
    GET_POSE_OFFSET = 76
    SET_SELF_COLLISION = 77
    SET_TOOL_MODEL = 78
    SET_SIMULATION_ROBOT = 79
    SET_CONTINUOUS_VELOCITY = 80
    JOINT_VELOCITY = 81
    CARTESIAN_VELOCITY = 82
    MOVE_RELATIVE = 83
    GET_POSE_AXIS_ANGLE = 91
    MOVE_LINE_AXIS_ANGLE = 92
    SERVO_CARTESIAN_AXIS_ANGLE = 93
    SERVO_WRITE_16 = 101
    SERVO_READ_16 = 102
    SERVO_WRITE_32 = 103
    SERVO_READ_32 = 104
    TOOL_TIMEOUT = 123
    TOOL_MODBUS = 124
    GRIPPER_ERROR = 125
    TOOL_WRITE_16 = 127
    TOOL_READ_16 = 128
    TOOL_WRITE_32 = 129
    TOOL_READ_32 = 130
    BOX_GET_DIGITAL = 131
    BOX_GET_ANALOG_1 = 132
    BOX_GET_ANALOG_2 = 133
    BOX_SET_DIGITAL = 134
    BOX_SET_ANALOG_1 = 135
    BOX_SET_ANALOG_2 = 136
    BOX_SET_INPUT_FUNCTION = 137
    BOX_SET_OUTPUT_FUNCTION = 138
    BOX_GET_STATE = 139
    GET_POWER_VERSION = 140
    GET_HARDWARE_TYPES = 141
    SET_IO_STOP_RESET = 146
    SET_COMMON_PARAMETER = 232
    GET_COMMON_PARAMETER = 233
    GET_COMMON_INFO = 234
    TOOL_TRANSPARENT_TIMEOUT = 240
    TOOL_TRANSPARENT = 241
    WAIT_ALL = 253
    SET_FEEDBACK = 254


class Status(IntFlag):
    """Status byte of a reply."""

    OK = 0
    REFUSED = 0x08  # also: without a result
    NOT_READY = 0x10
    WARNING = 0x20
    ERROR = 0x40


class Feedback(IntFlag):
    """Asynchronous frames that a client subscribes to (register 254)."""

    MOTION_START = 1
    MOTION_END = 2
    TRIGGER = 4
    OTHER_START = 32
    OTHER_END = 64


class Outcome(IntEnum):
    """Result in a feedback frame."""

    DONE = 0
    FAILED = 1
    DISCARDED = 2


class FramingError(ValueError):
    """The received bytes are not frames of this protocol."""


@dataclass(frozen=True, slots=True)
class Request:
    transaction: int
    protocol: int
    register: int
    params: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    transaction: int
    protocol: int
    register: int
    status: int
    params: bytes


def encode_request(transaction: int, register: int, params: bytes = b"", protocol: int = PRIVATE_PROTOCOL) -> bytes:
    return HEADER.pack(transaction, protocol, len(params) + 1, register) + params


def decode_request(frame: bytes) -> Request:
    """Decode the request in one whole frame; raises FramingError when the length field disagrees."""
    if len(frame) < HEADER.size:
        raise FramingError(f"a request has at least {HEADER.size} bytes, this has {len(frame)}")
    transaction, protocol, length, register = HEADER.unpack_from(frame)
    if length != len(frame) - 6:
        raise FramingError(f"the frame says {length} bytes and has {len(frame) - 6}")
    return Request(transaction, protocol, register, frame[HEADER.size :])


def encode_reply(request: Request, status: int, params: bytes = b"") -> bytes:
    head = HEADER.pack(request.transaction, request.protocol, len(params) + 2, request.register)
    return head + bytes((status,)) + params


def decode_reply(frame: bytes) -> Reply:
    """Decode the reply in one whole frame; raises FramingError when the length field disagrees."""
    if len(frame) < HEADER.size + 1:
        raise FramingError(f"a reply has at least {HEADER.size + 1} bytes, this has {len(frame)}")
    transaction, protocol, length, register = HEADER.unpack_from(frame)
    if length != len(frame) - 6:
        raise FramingError(f"the frame says {length} bytes and has {len(frame) - 6}")
    return Reply(transaction, protocol, register, frame[HEADER.size], frame[HEADER.size + 1 :])


def encode_feedback(
    request: Request, status: int, kind: Feedback, task: int, outcome: Outcome, microseconds: int
) -> bytes:
    """Encode an asynchronous frame about an earlier request, for that request's connection."""
    body = struct.pack(">BBBHBQ", status, kind, request.register, task & 0xFFFF, outcome, microseconds)
    return HEADER.pack(request.transaction, request.protocol, len(body) + 1, FEEDBACK_REGISTER) + body


def split_frames(buffer: bytearray) -> list[bytes]:
    """Remove and return the whole frames at the front of `buffer`; raises FramingError for other bytes."""
    frames = []
    while len(buffer) >= 6:
        length = int.from_bytes(buffer[4:6], "big")
        if not 1 <= length <= MAX_LENGTH:
            raise FramingError(f"a frame of {length} bytes is none of this protocol")
        if len(buffer) < 6 + length:
            break
        frames.append(bytes(buffer[: 6 + length]))
        del buffer[: 6 + length]
    return frames


def pack_floats(values) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def unpack_floats(params: bytes, count: int, offset: int = 0) -> tuple[float, ...]:
    """Unpack `count` little-endian fp32; raises FramingError when they are not all there."""
    if len(params) < offset + 4 * count:
        raise FramingError(f"{count} numbers from byte {offset} on do not fit into {len(params)} bytes")
    return struct.unpack_from(f"<{count}f", params, offset)


def pose_to_wire(base_from_tool: np.ndarray) -> list[float]:
    """Return x, y, z in mm; roll, pitch, yaw in rad."""
    return [*(base_from_tool[:3, 3] * 1000.0).tolist(), *to_rpy(base_from_tool).tolist()]


def pose_from_wire(values, axis_angle: bool = False) -> np.ndarray:
    """Return the pose (4, 4) of x, y, z in mm and roll, pitch, yaw (or a rotation vector) in rad."""
    position = np.asarray(values[:3], float) / 1000.0
    if axis_angle:
        return pose(from_rotation_vector(np.asarray(values[3:6], float)), position)
    return from_rpy(position, np.asarray(values[3:6], float))


def pose_to_wire_axis_angle(base_from_tool: np.ndarray) -> list[float]:
    """Return x, y, z in mm; rotation vector in rad."""
    return [*(base_from_tool[:3, 3] * 1000.0).tolist(), *rotation_vector(base_from_tool[:3, :3]).tolist()]

"""Requests that move the arm: planned moves, servo targets, velocities, recorded trajectories."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from foundation.arm import Mode
from foundation.poses import from_rotation_vector, to_rpy
from simulation.controller_core import Event, Task
from simulation.controller_kinematics import ControllerFault
from simulation.controller_motions import CircleMove, Dwell, JointMove, LineMove, Motion, Playback
from simulation.controller_requests import Call, Refused, handles
from simulation.controller_settings import MM, Settings
from simulation.controller_streams import CartesianOnline, CartesianVelocity, JointOnline, JointVelocity, Servo, Stream
from simulation.protocol import Feedback, Outcome, Register, Status, pose_from_wire

if TYPE_CHECKING:
    from simulation.controller import Controller

Running = TypeVar("Running", bound=Stream)
Target = Callable[[np.ndarray, Settings], np.ndarray]  # from the pose at the start to the goal, both base_from_tool


def _count(controller: Controller) -> bytes:
    return struct.pack(">H", controller.core.queue_length)


def _queue(controller: Controller, call: Call, motion: Motion, check: int = 0) -> bytes:
    """Puts a motion into the queue of mode 0; with `check` it is only tried, and the reply ends with the result."""
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


def _stream(controller: Controller, kind: type[Running]) -> Running:
    """The running stream; a client in the wrong mode or state is told that the arm is not ready."""
    core = controller.core
    if core.error or not core.ready or not isinstance(core.stream, kind):
        raise Refused(Status.NOT_READY)
    return core.stream


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
        _stream(controller, JointOnline).target(target, speed, acceleration, relative)
        return _count(controller)
    return _queue(controller, call, JointMove(target, speed, acceleration, relative), check)


@handles(Register.MOVE_HOME)
def move_home(controller: Controller, call: Call) -> bytes:
    speed, acceleration, _ = call.floats(3)
    return _queue(controller, call, JointMove(np.zeros(7), speed, acceleration), call.byte(12, 0))


@handles(Register.SERVO_JOINTS)
def servo_joints(controller: Controller, call: Call) -> bytes:
    _stream(controller, Servo).target(np.array(call.floats(7)))
    return b""


@handles(Register.JOINT_VELOCITY)
def joint_velocity(controller: Controller, call: Call) -> bytes:
    velocity = np.array(call.floats(7))
    duration = call.floats(1, 29)[0] if len(call.params) >= 33 else 0.0
    stream = _stream(controller, JointVelocity)
    stream.command(velocity, bool(call.byte(28, 1)), duration, controller.core.ticks)
    return b""


# Lines


@handles(Register.MOVE_LINE)
def move_line(controller: Controller, call: Call) -> bytes:
    """Ten numbers with coordinates, kind of rotation and check; nine from old clients."""
    if len(call.params) < 43:
        values = call.floats(9, infinite=True)
        return _move_line(controller, call, _absolute(values), values[6], values[7], call.byte(36, 0))
    values = call.floats(10, infinite=True)
    tool, axis_angle = bool(call.byte(40)), bool(call.byte(41))
    target = _in_tool(values, axis_angle) if tool else _absolute(values, axis_angle)
    return _move_line(controller, call, target, values[6], values[7], call.byte(42))


@handles(Register.MOVE_LINE_BLENDED)
def move_line_blended(controller: Controller, call: Call) -> bytes:
    values = call.floats(10, infinite=True)
    return _move_line(controller, call, _absolute(values), values[6], values[7], call.byte(40, 0))


@handles(Register.MOVE_LINE_TOOL)
def move_line_tool(controller: Controller, call: Call) -> bytes:
    values = call.floats(9, infinite=True)
    return _move_line(controller, call, _in_tool(values), values[6], values[7], call.byte(36, 0))


@handles(Register.MOVE_LINE_AXIS_ANGLE)
def move_line_axis_angle(controller: Controller, call: Call) -> bytes:
    values = call.floats(9, infinite=True)
    tool, relative = bool(call.byte(36)), bool(call.byte(37))
    target = _in_tool(values, True) if tool else (_relative if relative else _absolute)(values, True)
    return _move_line(controller, call, target, values[6], values[7], call.byte(38, 0))


@handles(Register.MOVE_RELATIVE)
def move_relative(controller: Controller, call: Call) -> bytes:
    values = call.floats(11)
    joint, axis_angle, check = bool(call.byte(44)), bool(call.byte(45)), call.byte(46, 0)
    if joint:
        return _move_joints(controller, call, np.array(values[:7]), values[7], values[8], True, check)
    return _move_line(controller, call, _relative(values, axis_angle), values[7], values[8], check)


def _move_line(
    controller: Controller, call: Call, target: Target, speed_mm: float, acceleration_mm: float, check: int
) -> bytes:
    core = controller.core
    if isinstance(core.stream, CartesianOnline) and not check:
        stream = _stream(controller, CartesianOnline)
        stream.target(target(stream.present, core.settings), speed_mm * MM, acceleration_mm * MM, core.q)
        return _count(controller)
    return _queue(controller, call, LineMove(target, speed_mm * MM, acceleration_mm * MM), check)


def _absolute(values: tuple[float, ...], axis_angle: bool = False) -> Target:
    """A pose in the world frame; infinity keeps a coordinate."""

    def target(start: np.ndarray, settings: Settings) -> np.ndarray:
        if np.isfinite(values[:6]).all():
            return settings.from_client(values, axis_angle)
        world = settings.to_client(start)
        present = [*(world[:3, 3] / MM).tolist(), *to_rpy(world).tolist()]
        wanted = [new if np.isfinite(new) else old for new, old in zip(values[:6], present, strict=True)]
        return settings.from_client(wanted)

    return target


def _in_tool(values: tuple[float, ...], axis_angle: bool = False) -> Target:
    """A pose as seen from the tool where it stands at the start; infinity keeps a coordinate."""
    pose = pose_from_wire([value if np.isfinite(value) else 0.0 for value in values[:6]], axis_angle)
    return lambda start, settings: start @ pose


def _relative(values: tuple[float, ...], axis_angle: bool = False) -> Target:
    """Added to the coordinates at the start; a rotation as axis times angle is about the base's axes."""

    def target(start: np.ndarray, settings: Settings) -> np.ndarray:
        world = settings.to_client(start)
        if axis_angle:
            goal = world.copy()
            goal[:3, 3] += np.array(values[:3]) * MM
            goal[:3, :3] = from_rotation_vector(np.array(values[3:6])) @ world[:3, :3]
            return settings.base_from_world @ goal
        present = [*(world[:3, 3] / MM).tolist(), *to_rpy(world).tolist()]
        return settings.from_client([a + b for a, b in zip(present, values[:6], strict=True)])

    return target


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


@handles(Register.SERVO_CARTESIAN)
def servo_cartesian(controller: Controller, call: Call) -> bytes:
    values = call.floats(9)
    return _servo_pose(controller, values, tool=bool(values[8]), axis_angle=False, relative=False)


@handles(Register.SERVO_CARTESIAN_AXIS_ANGLE)
def servo_cartesian_axis_angle(controller: Controller, call: Call) -> bytes:
    values = call.floats(8)
    tool, relative = call.byte(32) != 0, bool(call.byte(36))
    return _servo_pose(controller, values, tool=tool, axis_angle=True, relative=relative)


def _servo_pose(
    controller: Controller, values: tuple[float, ...], *, tool: bool, axis_angle: bool, relative: bool
) -> bytes:
    stream = _stream(controller, Servo)
    settings = controller.settings
    near = stream.pending
    start = settings.tool_in_base(near)
    target = _in_tool(values, axis_angle) if tool else (_relative if relative else _absolute)(values, axis_angle)
    stream.target_pose(target(start, settings), near)
    return b""


@handles(Register.CARTESIAN_VELOCITY)
def cartesian_velocity(controller: Controller, call: Call) -> bytes:
    twist = np.array(call.floats(6))
    twist[:3] *= MM
    duration = call.floats(1, 25)[0] if len(call.params) >= 29 else 0.0
    stream = _stream(controller, CartesianVelocity)
    stream.command(twist, bool(call.byte(24)), duration, controller.core.ticks)
    return b""


@handles(Register.PAUSE_TIME)
def pause_time(controller: Controller, call: Call) -> bytes:
    return _queue(controller, call, Dwell(call.floats(1)[0]))


# Recorded trajectories


def _name(call: Call) -> str:
    return call.params[:81].split(b"\0")[0].decode("utf-8", "replace")


def _tell(controller: Controller, call: Call, done: bool) -> None:
    outcome = Outcome.DONE if done else Outcome.FAILED
    controller.announce(Event(controller.ticket(call), Feedback.OTHER_END, outcome))


@handles(Register.RECORD)
def record(controller: Controller, call: Call) -> bytes:
    controller.core.recorder.record(bool(call.byte(0)))
    return b""


@handles(Register.SAVE_TRAJECTORY)
def save_trajectory(controller: Controller, call: Call) -> bytes:
    _tell(controller, call, controller.core.recorder.save(_name(call)))
    return b""


@handles(Register.LOAD_TRAJECTORY)
def load_trajectory(controller: Controller, call: Call) -> bytes:
    _tell(controller, call, controller.core.recorder.load(_name(call)))
    return b""


@handles(Register.GET_TRAJECTORY_STATUS)
def get_trajectory_status(controller: Controller, call: Call) -> bytes:
    return bytes((controller.core.recorder.take_status(),))


@handles(Register.PLAY_TRAJECTORY)
def play_trajectory(controller: Controller, call: Call) -> bytes:
    if len(call.params) < 4:
        raise Refused
    times = struct.unpack_from("<i", call.params)[0]
    rate = struct.unpack_from("<i", call.params, 4)[0] if len(call.params) >= 8 else 1
    core = controller.core
    samples = core.recorder.loaded
    if samples is None or rate not in (1, 2, 4):
        raise Refused
    if not core.ready or core.mode != Mode.POSITION or core.queue_length:
        raise Refused(Status.NOT_READY)
    core.mode = int(Mode.PLAYBACK)
    motion = Playback(samples, times if times > 0 else -1, rate)
    core.enqueue(Task(motion, controller.ticket(call), Feedback.OTHER_START, Feedback.OTHER_END))
    return b""

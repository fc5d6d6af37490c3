"""Interface of an xArm in SI units, independent of the backend: modes, states, readings and commands."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np


class Mode(IntEnum):
    """Motion modes of the controller (xArm user manual)."""

    POSITION = 0
    SERVO = 1
    HAND_GUIDING = 2
    JOINT_VELOCITY = 4
    CARTESIAN_VELOCITY = 5
    JOINT_ONLINE = 6
    CARTESIAN_ONLINE = 7
    PLAYBACK = 11


class State(IntEnum):
    """States reported by the controller; READY is also the state that `set_state(0)` leads to."""

    MOVING = 1
    READY = 2
    PAUSED = 3
    STOPPED = 4
    RESET = 5  # after a change of mode or of a setting: no motion until set_state(0)
    STOPPING = 6


@dataclass(frozen=True, eq=False, slots=True)
class JointReading:
    """Joint measurements, each (7,): `position` rad, `velocity` rad/s, `effort` N m; `read` s on the caller's clock."""

    position: np.ndarray
    velocity: np.ndarray
    effort: np.ndarray
    read: float


@dataclass(frozen=True, slots=True)
class ArmStatus:
    """Status reported by the controller; `error` and `warning` are its codes, 0 = none."""

    state: int
    mode: int
    error: int
    warning: int

    @property
    def can_move(self) -> bool:
        return self.error == 0 and self.state in (State.MOVING, State.READY)


@dataclass(frozen=True, slots=True)
class Reported:
    """Unsolicited status report of the controller, at 100 Hz; -1 where nothing is reported.

    `interruptions` counts the reported transitions to pausing, stopping or resetting, so that one shorter than the
    polling interval is not missed.
    """

    state: int
    mode: int
    interruptions: int


@dataclass(frozen=True, slots=True)
class ControllerSettings:
    """Control box settings that change the meaning of a command or the arm's response to it.

    `tcp_offset`: flange to TCP, `world_offset`: base to the frame in which Cartesian commands are interpreted,
    each x, y, z in m and roll, pitch, yaw in rad. `gravity`: its direction in the base frame, in units of g.
    `payload`: kg, and its centre of mass x, y, z in m from the flange. `collision_sensitivity`: 0 (off) to 5.
    `joint_ranges`: (lower, upper) rad of each joint where the reduced mode narrows them, else empty.
    """

    tcp_offset: tuple[float, ...]
    world_offset: tuple[float, ...]
    gravity: tuple[float, ...]
    payload: tuple[float, ...]
    collision_sensitivity: int
    reduced: bool
    fence: bool
    joint_ranges: tuple[tuple[float, float], ...] = ()


class ArmLink(Protocol):
    """Interface to an arm's controller, implemented by the driver over the official SDK (real time) and by the embedded
    lab's own wire client (virtual time).

    Every call returns after the controller's reply, or raises a KnownError: the connection is lost, or the controller
    refused (the message then names its error). No call waits for a motion to end.
    """

    def read_joints(self) -> JointReading: ...

    def read_status(self) -> ArmStatus: ...

    def reported(self) -> Reported:
        """Return the latest status report, without sending a request."""
        ...

    def read_settings(self) -> ControllerSettings | None:
        """Return the settings last reported (at 5 Hz), None before the first report, without sending a request."""
        ...

    def write_setting(self, name: str, value: tuple[float, ...]) -> None:
        """Set the field `name` of ControllerSettings. The controller stops and must be made ready again."""
        ...

    def servo_joints(self, position: np.ndarray) -> None:
        """Send the next joint target (7,) rad in servo mode, executed at once; only for the limiter's output."""
        ...

    def cartesian_velocity(self, twist: np.ndarray, *, tool_frame: bool, duration: float) -> None:
        """Command a TCP velocity (6,) m/s, rad/s in mode 5; the arm stops after `duration` s without a new one."""
        ...

    def stop(self) -> None: ...

    def set_mode(self, mode: Mode) -> None: ...

    def set_ready(self) -> None:
        """Call set_state(0), which leaves RESET, PAUSED or STOPPED."""
        ...

    def clear_error(self) -> None: ...

    def enable(self) -> None: ...

    def enable_gripper(self) -> None: ...

    def move_gripper(self, pulse: float) -> None:
        """Start moving the gripper to 0 (closed) .. 850 (open) pulses; return at once."""
        ...

    def read_gripper(self) -> float:
        """Return the gripper's present position in pulses."""
        ...

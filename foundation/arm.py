"""What an xArm reports and takes, in SI units, whoever stands behind it: modes, states, readings."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np


class Mode(IntEnum):
    """The controller's motion modes (xArm user manual)."""

    POSITION = 0
    SERVO = 1
    HAND_GUIDING = 2
    JOINT_VELOCITY = 4
    CARTESIAN_VELOCITY = 5
    JOINT_ONLINE = 6
    CARTESIAN_ONLINE = 7
    PLAYBACK = 11


class State(IntEnum):
    """The controller's states as it reports them; READY is also what `set_state(0)` leads to."""

    MOVING = 1
    READY = 2
    PAUSED = 3
    STOPPED = 4
    RESET = 5  # after a change of mode or of a setting: nothing runs until set_state(0)
    STOPPING = 6


@dataclass(frozen=True, eq=False, slots=True)
class JointReading:
    """Measured joints, each (7,): `position` rad, `velocity` rad/s, `effort` N m; `read` s on the caller's clock."""

    position: np.ndarray
    velocity: np.ndarray
    effort: np.ndarray
    read: float


@dataclass(frozen=True, slots=True)
class ArmStatus:
    """The controller's own words about itself; `error` and `warning` are its codes, 0 = none."""

    state: int
    mode: int
    error: int
    warning: int

    @property
    def can_move(self) -> bool:
        return self.error == 0 and self.state in (State.MOVING, State.READY)


@dataclass(frozen=True, slots=True)
class Reported:
    """What the controller says of itself unasked, a hundred times a second; -1 where nothing is reported.

    `interruptions` counts how often it has said that it began to pause, to stop or to be reset: what lasts shorter
    than the time between two looks shows there.
    """

    state: int
    mode: int
    interruptions: int


@dataclass(frozen=True, slots=True)
class ControllerSettings:
    """What is set in the control box and changes what a command means, or what the arm does with it.

    `tcp_offset`: flange to tool point, `world_offset`: base to the frame in which Cartesian commands are understood,
    each x, y, z in m and roll, pitch, yaw in rad. `gravity`: its direction in the base frame, as a part of g.
    `payload`: kg, and its centre x, y, z in m from the flange. `collision_sensitivity`: 0 (off) to 5. `joint_ranges`:
    (lower, upper) rad of each joint where the reduced mode narrows them, else empty.
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
    """Calls that reach an arm's controller. Two things answer to it: the driver over the official SDK, in real time,
    and the embedded lab's own wire client, in virtual time.

    Every call returns after the controller's reply, or raises a KnownError: the link is lost, or the controller
    refused (then the sentence names its error). None of them waits for a motion to end.
    """

    def read_joints(self) -> JointReading: ...

    def read_status(self) -> ArmStatus: ...

    def reported(self) -> Reported:
        """What was reported last; costs no request."""
        ...

    def read_settings(self) -> ControllerSettings | None:
        """As reported last, five times a second; None before the first report. Costs no request."""
        ...

    def write_setting(self, name: str, value: tuple[float, ...]) -> None:
        """Set the field `name` of ControllerSettings. The controller stops and has to be made ready again."""
        ...

    def servo_joints(self, position: np.ndarray) -> None:
        """The next joint target (7,) rad in servo mode, executed at once: only the limiter's output comes here."""
        ...

    def cartesian_velocity(self, twist: np.ndarray, *, tool_frame: bool, duration: float) -> None:
        """TCP velocity (6,) m/s, rad/s in mode 5; the arm stops by itself after `duration` s without a new one."""
        ...

    def stop(self) -> None: ...

    def set_mode(self, mode: Mode) -> None: ...

    def set_ready(self) -> None:
        """set_state(0): leaves RESET, PAUSED or STOPPED."""
        ...

    def clear_error(self) -> None: ...

    def enable(self) -> None: ...

    def enable_gripper(self) -> None: ...

    def move_gripper(self, pulse: float) -> None:
        """Start moving the gripper to 0 (closed) .. 850 (open) pulses; returns at once."""
        ...

    def read_gripper(self) -> float:
        """The gripper's present position in pulses."""
        ...

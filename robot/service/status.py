"""Status of the robot process on the window's side: the newest status, and every measurement."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from foundation.arm import ControllerSettings
from robot.control.loop import RobotLoop
from robot.control.recovery import RecoveryStep, recovery
from robot.service.servo_jitter import JitterStatistics
from robot.state import Activity, ArmState

KEPT_SAMPLES = 3000


@dataclass(frozen=True, eq=False, slots=True)
class RobotStatus:
    """Last status of the robot process; `received` s monotonic. Joint arrays are (7,), NaN if not connected."""

    state: ArmState
    activity: Activity
    steps: tuple[RecoveryStep, ...]  # of the recovery, the next one first
    fault: str
    limited: str
    error: int
    warning: int
    mode: int  # of the controller, -1 if unknown
    position: np.ndarray
    velocity: np.ndarray
    effort: np.ndarray
    read: float  # s monotonic, time at which the joints were read
    openness: float | None
    progress: float
    staged: str  # digest of the plan that waits for its nonce, '' if there is none
    gripper_fault: str
    stop_fault: str  # why the stop button does not reach the arm, '' if it does
    late_ticks: int
    done: int  # commands executed or refused until then
    gaps: JitterStatistics
    wrong_messages: int = 0
    box: ControllerSettings | None = None  # settings of the control box, None before it has reported them
    received: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, eq=False, slots=True)
class MotionSample:
    """One measurement of the arm.

    `read` is in s monotonic; `position` (7,) in rad, `velocity` (7,) rad/s, `effort` (7,) N m; `commanded` (7,) rad is
    the last target sent before it; the openness is measured and commanded; `moment` is in s of the followed motion's
    own time. Unknown values, and `moment` without a motion, are NaN. `codes`: the controller's mode, state, error,
    warning, -1 where unknown.
    """

    read: float
    position: np.ndarray
    velocity: np.ndarray
    effort: np.ndarray
    commanded: np.ndarray
    openness: float
    commanded_openness: float
    moment: float
    codes: tuple[int, int, int, int]


class SampleTap:
    """Bounded buffer of every measurement from now on, for a listener besides `RobotClient.take_samples`."""

    def __init__(self):
        self._samples: deque[MotionSample] = deque(maxlen=KEPT_SAMPLES)

    def offer(self, sample: MotionSample) -> None:
        self._samples.append(sample)

    def take(self) -> list[MotionSample]:
        """Return the measurements since the last call, oldest first."""
        return [self._samples.popleft() for _ in range(len(self._samples))]


def status_from(values: dict[str, Any]) -> RobotStatus:
    """Parse the status in a message of `robot.service.process`."""
    return RobotStatus(
        state=ArmState(values["state"]),
        activity=Activity(values["activity"]),
        steps=tuple(RecoveryStep(step) for step in values["steps"]),
        gaps=JitterStatistics(**values["gaps"]),
        box=None if values["box"] is None else _settings(values["box"]),
        **{name: values[name] for name in _AS_THEY_COME},
    )


def status_of(loop: RobotLoop, now: float) -> RobotStatus:
    """Return the status of a loop that runs in the caller's own time, `now` s, as a robot process would report it."""
    facts, nothing = loop.facts, np.full(7, np.nan)
    status, joints = facts.status, facts.joints
    return RobotStatus(
        **dict.fromkeys(("gripper_fault", "stop_fault"), ""),
        **dict.fromkeys(("late_ticks", "done"), 0),
        state=loop.state,
        activity=facts.activity,
        steps=recovery(facts).steps,
        fault=facts.fault,
        limited=facts.limited,
        error=0 if status is None else status.error,
        warning=0 if status is None else status.warning,
        mode=-1 if status is None else status.mode,
        position=nothing if joints is None else joints.position,
        velocity=nothing if joints is None else joints.velocity,
        effort=nothing if joints is None else joints.effort,
        read=now,
        openness=facts.openness,
        progress=facts.progress,
        staged=loop.staged,
        gaps=JitterStatistics(0, 0.0, 0.0, 0.0),
        box=facts.box,
    )


def samples_from(values: dict[str, Any]) -> Iterator[MotionSample]:
    """Yield the measurements in a message of `robot.service.process`, oldest first."""
    columns = [values[f"sample_{name}"] for name in _SAMPLE_COLUMNS]
    for read, position, velocity, effort, commanded, *numbers, codes in zip(*columns, strict=True):
        arrays = (position, velocity, effort, commanded)
        openness, commanded_openness, moment = map(float, numbers)
        yield MotionSample(float(read), *arrays, openness, commanded_openness, moment, tuple(codes.tolist()))


def _settings(values: dict[str, Any]) -> ControllerSettings:
    ranges = tuple((low, high) for low, high in values["joint_ranges"])
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    fields["joint_ranges"] = ranges
    return ControllerSettings(**fields)


_SAMPLE_COLUMNS = (
    *("times", "positions", "velocities", "efforts", "commanded"),
    *("openness", "commanded_openness", "moments", "codes"),
)
_AS_THEY_COME = (
    *("fault", "limited", "error", "warning", "mode", "position", "velocity", "effort", "read", "openness", "progress"),
    *("staged", "gripper_fault", "stop_fault", "wrong_messages", "late_ticks", "done"),
)

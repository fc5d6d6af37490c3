"""The arm's mechanics below its controller: what the controller commands each tick, and what it measures."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from foundation import xarm7


@dataclass(frozen=True, eq=False, slots=True)
class Measurement:
    """Joints, each (7,): `position` rad, `velocity` rad/s, `effort` N m at the drives, and `disturbance` N m, the part
    of the effort that the arm's own model does not explain (contacts); `gripper_pulse` 0 (closed) .. 850 (open)."""

    position: np.ndarray
    velocity: np.ndarray
    effort: np.ndarray
    disturbance: np.ndarray
    gripper_pulse: float


class Plant(Protocol):
    """What a simulated controller moves. The owner of both calls `controller.tick()` and then `plant.step(TICK)`."""

    def command_joints(self, position: np.ndarray, velocity: np.ndarray) -> None:
        """Follow this joint position (7,) rad and velocity (7,) rad/s from now on."""
        ...

    def release_joints(self) -> None:
        """Hand guiding: gravity is carried, a hand can move the arm."""
        ...

    def command_gripper(self, pulse: float, pulses_per_s: float) -> None: ...

    def measure(self) -> Measurement: ...


class IdealArm:
    """A plant without mass: it is where it was told to be, one step later. For tests of the controller alone."""

    def __init__(self, position: np.ndarray = xarm7.HOME, gripper_pulse: float = xarm7.GRIPPER_OPEN_PULSE):
        self._position = np.array(position, float)
        self._velocity = np.zeros(xarm7.JOINTS)
        self._target = (self._position.copy(), np.zeros(xarm7.JOINTS))
        self._gripper_pulse = float(gripper_pulse)
        self._gripper_target = (self._gripper_pulse, 0.0)

    def command_joints(self, position: np.ndarray, velocity: np.ndarray) -> None:
        self._target = (np.array(position, float), np.array(velocity, float))

    def release_joints(self) -> None:
        self._target = (self._position.copy(), np.zeros(xarm7.JOINTS))

    def command_gripper(self, pulse: float, pulses_per_s: float) -> None:
        self._gripper_target = (pulse, pulses_per_s)

    def step(self, dt: float) -> None:
        self._position, self._velocity = self._target
        pulse, speed = self._gripper_target
        self._gripper_pulse += float(np.clip(pulse - self._gripper_pulse, -speed * dt, speed * dt))

    def measure(self) -> Measurement:
        nothing = np.zeros(xarm7.JOINTS)
        return Measurement(self._position.copy(), self._velocity.copy(), nothing, nothing, self._gripper_pulse)

"""Interface to the arm's mechanics below its controller: what is commanded each tick, and what is measured."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from foundation import xarm7


@dataclass(frozen=True, eq=False, slots=True)
class Measurement:
    """Measured state of the joints, each (7,), and of the gripper.

    `position` rad, `velocity` rad/s, `effort` N m at the drives, and `disturbance` N m, the part of the effort that the
    arm's own model does not explain (contacts); `gripper_pulse` 0 (closed) .. 850 (open).
    """

    position: np.ndarray
    velocity: np.ndarray
    effort: np.ndarray
    disturbance: np.ndarray
    gripper_pulse: float


class Plant(Protocol):
    """Mechanics that a simulated controller moves. The owner calls `controller.tick()` and then `plant.step(TICK)`."""

    def command_joints(self, position: np.ndarray, velocity: np.ndarray) -> None:
        """Track this joint position (7,) rad and velocity (7,) rad/s from now on."""
        ...

    def release_joints(self) -> None:
        """Release the joints for hand guiding: gravity is compensated, a hand can move the arm."""
        ...

    def command_gripper(self, pulse: float, pulses_per_s: float) -> None: ...

    def measure(self) -> Measurement: ...


class IdealArm:
    """Plant without mass: it reaches the commanded position one step later. For tests of the controller alone."""

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

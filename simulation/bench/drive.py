"""Joint drives: torques that track a commanded trajectory, as the arm's own servo loops do."""
# pyright: reportAttributeAccessIssue=false
# (MuJoCo's names come from compiled modules without type stubs.)

import mujoco
import numpy as np

from foundation.xarm7 import EFFORT, JOINTS

# Error dynamics of every joint: critically damped at 19 Hz, so that a planned motion is tracked far below 1 mm.
# The time step of 2 ms allows about twice that before the sampled loop oscillates.
STIFFNESS = 120.0**2  # 1/s2
DAMPING = 2 * 120.0  # 1/s


class JointDrives:
    """Computed torque control (Craig, Introduction to Robotics, 10.4) within the drives' effort limits."""

    def __init__(self, model: mujoco.MjModel, position: np.ndarray):
        self._model = model
        self._joint_damping = model.dof_damping[:JOINTS].copy()
        self._acceleration = np.zeros(model.nv)
        self._inertial = np.zeros(model.nv)
        self._released = False
        self._from = np.array(position, float)
        self._to = self._from
        self._velocity = np.zeros(JOINTS)

    def command(self, position: np.ndarray, velocity: np.ndarray) -> None:
        """Command `position` (7,) rad with `velocity` (7,) rad/s for the end of the next step."""
        self._to = np.array(position, float)
        self._velocity = np.array(velocity, float)
        self._released = False

    def release(self) -> None:
        """Compensate gravity only; the joints' own damping remains."""
        self._released = True

    def finish_step(self, position: np.ndarray) -> None:
        """Finish the step: the next one starts from the commanded position or, when released, from `position`."""
        self._from = position.copy() if self._released else self._to

    def torque(self, data: mujoco.MjData, fraction: float) -> np.ndarray:
        """Return torques (7,) N m for the state in `data`, at `fraction` in [0, 1) of the present step."""
        bias = data.qfrc_bias[:JOINTS]
        if self._released:
            return np.clip(bias, -EFFORT, EFFORT)
        q, qd = data.qpos[:JOINTS], data.qvel[:JOINTS]
        wanted = self._from + fraction * (self._to - self._from)
        self._acceleration[:JOINTS] = STIFFNESS * (wanted - q) + DAMPING * (self._velocity - qd)
        mujoco.mj_mulM(self._model, data, self._inertial, self._acceleration)
        return np.clip(self._inertial[:JOINTS] + bias + self._joint_damping * qd, -EFFORT, EFFORT)

"""Jog limiter: bounds the tool's velocity in speed, acceleration and jerk, and by its stopping position."""

from dataclasses import dataclass, field

import numpy as np
import ruckig

from foundation import xarm7
from foundation.poses import from_rotation_vector
from robot.limiter import PERIOD, LimiterSettings
from robot.workspace import FACES, arm_points

DURATION = 0.1  # s that the controller executes a velocity without a new command before it stops by itself
_LEAST_FREEDOM = 0.03  # smallest singular value of the Jacobian (m, rad): below, the controller reports C21 or C24
_WRIST = 1  # index into the arm's points: those from the wrist on move with the tool


@dataclass(frozen=True)
class JogSettings:
    """Bounds on the tool's velocity (m, rad); speed and workspace also obey `limits`."""

    speed: float = 0.15  # m/s
    acceleration: float = 0.5  # m/s2
    jerk: float = 5.0  # m/s3
    turn: float = 0.6  # rad/s
    turn_acceleration: float = 2.0  # rad/s2
    turn_jerk: float = 20.0  # rad/s3
    limits: LimiterSettings = field(default_factory=LimiterSettings)


class JogLimiter:
    """Limiter that turns wanted tool velocities into permitted ones for the next DURATION, called once per PERIOD.

    Velocities (6,) are in m/s and rad/s in the base frame, at the TCP. A step is taken only if braking from there ends
    inside the workspace and the joint ranges, assuming that the last velocity may persist for DURATION; otherwise the
    limiter brakes.
    """

    def __init__(self, settings: JogSettings = JogSettings()):
        self.settings = settings
        self.twist, self._acceleration = np.zeros(6), np.zeros(6)
        self._ruckig, self._trajectory = ruckig.Ruckig(6), ruckig.Trajectory(6)
        self._input = ruckig.InputParameter(6)
        self._input.control_interface = ruckig.ControlInterface.Velocity
        self._input.current_position = [0.0] * 6
        self._input.max_acceleration = [settings.acceleration] * 3 + [settings.turn_acceleration] * 3
        self._input.max_jerk = [settings.jerk] * 3 + [settings.turn_jerk] * 3

    @property
    def standing(self) -> bool:
        return not (self.twist.any() or self._acceleration.any())

    def toward(self, wanted: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, str]:
        """Return the next velocity (6,) towards `wanted` (6,), and the reason for braking ('' if not braking).

        `q` (7,) rad are the measured joints.
        """
        if np.shape(wanted) != (6,) or not np.isfinite(wanted).all() or not np.isfinite(q).all():
            return self.brake("the velocity or the measured joints are not finite numbers")
        wanted, reason = self._bounded(wanted, q), ""
        for share in (1.0, 0.6, 0.3):  # near a wall or a singularity a lower speed may be possible
            candidate = self._next(share * wanted)
            reason = self._broken_limit(*candidate, q)
            if not reason:
                self.twist, self._acceleration = candidate
                return self.twist, ""
        return self.brake(reason)

    def brake(self, reason: str = "stopping") -> tuple[np.ndarray, str]:
        self.twist, self._acceleration = self._next(np.zeros(6))
        return self.twist, reason

    def _bounded(self, wanted: np.ndarray, q: np.ndarray) -> np.ndarray:
        """Scale `wanted` down, keeping its direction, to the bounds of tool and joints."""
        speed = min(self.settings.speed, self.settings.limits.tcp_speed)
        fastest_joint = np.abs(_joint_velocity(q, wanted)).max()
        excess = max(
            np.linalg.norm(wanted[:3]) / speed,
            np.linalg.norm(wanted[3:]) / self.settings.turn,
            fastest_joint / self.settings.limits.joint_speed,
        )
        return wanted / max(1.0, excess)

    def _next(self, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self._input.current_velocity = self.twist.tolist()
        self._input.current_acceleration = self._acceleration.tolist()
        self._input.target_velocity = target.tolist()
        self._ruckig.calculate(self._input, self._trajectory)
        if self._trajectory.duration <= PERIOD:
            return np.array(target, float), np.zeros(6)
        _, velocity, acceleration = self._trajectory.at_time(PERIOD)
        return np.array(velocity), np.array(acceleration)

    def _broken_limit(self, twist: np.ndarray, acceleration: np.ndarray, q: np.ndarray) -> str:
        self._input.current_velocity = twist.tolist()
        self._input.current_acceleration = acceleration.tolist()
        self._input.target_velocity = [0.0] * 6
        self._ruckig.calculate(self._input, self._trajectory)
        moments = np.linspace(0.0, self._trajectory.duration, 12)
        travel, velocity, _ = (np.array(part) for part in zip(*map(self._trajectory.at_time, moments), strict=True))
        if np.linalg.norm(velocity[:, :3], axis=-1).max() > self.settings.limits.tcp_speed:
            return "the tool would be too fast"
        travel = np.concatenate([np.zeros((1, 6)), DURATION * twist + travel])
        joints = q + _joint_velocity(q, travel)
        fastest = np.abs(_joint_velocity(joints[1:], velocity)).max()
        if fastest > self.settings.limits.joint_speed and fastest > np.abs(_joint_velocity(q, self.twist)).max():
            return "a joint would be too fast: the arm is near a singular posture"
        freedom = np.linalg.svd(xarm7.jacobian(joints), compute_uv=False)[:, -1]
        if freedom.min() < min(_LEAST_FREEDOM, freedom[0] - 1e-6):
            return "the arm would come to a singular posture"
        return self._leaves_workspace(travel, joints) or self._leaves_range(joints)

    def _leaves_workspace(self, travel: np.ndarray, joints: np.ndarray) -> str:
        """Return the violated face. Points that move with the tool are exact; the elbow's are predicted linearly."""
        points = arm_points(joints)
        tool = points[0, -1]
        turned = np.einsum("nij,pj->npi", from_rotation_vector(travel[:, 3:]), points[0, _WRIST:] - tool)
        points[:, _WRIST:] = tool + travel[:, None, :3] + turned
        violation = self.settings.limits.workspace.violation(points)
        excess = violation.max(axis=0) - np.maximum(violation[0], 0.0)
        face = int(np.argmax(excess))
        return f"the arm would leave its workspace: {FACES[face]}" if excess[face] > 1e-6 else ""

    def _leaves_range(self, joints: np.ndarray) -> str:
        limits, q = self.settings.limits, joints[0]
        below = (limits.lower - joints).max(axis=0) - np.maximum(limits.lower - q, 0.0)
        above = (joints - limits.upper).max(axis=0) - np.maximum(q - limits.upper, 0.0)
        excess = np.maximum(below, above)
        joint = int(np.argmax(excess))
        return f"J{joint + 1} would come to the end of its range" if excess[joint] > 1e-6 else ""


def _joint_velocity(q: np.ndarray, twist: np.ndarray) -> np.ndarray:
    """Return the minimum-norm joint velocities (..., 7) rad/s for the tool's `twist` (..., 6) at q (..., 7).

    They grow near a singularity, as those of the arm do.
    """
    J = xarm7.jacobian(q)
    transposed = np.swapaxes(J, -1, -2)
    return (transposed @ np.linalg.solve(J @ transposed + 1e-9 * np.eye(6), twist[..., None]))[..., 0]

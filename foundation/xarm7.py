"""Kinematics, limits and masses of the UFACTORY xArm7 with its first-generation gripper.

Sources: the manufacturer's xarm-7.md (modified DH, limits), the xArm user manual (speeds), xarm_ros (TCP 172 mm in
front of the flange, gripper). Real arms carry individually calibrated DH parameters: where forward kinematics must be
accurate to millimetres, query the controller. Lengths in m, angles in rad.
"""

from dataclasses import dataclass

import numpy as np

from foundation.poses import pose, rotation_vector

JOINTS = 7
JOINT_NAMES = tuple(f"joint{i}" for i in range(1, JOINTS + 1))

# Modified DH (Craig), one row per joint: d, alpha of the previous link, a of the previous link.
DH = np.array(
    [
        [0.267, 0.0, 0.0],
        [0.0, -np.pi / 2, 0.0],
        [0.293, np.pi / 2, 0.0],
        [0.0, np.pi / 2, 0.0525],
        [0.3425, np.pi / 2, 0.0775],
        [0.0, np.pi / 2, 0.0],
        [0.097, -np.pi / 2, 0.076],
    ]
)

# The tighter ranges of models >= 1305 for J2 and J4: inside every model's.
LOWER = np.array([-2 * np.pi, -2.042035, -2 * np.pi, -0.10472, -2 * np.pi, -1.692969, -2 * np.pi])
UPPER = np.array([2 * np.pi, 2.024581, 2 * np.pi, 3.92699, 2 * np.pi, np.pi, 2 * np.pi])

MAX_JOINT_SPEED = np.pi  # rad/s
MAX_JOINT_ACCELERATION = 20.0  # rad/s2, as clipped by the SDK
MAX_JOINT_JERK = np.deg2rad(28647)  # rad/s3
MAX_TCP_SPEED = 1.0  # m/s, planned Cartesian moves
EFFORT = np.array([50.0, 50.0, 30.0, 30.0, 30.0, 20.0, 20.0])  # N m

# Model HT_BR2; "for reference only" according to the manufacturer. kg, and centres of mass in the link's DH frame in m.
BASE_MASS = 0.88556
LINK_MASS = np.array([2.382, 1.869, 1.638, 1.727, 1.320, 1.325, 0.170])
LINK_CENTRE = (
    np.array(
        [
            [-0.2, 29.05, -12.33],
            [0.22, -128.56, 17.35],
            [46.6, -24.63, -7.68],
            [70.47, -115.75, 12.0],
            [-0.32, 16.04, -26.0],
            [64.69, 32.78, 21.41],
            [0.0, -6.77, -10.98],
        ]
    )
    / 1000.0
)
LINK_INERTIA = np.array(  # principal, kg m2
    [
        [0.00569, 0.00533, 0.00294],
        [0.00960, 0.00938, 0.00201],
        [0.00352, 0.00294, 0.00196],
        [0.00657, 0.00648, 0.00187],
        [0.00535, 0.00499, 0.00135],
        [0.00245, 0.00222, 0.00107],
        [0.000132, 0.000093, 0.0000585],
    ]
)

FLANGE_FROM_TOOL = pose(position=np.array([0.0, 0.0, 0.172]))  # TCP between the fingertips, z out of the gripper
GRIPPER_MASS = 0.82  # kg
GRIPPER_CENTRE = 0.048  # m from the flange to its centre of mass, along the tool axis
GRIPPER_STROKE = 0.084  # m between the fingers when open
GRIPPER_OPEN_PULSE = 850  # the controller's unit; larger is more open
GRIPPER_FORCE = 30.0  # N

HOME = np.array([0.0, -0.247, 0.0, 0.909, 0.0, 1.15644, 0.0])  # tool down, flange at x 0.4, z 0.4 m


def _before_rotation() -> np.ndarray:
    """Return (7, 4, 4): the constant transform before each joint's rotation about its own z."""
    d, alpha, a = DH.T
    result = np.zeros((JOINTS, 4, 4))
    result[:, 0, 0] = result[:, 3, 3] = 1.0
    result[:, 0, 3] = a
    result[:, 1, 1] = result[:, 2, 2] = np.cos(alpha)
    result[:, 2, 1] = np.sin(alpha)
    result[:, 1, 2] = -np.sin(alpha)
    result[:, 1, 3] = -np.sin(alpha) * d
    result[:, 2, 3] = np.cos(alpha) * d
    result[np.abs(result) < 1e-16] = 0.0
    return result


_BEFORE_ROTATION = _before_rotation()


def link_frames(q: np.ndarray) -> np.ndarray:
    """Return base_from_link (..., 7, 4, 4) of the seven DH frames, the last being the flange, for joints q (..., 7)."""
    q = np.asarray(q, float)
    cos, sin = np.cos(q), np.sin(q)
    frames = np.empty((*q.shape, 4, 4))
    current: np.ndarray | None = None
    for i in range(JOINTS):
        before = _BEFORE_ROTATION[i] if current is None else current @ _BEFORE_ROTATION[i]
        c, s = cos[..., i, None], sin[..., i, None]
        current = frames[..., i, :, :]
        current[..., 0] = before[..., 0] * c + before[..., 1] * s
        current[..., 1] = before[..., 1] * c - before[..., 0] * s
        current[..., 2:] = before[..., 2:]
    return frames


def forward(q: np.ndarray, flange_from_tool: np.ndarray = FLANGE_FROM_TOOL) -> np.ndarray:
    """Return base_from_tool (..., 4, 4) for joints q (..., 7)."""
    return link_frames(q)[..., -1, :, :] @ flange_from_tool


def jacobian(q: np.ndarray, flange_from_tool: np.ndarray = FLANGE_FROM_TOOL) -> np.ndarray:
    """Return the Jacobian (..., 6, 7): tool velocity (m/s, then rad/s, in base) per joint velocity (rad/s)."""
    frames = link_frames(q)
    axes = np.swapaxes(frames[..., :3, 2], -1, -2)
    tool = (frames[..., -1, :, :] @ flange_from_tool)[..., :3, 3]
    arms = tool[..., :, None] - np.swapaxes(frames[..., :3, 3], -1, -2)
    return np.concatenate([np.cross(axes, arms, axisa=-2, axisb=-2, axisc=-2), axes], axis=-2)


def within_limits(q: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """Return bool (...): joints q (..., 7) at least `margin` rad inside their ranges; False for NaN."""
    return np.all((q >= LOWER + margin) & (q <= UPPER - margin), axis=-1)


@dataclass(frozen=True)
class IkOptions:
    """Options of `inverse`; the tolerances are far below the arm's repeatability of 0.1 mm."""

    position_tolerance: float = 1e-6  # m
    rotation_tolerance: float = 1e-5  # rad
    iterations: int = 60
    margin: float = 0.02  # rad kept free at each end of a joint's range
    posture_gain: float = 0.1  # pull towards the posture in the null space, per iteration


def inverse(
    base_from_tool: np.ndarray,
    near: np.ndarray,
    *,
    posture: np.ndarray | None = None,
    flange_from_tool: np.ndarray = FLANGE_FROM_TOOL,
    options: IkOptions = IkOptions(),
) -> np.ndarray | None:
    """Solve the inverse kinematics of `base_from_tool` (4, 4), starting from `near` (7,); None when not reached.

    Damped least squares (Nakamura and Hanafusa 1986) with limits clamped at each step. The one redundant degree of
    freedom is resolved towards `posture` (7,) in the null space; without one, towards `near`.
    """
    wanted_posture = near if posture is None else posture
    reached: np.ndarray | None = None
    lower, upper = LOWER + options.margin, UPPER - options.margin
    q = np.clip(near, lower, upper)
    for _ in range(options.iterations):
        present = forward(q, flange_from_tool)
        error = np.empty(6)
        error[:3] = base_from_tool[:3, 3] - present[:3, 3]
        error[3:] = rotation_vector(base_from_tool[:3, :3] @ present[:3, :3].T)
        metres, radians = np.linalg.norm(error[:3]), np.linalg.norm(error[3:])
        if metres < options.position_tolerance and radians < options.rotation_tolerance:
            if posture is None or (reached is not None and np.abs(q - reached).max() < 1e-4):
                return q
            reached = q
        # Far targets are approached in bounded steps, within which the linearisation holds.
        error *= min(1.0, 0.2 / max(metres, 1e-12), 0.6 / max(radians, 1e-12))
        J = jacobian(q, flange_from_tool)
        damping = 1e-4 * min(1.0, metres + radians)
        inverse_J = J.T @ np.linalg.inv(J @ J.T + damping * np.eye(6))
        step = inverse_J @ error
        step += (np.eye(JOINTS) - inverse_J @ J) @ (options.posture_gain * (wanted_posture - q))
        q = np.clip(q + step, lower, upper)
    return reached


def inverse_anywhere(
    base_from_tool: np.ndarray,
    near: np.ndarray,
    *,
    flange_from_tool: np.ndarray = FLANGE_FROM_TOOL,
    attempts: int = 20,
    seed: int = 0,
) -> np.ndarray | None:
    """Solve like `inverse`, with random restarts when `near` fails; the solution closest to `near`, or None."""
    direct = inverse(base_from_tool, near, flange_from_tool=flange_from_tool)
    if direct is not None:
        return direct
    generator = np.random.default_rng(seed)
    best: np.ndarray | None = None
    # Full turns of J1, J3, J5, J7 add nothing new: half a turn to each side covers the arm's postures.
    lower, upper = np.maximum(LOWER, -np.pi), np.minimum(UPPER, np.pi)
    for _ in range(attempts):
        q = inverse(base_from_tool, generator.uniform(lower, upper), flange_from_tool=flange_from_tool)
        if q is not None and (best is None or np.abs(q - near).max() < np.abs(best - near).max()):
            best = q
    return best


def pulse_from_openness(openness: float) -> float:
    """Return the gripper controller's pulses for an openness in [0, 1]."""
    return openness * GRIPPER_OPEN_PULSE


def openness_from_pulse(pulse: float) -> float:
    """Return the openness in [0, 1] for the gripper controller's pulses (which may lie a little outside 0..850)."""
    return min(1.0, max(0.0, pulse / GRIPPER_OPEN_PULSE))

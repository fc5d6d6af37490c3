"""Settings of the simulated controller: offsets, load, limits, switches; kept over a restart when saved."""

from dataclasses import dataclass, field

import numpy as np

from foundation import xarm7
from foundation.poses import invert
from simulation.controller.protocol import pose_from_wire

MM = 0.001
LIMIT_TOLERANCE = np.deg2rad(0.1)  # as the SDK allows
FAR_MM = 9999  # an open side of the safety boundary
MAX_TCP_ACCELERATION = 50.0  # m/s2 (user manual)
SERVO_SPEED_FACTOR = 1.2  # of the maximal TCP speed, in servo mode


@dataclass
class Settings:
    """Values as on the wire where their unit is in the name (`_mm`), SI otherwise; factory defaults."""

    tcp_offset: list[float] = field(default_factory=lambda: [0.0] * 6)  # mm, rad
    world_offset: list[float] = field(default_factory=lambda: [0.0] * 6)  # mm, rad
    load: list[float] = field(default_factory=lambda: [0.0] * 4)  # kg, mm
    collision_sensitivity: int = 3
    teach_sensitivity: int = 3
    gravity: list[float] = field(default_factory=lambda: [0.0, 0.0, -1.0])
    tcp_jerk_mm: float = 7000.0
    tcp_acceleration_mm: float = 50000.0
    joint_jerk: float = float(np.deg2rad(11459))
    joint_acceleration: float = xarm7.MAX_JOINT_ACCELERATION
    reduced: bool = False
    reduced_tcp_speed_mm: float = 1000.0
    reduced_joint_speed: float = xarm7.MAX_JOINT_SPEED
    reduced_ranges: list[float] = field(
        default_factory=lambda: [float(v) for pair in zip(xarm7.LOWER, xarm7.UPPER, strict=True) for v in pair]
    )
    boundary_mm: list[int] = field(default_factory=lambda: [FAR_MM, -FAR_MM] * 3)  # x+ x- y+ y- z+ z-
    fence: bool = False
    rebound: bool = False
    self_collision: bool = False
    tool_model: int = 0
    tool_params: list[float] = field(default_factory=lambda: [0.0] * 6)
    report_current: bool = False
    approximate_motion: bool = False
    continuous_velocity: bool = False
    io_stop_reset: list[int] = field(default_factory=lambda: [0, 0])
    common: dict[int, bytes] = field(default_factory=dict)
    servo_speed_factor: float = SERVO_SPEED_FACTOR

    def __post_init__(self):
        self.refresh()

    def refresh(self) -> None:
        """Recompute the derived values; called after every change."""
        self.flange_from_tool = pose_from_wire(self.tcp_offset)
        self.base_from_world = pose_from_wire(self.world_offset)
        self.world_from_base = invert(self.base_from_world)
        lower, upper = xarm7.LOWER.copy(), xarm7.UPPER.copy()
        if self.reduced:
            ranges = np.asarray(self.reduced_ranges).reshape(7, 2)
            lower, upper = np.maximum(lower, ranges[:, 0]), np.minimum(upper, ranges[:, 1])
        self.lower, self.upper = lower - LIMIT_TOLERANCE, upper + LIMIT_TOLERANCE
        limits = np.asarray(self.boundary_mm, float).reshape(3, 2) * MM
        self.fence_upper, self.fence_lower = limits[:, 0], limits[:, 1]
        self.max_joint_speed = xarm7.MAX_JOINT_SPEED
        self.max_tcp_speed = xarm7.MAX_TCP_SPEED
        if self.reduced:
            self.max_joint_speed = min(self.max_joint_speed, self.reduced_joint_speed)
            self.max_tcp_speed = min(self.max_tcp_speed, self.reduced_tcp_speed_mm * MM)

    def tool_in_base(self, q: np.ndarray) -> np.ndarray:
        """Return base_from_tool (4, 4) with the present TCP offset."""
        return xarm7.forward(q, self.flange_from_tool)

    def from_client(self, values, axis_angle: bool = False) -> np.ndarray:
        """Return base_from_tool (4, 4) of a pose on the wire, which is given in the world frame."""
        return self.base_from_world @ pose_from_wire(values, axis_angle)

    def to_client(self, base_from_tool: np.ndarray) -> np.ndarray:
        """Return world_from_tool (4, 4)."""
        return self.world_from_base @ base_from_tool

    def depth_outside(self, point: np.ndarray) -> float:
        """Return how far a point (3,) in base is outside the safety boundary, m; 0 inside."""
        return float(max(0.0, (point - self.fence_upper).max(), (self.fence_lower - point).max()))


def gripper_settings() -> Settings:
    """Return the settings of a box for whose arm the xArm gripper was chosen in UFACTORY Studio."""
    return Settings(tcp_offset=gripper_tcp_offset(), load=[xarm7.GRIPPER_MASS, 0.0, 0.0, xarm7.GRIPPER_CENTRE / MM])


def gripper_tcp_offset() -> list[float]:
    """Return the TCP offset (mm, rad) for the tips of the xArm gripper's fingers."""
    return [*(xarm7.FLANGE_FROM_TOOL[:3, 3] / MM).tolist(), 0.0, 0.0, 0.0]

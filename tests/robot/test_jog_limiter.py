"""Jogging: bounded speed, acceleration and jerk, and a stop before the walls, for any input."""

import numpy as np
import pytest

from foundation import xarm7
from robot.control.jog import DURATION, JogLimiter, JogSettings
from robot.limiter import PERIOD, LimiterSettings
from robot.workspace import arm_points

SETTINGS = JogSettings()


def jog(wanted, steps: int, q: np.ndarray = xarm7.HOME) -> tuple[np.ndarray, np.ndarray, set[str]]:
    """Return twists (n, 6) sent, joints (n, 7) of an ideal arm, and the reasons; `wanted(i)` gives each twist."""
    limiter, twists, joints, reasons = JogLimiter(SETTINGS), [np.zeros(6)], [q], set()
    for i in range(steps):
        twist, reason = limiter.toward(wanted(i), q)
        J = xarm7.jacobian(q)
        q = q + PERIOD * J.T @ np.linalg.solve(J @ J.T, twist)
        twists.append(twist)
        joints.append(q)
        reasons.add(reason)
    return np.array(twists), np.array(joints), reasons


def check(twists: np.ndarray, joints: np.ndarray) -> None:
    acceleration = np.diff(twists, axis=0) / PERIOD
    jerk = np.diff(twists, n=2, axis=0) / PERIOD**2
    assert np.linalg.norm(twists[:, :3], axis=1).max() <= SETTINGS.limits.tcp_speed * (1 + 1e-6)
    assert np.abs(acceleration[:, :3]).max() <= SETTINGS.acceleration * (1 + 1e-6)
    assert np.abs(acceleration[:, 3:]).max() <= SETTINGS.turn_acceleration * (1 + 1e-6)
    assert np.abs(jerk[:, :3]).max() <= SETTINGS.jerk * (1 + 1e-6)
    assert np.abs(jerk[:, 3:]).max() <= SETTINGS.turn_jerk * (1 + 1e-6)
    assert SETTINGS.limits.workspace.violation(arm_points(joints)).max() < 1e-3
    assert np.abs(np.diff(joints, axis=0)).max() / PERIOD <= 1.2 * SETTINGS.limits.joint_speed


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("sign", [-1, 1])
def test_it_stops_before_the_walls(axis, sign):
    wanted = np.zeros(6)
    wanted[axis] = 1.0 * sign
    twists, joints, reasons = jog(lambda i: wanted, 800)
    check(twists, joints)
    assert np.linalg.norm(twists[:, :3], axis=1).max() == pytest.approx(SETTINGS.speed, rel=1e-6)
    assert any(reasons)
    assert np.linalg.norm(twists[-1]) < 0.02  # it stands, or creeps, in front of what stopped it


def test_wild_velocities_keep_the_bounds():
    generator = np.random.default_rng(2)
    held = [generator.normal(size=6) * 10.0 ** generator.uniform(-2, 2) for _ in range(40)]
    twists, joints, _ = jog(lambda i: held[i // 40] if i % 80 < 60 else generator.normal(size=6), 1600)
    check(twists, joints)
    assert np.abs(np.diff(joints, axis=0)).sum() > 0.5


def test_a_diagonal_is_slowed_down_in_its_direction():
    twists, _, _ = jog(lambda i: np.array([-0.3, 0.3, 0.3, 0, 0, 0]), 100)
    np.testing.assert_allclose(twists[-1, :3], SETTINGS.speed / np.sqrt(3) * np.array([-1, 1, 1]), rtol=1e-6)


def test_what_is_not_a_number_brakes():
    limiter = JogLimiter(SETTINGS)
    for _ in range(50):
        limiter.toward(np.array([0.1, 0, 0, 0, 0, 0]), xarm7.HOME)
    assert not limiter.standing
    for bad in (np.full(6, np.nan), np.full(6, np.inf), np.zeros(5)):
        assert limiter.toward(bad, xarm7.HOME)[1]
    assert limiter.toward(np.zeros(6), np.full(7, np.nan))[1]
    for _ in range(60):
        twist, _ = limiter.toward(np.full(6, np.nan), xarm7.HOME)
    assert limiter.standing
    assert not twist.any()


def test_from_outside_it_goes_back_in_only():
    settings = JogSettings(limits=LimiterSettings(workspace=_floor(0.25)))
    down, up = np.array([0, 0, -0.1, 0, 0, 0]), np.array([0, 0, 0.1, 0, 0, 0])
    limiter = JogLimiter(settings)
    for _ in range(30):
        twist, reason = limiter.toward(down, xarm7.HOME)
    assert "below z min" in reason
    assert twist[2] == 0.0
    for _ in range(60):
        twist, reason = limiter.toward(up, xarm7.HOME)
    assert reason == ""
    assert twist[2] == pytest.approx(0.1)


def test_velocities_expire_by_themselves():
    assert DURATION == 0.1


def _floor(height: float):
    from robot.workspace import Workspace

    return Workspace(np.array([-0.3, -0.7, height]), np.array([0.8, 0.7, 1.2]))

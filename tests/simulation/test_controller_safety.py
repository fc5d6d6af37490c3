import struct

import numpy as np
import pytest
from wire import PushedArm, WalledArm, Wire

from foundation import xarm7
from simulation.controller.controller import TICK
from simulation.controller.protocol import Register, pack_floats

DOWN = [np.pi, 0.0, 0.0]
FIRST = np.array([1.0, 0, 0, 0, 0, 0, 0])


def test_a_servo_jump_is_a_speed_fault_and_the_arm_stays():
    wire = Wire().ready(1)
    wire.servo(xarm7.HOME + 0.2 * FIRST)
    wire.run(0.1)
    assert wire.error == 24
    np.testing.assert_allclose(wire.joints, xarm7.HOME, atol=1e-6)


@pytest.mark.parametrize(("speed", "code"), [(2.9, 0), (3.6, 24)])
def test_joint_speed_limit_of_a_servo_stream(speed, code):
    wire = Wire().ready(1)
    q = xarm7.HOME.copy()
    q[1], q[3] = -1.0, 0.6  # bent in, so that the tool stays slower than its own limit
    wire = Wire(plant=type(wire.plant)(q)).ready(1)
    for k in range(100):
        ramp = min(1.0, k / 50)
        q[6] += ramp * speed * 0.01
        wire.servo(q)
        wire.run(0.008 if k % 2 else 0.012)
    assert wire.error == code


@pytest.mark.parametrize(("radius", "code"), [(0.38, 0), (0.5, 60)])
def test_tool_speed_limit_of_a_servo_stream(radius, code):
    """Turn J1 at 2.8 rad/s: the tool at 0.38 m stays below 1.2 m/s, at 0.5 m it does not."""
    q = xarm7.inverse_anywhere(
        np.array([[1, 0, 0, radius], [0, -1, 0, 0], [0, 0, -1, 0.4], [0, 0, 0, 1.0]]),
        xarm7.HOME,
        flange_from_tool=np.eye(4),
    )
    wire = Wire()
    wire = Wire(plant=type(wire.plant)(q)).ready(1)
    for k in range(80):
        q = q + min(1.0, k / 50) * 2.8 * 0.01 * FIRST
        wire.servo(q)
        wire.run(0.008 if k % 2 else 0.012)
    assert wire.error == code


def test_servo_target_outside_the_joint_ranges():
    wire = Wire().ready(1)
    target = xarm7.HOME.copy()
    target[3] = xarm7.LOWER[3] - 0.01
    wire.servo(target)
    wire.run(TICK)
    assert wire.error == 23


@pytest.mark.parametrize(("speed", "joint"), [(0.3, 1), (1.0, 3), (2.5, 5)])
def test_a_velocity_into_a_joint_limit_stops_inside_and_can_leave_again(speed, joint):
    wire = Wire().ready(4)
    velocity = np.zeros(7)
    velocity[joint] = speed
    wire.joint_velocity(velocity)
    wire.run(12.0)
    assert wire.error == 23
    assert wire.core.state == 4
    assert wire.joints[joint] < xarm7.UPPER[joint] + 0.03
    assert wire.joints[joint] > xarm7.UPPER[joint] - 0.1
    wire.ready(4)
    wire.joint_velocity(-velocity, 0.5)
    wire.run(1.0)
    assert wire.error == 0
    assert wire.joints[joint] < xarm7.UPPER[joint] - 0.05


def test_a_planned_goal_outside_the_ranges_and_one_out_of_reach():
    wire = Wire().ready()
    wire.move_joints([0, 2.2, 0, 0, 0, 0, 0])
    wire.run(0.1)
    assert wire.error == 23
    wire.ready()
    wire.move_line([900, 0, 300, *DOWN])
    wire.run(0.1)
    assert wire.error == 40
    np.testing.assert_allclose(wire.joints, xarm7.HOME, atol=1e-6)


def test_a_cartesian_velocity_out_of_the_workspace_ends_in_a_fault():
    wire = Wire().ready(5)
    wire.cartesian_velocity([200.0, 0, 0, 0, 0, 0])
    wire.run(5.0)
    assert wire.error in (21, 23, 24)
    assert np.abs(wire.core.qd).max() == 0.0


@pytest.mark.parametrize(
    ("sensitivity", "push", "collides"),
    [(3, 9.5, True), (3, 8.5, False), (5, 4.0, True), (1, 17.0, False), (0, 60.0, False)],
)
def test_a_push_stops_the_arm_depending_on_the_sensitivity(sensitivity, push, collides):
    plant = PushedArm()
    wire = Wire(plant=plant).ready()
    wire.send(Register.SET_COLLISION_SENSITIVITY, bytes((sensitivity,)))
    wire.set_state(0)
    wire.move_joints(xarm7.HOME + 0.5)
    wire.run(0.3)
    plant.push = np.array([0, 0, -push, 0, 0, 0, 0])
    wire.run(0.3)
    assert wire.error == (31 if collides else 0)


def test_a_collision_lets_go_of_the_obstacle():
    plant = WalledArm(wall=0.3)
    wire = Wire(plant=plant).ready()
    wire.move_joints(xarm7.HOME + 0.6 * FIRST)
    wire.run(2.0)
    assert wire.error == 31
    assert plant.commanded[0] == pytest.approx(0.3, abs=1e-6)  # no longer pressing
    wire.ready()
    wire.move_joints(xarm7.HOME)
    wire.run_until(wire.idle)
    assert wire.error == 0


def test_a_short_shock_is_no_collision():
    plant = PushedArm()
    wire = Wire(plant=plant).ready()
    plant.push = np.full(7, 100.0)
    wire.run(2 * TICK)
    plant.push = np.zeros(7)
    wire.run(0.1)
    assert wire.error == 0


def test_a_push_does_not_disturb_hand_guiding():
    plant = PushedArm()
    wire = Wire(plant=plant).ready(2)
    plant.push = np.full(7, 100.0)
    wire.run(0.5)
    assert wire.error == 0


def fence(wire: Wire, *limits_mm: int) -> None:
    wire.send(Register.SET_BOUNDARY, struct.pack("<6i", *limits_mm))
    wire.send(Register.SET_FENCE, b"\x01")


@pytest.mark.parametrize("mode", [0, 1, 5, 7])
def test_the_safety_boundary_stops_every_motion_and_lets_it_back(mode):
    wire = Wire().ready(mode)
    fence(wire, 700, 0, 100, -100, 800, 0)
    if mode in (0, 7):
        wire.move_line([400, 300, 400, *DOWN])
        wire.run(3.0)
    elif mode == 5:
        wire.cartesian_velocity([0, 200.0, 0, 0, 0, 0])
        wire.run(3.0)
    else:
        for k in range(150):
            wire.servo(xarm7.HOME + k * 0.01 * FIRST)
            wire.run(0.012)
    assert wire.error == 35
    assert 80.0 < wire.pose[1] <= 101.5
    wire.ready(5)
    wire.cartesian_velocity([0, -100.0, 0, 0, 0, 0], 0.5)
    wire.run(1.0)
    assert wire.error == 0
    assert wire.pose[1] < 60.0


def test_the_boundary_counts_only_while_it_is_on():
    wire = Wire().ready()
    fence(wire, 700, 0, 100, -100, 800, 0)
    wire.send(Register.SET_FENCE, b"\x00")
    wire.move_line([400, 200, 400, *DOWN])
    wire.run_until(wire.idle)
    assert wire.error == 0


def test_reduced_mode_caps_speeds_and_ranges_from_when_it_is_switched_on():
    wire = Wire().ready()
    wire.send(Register.SET_REDUCED_JOINT_SPEED, pack_floats([0.2]))
    wire.send(Register.SET_REDUCED_TCP_SPEED, pack_floats([50.0]))
    ranges = [v for pair in zip(xarm7.LOWER, xarm7.UPPER, strict=True) for v in pair]
    ranges[0:2] = [-0.5, 0.5]
    wire.send(Register.SET_REDUCED_RANGES, pack_floats(ranges))
    wire.move_joints(xarm7.HOME + 0.3 * FIRST)
    assert wire.run_until(wire.idle) < 0.8
    assert wire.send(Register.GET_REDUCED_MODE).params == b"\0"

    wire.send(Register.SET_REDUCED_MODE, b"\x01")
    wire.move_joints(xarm7.HOME)
    assert wire.run_until(wire.idle) == pytest.approx(0.3 / 0.2, abs=0.2)
    y = wire.pose[1]
    wire.move_line([400, y + 50.0, 400, *DOWN], 500.0)
    assert wire.run_until(wire.idle) == pytest.approx(1.0, abs=0.3)
    wire.move_joints([0.6, *xarm7.HOME[1:]])
    wire.run(0.1)
    assert wire.error == 23

    states = wire.send(Register.GET_REDUCED_STATES).params
    assert len(states) == 79
    assert states[0] == 1
    assert struct.unpack(">6h", states[1:13]) == (9999, -9999, 9999, -9999, 9999, -9999)
    np.testing.assert_allclose(struct.unpack("<2f", states[13:21]), [50.0, 0.2], atol=1e-6)
    np.testing.assert_allclose(struct.unpack("<14f", states[21:77]), ranges, atol=1e-6)


def test_reduced_speed_counts_in_servo_mode_too():
    wire = Wire().ready(1)
    wire.send(Register.SET_REDUCED_JOINT_SPEED, pack_floats([0.3]))
    wire.send(Register.SET_REDUCED_MODE, b"\x01")
    for k in range(100):
        wire.servo(xarm7.HOME + k * 0.005 * FIRST)  # 0.5 rad/s
        wire.run(0.008 if k % 2 else 0.012)
    assert wire.error == 24


def test_a_self_collision_ahead_is_seen_only_while_the_check_is_on():
    def collides(q: np.ndarray) -> bool:
        return bool(q[0] > 0.3)

    for on, code in ((b"\x01", 22), (b"\x00", 0)):
        wire = Wire(self_collision=collides).ready()
        wire.send(Register.SET_SELF_COLLISION, on)
        wire.move_joints(xarm7.HOME + 0.6 * FIRST)
        wire.run(2.0)
        assert wire.error == code
        if code:
            assert wire.joints[0] < 0.35

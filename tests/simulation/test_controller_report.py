import struct

import numpy as np
import pytest
from sdk_lab import sdk_report
from wire import Wire

from foundation import xarm7
from simulation.controller.protocol import Register, pack_floats
from simulation.controller.report import PERIODS, SIZES
from simulation.controller.settings import Settings, gripper_tcp_offset


@pytest.fixture
def moving() -> Wire:
    """An arm moving in mode 0, with settings that all differ from the factory's."""
    wire = Wire(settings=Settings(tcp_offset=gripper_tcp_offset())).ready()
    wire.send(Register.SET_COLLISION_SENSITIVITY, b"\x04")
    wire.send(Register.SET_TEACH_SENSITIVITY, b"\x02")
    wire.send(Register.SET_LOAD, pack_floats([0.82, 0, 0, 48.0]))
    wire.send(Register.SET_BOUNDARY, struct.pack("<6i", 600, -601, 602, -603, 604, -605))
    wire.send(Register.SET_REDUCED_TCP_SPEED, pack_floats([123.0]))
    wire.send(Register.SET_REDUCED_JOINT_SPEED, pack_floats([0.7]))
    wire.send(Register.SET_REDUCED_MODE, b"\x01")
    wire.send(Register.SET_FENCE, b"\x01")
    wire.send(Register.INCREASE_COUNTER)
    wire.set_state(0)
    wire.controller.faults.raise_warning(13)
    wire.move_joints(xarm7.HOME + 0.4, speed=0.5)
    wire.move_joints(xarm7.HOME)
    wire.run(0.6)
    return wire


@pytest.mark.parametrize("port", PERIODS)
def test_frames_have_the_size_they_say(moving, port):
    frame = moving.controller.report(port)
    assert int.from_bytes(frame[:4], "big") == len(frame) == SIZES[port]


@pytest.mark.parametrize("port", [30000, 30001, 30002, 30003])
def test_the_sdks_own_structures_are_filled(moving, port):
    frame = moving.controller.report(port)
    structure = sdk_report(port)
    assert len(structure) == len(frame)
    structure.update(frame)
    assert (structure.state, structure.mode, structure.cmd_num) == (1, 0, 2)
    assert structure.data_size == len(frame)
    np.testing.assert_allclose(structure.actual_joint_angle, moving.joints, atol=1e-6)
    if port != 30000:
        np.testing.assert_allclose(structure.actual_tcp_pose, moving.pose, atol=1e-3)


def test_status_fields(moving):
    structure = sdk_report(30002)
    structure.update(moving.controller.report(30002))
    assert structure.motor_brake_status == structure.motor_enable_status == 0x7F
    assert (structure.error_code, structure.warn_code) == (0, 13)
    np.testing.assert_allclose(structure.tcp_offset, gripper_tcp_offset(), atol=1e-4)
    np.testing.assert_allclose(structure.tcp_payload, [0.82, 0, 0, 48.0], atol=1e-5)
    assert (structure.collision_sens, structure.teaching_sens) == (4, 2)
    assert structure.gravity_direction == [0, 0, -1]
    assert (structure.robot_type, structure.robot_axis) == (7, 7)
    assert structure.version == "v2.5.0"
    assert not structure.is_simulation_robot
    assert structure.counter == 1
    np.testing.assert_allclose(structure.target_joint_speed, [0.5] * 7, atol=1e-2)
    assert structure.reduced_tcp_boundary == [[-601, 600], [-603, 602], [-605, 604]]
    assert structure.is_reduced_mode
    assert structure.is_fence_mode
    assert structure.reduced_tcp_max_speed == pytest.approx(123.0)
    assert structure.reduced_joint_max_speed == pytest.approx(0.7)
    np.testing.assert_allclose(structure.reduced_joint_limits, np.stack([xarm7.LOWER, xarm7.UPPER], axis=1), atol=1e-5)
    assert structure.monitor_device_pos == 850


def test_an_error_shows_in_the_status_and_the_state(moving):
    moving.controller.faults.raise_error(31)
    moving.run(0.004)
    structure = sdk_report(30001)
    structure.update(moving.controller.report(30001))
    assert (structure.error_code, structure.state, structure.cmd_num) == (31, 4, 0)


def test_real_time_frame_has_targets_and_velocities(moving):
    structure = sdk_report(30000)
    structure.update(moving.controller.report(30000))
    assert structure.timestamp == round(moving.controller.time * 1e6)
    np.testing.assert_allclose(structure.target_joint_velocity, [0.5] * 7, atol=1e-2)
    ahead = np.array(structure.target_joint_angle) - structure.actual_joint_angle
    assert 0 < np.abs(ahead).max() < 0.01
    jacobian = xarm7.jacobian(moving.joints)
    wanted = jacobian @ np.full(7, 0.5) * [1000, 1000, 1000, 1, 1, 1]
    np.testing.assert_allclose(structure.target_tcp_speed, wanted, rtol=0.05, atol=0.5)


def test_lies_reach_replies_and_reports(moving):
    truth = moving.joints
    moving.controller.faults.joint_offset = np.array([0.1, 0, 0, 0, 0, 0, 0])
    moving.controller.faults.reported_state = 2
    assert moving.joints[0] == pytest.approx(truth[0] + 0.1, abs=1e-6)
    assert moving.state == 2
    structure = sdk_report(30003)
    structure.update(moving.controller.report(30003))
    assert structure.state == 2
    assert structure.actual_joint_angle[0] == pytest.approx(truth[0] + 0.1, abs=1e-5)
    moving.controller.faults.joint_offset = None
    np.testing.assert_allclose(moving.joints, truth)

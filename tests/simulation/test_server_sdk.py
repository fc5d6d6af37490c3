"""The maker's unmodified SDK against the simulated controller over TCP, in real time."""

import time

import numpy as np
import pytest
from sdk_lab import RunningArm, connect, make_ready, sdk_threads_end

from foundation import xarm7
from simulation.controller.protocol import Register

# The SDK's logger still calls `warn`.
pytestmark = pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated:DeprecationWarning")
DOWN = [np.pi, 0.0, 0.0]
SOMEWHERE = [0.3, -0.3, 0.1, 0.9, 0.1, 1.1, 0.2]


@pytest.fixture(scope="module")
def lab():
    with sdk_threads_end(), RunningArm() as arm:
        api = connect(arm)
        yield arm, api
        api.disconnect()


@pytest.fixture
def arm(lab):
    return lab[0]


@pytest.fixture
def api(lab):
    """An SDK object ready in mode 0 at home, with the factory settings, however it got there."""
    api = lab[1]
    make_ready(api)
    api.set_fence_mode(False)
    api.set_reduced_mode(False)
    if np.abs(np.array(api.get_servo_angle()[1]) - xarm7.HOME).max() > 1e-4:
        assert api.set_servo_angle(angle=xarm7.HOME.tolist(), speed=3.0, mvacc=15.0, wait=True) == 0
    return api


def moved_mm(api, start) -> np.ndarray:
    return np.array(api.get_position()[1][:3]) - start[:3]


def test_identity(api):
    assert api.connected
    assert (api.axis, api.device_type, api.version_number) == (7, 7, (2, 5, 0))
    assert api.get_robot_sn() == (0, "XS130500000001")
    assert api.sn == "XS130500000001"


def test_readings_agree(api):
    code, position = api.get_position()
    assert code == 0
    np.testing.assert_allclose(position[:3], xarm7.forward(xarm7.HOME, np.eye(4))[:3, 3] * 1000, atol=0.01)
    code, angles = api.get_servo_angle()
    assert code == 0
    np.testing.assert_allclose(angles, xarm7.HOME, atol=1e-5)
    code, (positions, velocities, efforts) = api.get_joint_states()
    assert code == 0
    np.testing.assert_allclose(positions, angles, atol=1e-5)
    np.testing.assert_allclose(velocities + efforts, 0.0, atol=1e-6)
    assert api.get_position_aa()[0] == 0
    assert api.get_joints_torque() == (0, [0.0] * 7)
    assert api.get_cmdnum() == (0, 0)
    assert api.get_err_warn_code() == (0, [0, 0])


def test_joint_moves_with_waiting(api):
    assert api.set_servo_angle(angle=SOMEWHERE, speed=2.0, wait=True) == 0
    np.testing.assert_allclose(api.get_servo_angle()[1], SOMEWHERE, atol=1e-5)
    assert api.set_servo_angle(servo_id=1, angle=0.1, speed=2.0, wait=True) == 0
    np.testing.assert_allclose(api.get_servo_angle()[1], [0.1, *SOMEWHERE[1:]], atol=1e-5)
    assert api.set_servo_angle(angle=[0.1, 0, 0, 0, 0, 0, 0], relative=True, speed=2.0, wait=True) == 0
    np.testing.assert_allclose(api.get_servo_angle()[1], [0.2, *SOMEWHERE[1:]], atol=1e-5)


def test_lines_with_waiting(api):
    start = np.array(api.get_position()[1])
    assert api.set_position(z=start[2] + 40, speed=400, wait=True) == 0
    np.testing.assert_allclose(moved_mm(api, start), [0, 0, 40], atol=0.02)
    assert api.set_position(x=15, relative=True, speed=400, wait=True) == 0
    assert api.set_tool_position(z=20, speed=400, wait=True) == 0
    np.testing.assert_allclose(moved_mm(api, start), [15, 0, 20], atol=0.05)
    assert api.set_position_aa([400, 30, 400, *DOWN], speed=400, wait=True) == 0
    np.testing.assert_allclose(api.get_position()[1][:3], [400, 30, 400], atol=0.02)


def test_a_queue_of_moves(api, arm):
    for angle in (0.1, 0.2, 0.3):
        assert api.set_servo_angle(servo_id=1, angle=angle, speed=2.0, wait=False) == 0
    assert api.get_cmdnum()[1] >= 2
    assert arm.wait_until(lambda: not arm.controller.core.busy)
    time.sleep(0.02)
    np.testing.assert_allclose(api.get_servo_angle()[1][0], 0.3, atol=1e-5)


def test_servo_stream(api):
    make_ready(api, 1)
    for k in range(60):
        q = xarm7.HOME + 0.003 * k
        assert api.set_servo_angle_j(q.tolist()) == 0
        time.sleep(0.01)
    time.sleep(0.05)
    np.testing.assert_allclose(api.get_servo_angle()[1], xarm7.HOME + 0.177, atol=1e-5)
    start = api.get_position()[1]
    for k in range(1, 21):
        pose = [start[0], start[1] + 0.5 * k, *start[2:]]
        assert api.set_servo_cartesian(pose) == 0
        time.sleep(0.01)
    time.sleep(0.05)
    np.testing.assert_allclose(moved_mm(api, start), [0, 10, 0], atol=0.02)


def test_servo_needs_readiness(api):
    api.set_mode(1)
    assert api.set_servo_angle_j(xarm7.HOME.tolist()) == 9
    api.set_state(0)
    assert api.set_servo_angle_j(xarm7.HOME.tolist()) == 0


def test_velocities_end_after_their_duration(api, arm):
    make_ready(api, 5)
    start = api.get_position()[1]
    assert api.vc_set_cartesian_velocity([0, 100, 0, 0, 0, 0], duration=0.3) == 0
    assert arm.wait_until(lambda: not arm.controller.core.busy)
    np.testing.assert_allclose(moved_mm(api, start), [0, 30, 0], atol=0.5)
    make_ready(api, 4)
    before = np.array(api.get_servo_angle()[1])
    assert api.vc_set_joint_velocity([0.5, 0, 0, 0, 0, 0, 0], duration=0.3) == 0
    assert arm.wait_until(lambda: not arm.controller.core.busy)
    np.testing.assert_allclose(np.array(api.get_servo_angle()[1]) - before, [0.15, 0, 0, 0, 0, 0, 0], atol=0.003)


def test_online_modes_take_a_new_target_on_the_way(api, arm):
    make_ready(api, 6)
    assert api.set_servo_angle(angle=SOMEWHERE, speed=0.5) == 0
    time.sleep(0.1)
    assert api.get_state() == (0, 1)
    assert api.set_servo_angle(angle=[-0.1, *xarm7.HOME[1:]], speed=2.0) == 0
    assert arm.wait_until(lambda: not arm.controller.core.busy)
    np.testing.assert_allclose(api.get_servo_angle()[1], [-0.1, *xarm7.HOME[1:]], atol=1e-5)
    make_ready(api, 7)
    assert api.set_position(350, 50, 350, *DOWN, speed=300) == 0
    time.sleep(0.1)
    assert api.set_position(380, 0, 380, *DOWN, speed=400) == 0
    assert arm.wait_until(lambda: not arm.controller.core.busy)
    np.testing.assert_allclose(api.get_position()[1][:3], [380, 0, 380], atol=0.02)


def test_gripper(api):
    assert api.set_gripper_enable(True) == 0
    assert api.set_gripper_mode(0) == 0
    assert api.set_gripper_speed(5000) == 0
    assert api.get_gripper_version() == (0, "3.4.3")
    assert api.set_gripper_position(600, wait=True) == 0
    code, position = api.get_gripper_position()
    assert (code, position) == (0, pytest.approx(600, abs=3))
    assert api.get_gripper_err_code() == (0, 0)
    assert api.clean_gripper_error() == 0
    assert api.get_gripper_status() == (0, 0)


def test_a_silent_gripper_is_c19_and_recovers(api, arm):
    assert api.set_gripper_enable(True) == 0
    arm.controller.faults.gripper_silent = True
    assert api.get_gripper_position()[0] != 0
    assert api.get_err_warn_code() == (0, [19, 0])
    arm.controller.faults.gripper_silent = False
    make_ready(api)
    assert api.set_gripper_enable(True) == 0
    assert api.get_gripper_position()[0] == 0


def test_pause_and_resume(api, arm):
    assert api.set_servo_angle(servo_id=1, angle=0.5, speed=1.0, wait=False) == 0
    time.sleep(0.15)
    assert api.set_state(3) == 0
    assert api.get_state() == (0, 3)
    time.sleep(0.3)
    paused = api.get_servo_angle(servo_id=1)[1]
    time.sleep(0.1)
    assert api.get_servo_angle(servo_id=1)[1] == pytest.approx(paused, abs=1e-6)
    assert 0.0 < paused < 0.45
    assert api.set_state(0) == 0
    assert arm.wait_until(lambda: not arm.controller.core.busy)
    time.sleep(0.02)
    assert api.get_servo_angle(servo_id=1)[1] == pytest.approx(0.5, abs=1e-5)


def test_emergency_stop(api, arm):
    assert api.set_servo_angle(servo_id=1, angle=-0.8, speed=0.5, wait=False) == 0
    time.sleep(0.2)
    api.emergency_stop()
    assert api.get_state() == (0, 4)
    assert arm.controller.log.received(Register.SET_STATE, 4)
    assert arm.wait_until(lambda: not arm.controller.core.qd.any())
    assert abs(api.get_servo_angle(servo_id=1)[1]) < 0.7


def test_injected_error_and_recovery(api, arm):
    seen = []
    api.register_error_warn_changed_callback(seen.append)
    make_ready(api, 1)
    arm.controller.faults.raise_error(31)
    assert api.set_servo_angle_j(xarm7.HOME.tolist()) == 1
    # Asking for the code here would keep the SDK from calling back: it compares reports with the last known code.
    assert arm.wait_until(lambda: bool(seen))
    assert seen[0] == {"error_code": 31, "warn_code": 0}
    assert api.get_err_warn_code() == (0, [31, 0])
    assert api.get_state() == (0, 4)
    api.release_error_warn_changed_callback(seen.append)
    make_ready(api, 1)
    assert api.get_err_warn_code() == (0, [0, 0])
    assert api.set_servo_angle_j(xarm7.HOME.tolist()) == 0


def test_a_waited_for_move_ends_with_the_error(api, arm):
    assert api.set_servo_angle(servo_id=1, angle=1.5, speed=0.3, wait=False) == 0
    arm.controller.faults.raise_error(31)
    assert api.set_position(x=10, relative=True, wait=True) == 1


def test_kinematics(api):
    code, pose = api.get_forward_kinematics(xarm7.HOME.tolist())
    assert code == 0
    np.testing.assert_allclose(pose[:3], xarm7.forward(xarm7.HOME, np.eye(4))[:3, 3] * 1000, atol=0.01)
    code, q = api.get_inverse_kinematics([400, 50, 350, *DOWN])
    assert code == 0
    np.testing.assert_allclose(api.get_forward_kinematics(q)[1][:3], [400, 50, 350], atol=0.02)
    assert api.get_inverse_kinematics([4000, 0, 0, 0, 0, 0])[0] == 10
    assert api.is_tcp_limit([900, 0, 300, *DOWN]) == (0, True)
    assert api.is_joint_limit([0] * 7) == (0, False)
    assert len(api.get_dh_params()[1]) == 28
    assert api.get_pose_offset([0, 0, 0, 0, 0, 0], [10, 0, 0, 0, 0, 0]) == (0, [10, 0, 0, 0, 0, 0])


def test_tool_and_safety_settings(api, arm):
    assert api.set_tcp_offset([0, 0, 172, 0, 0, 0]) == 0
    assert api.set_state(0) == 0
    assert api.set_tcp_load(0.82, [0, 0, 48]) == 0
    assert api.set_collision_sensitivity(4) == 0
    assert api.set_teach_sensitivity(2) == 0
    assert api.set_state(0) == 0
    assert api.set_reduced_max_tcp_speed(200) == 0
    assert api.set_reduced_max_joint_speed(0.5) == 0
    assert api.set_reduced_tcp_boundary([700, 0, 300, -300, 800, 0]) == 0
    assert api.set_reduced_mode(True) == 0
    assert api.set_fence_mode(True) == [0]
    assert api.get_reduced_mode() == (0, 1)
    code, states = api.get_reduced_states()
    assert code == 0
    assert states[:4] == [1, [700, 0, 300, -300, 800, 0], 200.0, 0.5]
    assert states[5:] == [1, 0]
    assert arm.wait_until(lambda: api.collision_sensitivity == 4 and api.is_fence_mode)
    assert api.teach_sensitivity == 2
    assert api.tcp_offset == [0, 0, 172, 0, 0, 0]
    assert api.tcp_load == [0.82, [0, 0, 48]]
    assert api.is_reduced_mode
    np.testing.assert_allclose(api.get_position()[1][2], 399.81 - 172, atol=0.01)
    assert api.set_fence_mode(False) == [0]
    assert api.set_reduced_mode(False) == 0
    assert api.set_tcp_offset([0] * 6) == 0
    assert api.set_collision_sensitivity(3) == 0


def test_the_boundary_is_c35(api, arm):
    assert api.set_reduced_tcp_boundary([700, 0, 50, -50, 800, 0]) == 0
    api.set_fence_mode(True)
    assert api.set_position(400, 200, 400, *DOWN, speed=300, wait=True) != 0
    assert arm.wait_until(lambda: arm.controller.core.error == 35)
    assert abs(api.get_position()[1][1]) < 52


def test_recording_and_playback(api, arm):
    assert api.start_record_trajectory() == 0
    assert api.set_servo_angle(servo_id=1, angle=0.3, speed=1.0, wait=True) == 0
    assert api.stop_record_trajectory("wave") == 0
    assert api.load_trajectory("nothing") == 31
    assert api.load_trajectory("wave") == 0
    modes = set()
    arm.wait_until(lambda: api.mode == 0)
    assert api.playback_trajectory(1, double_speed=2, wait=False) == 0
    assert arm.wait_until(lambda: modes.add(arm.controller.core.mode) or not arm.controller.core.busy)
    assert modes == {11, 0}
    assert api.get_servo_angle(servo_id=1)[1] == pytest.approx(0.3, abs=1e-3)
    assert api.playback_trajectory(1, "wave", double_speed=2, wait=True) == 0
    assert api.get_servo_angle(servo_id=1)[1] == pytest.approx(0.3, abs=1e-3)


def test_report_properties(api, arm):
    assert arm.wait_until(lambda: api.state == 2 and api.mode == 0)
    time.sleep(0.4)
    np.testing.assert_allclose(api.angles, xarm7.HOME, atol=1e-5)
    assert api.motor_enable_states[:7] == [1] * 7
    assert api.temperatures == [35] * 7
    assert not api.is_simulation_robot


def test_box_terminals(api):
    assert api.get_cgpio_digital()[0] == 0
    assert api.set_cgpio_digital(2, 1) == 0
    assert api.get_cgpio_state()[0] == 0
    assert api.set_tgpio_digital(0, 1) == 0
    assert api.get_tgpio_digital()[0] == 0

import numpy as np
import pytest
from wire import Wire

from foundation import xarm7
from foundation.poses import from_rotation_vector, rotation_vector
from simulation.controller.controller import TICK
from simulation.controller.online import angular_velocity
from simulation.controller.protocol import Register, Status, pack_floats, pose_from_wire
from simulation.controller.settings import Settings, gripper_tcp_offset

DOWN = [np.pi, 0.0, 0.0]
FIRST = np.array([1.0, 0, 0, 0, 0, 0, 0])


def wave(t: float, amplitude: float = 0.3) -> np.ndarray:
    """Return a smooth motion around home that begins at rest there; at most 0.6 rad/s."""
    start = min(1.0, t) ** 2
    return xarm7.HOME + start * amplitude * np.sin(2.0 * t) * np.array([1.0, 0.3, 0.5, 0.4, 0.5, 0.4, 1.0])


def stream(wire: Wire, hertz: float, seconds: float, motion=wave, jitter: float = 0.0) -> np.ndarray:
    """Send targets at this rate, arrivals shifted by up to `jitter` s; return the joints (n, 7) of every cycle."""
    generator = np.random.default_rng(1)
    sent = np.arange(round(seconds * hertz)) / hertz
    arrived = np.maximum.accumulate(sent + generator.uniform(0, jitter, len(sent)))
    arrivals = list(zip(arrived.tolist(), sent.tolist(), strict=True))
    path = []
    for k in range(round(seconds / TICK)):
        while arrivals and arrivals[0][0] <= k * TICK:
            wire.servo(motion(arrivals.pop(0)[1]))
        wire.run(TICK)
        path.append(wire.joints)
    return np.array(path)


@pytest.mark.parametrize("hertz", [50, 100, 125, 250, 1000])
def test_servo_follows_a_stream_within_its_period(hertz):
    wire = Wire().ready(1)
    path = stream(wire, hertz, 4.0)
    assert wire.error == 0
    times = np.arange(len(path)) * TICK
    wanted = np.array([wave(t) for t in times])
    behind = max(1.0 / hertz, TICK) + 2 * TICK
    assert np.abs(path - wanted).max() < 0.7 * behind + 1e-3
    velocity = np.diff(path, axis=0) / TICK
    assert np.abs(velocity).max() < 1.6


def test_servo_takes_an_unevenly_arriving_stream_for_no_fault():
    wire = Wire().ready(1)
    stream(wire, 100, 6.0, jitter=0.012, motion=lambda t: wave(t, amplitude=0.6))
    assert wire.error == 0


def test_servo_survives_a_stall_of_its_client():
    wire = Wire().ready(1)
    for k in range(200):
        if not 100 <= k < 110:  # 100 ms of silence at up to 0.6 rad/s
            wire.servo(wave(k * 0.01))
        wire.run(0.012 if k % 2 else 0.008)
    assert wire.error == 0


def test_a_controller_held_up_by_its_machine_finds_no_fault_with_an_even_stream():
    """Send targets every 10 ms by the clock while no cycle runs for 100 ms."""
    wire = Wire().ready(1)
    cycles = 0
    for k in range(300):
        wire.servo(wave(k * 0.01), arrived=k * 0.01)
        if not 150 <= k < 160:
            due = round(k * 0.01 / TICK) if k < 150 else cycles + 3  # afterwards it catches up gradually
            wire.run((due - cycles) * TICK)
            cycles = due
    assert wire.error == 0
    wire.servo(wire.joints + 0.5 * FIRST, arrived=3.0)  # and a jump is still one
    wire.run(TICK)
    assert wire.error == 24


def test_the_latest_of_several_targets_in_one_cycle_wins():
    wire = Wire().ready(1)
    for offset in (0.02, -0.02, 0.01):
        wire.servo(xarm7.HOME + offset * FIRST)
    wire.run(0.1)
    np.testing.assert_allclose(wire.joints, xarm7.HOME + 0.01 * FIRST, atol=1e-6)


def test_servo_executes_a_step_at_once_without_planning():
    wire = Wire().ready(1)
    wire.servo(xarm7.HOME + 0.01 * FIRST)
    wire.run(2 * TICK)
    np.testing.assert_allclose(wire.joints[0], 0.01, atol=1e-6)


def test_servo_state_is_moving_only_while_it_moves():
    wire = Wire().ready(1)
    wire.servo(xarm7.HOME + 0.01 * FIRST)
    assert wire.state == 1
    wire.run(0.1)
    assert wire.state == 2


@pytest.mark.parametrize(
    ("register", "params"), [(29, pack_floats([*xarm7.HOME, 0, 0, 0])), (81, bytes(33)), (82, bytes(29))]
)
@pytest.mark.parametrize("prepare", ["wrong mode", "not ready", "paused", "error"])
def test_streamed_commands_are_refused_when_they_cannot_be_followed(register, params, prepare):
    mode = {29: 1, 81: 4, 82: 5}[register]
    wire = Wire().ready(0 if prepare == "wrong mode" else mode)
    if prepare == "not ready":
        wire.send(Register.SET_MODE, bytes((mode, 0)))
    elif prepare == "paused":
        wire.set_state(3)
    elif prepare == "error":
        wire.controller.faults.raise_error(31)
    wire.send(register, params)
    assert wire.status & Status.NOT_READY
    assert bool(wire.status & Status.ERROR) == (prepare == "error")


def test_servo_in_cartesian_coordinates():
    wire = Wire().ready(1)
    start = wire.pose
    for k in range(1, 101):
        pose = start + k * np.array([0.3, 0.2, 0, 0, 0, 0])
        wire.send(Register.SERVO_CARTESIAN, pack_floats([*pose, 100.0, 1000.0, 0.0]))
        wire.run(0.008)
    wire.run(0.1)
    np.testing.assert_allclose(wire.pose[:3], start[:3] + np.array([30, 20, 0]), atol=0.01)
    wire.send(Register.SERVO_CARTESIAN, pack_floats([0, 0, 3.0, 0, 0, 0, 100.0, 1000.0, 1.0]))  # in the tool's frame
    wire.run(0.1)
    np.testing.assert_allclose(wire.pose[:3], start[:3] + np.array([30, 20, -3.0]), atol=0.02)
    numbers = pack_floats([1.0, 0, 0, 0, 0, 0.01, 100.0, 1000.0])
    wire.send(Register.SERVO_CARTESIAN_AXIS_ANGLE, numbers + bytes(4) + b"\x01")
    wire.run(0.1)
    np.testing.assert_allclose(wire.pose[:3], start[:3] + np.array([31, 20, -3.0]), atol=0.02)
    wire.send(Register.SERVO_CARTESIAN, pack_floats([3000.0, 0, 0, 0, 0, 0, 100.0, 1000.0, 0.0]))
    assert wire.error == 21


@pytest.mark.parametrize("duration", [0.1, 0.25, 0.5, 1.0])
def test_joint_velocity_ends_by_itself_after_its_duration(duration):
    wire = Wire().ready(4)
    wire.joint_velocity([0.4, 0, 0, -0.2, 0, 0, 0], duration)
    assert wire.state == 1
    wire.run(duration + 0.5)
    assert wire.state == 2
    moved = wire.joints - xarm7.HOME
    np.testing.assert_allclose(moved, np.array([0.4, 0, 0, -0.2, 0, 0, 0]) * duration, atol=0.4 * TICK)


def test_joint_velocity_without_duration_goes_on_until_stopped():
    wire = Wire().ready(4)
    wire.joint_velocity([0.2, 0, 0, 0, 0, 0, 0])
    wire.run(3.0)
    assert wire.joints[0] > 0.55
    wire.joint_velocity([0.0] * 7)
    wire.run(0.5)
    stopped = wire.joints
    wire.run(0.5)
    np.testing.assert_array_equal(wire.joints, stopped)


def test_a_new_velocity_replaces_the_old_one_without_a_jump():
    wire = Wire().ready(4)
    speeds = []
    for k in range(400):
        if k % 60 == 0:
            wire.joint_velocity([0.5 * (-1) ** (k // 60), 0, 0, 0, 0, 0, 0], 1.0)
        wire.run(TICK)
        speeds.append(wire.core.qd[0])
    assert np.abs(np.diff(speeds)).max() / TICK < 10.0
    assert max(speeds) > 0.4
    assert min(speeds) < -0.4


def test_cartesian_velocity_travels_its_distance_in_a_straight_line():
    wire = Wire(settings=Settings(tcp_offset=gripper_tcp_offset())).ready(5)
    start = pose_from_wire(wire.pose)
    wire.cartesian_velocity([0, 50.0, 0, 0, 0, 0], 0.5)
    wire.run(1.0)
    end = pose_from_wire(wire.pose)
    np.testing.assert_allclose((end - start)[:3, 3] * 1000, [0, 25.0, 0], atol=0.05)
    np.testing.assert_allclose(end[:3, :3], start[:3, :3], atol=1e-5)
    assert wire.state == 2


def test_cartesian_velocity_turns_about_the_tool_and_in_its_frame():
    wire = Wire(settings=Settings(tcp_offset=gripper_tcp_offset())).ready(5)
    start = pose_from_wire(wire.pose)
    wire.cartesian_velocity([0, 0, 0, 0, 0, 0.4], 0.5)
    wire.run(1.0)
    turned = pose_from_wire(wire.pose)
    np.testing.assert_allclose(turned[:3, 3], start[:3, 3], atol=2e-5)
    np.testing.assert_allclose(rotation_vector(turned[:3, :3] @ start[:3, :3].T), [0, 0, 0.2], atol=1e-4)
    wire.cartesian_velocity([0, 0, 40.0, 0, 0, 0], 0.5, tool=True)  # the tool points down
    wire.run(1.0)
    np.testing.assert_allclose((pose_from_wire(wire.pose) - turned)[:3, 3] * 1000, [0, 0, -20.0], atol=0.05)


def test_a_lost_velocity_client_stops_the_arm_but_a_steady_one_does_not():
    wire = Wire().ready(5)
    for _ in range(50):
        wire.cartesian_velocity([0, 30.0, 0, 0, 0, 0], 0.1)
        wire.run(0.02)
    assert wire.state == 1
    wire.run(0.4)
    assert wire.state == 2
    np.testing.assert_allclose(wire.pose[1], 30.0 * (0.98 + 0.1), atol=0.3)


def test_velocities_are_capped():
    wire = Wire().ready(4)
    wire.joint_velocity([10.0, 0, 0, 0, 0, 0, 0], 0.2)
    wire.run(0.2)
    assert wire.error == 0
    assert wire.core.qd[0] <= np.pi + 1e-6
    wire.ready(5)
    wire.cartesian_velocity([0, 0, 5000.0, 0, 0, 0], 0.02)
    wire.run(0.5)
    assert wire.error == 0


@pytest.mark.parametrize("mode", [4, 5])
def test_a_pause_ends_a_velocity_for_good(mode):
    wire = Wire().ready(mode)
    if mode == 4:
        wire.joint_velocity([0.3, 0, 0, 0, 0, 0, 0])
    else:
        wire.cartesian_velocity([0, 50.0, 0, 0, 0, 0])
    wire.run(0.5)
    wire.set_state(3)
    wire.run(0.5)
    stopped = wire.joints
    wire.set_state(0)
    wire.run(0.5)
    np.testing.assert_allclose(wire.joints, stopped, atol=1e-6)


def test_a_pause_forgets_the_servo_target():
    wire = Wire().ready(1)
    wire.servo(xarm7.HOME + 0.02 * FIRST)
    wire.set_state(3)
    wire.run(0.2)
    wire.set_state(0)
    wire.run(0.5)
    np.testing.assert_allclose(wire.joints, xarm7.HOME, atol=1e-6)


def test_online_joint_targets_are_replaced_without_a_jump():
    wire = Wire().ready(6)
    generator = np.random.default_rng(2)
    path = [wire.core.q.copy()]
    for k in range(1000):
        if k % 60 == 0:
            target = xarm7.HOME + generator.uniform(-0.5, 0.5, 7) * [1, 0.5, 1, 0.5, 1, 0.5, 1]
            wire.move_joints(target, speed=1.0, acceleration=6.0)
        wire.run(TICK)
        path.append(wire.core.q.copy())
    wire.run_until(wire.idle)
    assert wire.error == 0
    np.testing.assert_allclose(wire.joints, target, atol=1e-5)
    velocity = np.diff(path, axis=0) / TICK
    assert np.abs(velocity).max() < 1.02
    assert np.abs(np.diff(velocity, axis=0)).max() / TICK < 6.3


def test_online_target_survives_a_pause():
    wire = Wire().ready(6)
    target = xarm7.HOME + 0.4
    wire.move_joints(target)
    wire.run(0.2)
    wire.set_state(3)
    wire.run(0.5)
    assert np.abs(wire.joints - target).max() > 0.1
    wire.set_state(0)
    wire.run_until(wire.idle)
    np.testing.assert_allclose(wire.joints, target, atol=1e-5)


def test_online_cartesian_targets_are_replaced_without_a_jump():
    wire = Wire(settings=Settings(tcp_offset=gripper_tcp_offset())).ready(7)
    generator = np.random.default_rng(4)
    tools = []
    for k in range(1200):
        if k % 100 == 0:
            target = np.array([400, 0, 250, *DOWN]) + generator.uniform(-1, 1, 6) * [60, 60, 40, 0.2, 0.2, 0.5]
            wire.move_line(target, 150.0)
        wire.run(TICK)
        tools.append(wire.controller.settings.tool_in_base(wire.core.q))
    wire.run_until(wire.idle)
    assert wire.error == 0
    np.testing.assert_allclose(wire.pose[:3], target[:3], atol=0.02)
    tools = np.array(tools)
    velocity = np.diff(tools[:, :3, 3], axis=0) / TICK
    assert np.abs(velocity).max() < 0.155
    assert np.abs(np.diff(velocity, axis=0)).max() / TICK < 2.2
    rates = rotation_vector(tools[1:, :3, :3] @ np.swapaxes(tools[:-1, :3, :3], -1, -2)) / TICK
    assert np.abs(np.diff(rates, axis=0)).max() / TICK < 8.0


def test_a_turn_is_replaced_by_one_about_another_axis_without_a_jump():
    wire = Wire(settings=Settings(tcp_offset=gripper_tcp_offset())).ready(7)
    start = wire.pose
    targets = {0: [np.pi, 0, 2.0], 150: [np.pi - 0.6, 0.4, 0.3], 215: [np.pi, -0.3, 1.5], 290: [np.pi, 0, 0]}
    tools = []
    for k in range(500):
        if k in targets:
            wire.move_line([*start[:3], *targets[k]], 600.0)
        wire.run(TICK)
        tools.append(wire.controller.settings.tool_in_base(wire.core.q)[:3, :3])
    assert wire.error == 0
    tools = np.array(tools)
    rates = rotation_vector(tools[1:] @ np.swapaxes(tools[:-1], -1, -2)) / TICK
    assert np.abs(rates).max() > 1.0
    assert np.abs(np.diff(rates, axis=0)).max() / TICK < 10.0


def test_angular_velocity_agrees_with_finite_differences():
    generator = np.random.default_rng(5)
    for _ in range(50):
        turn, rate = generator.uniform(-1.5, 1.5, 3), generator.uniform(-1, 1, 3)
        step = 1e-6
        later = from_rotation_vector(turn + step * rate) @ from_rotation_vector(turn).T
        np.testing.assert_allclose(angular_velocity(turn, rate), rotation_vector(later) / step, atol=1e-5)

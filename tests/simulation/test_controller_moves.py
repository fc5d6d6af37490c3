import struct

import numpy as np
import pytest
from wire import Wire

from foundation import xarm7
from foundation.poses import from_rotation_vector, from_rpy, to_rpy
from simulation.controller.controller import TICK
from simulation.controller.protocol import Feedback, Outcome, Register, Status, pack_floats, pose_from_wire
from simulation.controller.settings import Settings, gripper_tcp_offset

SOMEWHERE = np.array([0.5, -0.3, 0.2, 0.9, 0.1, 1.1, 0.3])
INF = float("inf")
DOWN = [np.pi, 0.0, 0.0]
READY = 2


def sampled(wire: Wire, seconds: float = 20.0) -> np.ndarray:
    """Return the commanded joints (n, 7) of every cycle until the arm is idle."""
    samples = [wire.core.q.copy()]

    def step() -> bool:
        samples.append(wire.core.q.copy())
        return wire.idle()

    wire.run_until(step, seconds)
    return np.array(samples)


def test_joint_move_keeps_to_its_limits_and_arrives():
    wire = Wire().ready()
    reply = wire.move_joints(SOMEWHERE, speed=1.0, acceleration=8.0)
    assert reply.params == b"\x00\x01"
    path = sampled(wire)
    np.testing.assert_allclose(wire.joints, SOMEWHERE, atol=1e-6)
    velocity = np.diff(path, axis=0) / TICK
    assert np.abs(velocity).max() == pytest.approx(1.0, abs=0.02)
    assert np.abs(np.diff(velocity, axis=0)).max() / TICK <= 8.0 * 1.05
    # All joints run in step: the path is straight in joint space.
    part = (path[:, 0] - path[0, 0]) / (SOMEWHERE[0] - path[0, 0])
    np.testing.assert_allclose(path, path[0] + part[:, None] * (SOMEWHERE - path[0]), atol=1e-9)


def test_state_is_moving_from_acceptance_to_arrival():
    wire = Wire().ready()
    wire.move_joints(SOMEWHERE)
    assert wire.state == 1
    wire.run_until(wire.idle)
    assert wire.state == READY


def test_infinity_keeps_a_joint_and_relative_adds():
    wire = Wire().ready()
    start = wire.joints
    wire.move_joints([0.4, INF, INF, INF, INF, INF, INF])
    wire.run_until(wire.idle)
    np.testing.assert_allclose(wire.joints, [0.4, *start[1:]], atol=1e-6)
    numbers = pack_floats([0.1, 0, 0, -0.2, 0, 0, 0, 1.0, 10.0, 0, -1])
    wire.send(Register.MOVE_RELATIVE, numbers + b"\x01\x00")
    wire.run_until(wire.idle)
    np.testing.assert_allclose(wire.joints, [0.5, *start[1:3], start[3] - 0.2, *start[4:]], atol=1e-6)


def test_home_is_all_joints_at_zero():
    wire = Wire().ready()
    wire.send(Register.MOVE_HOME, pack_floats([1.0, 10.0, 0.0]))
    wire.run_until(wire.idle)
    np.testing.assert_allclose(wire.joints, 0.0, atol=1e-6)
    np.testing.assert_allclose(wire.pose[:3], [206.0, 0.0, 120.5], atol=1e-3)  # the manual's zero pose


@pytest.mark.parametrize("offset", [[0.0] * 6, gripper_tcp_offset(), [0, 50, 100, 0.3, 0, 0.5]])
def test_line_is_straight_turns_evenly_and_arrives_exactly(offset):
    wire = Wire(settings=Settings(tcp_offset=list(offset))).ready()
    start = pose_from_wire(wire.pose)
    goal = start.copy()
    goal[:3, 3] += [0.05, 0.1, -0.08]
    goal[:3, :3] = from_rotation_vector(np.array([0.2, 0.1, 0.4])) @ start[:3, :3]
    target = [*(goal[:3, 3] * 1000), *to_rpy(goal)]
    wire.move_line(target, 150.0)
    path = sampled(wire)
    np.testing.assert_allclose(pose_from_wire(wire.pose), goal, atol=2e-6)
    tools = np.array([wire.controller.settings.tool_in_base(q) for q in path[::10]])
    way = goal[:3, 3] - start[:3, 3]
    travelled = (tools[:, :3, 3] - start[:3, 3]) @ way / (way @ way)
    aside = tools[:, :3, 3] - start[:3, 3] - travelled[:, None] * way
    assert np.abs(aside).max() < 5e-5
    speeds = np.linalg.norm(np.diff(tools[:, :3, 3], axis=0), axis=1) / (10 * TICK)
    assert speeds.max() <= 0.1501


def test_infinity_keeps_coordinates_of_a_line():
    wire = Wire().ready()
    start = wire.pose
    wire.move_line([INF, INF, start[2] + 40.0, INF, INF, INF])
    wire.run_until(wire.idle)
    np.testing.assert_allclose(wire.pose[:3], start[:3] + np.array([0, 0, 40.0]), atol=0.01)
    np.testing.assert_allclose(pose_from_wire(wire.pose)[:3, :3], pose_from_wire(start)[:3, :3], atol=1e-5)


def test_line_in_the_tools_own_frame():
    wire = Wire().ready()
    wire.move_line([400, 0, 300, np.pi, 0, 0.7])
    wire.run_until(wire.idle)
    start = pose_from_wire(wire.pose)
    wire.move_line([30.0, 0, 10.0, 0, 0, 0.2], tool=True)
    wire.run_until(wire.idle)
    goal = start @ from_rpy(np.array([0.03, 0, 0.01]), np.array([0, 0, 0.2]))
    np.testing.assert_allclose(pose_from_wire(wire.pose), goal, atol=3e-6)


def test_relative_line_in_both_ways_of_writing_the_rotation():
    wire = Wire().ready()
    start = pose_from_wire(wire.pose)
    numbers = pack_floats([10.0, 20.0, -30.0, 0, 0, 0.1, 0, 100.0, 1000.0, 0, -1])
    wire.send(Register.MOVE_RELATIVE, numbers + b"\x00\x01")
    wire.run_until(wire.idle)
    goal = start.copy()
    goal[:3, 3] += [0.01, 0.02, -0.03]
    goal[:3, :3] = from_rotation_vector(np.array([0, 0, 0.1])) @ start[:3, :3]
    np.testing.assert_allclose(pose_from_wire(wire.pose), goal, atol=3e-6)
    wire.send(Register.MOVE_RELATIVE, pack_floats([-10.0, -20.0, 30.0, 0, 0, -0.1, 0, 100.0, 1000.0, 0, -1]) + b"\0\0")
    wire.run_until(wire.idle)
    np.testing.assert_allclose(pose_from_wire(wire.pose), start, atol=3e-6)


def test_poses_are_given_and_told_in_the_world_frame():
    wire = Wire().ready()
    wire.send(Register.SET_WORLD_OFFSET, pack_floats([100.0, 50.0, 0, 0, 0, np.pi / 2]))
    wire.set_state(0)
    base = wire.controller.settings.tool_in_base(wire.joints)
    np.testing.assert_allclose(wire.pose[:2], [base[1, 3] * 1e3 - 50, -(base[0, 3] * 1e3 - 100)], atol=0.01)
    goal = wire.pose + np.array([20.0, 10.0, 5.0, 0, 0, 0])
    wire.move_line(goal)
    wire.run_until(wire.idle)
    np.testing.assert_allclose(wire.pose[:3], goal[:3], atol=0.01)


def test_circle_passes_through_its_points_and_comes_back():
    wire = Wire().ready()
    wire.move_line([400, 0, 300, *DOWN])
    wire.run_until(wire.idle)
    first, second = [350, 50, 300, *DOWN], [300, 0, 300, *DOWN]
    numbers = pack_floats([*first, *second, 150.0, 1000.0, 0.0, 100.0])
    wire.send(Register.MOVE_CIRCLE, numbers + b"\0\0\0")
    points = np.array([wire.controller.settings.tool_in_base(q)[:3, 3] for q in sampled(wire)]) * 1000
    radii = np.linalg.norm(points - [350, 0, 300], axis=1)
    np.testing.assert_allclose(radii, 50.0, atol=0.05)
    for point in (first, second, [350, -50, 300]):
        assert np.linalg.norm(points - point[:3], axis=1).min() < 1.0
    np.testing.assert_allclose(wire.pose[:3], [400, 0, 300], atol=0.01)


def test_points_on_a_line_make_no_circle():
    wire = Wire().ready()
    x, y, z = wire.pose[:3]
    points = [x + 20, y, z, *DOWN, x + 40, y, z, *DOWN]
    wire.send(Register.MOVE_CIRCLE, pack_floats([*points, 100.0, 1000.0, 0.0, 100.0]) + b"\0\0\0")
    wire.run(0.1)
    assert wire.error == 32


def test_the_queue_is_worked_off_in_order_with_pauses():
    wire = Wire().ready()
    first, second = wire.joints + 0.1, wire.joints - 0.1
    wire.move_joints(first)
    wire.send(Register.PAUSE_TIME, pack_floats([0.5]))
    reply = wire.move_joints(second)
    assert struct.unpack(">H", reply.params) == (3,)
    wire.run_until(lambda: wire.core.queue_length == 2)
    np.testing.assert_allclose(wire.joints, first, atol=1e-5)
    waited = wire.run_until(lambda: wire.core.queue_length == 1)
    assert waited == pytest.approx(0.5, abs=3 * TICK)
    wire.run_until(wire.idle)
    np.testing.assert_allclose(wire.joints, second, atol=1e-5)
    assert wire.send(Register.GET_QUEUE_LENGTH).params == b"\0\0"


def test_a_full_queue_is_a_warning():
    wire = Wire().ready()
    for _ in range(1030):
        wire.move_joints(SOMEWHERE)
    assert wire.send(Register.GET_ERROR).params == bytes((0, 11))
    assert wire.core.queue_length == 1024


def test_a_pause_stays_on_the_path_and_resumes():
    wire = Wire().ready()
    start = wire.joints
    wire.move_joints(SOMEWHERE)
    wire.move_joints(start)
    wire.run(0.3)
    wire.set_state(3)
    assert wire.state == 3
    wire.run(0.5)
    paused = wire.joints
    wire.run(0.5)
    np.testing.assert_array_equal(wire.joints, paused)
    assert wire.core.queue_length == 2
    part = (paused[0] - start[0]) / (SOMEWHERE[0] - start[0])
    assert 0.05 < part < 0.95
    np.testing.assert_allclose(paused, start + part * (SOMEWHERE - start), atol=1e-6)
    wire.set_state(0)
    assert wire.state == 1
    path = sampled(wire)
    np.testing.assert_allclose(wire.joints, start, atol=1e-6)
    assert np.abs(np.diff(path, 2, axis=0)).max() / TICK**2 < 20.0
    assert np.abs(path[:, 0] - SOMEWHERE[0]).min() < 1e-3


def test_moves_are_queued_while_paused():
    wire = Wire().ready()
    wire.set_state(3)
    wire.move_joints(SOMEWHERE)
    assert not wire.status & Status.NOT_READY
    wire.run(0.5)
    np.testing.assert_allclose(wire.joints, xarm7.HOME, atol=1e-6)
    wire.set_state(0)
    wire.run_until(wire.idle)
    np.testing.assert_allclose(wire.joints, SOMEWHERE, atol=1e-6)


@pytest.mark.parametrize("mode", [1, 2, 4, 5])
def test_planned_moves_are_refused_in_other_modes(mode):
    wire = Wire().ready(mode)
    wire.move_joints(SOMEWHERE)
    assert wire.status & Status.NOT_READY
    wire.move_line([400, 0, 300, *DOWN])
    assert wire.status & Status.NOT_READY
    wire.run(0.2)
    np.testing.assert_allclose(wire.joints, xarm7.HOME, atol=1e-6)


def test_a_move_may_only_be_checked():
    wire = Wire().ready()
    reply = wire.move_line([400, 0, 300, *DOWN], check=1)
    assert reply.params == bytes(3)
    assert wire.move_line([4000, 0, 300, *DOWN], check=1).params[2] == 40
    assert wire.state == READY
    assert wire.error == 0


def feedback(wire: Wire, client: str = "test") -> list[tuple[int, int, int]]:
    """Return transaction, kind and outcome of the client's feedback."""
    frames = wire.controller.take_feedback(client)
    return [(int.from_bytes(frame[:2], "big"), frame[8], frame[12]) for frame in frames]


def test_feedback_obeys_the_mask_of_the_moment_of_the_command():
    wire = Wire().ready()
    target = pack_floats([*SOMEWHERE, 1.0, 10.0, 0.0])
    home = pack_floats([*xarm7.HOME, 1.0, 10.0, 0.0])
    wire.send(Register.MOVE_JOINTS, home, transaction=1)
    wire.send(Register.SET_FEEDBACK, bytes((Feedback.MOTION_START | Feedback.MOTION_END,)))
    wire.send(Register.MOVE_JOINTS, target, transaction=2)
    wire.send(Register.SET_FEEDBACK, bytes((Feedback.MOTION_END,)))
    wire.send(Register.MOVE_JOINTS, home, transaction=3)
    wire.send(Register.SET_FEEDBACK, b"\0")
    wire.send(Register.MOVE_JOINTS, target, client="other", transaction=4)
    wire.run_until(wire.idle)
    start, end, done = int(Feedback.MOTION_START), int(Feedback.MOTION_END), int(Outcome.DONE)
    assert feedback(wire) == [(2, start, done), (2, end, done), (3, end, done)]
    assert feedback(wire) == []
    assert feedback(wire, "other") == []


def test_feedback_tells_of_discarded_and_failed_moves():
    wire = Wire().ready()
    wire.send(Register.SET_FEEDBACK, bytes((Feedback.MOTION_END,)))
    wire.move_joints(SOMEWHERE)
    wire.move_joints(SOMEWHERE)
    wire.run(0.1)
    wire.set_state(4)
    wire.run(TICK)
    assert [outcome for _, _, outcome in feedback(wire)] == [Outcome.DISCARDED] * 2
    wire.set_state(0)
    wire.move_joints([0, 3.0, 0, 0, 0, 0, 0])
    wire.run(0.1)
    assert wire.error == 23
    assert [outcome for _, _, outcome in feedback(wire)] == [Outcome.FAILED]


def test_a_marker_comes_back_when_all_before_it_is_done():
    wire = Wire().ready()
    wire.send(Register.SET_FEEDBACK, bytes((Feedback.MOTION_END,)))
    wire.send(Register.WAIT_ALL, transaction=1)
    wire.run(2 * TICK)
    assert feedback(wire) == [(1, 2, 0)]
    wire.move_joints(SOMEWHERE)
    wire.send(Register.WAIT_ALL, transaction=2)
    wire.run(0.2)
    assert feedback(wire) == []
    wire.run_until(wire.idle)
    assert [transaction for transaction, _, _ in feedback(wire)] == [7, 2]


def test_load_and_limits_wait_for_their_turn_in_the_queue():
    wire = Wire().ready()
    wire.send(Register.SET_FEEDBACK, bytes((Feedback.TRIGGER,)))
    wire.move_joints(SOMEWHERE)
    wire.send(Register.SET_LOAD, pack_floats([0.82, 0, 0, 48.0]), transaction=9)
    wire.send(Register.SET_JOINT_ACCELERATION, pack_floats([5.0]))
    assert wire.controller.settings.load == [0.0] * 4
    wire.run_until(wire.idle)
    np.testing.assert_allclose(wire.controller.settings.load, [0.82, 0, 0, 48.0], atol=1e-6)
    assert wire.controller.settings.joint_acceleration == 5.0
    assert (9, Feedback.TRIGGER, Outcome.DONE) in feedback(wire)


def test_kinematics_queries_agree_with_each_other():
    wire = Wire(settings=Settings(tcp_offset=gripper_tcp_offset())).ready()
    q = [0.3, -0.4, 0.2, 1.0, -0.1, 1.3, 0.5]
    pose = wire.send(Register.FORWARD_KINEMATICS, pack_floats(q)).params
    joints = wire.send(Register.INVERSE_KINEMATICS, pose).params
    again = wire.send(Register.FORWARD_KINEMATICS, joints).params
    np.testing.assert_allclose(struct.unpack("<6f", again), struct.unpack("<6f", pose), atol=0.01)
    near = wire.send(Register.INVERSE_KINEMATICS, pose + b"\x01" + pack_floats(q)).params
    np.testing.assert_allclose(struct.unpack("<7f", near), q, atol=1e-4)
    wire.send(Register.INVERSE_KINEMATICS, pack_floats([3000, 0, 0, 0, 0, 0]))
    assert wire.status & Status.REFUSED


def test_limits_queries():
    wire = Wire().ready()
    assert wire.send(Register.IS_JOINT_LIMIT, pack_floats([0] * 7)).params == b"\0"
    assert wire.send(Register.IS_JOINT_LIMIT, pack_floats([0, 2.1, 0, 0, 0, 0, 0])).params == b"\1"
    assert wire.send(Register.IS_TCP_LIMIT, pack_floats([400, 0, 300, *DOWN])).params == b"\0"
    assert wire.send(Register.IS_TCP_LIMIT, pack_floats([900, 0, 300, *DOWN])).params == b"\1"


def test_pose_offset_is_the_second_pose_seen_from_the_first():
    wire = Wire()
    first, second = [100, 0, 0, 0, 0, np.pi / 2], [100, 50, 0, 0, 0, np.pi / 2]
    answer = wire.send(Register.GET_POSE_OFFSET, pack_floats([*first, *second]) + b"\0\0").params
    np.testing.assert_allclose(struct.unpack("<6f", answer), [50, 0, 0, 0, 0, 0], atol=1e-4)


def test_joint_readings_in_one_two_and_three_parts():
    wire = Wire().ready(4)
    wire.joint_velocity([0.5, 0, 0, 0, 0, 0, 0])
    wire.run(1.0)
    for n, length in ((1, 28), (2, 56), (3, 84)):
        assert len(wire.send(Register.GET_JOINTS, bytes((n,))).params) == length
    values = struct.unpack("<21f", wire.send(Register.GET_JOINTS, b"\x03").params)
    np.testing.assert_allclose(values[7:14], [0.5, 0, 0, 0, 0, 0, 0], atol=1e-3)
    np.testing.assert_allclose(values[:7], wire.joints, atol=1e-9)

"""Physical world as a plant: tracking, hand guiding, contacts, stillness, repeatability."""

import numpy as np
import pytest

from foundation import xarm7
from foundation.poses import from_rpy
from simulation.bench.randomise import random_scene
from simulation.bench.scene import BowlSpec, ObjectSpec, SceneSpec
from simulation.bench.world import World
from simulation.controller.plant import Measurement, Plant
from simulation.errors import SimulationError

TICK = 0.004
NO_SPEED = np.zeros(xarm7.JOINTS)


def empty() -> World:
    return World(SceneSpec(tags=()))


def hold(world: World, q: np.ndarray, seconds: float) -> None:
    for _ in range(round(seconds / TICK)):
        world.command_joints(q, NO_SPEED)
        world.step(TICK)


def down(x: float, y: float, z: float) -> np.ndarray:
    return from_rpy(np.array([x, y, z]), np.array([np.pi, 0, 0]))


def circle(radius: float, speed: float, seconds: float) -> list[np.ndarray]:
    """Return joint targets per tick along a horizontal circle through HOME's tool position, at `speed` m/s once up."""
    start = xarm7.forward(xarm7.HOME)
    targets, q, angle = [], xarm7.HOME, 0.0
    for i in range(round(seconds / TICK)):
        angle += TICK * speed / radius * min(1.0, i * TICK / 0.3)
        goal = start.copy()
        goal[:2, 3] += radius * np.array([np.sin(angle), 1 - np.cos(angle)])
        found = xarm7.inverse(goal, q)
        assert found is not None
        q = found
        targets.append(q)
    return targets


def test_the_world_is_a_plant():
    plant: Plant = empty()
    assert isinstance(plant.measure(), Measurement)
    np.testing.assert_array_equal(plant.measure().position, xarm7.HOME)
    assert plant.measure().gripper_pulse == pytest.approx(xarm7.GRIPPER_OPEN_PULSE)


def test_a_circle_at_250_mm_per_s_is_followed_within_a_millimetre():
    world, worst = empty(), 0.0
    previous = xarm7.HOME
    for q in circle(0.10, 0.25, 3.0):
        world.command_joints(q, (q - previous) / TICK)
        world.step(TICK)
        error = xarm7.forward(world.measure().position)[:3, 3] - xarm7.forward(q)[:3, 3]
        worst, previous = max(worst, float(np.linalg.norm(error))), q
    assert worst < 0.001
    assert np.linalg.norm(world.measure().velocity) > 0.1


def test_targets_at_100_hz_without_velocity_are_followed_within_their_delay():
    """Check servo mode: a new position every 10 ms and no velocity lags by the drives' time constant, not more."""
    world = empty()
    targets = circle(0.10, 0.25, 2.0)
    errors = []
    for i, q in enumerate(targets):
        world.command_joints(targets[i - i % 3], NO_SPEED)
        world.step(TICK)
        errors.append(np.linalg.norm(xarm7.forward(world.measure().position)[:3, 3] - xarm7.forward(q)[:3, 3]))
    assert 0.001 < max(errors) < 0.25 * 0.030


def test_effort_stays_within_the_drives_limits_and_carries_gravity():
    world = empty()
    hold(world, xarm7.HOME, 0.3)
    measured = world.measure()
    assert np.abs(measured.position - xarm7.HOME).max() < 1e-4
    assert abs(measured.effort[1]) > 3.0  # the stretched arm's weight on joint 2
    world.command_joints(xarm7.HOME + 1.0, NO_SPEED)
    for _ in range(50):
        world.step(TICK)
        assert (np.abs(world.measure().effort) <= xarm7.EFFORT + 1e-9).all()


def test_the_released_arm_stays_and_follows_a_hand():
    world = empty()
    world.release_joints()
    for _ in range(500):
        world.step(TICK)
    assert np.abs(world.measure().position - xarm7.HOME).max() < 1e-3
    world.pull_tool(np.array([0.0, 10.0, 0.0]))
    for _ in range(125):
        world.step(TICK)
    moved = xarm7.forward(world.measure().position)[:3, 3] - xarm7.forward(xarm7.HOME)[:3, 3]
    assert moved[1] > 0.05
    assert moved[1] > 3 * np.abs(moved[[0, 2]]).max()
    world.pull_tool(np.zeros(3))
    for _ in range(250):
        world.step(TICK)
    assert np.abs(world.measure().velocity).max() < 0.01  # the joints' damping has stopped it
    q = world.measure().position
    hold(world, q, 0.5)  # and the drives take over without a jump
    assert np.abs(world.measure().position - q).max() < 2e-3


def test_a_hand_does_not_move_the_driven_arm():
    world = empty()
    world.pull_tool(np.array([0.0, 20.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    hold(world, xarm7.HOME, 0.5)
    error = xarm7.forward(world.measure().position)[:3, 3] - xarm7.forward(xarm7.HOME)[:3, 3]
    assert np.linalg.norm(error) < 0.002


def test_pressing_on_the_table_is_felt_as_a_disturbance():
    world = empty()
    q = xarm7.inverse(down(0.4, 0.0, 0.03), xarm7.HOME)
    assert q is not None
    hold(world, xarm7.HOME, 0.1)
    assert np.abs(world.measure().disturbance).max() < 1e-6
    for s in np.linspace(0, 1, 250):
        hold(world, xarm7.HOME + s * (q - xarm7.HOME), TICK)
    assert np.abs(world.measure().disturbance).max() < 1e-6
    pressed = xarm7.inverse(down(0.4, 0.0, -0.01), q)
    assert pressed is not None
    for s in np.linspace(0, 1, 100):
        hold(world, q + s * (pressed - q), TICK)
    hold(world, pressed, 0.3)
    measured = world.measure()
    force = np.linalg.lstsq(xarm7.jacobian(measured.position).T, measured.disturbance, rcond=None)[0]
    assert np.abs(measured.disturbance).max() > 5.0
    assert force[2] < -20.0  # the arm presses the table downwards
    assert xarm7.forward(measured.position)[2, 3] > -0.003


def test_the_gripper_moves_at_the_commanded_speed():
    world = empty()
    world.command_gripper(425.0, 850.0)
    hold(world, xarm7.HOME, 0.25)
    assert world.measure().gripper_pulse == pytest.approx(850 - 0.25 * 850, abs=25)
    hold(world, xarm7.HOME, 0.6)
    assert world.measure().gripper_pulse == pytest.approx(425.0, abs=5)
    world.command_gripper(2000.0, 5000.0)
    hold(world, xarm7.HOME, 0.5)
    assert world.measure().gripper_pulse == pytest.approx(850.0, abs=5)


def test_the_fingers_close_with_the_grippers_force():
    thing = ObjectSpec("red", "cube", (0.4, 0.0), 0.0, 0.04)
    world = World(SceneSpec(objects=(thing,), tags=()))
    q = xarm7.inverse(down(0.4, 0.0, 0.012), xarm7.HOME)
    assert q is not None
    for s in np.linspace(0, 1, 250):
        hold(world, xarm7.HOME + s * (q - xarm7.HOME), TICK)
    world.command_gripper(0.0, 2000.0)
    hold(world, q, 0.6)
    assert world.truth().held == {"red cube"}
    pads = [world.model.geom(name).id for name in ("left_pad", "right_pad")]
    for pad in pads:
        assert world.contact_force(pad) == pytest.approx(xarm7.GRIPPER_FORCE, rel=0.1)


def test_things_at_rest_do_not_creep():
    world = World(random_scene(11, "place", objects=5))
    hold(world, xarm7.HOME, 1.0)
    before = world.truth()
    hold(world, xarm7.HOME, 10.0)
    after = world.truth()
    for name in world.scene.names:
        assert np.linalg.norm(after.poses[name][:3, 3] - before.poses[name][:3, 3]) < 1e-4, name
        assert after.speeds[name] < 1e-3


def test_a_stack_stands():
    things = (ObjectSpec("red", "cube", (0.4, 0.0)), ObjectSpec("blue", "cube", (0.4, 0.0)))
    world = World(SceneSpec(objects=things, tags=()))
    world.place("blue cube", np.array([0.4, 0.004, 0.0605]))
    hold(world, xarm7.HOME, 5.0)
    poses = world.truth().poses
    assert poses["blue cube"][2, 3] == pytest.approx(0.06, abs=0.001)
    assert np.linalg.norm(poses["blue cube"][:2, 3] - [0.4, 0.004]) < 0.001


def test_a_dropped_ball_stays_in_the_bowl():
    scene = SceneSpec(objects=(ObjectSpec("red", "ball", (0.3, 0.2)),), bowl=BowlSpec((0.45, -0.1)), tags=())
    world = World(scene)
    world.place("red ball", np.array([0.46, -0.09, 0.12]))
    hold(world, xarm7.HOME, 3.0)
    truth = world.truth()
    assert np.linalg.norm((truth.poses["red ball"] - truth.poses["bowl"])[:2, 3]) < 0.03
    assert truth.speeds["red ball"] < 0.05


def test_the_same_commands_give_the_same_states():
    def run(seed: int) -> np.ndarray:
        world = World(random_scene(seed, "place"))
        generator = np.random.default_rng(0)
        q = xarm7.HOME
        for _ in range(100):
            q = q + generator.normal(0, 0.003, 7)
            world.command_joints(q, NO_SPEED)
            world.command_gripper(float(generator.uniform(0, 850)), 2000.0)
            world.step(TICK)
            world.truth()  # reading changes nothing
        return np.concatenate([world.snapshot(), world.measure().effort])

    first = run(3)
    np.testing.assert_array_equal(first, run(3))
    assert len(first) != len(run(4)) or not np.array_equal(first, run(4))


def test_looking_does_not_change_the_course():
    worlds = [World(random_scene(5, "place")) for _ in range(2)]
    for i in range(50):
        for world, looks in zip(worlds, (True, False), strict=True):
            world.command_joints(xarm7.HOME + 0.002 * i, NO_SPEED)
            world.step(TICK)
            if looks:
                world.truth()
                world.measure()
    np.testing.assert_array_equal(worlds[0].snapshot(), worlds[1].snapshot())


def test_odd_steps_are_refused():
    with pytest.raises(ValueError, match="multiples"):
        empty().step(0.003)
    world = empty()
    world.step(0.01)
    assert world.time == pytest.approx(0.01)


def test_a_breakdown_of_the_physics_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # MuJoCo leaves its log in the working folder
    world = empty()
    world.pull_tool(np.array([0.0, 1e13, 0.0]))
    with pytest.raises(SimulationError, match="broke down"):
        for _ in range(20):
            world.step(TICK)

"""Every task of the lab done by a scripted arm, in physics, and judged; and judged false where it was not done."""

import numpy as np
import pytest

from foundation import xarm7
from simulation.bench.furniture import DRAWER_TRAVEL
from simulation.bench.grasps import drawer_motion, drop_point, grasp_of, lid_seat, middle_of, tool_down
from simulation.bench.judging import Verdict, judge
from simulation.bench.randomise import DIRECTIONS, random_scene
from simulation.bench.scene import BoxSpec, DrawerSpec, ObjectSpec, SceneSpec
from simulation.bench.tasks import Task
from simulation.bench.world import World

TICK = 0.004
CLEAR = 0.20  # m: height free of obstacles


class ScriptedArm:
    """Scripted arm that moves along straight tool paths with minimum-jerk timing, knowing the ground truth."""

    def __init__(self, world: World):
        self.world = world
        self.q = world.measure().position
        self.start = world.truth()

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK)):
            self.world.command_joints(self.q, np.zeros(xarm7.JOINTS))
            self.world.step(TICK)

    def move(self, base_from_tool: np.ndarray, speed: float = 0.25) -> None:
        here = xarm7.forward(self.q)
        distance = float(np.linalg.norm(base_from_tool[:3, 3] - here[:3, 3]))
        pieces = max(1, round(distance / 0.03))
        for i in range(1, pieces + 1):
            waypoint = base_from_tool.copy()
            waypoint[:3, 3] = here[:3, 3] + (base_from_tool[:3, 3] - here[:3, 3]) * i / pieces
            goal = xarm7.inverse_anywhere(waypoint, self.q)
            assert goal is not None, base_from_tool
            self._go(goal, max(distance / pieces / speed, float(np.abs(goal - self.q).max())))
        self.wait(0.1)

    def _go(self, goal: np.ndarray, seconds: float) -> None:
        steps = max(2, round(seconds / TICK))
        start = self.q
        for s in np.arange(1, steps + 1) / steps:
            blend, slope = s * s * (3 - 2 * s), 6 * s * (1 - s) / (steps * TICK)
            self.world.command_joints(start + blend * (goal - start), slope * (goal - start))
            self.world.step(TICK)
        self.q = goal

    def above(self, base_from_tool: np.ndarray) -> np.ndarray:
        raised = base_from_tool.copy()
        raised[2, 3] = CLEAR
        return raised

    def grip(self, pulse: float) -> None:
        self.world.command_gripper(pulse, 2000.0)
        self.wait(0.7)

    def take(self, name: str) -> None:
        grasp = grasp_of(name, self.world.scene, self.world.truth()).base_from_tool
        self.move(self.above(grasp))
        self.move(grasp, 0.15)
        self.grip(0.0)

    def lift(self) -> None:
        self.move(self.above(xarm7.forward(self.q)))

    def judged(self, task: Task) -> Verdict:
        return judge(task, self.start, self.world.truth())


def bench(*things: ObjectSpec, **more) -> ScriptedArm:
    return ScriptedArm(World(SceneSpec(objects=things, tags=(), **more)))


@pytest.mark.parametrize("shape", ["cube", "cylinder", "ball"])
@pytest.mark.parametrize("seed", [1, 2])
def test_picking_up(shape, seed):
    generator = np.random.default_rng(seed)
    place = (float(generator.uniform(0.3, 0.55)), float(generator.uniform(-0.25, 0.25)))
    thing = ObjectSpec("red", shape, place, float(generator.uniform(-0.7, 0.7)), float(generator.uniform(0.032, 0.046)))
    arm, task = bench(thing), Task("pick up", thing.name)
    arm.take(thing.name)
    assert thing.name in arm.world.truth().held
    assert arm.world.measure().gripper_pulse == pytest.approx(thing.width / xarm7.GRIPPER_STROKE * 850, abs=15)
    verdict = arm.judged(task)
    assert not verdict.success  # held, but not lifted yet
    assert "mm above its start" in verdict.reason
    arm.lift()
    arm.wait(2.0)
    assert arm.judged(task).success
    arm.grip(850.0)
    verdict = arm.judged(task)
    assert not verdict.success
    assert "not held" in verdict.reason


def test_a_held_thing_does_not_slip():
    arm = bench(ObjectSpec("blue", "cube", (0.4, 0.1), 0.3))
    arm.take("blue cube")
    arm.lift()
    before = arm.world.truth()
    arm.wait(5.0)
    now = arm.world.truth()
    slip = [np.linalg.inv(t.base_from_tool) @ t.poses["blue cube"] for t in (before, now)]
    assert np.linalg.norm(slip[0][:3, 3] - slip[1][:3, 3]) < 0.001


@pytest.mark.parametrize("goal", ["bowl", "box", "drawer"])
@pytest.mark.parametrize("seed", [3, 4])
def test_placing(seed, goal):
    scene = random_scene(seed, "place", names=("red cube", goal))
    thing = scene.objects[0].name
    arm, task = ScriptedArm(World(scene)), Task("place", thing, goal)
    arm.take(thing)
    arm.lift()
    target = drop_point(goal, arm.world.truth())
    hover = tool_down(np.array([*target[:2], CLEAR]))
    arm.move(hover)
    hover[:3, 3] = target
    arm.move(hover, 0.15)
    assert not arm.judged(task).success
    arm.grip(850.0)
    arm.lift()
    arm.wait(0.5)
    assert arm.judged(task).success, arm.judged(task).reason
    assert not judge(task, arm.start, arm.start).success


@pytest.mark.parametrize("kind", DIRECTIONS)
def test_pushing(kind):
    scene = random_scene(7, kind)
    thing = scene.objects[0]
    arm = ScriptedArm(World(scene))
    direction = np.array([*DIRECTIONS[kind], 0.0])
    arm.grip(0.0)
    centre = middle_of(thing.name, arm.start)
    # The fingers are wide across the direction of the push, so that the object does not turn away.
    yaw = 0.0 if direction[0] else np.pi / 2
    begin = tool_down(np.array([*centre[:2], 0.015]) - direction * (thing.width * 0.75 + 0.03), yaw)
    arm.move(arm.above(begin))
    arm.move(begin, 0.15)
    end = begin.copy()
    end[:3, 3] += direction * 0.11
    arm.move(end, 0.10)
    arm.lift()
    arm.wait(0.5)
    verdicts = {other: arm.judged(Task(other, thing.name)) for other in DIRECTIONS}
    assert verdicts[kind].success, verdicts[kind].reason
    assert sum(verdict.success for verdict in verdicts.values()) == 1
    assert not judge(Task(kind, thing.name), arm.start, arm.start).success


def test_reaching():
    arm = bench(ObjectSpec("red", "cube", (0.4, 0.15)), ObjectSpec("green", "cube", (0.5, -0.1)))
    task, other = Task("reach", "red cube"), Task("reach", "green cube")
    assert not arm.judged(task).success
    arm.move(tool_down(np.array([0.4, 0.15, 0.07])))
    assert arm.judged(task).success, arm.judged(task).reason
    assert not arm.judged(other).success


@pytest.mark.parametrize("yaw", [0.0, 0.25])
def test_the_drawer_opens_by_its_handle_and_closes(yaw):
    arm = bench(drawer=DrawerSpec((0.65, 0.12), yaw))
    opening, closing = Task("open drawer", "drawer"), Task("close drawer", "drawer")
    assert arm.judged(closing).success
    assert not arm.judged(opening).success
    arm.take("drawer")
    present = xarm7.forward(arm.q)
    motion = drawer_motion(arm.world.truth())
    assert np.linalg.norm(motion) == pytest.approx(DRAWER_TRAVEL, abs=0.002)
    pulled = present.copy()
    pulled[:3, 3] += motion * 0.95
    arm.move(pulled, 0.12)
    arm.grip(850.0)
    arm.wait(0.5)
    assert arm.judged(opening).success, arm.judged(opening).reason
    assert not arm.judged(closing).success
    arm.grip(0.0)
    arm.move(present, 0.12)
    arm.grip(850.0)
    assert arm.judged(closing).success, arm.judged(closing).reason


@pytest.mark.parametrize("turn", [0.0, 0.4])
def test_the_lid_goes_on_the_box(turn):
    arm = bench(box=BoxSpec((0.48, -0.12), (0.42, 0.15), 0.2, turn))
    task = Task("close box", "lid", "box")
    assert not arm.judged(task).success
    arm.take("lid")
    arm.lift()
    seat = lid_seat(arm.world.truth(), xarm7.forward(arm.q))
    arm.move(arm.above(seat))
    arm.move(seat, 0.10)
    assert not arm.judged(task).success  # still held
    arm.grip(850.0)
    arm.lift()
    arm.wait(0.5)
    assert arm.judged(task).success, arm.judged(task).reason


def test_a_lid_slides_when_one_finger_meets_its_knob_first():
    """Check that the light, smooth lid rarely jams until the arm reports a collision (10 N m is one at the elbow).

    Which grasp jams, if any, is decided by the last bits of a processor's sums, so many are tried: with the friction of
    0.35 that the lid has, 1 of 33 was a collision on one processor and 7 of 49 on another, and the median 4.7 N m on
    both; with 0.6 it is 7.5, and with 1.0, 33 of 33 are collisions.
    """
    felt = np.array([_felt_beside_the_knob(by) for by in np.linspace(0.005, 0.013, 17)])
    assert (felt < 10.0).sum() >= 12, felt
    assert np.median(felt) < 6.0, felt


def _felt_beside_the_knob(by: float) -> float:
    """Return the largest disturbance, N m, of a grasp `by` m beside the knob that holds the lid in the end."""
    arm = bench(box=BoxSpec((0.48, -0.12), (0.42, 0.15), 0.2))
    grasp = grasp_of("lid", arm.world.scene, arm.world.truth()).base_from_tool
    grasp[1, 3] += by
    arm.move(arm.above(grasp))
    arm.move(grasp, 0.15)
    arm.world.command_gripper(0.0, 2000.0)
    felt = []
    for _ in range(175):
        arm.wait(TICK)
        felt.append(np.abs(arm.world.measure().disturbance).max())
    assert "lid" in arm.world.truth().held
    return max(felt)


def test_a_box_may_begin_closed():
    arm = bench(box=BoxSpec((0.48, -0.12), (0.42, 0.15), 0.2, closed=True))
    arm.wait(0.5)
    assert arm.judged(Task("close box", "lid", "box")).success


def test_a_missed_grasp_holds_nothing():
    arm = bench(ObjectSpec("red", "ball", (0.4, 0.1)))
    miss = tool_down(np.array([0.4, 0.0, 0.02]))
    arm.move(miss)
    arm.grip(0.0)
    assert arm.world.truth().held == frozenset()
    assert arm.world.measure().gripper_pulse == pytest.approx(0.0, abs=10)
    assert not arm.judged(Task("pick up", "red ball")).success

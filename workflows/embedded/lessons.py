"""Tasks of a clip: the bench, the task, and other tasks that the same image could be paired with."""

from collections.abc import Mapping

import numpy as np

from foundation.poses import from_rpy
from foundation.xarm7 import HOME, inverse
from simulation.bench.furniture import DRAWER_TRAVEL
from simulation.bench.randomise import DIRECTIONS, FARTHEST, FINGER_ROOM, NEAREST, PUSH_ROOM, random_scene
from simulation.bench.scene import SceneSpec
from simulation.bench.tasks import Task, possible_tasks
from workflows.embedded.domain_randomization import SEEN_PAIRS, UNSEEN_PAIRS

MIXTURE: Mapping[str, float] = {
    "reach": 0.20,
    "pick up": 0.20,
    "place": 0.16,
    "push left": 0.08,
    "push right": 0.08,
    "push away": 0.08,
    "open drawer": 0.06,
    "close drawer": 0.06,
    "close box": 0.08,
}
FURNITURE_MIXTURE: Mapping[str, float] = {"place": 0.16, "open drawer": 0.28, "close drawer": 0.28, "close box": 0.28}
_HOME_SHARE = 0.4  # share of clips that begin in the home posture
_START_LOW, _START_HIGH = np.array([0.34, -0.15, 0.19]), np.array([0.48, 0.15, 0.28])  # m, initial position of the tool
_START_TURN = 0.4  # rad
_SAME_KIND_SHARE = 0.6  # of further tasks are of the same kind with another object, which teaches to ground its name


def random_kind(generator: np.random.Generator, mixture: Mapping[str, float] = MIXTURE) -> str:
    """Draw a kind of task by its share of `mixture`, which need not sum to 1."""
    shares = np.array(list(mixture.values()), float)
    return list(mixture)[int(generator.choice(len(shares), p=shares / shares.sum()))]


def random_lesson(
    generator: np.random.Generator, seed: int, kind: str, *, unseen_pair: bool = False
) -> tuple[SceneSpec, Task]:
    """Draw a bench from `seed` and a task of this kind; with `unseen_pair`, about a held-out colour and shape."""
    names: tuple[str, ...] = ()
    if unseen_pair:
        names = (" ".join(UNSEEN_PAIRS[generator.integers(len(UNSEEN_PAIRS))]),)
    scene = random_scene(seed, kind, names=names, pairs=SEEN_PAIRS)
    if kind in DIRECTIONS:
        return scene, Task(kind, scene.objects[0].name)  # the one that has room to be pushed
    tasks = [task for task in feasible_tasks(scene) if task.kind == kind]
    about = [task for task in tasks if task.thing in names] or tasks
    return scene, about[generator.integers(len(about))]


def further_tasks(generator: np.random.Generator, scene: SceneSpec, first: Task, count: int) -> list[Task]:
    """Draw up to `count` other tasks of the same scene, in which other instructions must lead to other motions."""
    chosen: list[Task] = []
    others = [task for task in feasible_tasks(scene) if task != first]
    for _ in range(count):
        alike = [task for task in others if task.kind == first.kind]
        pool = alike if alike and generator.random() < _SAME_KIND_SHARE else others
        if not pool:
            break
        chosen.append(pool[generator.integers(len(pool))])
        others.remove(chosen[-1])
    return chosen


def feasible_tasks(scene: SceneSpec) -> list[Task]:
    """Return the feasible tasks of this scene: open drawers can be closed and filled, a pushed object has room."""
    return [task for task in possible_tasks(scene) if _feasible(task, scene)]


def _feasible(task: Task, scene: SceneSpec) -> bool:
    opened = scene.drawer is not None and scene.drawer.opening > 0.5 * DRAWER_TRAVEL
    if task.kind == "open drawer":
        return not opened
    if task.kind == "close drawer" or task.goal == "drawer":
        return opened
    return task.kind not in DIRECTIONS or _has_room(task, scene)


def _has_room(task: Task, scene: SceneSpec) -> bool:
    """Return whether the path of a pushed object is free, and so is the place where the fingers go down behind it."""
    thing = scene.object(task.thing)
    begin, direction = np.array(thing.position), np.array(DIRECTIONS[task.kind])
    way = begin + np.linspace(-0.08, PUSH_ROOM, 25)[:, None] * direction
    distance = np.hypot(*way.T)
    if not (distance.min() > NEAREST * 0.8 and distance.max() < FARTHEST + 0.12):
        return False
    if not 0.36 <= float(np.hypot(*begin)) <= 0.48:  # where a push is feasible and leaves the object within reach
        return False
    return all(
        np.linalg.norm(way - place, axis=1).min() > radius + 0.5 * thing.width + FINGER_ROOM
        for place, radius in _discs(scene, but=thing.name)
    )


def _discs(scene: SceneSpec, but: str) -> list[tuple[np.ndarray, float]]:
    """Return the other obstacles on the bench as discs: positions (2,) and radii in m."""
    discs = [(np.array(o.position), 0.71 * o.width) for o in scene.objects if o.name != but]
    if scene.bowl:
        discs.append((np.array(scene.bowl.position), 0.07))
    if scene.box:
        discs += [(np.array(scene.box.position), 0.087), (np.array(scene.box.lid_position), 0.092)]
    if scene.drawer:
        forward = np.array([np.cos(scene.drawer.yaw), np.sin(scene.drawer.yaw)])
        place = np.array(scene.drawer.position)
        discs += [(place - back * forward, radius) for back, radius in ((0.0, 0.14), (0.14, 0.08), (0.24, 0.07))]
    return discs


def random_start(generator: np.random.Generator) -> np.ndarray:
    """Draw the arm's initial joints (7,) rad, its tool pointing down."""
    if generator.random() < _HOME_SHARE:
        return HOME.copy()
    for _ in range(20):
        place = generator.uniform(_START_LOW, _START_HIGH)
        wanted = from_rpy(place, np.array([np.pi, 0.0, generator.uniform(-_START_TURN, _START_TURN)]))
        joints = inverse(wanted, HOME)
        if joints is not None:
            return joints
    return HOME.copy()

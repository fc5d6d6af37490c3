"""Random scenes: the same seed gives the same bench, independently of all other random draws of the program."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simulation.bench.camera_spec import CameraSpec, camera_spec_at
from simulation.bench.furniture import BOWL_RADIUS, BOX_INSIDE, BOX_WALL, DRAWER_TRAVEL, LID_EDGE
from simulation.bench.scene import (
    COLOURS,
    FURNITURE,
    SHAPES,
    BowlSpec,
    BoxSpec,
    DrawerSpec,
    LightSpec,
    ObjectSpec,
    SceneSpec,
)
from simulation.bench.tasks import task_from_instruction
from simulation.errors import SimulationError

# Table area that the tool reaches pointing straight down, with room to lift: m from the base, and to each side.
NEAREST, FARTHEST, SIDE = 0.30, 0.60, 0.30
FINGER_ROOM = 0.045  # m kept free between objects, for a finger and the gripper's opening
PUSH_ROOM = 0.16  # m kept free on both sides of an object that is to be pushed
DIRECTIONS = {"push left": (0.0, 1.0), "push right": (0.0, -1.0), "push away": (1.0, 0.0)}  # as seen from the arm

TABLES = ((0.80, 0.79, 0.77), (0.62, 0.64, 0.66), (0.73, 0.62, 0.48), (0.86, 0.84, 0.78), (0.42, 0.45, 0.48))
_STATIONS = (  # position and target of usual camera positions, m
    ("left", (0.98, 0.58, 0.62), (0.40, 0.02, 0.10)),
    ("right", (0.98, -0.58, 0.62), (0.40, -0.02, 0.10)),
    ("front", (1.20, 0.0, 0.52), (0.38, 0.0, 0.12)),
    ("side", (0.42, 0.95, 0.45), (0.40, 0.0, 0.12)),
)
ALL_PAIRS = tuple((colour, shape) for colour in COLOURS for shape in SHAPES)
_NEEDS = {"open drawer": "drawer", "close drawer": "drawer", "close box": "box"}


class _NoRoomError(Exception):
    """The present draw does not fit on the bench; the next one may."""


@dataclass
class _Bench:
    """Occupied discs (x, y, radius)."""

    generator: np.random.Generator
    discs: list[tuple[float, float, float]] = field(default_factory=list)

    def place(self, radius: float, reach: tuple[float, float] = (NEAREST, FARTHEST), clear=()) -> tuple[float, float]:
        """Return a free position for a disc; `clear` are offsets (x, y) from it that must be and stay free."""
        for _ in range(200):
            x = float(self.generator.uniform(reach[0] * 0.8, reach[1]))
            y = float(self.generator.uniform(-SIDE, SIDE))
            wanted = [(x, y, radius), *((x + dx, y + dy, radius) for dx, dy in clear)]
            inside = all(NEAREST * 0.8 < np.hypot(u, v) < FARTHEST + 0.12 for u, v, _ in wanted[1:])
            if reach[0] <= np.hypot(x, y) <= reach[1] and inside and all(self._free(*disc) for disc in wanted):
                self.discs += wanted
                return x, y
        raise _NoRoomError

    def _free(self, x: float, y: float, radius: float) -> bool:
        return all(np.hypot(x - u, y - v) >= radius + other + FINGER_ROOM for u, v, other in self.discs)


def random_scene(
    seed: int,
    task: str | None = None,
    *,
    names: tuple[str, ...] = (),
    objects: int | None = None,
    cameras: int = 2,
    size: tuple[int, int] = (640, 480),
    pairs: tuple[tuple[str, str], ...] = ALL_PAIRS,
) -> SceneSpec:
    """Draw a tidy bench from `seed`, on which the task of this kind (see `tasks.KINDS`) can be done.

    Args:
        names: required objects ("red cube", "bowl"), first the loose object that the task manipulates.
        objects: number of loose objects (default 2 to 5), each of its own colour and shape, within reach and with room
            for the fingers; for a push, the first object is the one with free space around it.
        cameras, size: 1 to 4 cameras of (width, height) px.
        pairs: the colours and shapes that objects not named may have.
    """
    if not 1 <= cameras <= len(_STATIONS):
        raise SimulationError(f"The lab has 1 to {len(_STATIONS)} cameras, not {cameras}. Ask for fewer.")
    generator = np.random.default_rng([seed, 0x1AB])
    count = int(generator.integers(2, 6)) if objects is None else objects
    table = np.clip(TABLES[generator.integers(len(TABLES))] + generator.normal(0, 0.015, 3), 0, 1)
    looks = {
        "table_rgb": tuple(float(v) for v in table),
        "light": _random_light(generator),
        "cameras": random_cameras(generator, cameras, size),
    }
    for _ in range(100):
        try:
            return SceneSpec(**_furnish(generator, task, names, count, pairs), **looks)
        except _NoRoomError:
            continue
    raise SimulationError(f"{count} objects do not fit on the lab's bench. Ask for fewer.")


def scene_for(instruction: str, seed: int, **more: Any) -> SceneSpec:
    """Return a random scene in which the instruction makes sense; `more` are `random_scene`'s other arguments.

    Raises SimulationError, listing the understood instructions, for one that makes sense in no scene.
    """
    task = task_from_instruction(instruction, _EVERYTHING)
    return random_scene(seed, task.kind, names=task.names, **more)


_EVERYTHING = SceneSpec(
    objects=tuple(ObjectSpec(colour, shape, (0.0, 0.0)) for colour in COLOURS for shape in SHAPES),
    bowl=BowlSpec((0.0, 0.0)),
    box=BoxSpec((0.0, 0.0), (0.0, 0.0)),
    drawer=DrawerSpec((0.0, 0.0)),
)


def _furnish(
    generator: np.random.Generator,
    task: str | None,
    names: tuple[str, ...],
    count: int,
    pairs: tuple[tuple[str, str], ...],
) -> dict:
    bench = _Bench(generator)
    wanted = {_NEEDS[task]} if task in _NEEDS else set()
    wanted |= {"box" if name == "lid" else name for name in names if name in (*FURNITURE, "lid")}
    if task == "place" and not wanted:
        wanted.add(("bowl", "box")[generator.integers(2)])
    elif not wanted and generator.random() < 0.5:
        wanted.add(("bowl", "box", "drawer")[generator.integers(3)])
    parts: dict = {}
    if "drawer" in wanted:
        parts["drawer"] = _random_drawer(bench, opened=task in ("close drawer", "place"))
    if "bowl" in wanted:
        colour = list(COLOURS)[generator.integers(len(COLOURS))]
        parts["bowl"] = BowlSpec(bench.place(BOWL_RADIUS, (0.34, 0.56)), colour)
    if "box" in wanted:
        outside = (BOX_INSIDE / 2 + BOX_WALL) * np.sqrt(2)
        position = bench.place(float(outside), (0.36, 0.56))
        lid = bench.place(LID_EDGE / 2 * float(np.sqrt(2)), (0.34, 0.56))
        yaw, lid_yaw = (float(v) for v in generator.uniform(-0.5, 0.5, 2))
        parts["box"] = BoxSpec(position, lid, yaw, lid_yaw)
    parts["objects"] = _random_objects(bench, task, names, count, pairs)
    return parts


def _random_objects(
    bench: _Bench, task: str | None, names: tuple[str, ...], count: int, pairs: tuple[tuple[str, str], ...]
) -> tuple[ObjectSpec, ...]:
    generator = bench.generator
    drawn = [pairs[i] for i in generator.permutation(len(pairs))]
    asked = [look for name in names for look in ALL_PAIRS if " ".join(look) == name]
    chosen = [*asked, *(look for look in drawn if look not in asked)][: max(count, len(asked))]
    things = []
    for i, (colour, shape) in enumerate(chosen):
        width, height = float(generator.uniform(0.034, 0.046)), float(generator.uniform(0.045, 0.065))
        clear = ()
        if i == 0 and task in DIRECTIONS:
            dx, dy = DIRECTIONS[task]
            clear = ((dx * PUSH_ROOM, dy * PUSH_ROOM), (-dx * 0.08, -dy * 0.08))
        reach = (0.36, 0.48) if clear else (NEAREST, FARTHEST)
        radius = width / 2 * (1.42 if shape == "cube" else 1.0)
        position = bench.place(radius, reach, clear)
        yaw = float(generator.uniform(-np.pi / 4, np.pi / 4))
        things.append(ObjectSpec(colour, shape, position, yaw, width, height))
    return tuple(things)


def _random_drawer(bench: _Bench, *, opened: bool) -> DrawerSpec:
    generator = bench.generator
    x, y = float(generator.uniform(0.64, 0.67)), float(generator.choice([-1, 1]) * generator.uniform(0.08, 0.20))
    yaw = float(np.arctan2(y, x) * generator.uniform(0.5, 1.0))
    forward = np.array([np.cos(yaw), np.sin(yaw)])
    for distance, radius in ((0.0, 0.14), (0.14, 0.08), (0.24, 0.07)):  # the cabinet; the drawer's and hand's space
        u, v = np.array([x, y]) - distance * forward
        bench.discs.append((float(u), float(v), radius))
    opening = float(generator.uniform(0.7, 0.95)) * DRAWER_TRAVEL if opened else 0.0
    return DrawerSpec((x, y), yaw, opening)


def _random_light(generator: np.random.Generator) -> LightSpec:
    around = generator.uniform(0, 2 * np.pi)
    distance = generator.uniform(0.2, 0.8)
    place = (0.3 + distance * np.cos(around), distance * np.sin(around), generator.uniform(1.3, 1.9))
    return LightSpec(
        tuple(float(v) for v in place),  # type: ignore[arg-type]
        float(generator.uniform(0.42, 0.65)),
        float(generator.uniform(0.34, 0.48)),
    )


def random_cameras(generator: np.random.Generator, count: int, size: tuple[int, int]) -> tuple[CameraSpec, ...]:
    """Return `count` cameras of `size` (width, height) px near their usual positions, with slightly varied lenses."""
    cameras = []
    for name, position, target in _STATIONS[:count]:
        k1, k2 = generator.uniform(-0.10, 0.04), generator.uniform(-0.03, 0.03)
        distortion = (k1, k2, *generator.uniform(-0.0008, 0.0008, 2), 0.0)
        cameras.append(
            camera_spec_at(
                name,
                np.array(position) + generator.uniform(-0.04, 0.04, 3),
                np.array(target) + generator.uniform(-0.02, 0.02, 3),
                width=size[0],
                height=size[1],
                vertical_fov=float(generator.uniform(0.74, 0.82)),
                distortion=tuple(float(v) for v in distortion),
            )
        )
    return tuple(cameras)

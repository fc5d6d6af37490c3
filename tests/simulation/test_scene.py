"""Random scenes keep their guarantees: reachable, apart, seeded, storable."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation import xarm7
from simulation.bench.grasps import grasp_of
from simulation.bench.randomise import FARTHEST, FINGER_ROOM, NEAREST, SIDE, random_scene
from simulation.bench.scene import BENCH_TAGS, COLOURS, ObjectSpec, SceneSpec
from simulation.bench.tasks import KINDS
from simulation.bench.world import World
from simulation.errors import SimulationError

seeds = st.integers(0, 2**32)
kinds = st.sampled_from([None, *KINDS])


@given(seeds, kinds)
def test_objects_stand_apart_within_reach(seed, kind):
    scene = random_scene(seed, kind)
    assert 2 <= len(scene.objects) <= 5
    places = [(thing.position, thing.width / 2) for thing in scene.objects]
    if scene.bowl:
        places.append((scene.bowl.position, 0.07))
    if scene.box:
        places += [(scene.box.position, 0.061), (scene.box.lid_position, 0.065)]
    for i, (place, radius) in enumerate(places):
        assert NEAREST <= np.hypot(*place) <= FARTHEST
        assert abs(place[1]) <= SIDE
        assert place[0] > 0.2
        for other, other_radius in places[:i]:
            assert np.hypot(place[0] - other[0], place[1] - other[1]) >= radius + other_radius + FINGER_ROOM


@given(seeds, kinds)
def test_the_seed_decides_everything(seed, kind):
    scene = random_scene(seed, kind)
    assert scene == random_scene(seed, kind)
    assert scene != random_scene(seed + 1, kind)


@given(seeds, kinds)
def test_scenes_survive_json(seed, kind):
    scene = random_scene(seed, kind, cameras=4)
    assert SceneSpec.from_dict(json.loads(json.dumps(scene.to_dict()))) == scene


@given(seeds)
def test_cameras_see_the_workspace(seed):
    for spec in random_scene(seed, cameras=4, size=(128, 128)).cameras:
        corners = np.array([[x, y, 0.02] for x in (0.3, 0.55) for y in (-0.22, 0.22)])
        assert spec.camera.sees(spec.camera.project(corners)).all(), spec.name


@pytest.mark.parametrize("seed", range(8))
def test_nothing_touches_at_the_start_and_everything_can_be_grasped(seed):
    scene = random_scene(seed, list(KINDS)[seed % len(KINDS)])
    world = World(scene)
    bodies = world.model.geom_bodyid[world.data.contact.geom]
    loose = {world.model.body(name).id for name in scene.names}
    for pair in bodies:
        assert len(loose & set(pair.tolist())) <= 1  # objects touch the table only
    truth = world.truth()
    for name in [thing.name for thing in scene.objects] + [n for n in ("lid", "drawer") if n in scene.names]:
        grasp = grasp_of(name, scene, truth)
        assert grasp.width < xarm7.GRIPPER_STROKE - 0.02
        assert xarm7.inverse_anywhere(grasp.base_from_tool, xarm7.HOME) is not None


def test_all_colours_and_shapes_come_up():
    things = [thing for seed in range(60) for thing in random_scene(seed).objects]
    assert {thing.colour for thing in things} == set(COLOURS)
    assert len(COLOURS) >= 6
    assert {thing.shape for thing in things} == {"cube", "cylinder", "ball"}


def test_what_does_not_fit_is_a_sentence():
    with pytest.raises(SimulationError, match="24 objects do not fit"):
        random_scene(0, objects=24)
    with pytest.raises(SimulationError, match="1 to 4 cameras"):
        random_scene(0, cameras=5)


def test_names_are_unique():
    with pytest.raises(ValueError, match="its own name"):
        SceneSpec(objects=(ObjectSpec("red", "cube", (0.4, 0)), ObjectSpec("red", "cube", (0.5, 0))))
    with pytest.raises(ValueError, match="no grey cube"):
        ObjectSpec("grey", "cube", (0.4, 0))
    assert len({tag.number for tag in BENCH_TAGS}) == 4

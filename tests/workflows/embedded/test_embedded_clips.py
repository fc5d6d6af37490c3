"""Clips from seeds: reproducible, without what is held out for the judge, and true to what really happens."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from foundation.xarm7 import HOME, forward
from simulation.bench.randomise import random_scene
from simulation.bench.scene import COLOURS, SHAPES
from simulation.bench.still import still_truth
from simulation.bench.tasks import KINDS, task_from_instruction
from simulation.bench.world import World
from simulation.pictures.looks import FORMS, Look
from simulation.pictures.studio import Studio
from workflows.embedded import paraphrases
from workflows.embedded.camera_rigs import WORKSPACE, is_unseen, random_camera_rig
from workflows.embedded.clips import SIZE, Unseen, episode_clip, first_frame_clip, first_frame_clips
from workflows.embedded.domain_randomization import (
    OTHER_COLOURS,
    SEEN_PAIRS,
    UNSEEN_PAIRS,
    jittered_appearance,
    random_appearance,
)
from workflows.embedded.keyframe_timing import FRAMES
from workflows.embedded.lessons import feasible_tasks, random_kind, random_lesson
from workflows.embedded.seeds import SeedError


@pytest.fixture(scope="module")
def studio():
    studio = Studio()
    yield studio
    studio.close()


def test_a_seed_gives_the_same_clip_whatever_was_drawn_before(studio):
    once = first_frame_clip(studio, 17)
    first_frame_clip(studio, 18, views=3)
    again = first_frame_clip(studio, 17)
    assert once.instruction == again.instruction
    assert np.array_equal(once.rgb, again.rgb)
    assert np.array_equal(once.trajectory.base_from_tool, again.trajectory.base_from_tool)


def test_the_studio_draws_what_a_model_built_for_the_scene_does(studio):
    from simulation.pictures.rendering import SceneRenderer

    for seed, kind in ((1, "close box"), (2, "close drawer"), (3, "place")):
        scene = random_scene(seed, kind)
        camera = scene.cameras[0].camera.resized(160, 120)
        renderer = SceneRenderer(World(scene))
        try:
            built = renderer.draw(camera)[0]
        finally:
            renderer.close()
        studio.show(still_truth(scene, HOME), scene, HOME)
        shown = studio.draw(camera, supersampling=1)
        differs = np.abs(built.astype(int) - shown).max(axis=-1) > 8
        assert differs.mean() < 0.002, kind


def test_a_still_bench_is_as_physics_have_it():
    for seed, kind in ((1, "close box"), (2, "close drawer"), (3, "place")):
        scene = random_scene(seed, kind)
        truth, still = World(scene).truth(), still_truth(scene, HOME)
        assert truth.poses.keys() == still.poses.keys()
        assert all(np.allclose(truth.poses[name], still.poses[name], atol=1e-9) for name in truth.poses)
        assert truth.drawer_opening == still.drawer_opening and truth.openness == pytest.approx(still.openness)


def test_pairs_share_their_picture_and_differ_in_what_is_asked(studio):
    clips = first_frame_clips(studio, 5, rigs=2, instructions=2, views=3)
    assert len(clips) == 4
    one, other, elsewhere, _ = clips
    assert one.rgb is other.rgb and one.rgb.shape == (3, 1, SIZE, SIZE, 3)
    assert one.task != other.task and one.instruction != other.instruction
    assert not np.allclose(one.trajectory.base_from_tool, other.trajectory.base_from_tool)
    assert elsewhere.instruction == one.instruction and not np.array_equal(elsewhere.rgb, one.rgb)


def test_training_never_sees_what_is_kept_for_the_judge(studio):
    for name in ("rigs", "wording", "pairs", "environment", "arm"):
        with pytest.raises(SeedError, match="training"):
            first_frame_clip(studio, 99_999, unseen=replace(Unseen(), **{name: True}))
    for seed in range(150):
        generator = np.random.default_rng(seed)
        scene, _ = random_lesson(generator, seed, random_kind(generator))
        assert not {(thing.colour, thing.shape) for thing in scene.objects} & set(UNSEEN_PAIRS)
        rig = random_camera_rig(generator, 2 + seed % 2, 96)
        assert not any(is_unseen(camera) for camera in rig)


def test_one_unseen_thing_changes_nothing_else(studio):
    seen = first_frame_clip(studio, 150_003)
    for name in ("rigs", "wording", "environment", "arm"):
        asked = first_frame_clip(studio, 150_003, unseen=replace(Unseen(), **{name: True}))
        assert asked.task == seen.task and np.array_equal(asked.joints, seen.joints)
        assert (asked.instruction == seen.instruction) == (name != "wording")
        same_rig = all(np.array_equal(a.K, b.K) for a, b in zip(asked.cameras, seen.cameras, strict=True))
        assert same_rig == (name != "rigs")
        assert (asked.scene == seen.scene) == (name != "environment")
    assert first_frame_clip(studio, 150_003, unseen=Unseen(arm=True)).look.gripper_girth > 1.2
    pair = first_frame_clip(studio, 150_003, kind="pick up", unseen=Unseen(pairs=True))
    assert tuple(pair.task.thing.split()) in UNSEEN_PAIRS


def test_unseen_rigs_stand_where_no_seen_one_does():
    generator = np.random.default_rng(4)
    for views in (2, 3) * 40:
        cameras = random_camera_rig(generator, views, 96, unseen=True)
        assert all(is_unseen(camera) for camera in cameras)


def test_every_camera_sees_the_workspace_with_square_pixels():
    generator = np.random.default_rng(5)
    for unseen in (False, True) * 40:
        for camera in random_camera_rig(generator, 3, 96, unseen=unseen):
            assert camera.sees(camera.project(WORKSPACE)).all()
            assert camera.K[0, 0] == pytest.approx(camera.K[1, 1])


def test_trained_and_held_out_wordings_are_apart_and_understood():
    for kind in KINDS:
        assert len(paraphrases.TRAINED[kind]) >= 5 and len(paraphrases.HELD_OUT[kind]) >= 2
        assert not set(paraphrases.TRAINED[kind]) & set(paraphrases.HELD_OUT[kind])
    for seed in range(100):
        generator = np.random.default_rng(seed)
        scene, _ = random_lesson(generator, seed, random_kind(generator))
        for task in feasible_tasks(scene):
            for held_out in (False, True):
                said = paraphrases.random_paraphrase(generator, task, scene, held_out=held_out)
                assert task_from_instruction(said, scene) == task, said


def test_things_are_taught_by_colour_or_shape_alone_only_where_that_is_enough():
    short, whole = 0, 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        scene, task = random_lesson(generator, seed, "reach")
        if " " not in task.thing:
            continue
        said = paraphrases.random_paraphrase(generator, task, scene, short=1.0)
        assert task_from_instruction(said, scene) == task, said
        colour, shape = task.thing.split()
        nouns = (shape, paraphrases.SYNONYMS[shape])
        alone = [sum(getattr(t, k) == v for t in scene.objects) == 1 for k, v in (("colour", colour), ("shape", shape))]
        both = colour in said and any(noun in said for noun in nouns)
        assert both == (not any(alone)), said
        short, whole = short + (not both), whole + both
    assert short > 10 and whole > 1


def test_varied_things_have_names_of_their_own_and_never_those_of_unseen_pairs(studio):
    unseen, met = {" ".join(pair) for pair in UNSEEN_PAIRS}, set()
    for seed in range(40):
        generator = np.random.default_rng(seed)
        scene, task = random_lesson(generator, seed, "pick up")
        look = jittered_appearance(generator, scene, random_appearance(generator, scene))
        names = [look.names[thing.name] for thing in scene.objects]
        assert len(set(names)) == len(names) and not set(names) & unseen
        met |= {word for name in names for word in name.split()}
        said = paraphrases.random_paraphrase(generator, task, scene, names=look.names, short=0.0)
        if task.thing in look.names:
            colour, noun = look.names[task.thing].split()
            assert colour in said and (noun in said or paraphrases.SYNONYMS.get(noun, noun) in said)
    assert met >= {*FORMS, *OTHER_COLOURS, *COLOURS, *SHAPES}
    usual, varied = (first_frame_clips(studio, 5, varied=varied)[0] for varied in (False, True))
    assert varied.task == usual.task and varied.look.names
    assert np.abs(varied.rgb.astype(int) - usual.rgb).max() > 50
    assert np.array_equal(first_frame_clips(studio, 5)[0].rgb, usual.rgb)  # nothing of it remains in the studio
    assert Look.from_dict(json.loads(json.dumps(asdict(varied.look)))) == varied.look


def test_there_are_enough_colours_and_shapes_on_both_sides():
    assert len({colour for colour, _ in SEEN_PAIRS}) >= 6 and {shape for _, shape in SEEN_PAIRS} == {
        "cube",
        "cylinder",
        "ball",
    }
    assert len(UNSEEN_PAIRS) >= 4


def test_an_episode_shows_the_motion_of_its_first_frame_clip(studio):
    episode = episode_clip(studio, 7, kind="pick up")
    still = first_frame_clip(studio, 7, kind="pick up")
    assert episode.done
    assert episode.instruction == still.instruction
    assert episode.rgb.shape == (2, FRAMES, SIZE, SIZE, 3)
    assert np.allclose(episode.trajectory.base_from_tool, still.trajectory.base_from_tool, atol=1e-3)
    first = np.abs(episode.rgb[:, 0].astype(int) - still.rgb[:, 0])
    assert first.mean() < 3.0  # two exposures of one scene
    last = np.abs(episode.rgb[:, -1].astype(int) - still.rgb[:, 0])
    assert last.mean() > 2 * first.mean()
    assert np.allclose(episode.trajectory.base_from_tool[0], forward(episode.joints), atol=1e-3)

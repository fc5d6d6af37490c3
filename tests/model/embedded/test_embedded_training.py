"""Training of the embedded model on synthetic images: the loop around it, not what is learnt."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from foundation.camera import camera_at
from foundation.image_resize import resize_images
from foundation.poses import from_rpy
from foundation.trajectory import Scene, Trajectory, View
from model.action_images.rendering import render
from model.arm_rendering.motion_refinement import ROUNDS
from model.checkpoints import manifest
from model.embedded.batch_selection import Choice, Choices, Sampling
from model.embedded.codec import fit_codec
from model.embedded.curriculum import (
    CURRICULUM,
    Curriculum,
    Data,
    FrameDecoderLesson,
    Lesson,
    Size,
    TextLesson,
    read_curriculum,
)
from model.embedded.export import export, record_of
from model.embedded.lesson_batches import LessonBatches
from model.embedded.scene_data import SceneData, joined
from model.embedded.training import Material, batches_of, new_pipeline, train_curriculum
from model.errors import ModelError
from model.generation.canvas import Canvas
from model.generation.conditioning import to_tensor
from model.generation.crop_refinement import in_pixels
from model.generation.loading import load_pipeline
from model.generation.result import FIT
from model.generation.untrained import embedded_pipeline
from model.networks.codec import ACTION
from model.networks.plucker_rays import token_rays
from model.training.layouts import OneView

FRAMES, SIDE = 9, 32
WHOLE = np.tile([0.0, 0.0, 1.0], (2, 1, 1))  # of the one image that each of two samples shows
CAMERAS = tuple(
    camera_at(name, SIDE, SIDE, 0.8, at, (0.4, 0.0, 0.1))
    for name, at in {"left": (1.0, 0.6, 0.6), "right": (1.0, -0.6, 0.6), "front": (1.2, 0.0, 0.5)}.items()
)
ASKED = (("reach", "red cube", ""), ("pick up", "blue ball", ""), ("place", "red cube", "bowl"))
TINY = Curriculum(
    3,
    0.06,
    Data(),
    Size(SIDE, 2 * SIDE, 2 * SIDE, 8, 24, heads=2, head_width=24, layers=2, ffn=64, stem_widths=(8, 8), text_width=16),
    TextLesson(3, 4),
    (
        Lesson("point", 3, 4, excerpt=1, without_present=True, log_every=1, checkpoint_every=2),
        Lesson("policy", 3, 4, views=2, nearer=0.5, log_every=1, checkpoint_every=2, data="varied"),
        Lesson(
            "everything", 4, 2, data="episodes", views=2, independent=True, rgb_share_at_one=0.8, residual_weight=0.5,
            modes={"joint": 1.0, "video_to_action": 1.0}, log_every=1, checkpoint_every=2,
        ),
    ),
    FrameDecoderLesson(3, 2, episodes=2, widths=(8, 8, 8)),
)  # fmt: skip


def shots(scenes: int = 3, frames: int = 1, seed: int = 0, motions: int = 3) -> SceneData:
    generator = np.random.default_rng(seed)
    count = scenes * motions
    poses = np.stack(
        [
            [
                from_rpy(np.array([0.4, 0.1 * generator.normal(), 0.1 + 0.01 * t]), np.array([np.pi, 0, 0]))
                for t in range(9)
            ]
            for _ in range(count)
        ]
    )
    rgb = generator.integers(0, 256, (scenes, 3, frames, SIDE, SIDE, 3), dtype=np.uint8)
    return SceneData(
        rgb,
        rgb[:, :, 0].repeat(2, axis=2).repeat(2, axis=3),
        np.broadcast_to([camera.K for camera in CAMERAS], (scenes, 3, 3, 3)),
        np.broadcast_to([camera.base_from_camera for camera in CAMERAS], (scenes, 3, 4, 4)),
        np.arange(count) // motions,
        poses,
        generator.integers(0, 2, (count, FRAMES)).astype(float),
        tuple((f"{ASKED[i % 3][0]} the {ASKED[i % 3][1]}", "do it") for i in range(count)),
        tuple(ASKED[i % 3] for i in range(count)),
    )


def material() -> Material:
    return Material(shots(), shots(frames=FRAMES, seed=1, motions=1), shots(seed=2), 0.5, shots(seed=3))


def weights(pipeline) -> list[torch.Tensor]:
    parts = (pipeline.transformer, pipeline.text_encoder, pipeline.frame_decoder)
    return [parameter for part in parts for parameter in part.parameters()]


class StopAfter:
    """Return True after `count` calls: a stop between two steps, as by a kill."""

    def __init__(self, count: int):
        self.count = count

    def __call__(self) -> bool:
        self.count -= 1
        return self.count < 0


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path):
    told: list[str] = []
    whole = train_curriculum(TINY, material(), tmp_path / "one", lambda what, _: told.append(what), precision="fp32")
    assert [what for what in ("reading", "point", "policy", "everything", "painting") if what not in told] == []
    for count in (2, 7, 9, 14, 17, 1000):
        parts = train_curriculum(
            TINY, material(), tmp_path / "two", lambda *_: None, precision="fp32", stop=StopAfter(count)
        )
    for one, other in zip(weights(whole), weights(parts), strict=True):
        assert torch.equal(one, other)


def test_what_was_trained_can_be_exported_loaded_and_asked(tmp_path):
    pipeline = train_curriculum(TINY, material(), tmp_path / "runs", lambda *_: None, precision="fp32")
    record = record_of(TINY, tmp_path / "runs", "rehearse model train-embedded", {"pictures": 3})
    assert {name: one["steps"] for name, one in record["lessons"].items()} == {
        "reading": 3, "point": 3, "policy": 3, "everything": 4, "painting": 3
    }  # fmt: skip
    folder = export(pipeline, tmp_path / "embedded", record)
    assert export(pipeline, folder, record) == folder  # in place of the first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["embedded", "runs"]
    assert manifest.check(folder, contents=True) is not None
    loaded: Any = load_pipeline(folder, "cpu")
    assert loaded.config.frame_period_s == 0.5 and loaded.config.num_frames == FRAMES
    for one, other in zip(weights(pipeline), weights(loaded), strict=True):
        assert torch.allclose(one, other, rtol=0.01, atol=1e-3)  # bfloat16 keeps eight bits
    start = from_rpy(np.array([0.4, 0.0, 0.2]), np.array([np.pi, 0, 0]))
    grey = np.full((SIDE, SIDE, 3), 128, np.uint8)
    scene = Scene(tuple(View(camera, grey, 0.0) for camera in CAMERAS), start, 1.0)
    film = np.broadcast_to(grey, (3, FRAMES, SIDE, SIDE, 3))
    for mode in ("policy", "joint", "video_to_action"):
        videos = film if mode == "video_to_action" else None
        steps: list[tuple[str, int, int]] = []
        told = lambda step, steps=steps: steps.append((step.stage, step.done, step.total))  # noqa: E731
        made = loaded("reach the red cube", scene, mode, seed=0, videos=videos, on_step=told)
        done, total = [one[1] for one in steps], {one[2] for one in steps}
        assert done == sorted(done) and len(total) == 1 and done[-1] <= max(total)
        if mode == "video_to_action":  # the rounds of the fit are counted from the first step on
            denoised = [one[1] for one in steps if one[0] != FIT][-1]
            assert max(total) == denoised + ROUNDS * loaded.frame_decoder.config.sees_arm
        assert made.action is not None and made.action.shape == (1, 3, FRAMES, SIDE, SIDE, 3)


def test_kinds_are_shown_as_often_as_their_share_says_however_rare_they_are():
    rare = shots(30)
    rare = replace(rare, asked=tuple(("close box", "lid", "box") if i == 4 else ASKED[i % 2] for i in range(len(rare))))
    choices = Choices(rare, Sampling(100, 2, kinds=(("reach", 0.3), ("close box", 0.7), ("place", 0.5))))
    motions = choices.draw(np.random.default_rng(0)).motions
    first = np.array(rare.kinds)[motions[::2]]
    assert 0.5 < np.mean(first == "close box") < 0.9  # of 50; "place" is unavailable
    assert set(np.array(rare.kinds)[motions]) == {"reach", "close box"}
    with pytest.raises(ModelError, match="none of the kinds"):
        Choices(rare, Sampling(2, kinds=(("place", 1.0),)))


def test_batches_are_the_same_for_the_same_number_whoever_asks():
    taught = new_batches(Sampling(6, excerpt=1))
    whole, again = taught.batch(5), taught.batch(5)
    halves = [taught.batch(5, process, 2) for process in range(2)]
    assert torch.equal(whole.rgb, again.rgb) and whole.layout == halves[0].layout == halves[1].layout
    assert torch.equal(whole.action, torch.cat([half.action for half in halves]))
    assert whole.instructions == halves[0].instructions + halves[1].instructions
    assert not torch.equal(whole.action, taught.batch(6).action)


def test_neighbours_are_one_scene_and_two_motions():
    taught = new_batches(Sampling(8, jitter=0.0))
    batch = taught.batch(0)
    for i in range(0, 8, 2):
        assert torch.equal(batch.rgb[i], batch.rgb[i + 1])
        assert not torch.equal(batch.action[i], batch.action[i + 1])


def test_an_excerpt_is_a_part_of_the_whole():
    """Compare the action latents and rays of an excerpt with the whole canvas at the same times."""
    taught = new_batches(Sampling(2, excerpt=1, jitter=0.0))
    choice = Choice(np.array([0, 1]), np.array([[2], [0]]), np.zeros(2), np.ones((2, 1, 3)), WHOLE)
    layout = OneView(3, (2,), slot=1)
    whole, part = (taught.encoded(choice, one) for one in (None, layout))
    assert torch.allclose(whole.action[:, :, :, [0, 2]], part.action, atol=1e-5)
    assert layout.positions(kept=True) == (6, 9, 11)  # of two views' [rgb 3 | action 3]
    rays = token_rays([CAMERAS[2]], (SIDE // 8, SIDE // 8), 3, 4, "base")
    assert torch.allclose(part.camera[0, 0], rays[0], atol=1e-4)


def test_what_is_seen_from_nearby_is_drawn_where_it_is_seen():
    """Check that a crop's tool blobs, rays and both images are those of a camera that sees only this part."""
    taught = new_batches(Sampling(2, views=2, jitter=0.0, nearer=1.0))
    choice = taught.choices.draw(np.random.default_rng(2))
    batch = taught.encoded(choice, None)
    shown = taught.shots
    assert (choice.parts[..., 2] < 1.0).any()
    for sample, motion in enumerate(choice.motions):
        for at, view in enumerate(choice.views[sample]):
            left, top, width, height = in_pixels(choice.parts[sample, at], (2 * SIDE, 2 * SIDE))
            camera = CAMERAS[view].resized(2 * SIDE, 2 * SIDE).cropped(left, top, width, height).resized(SIDE, SIDE)
            path = Trajectory(np.arange(FRAMES), shown.base_from_tool[motion], shown.openness[motion])
            drawn = to_tensor(render(path, [camera], sigma=TINY.sigma))
            expected = taught.codec.encode(drawn, return_dict=False, kind=ACTION)[0].mode()
            assert torch.allclose(batch.action[sample, at], expected[0], atol=1e-4)
            rays = token_rays([camera], (SIDE // 8, SIDE // 8), 3, 4, "base")
            assert torch.allclose(batch.camera[sample, at], rays[0], atol=1e-4)
            whole = shown.pictures[shown.scene[motion], view]
            part = resize_images(whole[top : top + height, left : left + width], 2 * SIDE, 2 * SIDE)
            assert torch.allclose(batch.pictures[sample, at], to_tensor(part[None])[:, 0], atol=1e-5)


def test_videos_are_not_shown_from_nearby():
    with pytest.raises(ModelError, match="leave `nearer` out"):
        LessonBatches(
            shots(frames=FRAMES, motions=1), new_batches(Sampling(2)).codec, Sampling(2, nearer=0.5), 0,
            sigma=TINY.sigma, seen_px=2 * SIDE,
        )  # fmt: skip


@pytest.mark.parametrize("stem", [None, (8, 8)])
def test_what_is_seen_in_the_first_picture_reaches_every_view(stem):
    """Check that the stem starts without effect and, once trained, carries each view's first image into its actions."""
    pipeline = embedded_pipeline(new_batches(Sampling(2)).codec, transformer=network(stem), height=SIDE, width=SIDE)
    batch = new_batches(Sampling(2, views=2, jitter=0.0)).batch(0)
    canvas = Canvas("policy", 2, 3)
    clean, levels = canvas.pack(batch.rgb, batch.action), canvas.levels(torch.ones(2))
    if stem:
        last: Any = pipeline.transformer.patch_embedding.layers[-1]
        assert not last.weight.any()
        torch.nn.init.normal_(last.weight, std=0.1)

    def said(latents: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        return pipeline.transformer(
            latents, 1000 * levels, torch.zeros(2, 4, 16), canvas.pack_camera(batch.camera), pictures=pictures,
            picture_frames=canvas.picture_frames, action_frames=canvas.is_action, positions=canvas.positions(True),
            return_dict=False,
        )[0]  # fmt: skip

    with torch.no_grad():
        before = said(clean, batch.pictures)
        for view, frame in enumerate((0, 4)):  # the rgb of both views
            other, otherwise = clean.clone(), batch.pictures.clone()
            other[:, :, frame] += 1.0
            assert not torch.allclose(before[:, :, 1:4], said(other, batch.pictures)[:, :, 1:4])
            otherwise[:, view] += 1.0
            assert torch.allclose(before[:, :, 1:4], said(clean, otherwise)[:, :, 1:4]) != bool(stem)
    if stem:
        with pytest.raises(ValueError, match="needs one for each"):
            said(clean, batch.pictures[:, :1])


def network(stem: tuple[int, ...] | None) -> dict[str, Any]:
    size = {"in_channels": 24, "out_channels": 24, "patch_size": (1, 1, 1), "num_attention_heads": 2}
    size |= {"attention_head_dim": 24, "num_layers": 1, "ffn_dim": 64, "text_dim": 16, "rays": "base"}
    return size | {"stem_widths": stem, "stem_px": 16}


def test_the_curriculum_in_the_program_can_be_read_and_others_are_checked(tmp_path):
    for curriculum in (read_curriculum(), read_curriculum(CURRICULUM.with_name("curriculum-gpu.toml"))):
        assert [lesson.name for lesson in curriculum.lessons][-1] == "everything"
        assert all(lesson.flow.modes for lesson in curriculum.lessons)
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(CURRICULUM.read_text().replace("layers = 6", "floors = 6"))
    with pytest.raises(ModelError, match="floors means nothing there"):
        read_curriculum(wrong)
    wrong.write_text("seed = 1")
    with pytest.raises(ModelError, match="needs lessons"):
        read_curriculum(wrong)


def test_shots_are_joined_scene_by_scene():
    both = joined([shots(2), shots(1, seed=4)])
    assert both.scene.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2] and len(both.rgb) == 3
    with pytest.raises(ModelError, match="nothing to train on"):
        replace(both, scene=both.scene[:-1])


def test_episodes_and_first_pictures_take_turns(tmp_path):
    codec = new_pipeline(TINY, material(), tmp_path).vae
    batches = batches_of(TINY, TINY.lessons[2], material(), codec)(0, 0, 1)
    assert [next(batches).rgb.shape[3] for _ in range(3)] == [3, 1, 3]


def new_batches(sampling: Sampling) -> Any:
    codec = fit_codec(shots(), z_dim=24, cell_px=8, sigma=TINY.sigma)
    return LessonBatches(shots(), codec, sampling, 0, sigma=TINY.sigma, seen_px=2 * SIDE)

"""Pipeline as a user calls it, with tiny random networks: every mode, seeds, saving, caches, LoRA, refusals."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from model_scenes import motion, scene, videos

from foundation.poses import pose
from foundation.trajectory import Scene, View
from model.action_images.rendering import render
from model.errors import ActionImageError, GenerationCancelled, ModelError
from model.generation.canvas import MODES
from model.generation.pipeline import ActionImagesPipeline
from model.generation.sampling import Reuse
from model.generation.untrained import embedded_pipeline, tiny_pipeline, unipc
from model.networks.codec import tiny_wan
from model.networks.step_caching import CACHES

INSTRUCTION = "Pick_up the red cube."


@pytest.fixture(scope="module")
def pipeline():
    return tiny_pipeline()


def asked(mode: str, views: int = 2, frames: int = 5) -> dict:
    request = {"mode": mode}
    if mode == "action_to_video":
        request["trajectory"] = motion(scene(views), frames)
    if mode in ("video_to_action", "view_transfer"):
        request["videos"] = videos(views if mode == "video_to_action" else 1, frames)
    return request


@pytest.mark.parametrize("views", [2, 3])
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_gives_what_it_promises(pipeline, mode, views):
    seen = scene(views)
    request = asked(mode, views)
    result = pipeline(INSTRUCTION, seen, **request, seed=1, num_inference_steps=2)
    shape = (1, views, 5, 64, 64, 3)
    assert result.mode == mode and result.seeds == [1]
    np.testing.assert_allclose(result.times, 0.2 * np.arange(5))
    assert [(c.name, c.width, c.height) for c in result.cameras] == [(f"camera{i}", 64, 64) for i in range(views)]
    if mode == "policy":
        assert result.rgb is None
    else:
        assert result.rgb.shape == shape and result.rgb.dtype == np.uint8
        for view, given in enumerate(seen.views):
            assert abs(result.rgb[0, view, 0].mean() - given.rgb.mean()) < 1.0  # the first frame is the given image
    if mode == "video":
        assert result.action is None and result.decoded is None and result.verdicts is None
    else:
        assert result.action.shape == shape and result.action.dtype == np.uint8
        assert len(result.decoded) == len(result.verdicts) == 1
        assert result.decoded[0].trajectory.times.shape == (5,)


def test_given_motion_and_videos_come_back_as_they_are(pipeline):
    seen = scene()
    shown = pipeline(INSTRUCTION, seen, **asked("action_to_video"), seed=1)
    drawn = render(motion(seen), shown.cameras)
    assert np.abs(shown.action[0] / 255.0 - drawn).max() <= 0.5 / 255 + 1e-6
    moved = shown.decoded[0].trajectory.base_from_tool[:, :3, 3] - motion(seen).base_from_tool[:, :3, 3]
    assert np.linalg.norm(moved, axis=1).max() < 0.001  # m
    assert shown.verdicts[0].accepted
    labelled = pipeline(INSTRUCTION, seen, mode="video_to_action", videos=videos(2, 5, 64, 64), seed=1)
    assert (labelled.rgb[0, :, 1:] == videos(2, 5, 64, 64)[:, 1:]).all()


def test_a_candidate_depends_on_its_seed_alone(pipeline):
    both = pipeline(INSTRUCTION, scene(), num_candidates=2, seed=5)
    assert sorted(both.seeds) == [5, 6]
    for i, seed in enumerate(both.seeds):
        alone = pipeline(INSTRUCTION, scene(), seed=seed)
        assert np.abs(alone.rgb[0].astype(int) - both.rgb[i]).max() <= 1  # rounding of a batch
    again = pipeline(INSTRUCTION, scene(), num_candidates=2, seed=5)
    assert (again.rgb == both.rgb).all() and (again.action == both.action).all()
    assert (both.rgb[0, :, 1:] != both.rgb[1, :, 1:]).any()
    assert pipeline(INSTRUCTION, scene()).seeds != pipeline(INSTRUCTION, scene()).seeds


def test_words_guidance_and_cameras_matter(pipeline):
    usual = pipeline(INSTRUCTION, scene(), seed=1).action
    assert (pipeline("push the blue bowl", scene(), seed=1).action != usual).any()
    assert (pipeline(INSTRUCTION, scene(), seed=1, guidance_scale=1.0).action != usual).any()
    moved = scene()
    camera = moved.views[1].camera
    camera = replace(camera, base_from_camera=camera.base_from_camera @ pose(position=np.array([0.3, 0, 0])))
    other = replace(moved, views=(moved.views[0], replace(moved.views[1], camera=camera)))
    assert (pipeline(INSTRUCTION, other, seed=1).rgb != pipeline(INSTRUCTION, moved, seed=1).rgb).any()


def test_steps_are_reported_shown_and_cancelled(pipeline):
    steps = []
    previews = []

    def on_step(step):
        steps.append((step.done, step.total, step.stage))
        if step.done == 2:
            previews.append(step.preview())

    pipeline(INSTRUCTION, scene(), seed=1, num_candidates=2, on_step=on_step)
    assert steps == [(done, 3, "both") for done in range(4)]
    assert previews[0].rgb.shape == previews[0].action.shape == (1, 2, 5, 64, 64, 3)
    seen = []
    with pytest.raises(GenerationCancelled):
        pipeline(INSTRUCTION, scene(), seed=1, on_step=lambda step: seen.append(step.done) or step.done < 1)
    assert seen == [0, 1]
    with pytest.raises(KeyboardInterrupt):

        def interrupt(step):
            raise KeyboardInterrupt

        pipeline(INSTRUCTION, scene(), on_step=interrupt)
    assert (pipeline(INSTRUCTION, scene(), seed=1).rgb == pipeline(INSTRUCTION, scene(), seed=1).rgb).all()


def test_saving_and_loading(pipeline, tmp_path):
    before = pipeline(INSTRUCTION, scene(), seed=1)
    pipeline.save_pretrained(tmp_path)
    index = json.loads((tmp_path / "model_index.json").read_text())
    assert index["_class_name"] == "ActionImagesPipeline" and index["num_frames"] == 5
    again = ActionImagesPipeline.from_pretrained(tmp_path)
    assert (again(INSTRUCTION, scene(), seed=1).rgb == before.rgb).all()
    assert again.config.frame_period_s == 0.2 and again.config.num_frames == 5


def test_half_precision_and_tiles(pipeline, tmp_path):
    """Run as the large model does on a GPU: bf16 but for diffusers' fp32 parts, the autoencoder tile by tile."""
    pipeline.save_pretrained(tmp_path)
    half = ActionImagesPipeline.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert half.transformer.patch_embedding.weight.dtype == half.vae.dtype == torch.bfloat16
    assert half.transformer.scale_shift_table.dtype == torch.float32
    full = pipeline(INSTRUCTION, scene(), seed=1, num_inference_steps=1)
    rough = half(INSTRUCTION, scene(), seed=1, num_inference_steps=1)
    assert np.abs(rough.rgb.astype(int) - full.rgb).mean() < 3
    half.vae.enable_tiling(32, 32, 24, 24)
    tiled = half(INSTRUCTION, scene(), seed=1, num_inference_steps=1)
    assert tiled.rgb.shape == full.rgb.shape and (tiled.rgb != rough.rgb).any()


def test_unipc_caches_and_reuse(pipeline):
    pipeline = ActionImagesPipeline(**{**pipeline.components, "scheduler": unipc()}, **settings_of(pipeline))
    usual = pipeline(INSTRUCTION, scene(), seed=1, num_inference_steps=6)
    try:
        for cache in CACHES:
            pipeline.use_cache(cache)
            cached = pipeline(INSTRUCTION, scene(), seed=1, num_inference_steps=6)
            assert cached.rgb.shape == usual.rgb.shape
            again = pipeline(INSTRUCTION, scene(), seed=1, num_inference_steps=6)
            assert (again.rgb == cached.rgb).all()  # nothing of one generation remains in the next
        with pytest.raises(ModelError, match="no cache 'magic'"):
            pipeline.use_cache("magic")
    finally:
        pipeline.use_cache(None)
    assert (pipeline(INSTRUCTION, scene(), seed=1, num_inference_steps=6).rgb == usual.rgb).all()
    reused = pipeline(INSTRUCTION, scene(), seed=1, num_inference_steps=6, reuse=Reuse(threshold=-1.0))
    assert reused.rgb.shape == usual.rgb.shape and (reused.rgb != usual.rgb).any()


def settings_of(pipeline) -> dict:
    return {
        name: value for name, value in pipeline.config.items() if name not in pipeline.components and name[0] != "_"
    }


def test_lora_adapters_by_name(tmp_path):
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    pipeline = tiny_pipeline()
    plain = pipeline(INSTRUCTION, scene(), seed=1)
    targets = ["to_q", "to_v", "cam_encoder", "projector"]
    pipeline.transformer.add_adapter(
        LoraConfig(r=2, lora_alpha=2, target_modules=targets, init_lora_weights=False), "bench"
    )
    taught = pipeline(INSTRUCTION, scene(), seed=1)
    assert (taught.rgb != plain.rgb).any()
    layers = get_peft_model_state_dict(pipeline.transformer, adapter_name="bench")
    ActionImagesPipeline.save_lora_weights(tmp_path, transformer_lora_layers=layers)
    fresh = tiny_pipeline()
    fresh.load_lora_weights(tmp_path, adapter_name="cubes")
    assert fresh.get_active_adapters() == ["cubes"]
    assert (fresh(INSTRUCTION, scene(), seed=1).rgb == taught.rgb).all()
    fresh.disable_lora()
    assert (fresh(INSTRUCTION, scene(), seed=1).rgb == plain.rgb).all()
    fresh.unload_lora_weights()
    assert (fresh(INSTRUCTION, scene(), seed=1).rgb == plain.rgb).all()


def test_the_embedded_model_first_acts_then_shows():
    pipeline = embedded_pipeline(tiny_wan(48, 8), transformer={"num_layers": 2, "ffn_dim": 64}, num_frames=5)
    for mode in MODES:
        stages = []
        result = pipeline(
            "push it", scene(3), **asked(mode, 3), seed=2, num_inference_steps=2,
            on_step=lambda step, stages=stages: stages.append((step.stage, step.total)),
        )  # fmt: skip
        assert (
            set(stages)
            == {
                "joint": {("action", 3), ("video", 3)},
                "view_transfer": {("action", 3), ("video", 3)},
                "policy": {("action", 2)},
                "video_to_action": {("action", 2)},
                "action_to_video": {("video", 1)},
                "video": {("video", 1)},
            }[mode]
        )
        if result.rgb is not None:
            assert (result.rgb[0, :, 0].astype(int) - result.rgb[0, :, 0]).max() == 0


def test_any_size_and_length_the_codec_takes(pipeline):
    result = pipeline(INSTRUCTION, scene(), "policy", seed=1, height=48, width=80, num_frames=9, num_inference_steps=1)
    assert result.action.shape == (1, 2, 9, 48, 80, 3)
    assert (result.cameras[0].width, result.cameras[0].height) == (80, 48)


def test_tools_with_other_axes():
    """Check that weights trained with another tool draw that tool, and decoding gives the arm's tool again."""
    turned = np.eye(4)
    turned[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    turned[:3, 3] = [0.0, 0.0, 0.05]
    pipeline = tiny_pipeline(model_tool_from_tool=turned.tolist())
    result = pipeline(
        INSTRUCTION, scene(), **asked("action_to_video"), seed=1, num_inference_steps=1, height=128, width=128
    )
    found, true = result.decoded[0].trajectory.base_from_tool, motion(scene()).base_from_tool
    np.testing.assert_allclose(found, true, atol=2e-3)
    plain = tiny_pipeline()(
        INSTRUCTION, scene(), **asked("action_to_video"), seed=1, num_inference_steps=1, height=128, width=128
    )
    assert (plain.action != result.action).any()


def test_wan21_image_to_video_in_small():
    """Run with 16 + 4 + 16 channels and CLIP's features, as Wan2.1-I2V-14B requires."""
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel

    pipeline = tiny_pipeline(
        transformer={"in_channels": 36, "out_channels": 16, "image_dim": 24, "added_kv_proj_dim": 64, "text_dim": 32},
        max_text_length=512,
    )
    with pytest.raises(ModelError, match="CLIP"):
        pipeline(INSTRUCTION, scene(), seed=1, num_inference_steps=1)
    clip = CLIPVisionConfig(
        hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
    )
    processor = CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    torch.manual_seed(0)
    pipeline.register_modules(image_encoder=CLIPVisionModel(clip).eval(), image_processor=processor)
    result = pipeline(INSTRUCTION, scene(), seed=1, num_inference_steps=1)
    assert result.rgb.shape == (1, 2, 5, 64, 64, 3)
    other = scene(seed=9)
    assert (pipeline(INSTRUCTION, other, seed=1, num_inference_steps=1).action != result.action).any()


REFUSALS = {
    "one view": (lambda: {"scene": scene(1)}, "at least two views"),
    "views of different times": (lambda: {"scene": late_view()}, "not taken at the same time"),
    "the same camera twice": (lambda: {"scene": same_place()}, "same place in the calibration"),
    "empty": (lambda: {"instruction": " . _"}, "instruction is empty"),
    "5,000 characters": (lambda: {"instruction": "pick " * 1000}, "5000 characters"),
    "too many bytes": (lambda: {"instruction": "pick up " + "the red cube and " * 9}, "reads at most 64 units"),
    "42 frames": (lambda: {"num_frames": 42}, "41"),
    "odd size": (lambda: {"height": 60}, "multiples of 8 px"),
    "odd latent size": (lambda: {"height": 56}, "multiples of 16 x 16 px"),
    "no such mode": (lambda: {"mode": "dream"}, "no mode 'dream'"),
    "no motion": (lambda: {"mode": "action_to_video"}, "Give a trajectory"),
    "no video": (lambda: {"mode": "video_to_action"}, "video of every view"),
    "motion of its own": (lambda: {"trajectory": motion(scene())}, "Leave the trajectory out"),
    "video of its own": (lambda: {"videos": videos()}, "Leave the videos out"),
    "short video": (lambda: {"mode": "view_transfer", "videos": videos(1, 4)}, "4 frames"),
    "too few videos": (lambda: {"mode": "video_to_action", "videos": videos(1)}, "1 were given"),
    "no steps": (lambda: {"num_inference_steps": 0}, "at least one step"),
    "no guidance": (lambda: {"guidance_scale": float("nan")}, "guidance must be"),
    "no candidates": (lambda: {"num_candidates": 0}, "candidates"),
    "too long": (lambda: {"num_frames": 2001}, "more than this"),
}


def late_view() -> Scene:
    one = scene()
    return replace(one, views=(one.views[0], replace(one.views[1], captured=7.5)))


def same_place() -> Scene:
    one = scene()
    camera = replace(one.views[0].camera, name="twin")
    return replace(one, views=(one.views[0], View(camera, one.views[1].rgb, 7.0)))


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_say_what_to_do(pipeline, name):
    change, said = REFUSALS[name]
    request = {"instruction": INSTRUCTION, "scene": scene(), **change()}
    called = []
    with pytest.raises(ModelError, match=said) as refusal:
        pipeline(**request, on_step=called.append)
    assert not called  # before any work
    assert str(refusal.value).endswith((".", '"red cube".')) and 20 < len(str(refusal.value)) < 300


def test_a_tool_that_no_camera_can_draw(pipeline):
    behind = scene()
    away = replace(behind, base_from_tool=pose(position=np.array([5.0, 5.0, 0.2])))
    with pytest.raises(ActionImageError, match="behind the camera"):
        pipeline(INSTRUCTION, away, "policy")

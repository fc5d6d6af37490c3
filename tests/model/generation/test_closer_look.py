"""Generated motions are generated again in the crops of the images in which they happen."""

from dataclasses import replace

import numpy as np
import pytest
from model_scenes import motion, scene

from foundation.poses import invert, pose
from foundation.trajectory import Scene, View
from model.action_images.rendering import render
from model.generation.batched_generation import label_batch
from model.generation.crop_refinement import LEAST, crop_around, cropped_scene, extents
from model.generation.latent_decoding import read
from model.generation.pipeline import ActionImagesPipeline
from model.generation.preparation import Format
from model.generation.result import Generated
from model.generation.untrained import embedded_pipeline
from model.networks.linear_codec import LinearCodec

SIDE = 96


def square_scene(side: int = SIDE, seed: int = 0) -> Scene:
    return scene(width=side, height=side, seed=seed)


def shift(*by: float) -> np.ndarray:
    return pose(np.eye(3), np.array(by))


def test_an_extent_holds_all_points_that_are_drawn():
    asked = square_scene()
    path = motion(asked)
    images = render(path, asked.cameras, sigma=0.02)
    for camera, drawn in zip(asked.cameras, images, strict=True):
        left, top, right, bottom = SIDE * extents(path.base_from_tool, camera.K, camera.base_from_camera, (SIDE, SIDE))
        for channel in range(3):
            rows, columns = np.nonzero(drawn[..., channel].max(axis=0) > 0.9)
            assert left - 2 <= columns.min() and columns.max() <= right + 2
            assert top - 2 <= rows.min() and rows.max() <= bottom + 2
        assert right - left < 0.5 * SIDE  # and hardly more


@pytest.mark.parametrize("aside", [np.zeros(2), np.full(2, 0.5), np.ones(2)])
@pytest.mark.parametrize(
    "extent", [[0.2, 0.3, 0.6, 0.5], [0.0, 0.0, 0.1, 0.1], [0.5, 0.6, 1.3, 0.9], [-0.2, 0, 1.1, 1]]
)
def test_a_part_holds_the_extent_and_stays_in_the_picture(extent, aside):
    left, top, side = crop_around(np.array(extent), 1.5, aside)
    low_x, low_y, high_x, high_y = np.clip(extent, 0.0, 1.0)
    assert LEAST <= side <= 1.0 and left >= 0.0 and top >= 0.0 and max(left, top) + side <= 1.0 + 1e-9
    assert left <= low_x + 1e-9 and high_x <= left + side + 1e-9
    assert top <= low_y + 1e-9 and high_y <= top + side + 1e-9


def test_a_closer_scene_shows_the_same_things_in_the_same_directions():
    """Crop an image whose pixels hold their own coordinates: each pixel's ray is unchanged."""
    side = 200
    grid = np.stack([*np.meshgrid(np.arange(side), np.arange(side)), np.zeros((side, side))], axis=-1).astype(np.uint8)
    whole = square_scene(side)
    whole = replace(whole, views=tuple(replace(view, rgb=grid) for view in whole.views))
    closer = cropped_scene(whole, motion(whole).base_from_tool, 1.5)
    assert closer is not None
    for view, seen in zip(whole.views, closer.views, strict=True):
        height, width = seen.rgb.shape[:2]
        assert width == height < 0.8 * side
        u, v, _ = seen.rgb[7, 11].astype(float)
        now, before = seen.camera.rays(np.array([11.0, 7.0])), view.camera.rays(np.array([u, v]))
        assert np.allclose(now, before)
    assert closer.base_from_tool is whole.base_from_tool


def test_looks_are_read_together():
    """Check that one look fills the gaps of another, and that whole images and their crops count alike."""
    asked = square_scene()
    path = motion(asked)
    closer = cropped_scene(asked, path.base_from_tool, 1.5)
    assert closer is not None
    near = tuple(camera.resized(SIDE, SIDE) for camera in closer.cameras)
    form = Format(SIDE, SIDE, len(path), 0.2, 0.05, 0.1, None, 0.02)
    looks = []
    for cameras in (asked.cameras, near):
        images = np.round(255 * render(path, cameras)).astype(np.uint8)
        looks.append((images, cameras))
    looks[0][0][:, 2] = 0
    looks[1][0][:, 3] = 0
    for images, cameras in looks:
        assert not read(images, cameras, form).valid.all()
    together = label_batch(looks, form)
    assert together.valid.all()
    assert np.abs(together.trajectory.base_from_tool - path.base_from_tool)[:, :3, 3].max() < 0.002
    assert together.residual_px.shape == (len(path), 2) and np.nanmax(together.residual_px) < 0.2
    assert np.array_equal(together.trajectory.openness, path.openness)


def test_a_look_from_nearby_outweighs_the_whole_when_they_differ_a_little():
    """Check that crops locate better: blobs are as wide in pixels in both."""
    asked = square_scene()
    path = motion(asked)
    aside = replace(path, base_from_tool=shift(0.0, 0.01, 0.0) @ path.base_from_tool)
    closer = cropped_scene(asked, path.base_from_tool, 1.5)
    assert closer is not None
    near = tuple(camera.resized(SIDE, SIDE) for camera in closer.cameras)
    form = Format(SIDE, SIDE, len(path), 0.2, 0.05, 0.1, None, 0.02)
    looks = []
    for shown, cameras in ((aside, asked.cameras), (path, near)):
        looks.append((render(shown, cameras), cameras))
    together = label_batch(looks, form)
    off = np.linalg.norm((together.trajectory.base_from_tool - path.base_from_tool)[:, :3, 3], axis=1)
    assert (off < 0.005).all() and (off > 0.0).all()


def test_nothing_is_seen_closer_where_nothing_is_known_or_a_view_has_none_of_it():
    asked = square_scene()
    path = motion(asked).base_from_tool
    assert cropped_scene(asked, np.full_like(path, np.nan), 1.5) is None
    aside = shift(0.0, 5.0, 0.0) @ path
    assert cropped_scene(asked, aside, 1.5) is None
    moving = replace(asked.cameras[0], base_from_camera=np.repeat(asked.cameras[0].base_from_camera[None], 5, axis=0))
    views = (View(moving, asked.views[0].rgb, 0.0), asked.views[1])
    assert cropped_scene(replace(asked, views=views), path, 1.5) is None
    half = path.copy()
    half[2:] = np.nan
    assert cropped_scene(asked, half, 1.5) is not None


def test_a_checkpoint_of_other_tool_axes_sees_the_part_in_which_they_are_drawn():
    """Check that the crop follows the checkpoint's points, which have other places on the same tool."""
    asked = square_scene()
    path = motion(asked).base_from_tool
    turned = pose(np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
    own, other = (cropped_scene(asked, path, 1.5, model_tool_from_tool=tool) for tool in (None, turned))
    same = cropped_scene(asked, path @ invert(turned), 1.5)
    assert own is not None and other is not None and same is not None
    for one, two, three in zip(own.cameras, other.cameras, same.cameras, strict=True):
        assert np.array_equal(two.K, three.K) and not np.array_equal(two.K, one.K)


@pytest.mark.parametrize("mode", ["policy", "joint"])
def test_looks_of_which_nothing_can_be_read_change_nothing(mode):
    size = {"num_attention_heads": 2, "attention_head_dim": 16, "num_layers": 2, "ffn_dim": 64, "in_channels": 8,
            "out_channels": 8, "text_dim": 32}  # fmt: skip
    pipeline = embedded_pipeline(LinearCodec(z_dim=8), transformer=size, num_frames=5)
    first, again = [_asked(pipeline, mode, looks) for looks in (0, 2)]
    assert not any(verdict.accepted for verdict in first.verdicts or ())
    assert first.action is not None and again.action is not None
    assert np.array_equal(first.action, again.action) and first.seeds == again.seeds


def _asked(pipeline: ActionImagesPipeline, mode: str, looks: int) -> Generated:
    pipeline.register_to_config(closer_looks=looks)
    return pipeline("reach the red cube", square_scene(), mode, seed=3, num_candidates=2)

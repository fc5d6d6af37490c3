"""Properties of action images for all cameras and motions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.action_images.cases import corrupted, eight_bit
from benchmarks.action_images.rigs import Rig, motion_inside, random_rig
from foundation.camera import Camera, camera_at
from foundation.poses import distance, from_rpy, pose
from foundation.trajectory import Trajectory
from model.action_images.blobs import find_points
from model.action_images.decoding import Decoded, decode
from model.action_images.encoding import tool_points
from model.action_images.rendering import render
from model.errors import ActionImageError

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=15)


def rig_of(seed: int, frames: int = 5, views: int | None = None) -> Rig:
    return random_rig(np.random.default_rng(seed), frames, views)


def errors(decoded: Decoded, truth: Trajectory) -> tuple[np.ndarray, np.ndarray]:
    """Return errors in millimetres and degrees of the valid frames."""
    valid = decoded.valid
    metres, radians = distance(decoded.trajectory.base_from_tool[valid], truth.base_from_tool[valid])
    return metres * 1e3, np.degrees(radians)


@given(seeds)
@few
def test_round_trip_is_exact_for_floats(seed):
    rig = rig_of(seed)
    cameras = rig.at(128)
    decoded = decode(render(rig.trajectory, cameras), cameras, times=rig.trajectory.times)
    assert decoded.valid.all(), decoded.reasons
    millimetres, degrees = errors(decoded, rig.trajectory)
    assert millimetres.max() < 0.01
    assert degrees.max() < 0.01
    assert np.array_equal(decoded.trajectory.openness > 0.5, rig.trajectory.openness > 0.5)
    assert np.array_equal(decoded.trajectory.times, rig.trajectory.times)
    assert decoded.confidence.min() > 0.9
    assert decoded.residual_px.max() < 0.01


@given(seeds)
@few
def test_round_trip_through_eight_bits(seed):
    rig = rig_of(seed)
    cameras = rig.at(96)
    decoded = decode(eight_bit(render(rig.trajectory, cameras)), cameras)
    assert decoded.valid.all(), decoded.reasons
    millimetres, degrees = errors(decoded, rig.trajectory)
    assert np.median(millimetres) < 0.2
    assert np.median(degrees) < 0.2


@given(seeds)
@few
def test_points_are_where_the_camera_projects_them(seed):
    rig = rig_of(seed, views=2)
    cameras = rig.at(96)
    pixels, strength = find_points(render(rig.trajectory, cameras))
    points = tool_points(rig.trajectory.base_from_tool)
    truth = np.stack([camera.project(points) for camera in cameras])
    assert np.abs(pixels - truth).max() < 1e-3
    assert strength.min() > 0.95


@given(seeds)
@few
def test_turning_the_world_turns_the_answer(seed):
    rng = np.random.default_rng(seed)
    rig = random_rig(rng, 4)
    cameras = rig.at(96)
    images = eight_bit(render(rig.trajectory, cameras))
    turn = from_rpy(rng.uniform(-1, 1, 3), rng.uniform(-1.5, 1.5, 3))
    turned = [Camera(c.name, c.width, c.height, c.K, turn @ c.base_from_camera) for c in cameras]
    here, there = decode(images, cameras), decode(images, turned)
    metres, radians = distance(turn @ here.trajectory.base_from_tool, there.trajectory.base_from_tool)
    assert metres.max() < 1e-6
    assert radians.max() < 1e-5


@given(seeds)
@few
def test_the_order_of_views_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    rig = random_rig(rng, 4)
    cameras = rig.at(96)
    images = eight_bit(render(rig.trajectory, cameras))
    order = rng.permutation(len(cameras))
    one, other = decode(images, cameras), decode(images[order], [cameras[i] for i in order])
    metres, radians = distance(one.trajectory.base_from_tool, other.trajectory.base_from_tool)
    assert metres.max() < 1e-6
    assert radians.max() < 1e-5
    assert np.allclose(one.residual_px[:, order], other.residual_px, atol=1e-4)


@given(seeds)
@few
def test_channels_in_another_order_are_not_an_action(seed):
    """Swap red and green, which leaves three points no tool has: blue is a right angle's corner away from both."""
    rig = rig_of(seed, views=2)
    cameras = rig.at(96)
    images = render(rig.trajectory, cameras)
    right, wrong = decode(images, cameras), decode(images[..., [1, 0, 2]], cameras)
    assert (wrong.confidence < 0.7 * right.confidence).all()
    assert wrong.confidence.mean() < 0.4


def two_cameras(size: int = 128) -> list[Camera]:
    return [
        camera_at("left", size, size, 0.8, (1.2, 0.5, 0.6), (0.4, 0, 0.2)),
        camera_at("right", size, size, 0.8, (1.2, -0.5, 0.6), (0.4, 0, 0.2)),
    ]


def still(position=(0.4, 0.0, 0.2), rpy=(np.pi, 0.0, 0.3), frames: int = 3, openness: float = 1.0) -> Trajectory:
    poses = np.tile(from_rpy(np.array(position), np.array(rpy)), (frames, 1, 1))
    return Trajectory(np.arange(frames) * 0.1, poses, np.full(frames, openness))


def test_a_motion_that_leaves_the_image_and_comes_back():
    cameras = two_cameras()
    positions = np.stack([np.full(41, 0.4), 1.5 * np.sin(np.linspace(0, np.pi, 41)), np.full(41, 0.2)], axis=-1)
    truth = Trajectory(np.arange(41) * 0.1, from_rpy(positions, np.array([np.pi, 0.0, 0.3])), np.ones(41))
    decoded = decode(eight_bit(render(truth, cameras)), cameras, times=truth.times)
    points = tool_points(truth.base_from_tool)
    seen = np.stack([camera.sees(camera.project(points)) for camera in cameras]).all(axis=(0, 2))
    far = np.stack([np.abs(camera.project(points) - 64).max(axis=(1, 2)) > 128 for camera in cameras]).any(axis=0)
    assert seen[0] and seen[-1] and not seen[20]
    assert decoded.valid[seen].all(), decoded.reasons[seen]
    assert not decoded.valid[far].any()
    assert all(decoded.reasons[far]) and not any(decoded.reasons[decoded.valid])
    assert np.isnan(decoded.trajectory.base_from_tool[~decoded.valid]).all()
    assert np.isnan(decoded.trajectory.openness[~decoded.valid]).all()
    assert (decoded.confidence[~decoded.valid] == 0).all()
    millimetres, _ = errors(decoded, truth)
    assert np.median(millimetres) < 0.1
    assert millimetres.max() < 3.0
    assert decoded.trajectory.at(truth.times).known.all()


def test_a_blob_cut_by_the_border_is_found_beyond_it():
    camera = camera_at("front", 128, 128, 0.8, (1.2, 0, 0.2), (0.4, 0, 0.2))
    positions = np.stack([np.full(30, 0.4), np.linspace(0.25, 0.36, 30), np.full(30, 0.2)], axis=-1)
    path = Trajectory(np.arange(30.0), from_rpy(positions, np.array([np.pi, 0.0, 0.0])), np.ones(30))
    pixels, _ = find_points(eight_bit(render(path, [camera])))
    truth = camera.project(tool_points(path.base_from_tool))
    found = ~np.isnan(pixels[0, :, :, 0])
    outside = ~camera.sees(truth)
    distance_px = np.linalg.norm(pixels[0] - truth, axis=-1)
    assert (found & outside).any()
    assert np.nanmax(distance_px[~outside]) < 0.05
    assert np.nanmax(distance_px[found & outside]) < 0.5


def test_one_view_that_shows_something_else_is_named_and_does_no_harm():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        rig = random_rig(rng, 6, views=3)
        other = motion_inside(rng, rig.cameras, 6)
        assert other is not None
        cameras, wrong = rig.at(128), seed % 3
        images = render(rig.trajectory, cameras)
        images[wrong] = render(other, cameras[wrong : wrong + 1])[0]
        decoded = decode(eight_bit(images), cameras)
        assert decoded.valid.all()
        assert (decoded.residual_px.argmax(axis=1) == wrong).all()
        millimetres, _ = errors(decoded, rig.trajectory)
        assert millimetres.max() < 0.5


def test_two_views_that_disagree_are_not_believed():
    cameras = two_cameras()
    images = render(still(), cameras)
    images[1] = render(still((0.45, 0.1, 0.3), (2.0, 0.5, -1.0)), cameras)[1]
    decoded = decode(images, cameras)
    assert not decoded.valid.any()
    assert set(decoded.reasons) == {"the views disagree"}


def test_views_that_meet_behind_the_cameras_are_not_believed():
    """Swap the images of two cameras side by side: the rays diverge in front and meet behind."""
    cameras = [
        camera_at(name, 128, 128, 0.8, (1.2, y, 0.3), (-100.0, y, 0.3)) for name, y in (("l", 0.05), ("r", -0.05))
    ]
    decoded = decode(render(still(), cameras)[::-1].copy(), cameras)
    assert not decoded.valid.any()
    assert set(decoded.reasons) == {"the views agree only on a place behind a camera"}


def test_one_wrong_point_of_six_is_outvoted():
    cameras = two_cameras()
    truth = still()
    images = render(truth, cameras)
    images[0, ..., 1] = np.roll(images[0, ..., 1], 20, axis=-2)
    decoded = decode(images, cameras)
    assert decoded.valid.all(), decoded.reasons
    millimetres, degrees = errors(decoded, truth)
    assert millimetres.max() < 0.5
    assert degrees.max() < 0.5
    assert (decoded.confidence < 0.9).all()


def test_one_point_missing_in_one_view_is_no_loss():
    cameras = two_cameras()
    truth = still()
    images = render(truth, cameras)
    for channel in range(3):
        holed = images.copy()
        holed[0, ..., channel] = 0.0
        decoded = decode(holed, cameras)
        assert decoded.valid.all(), decoded.reasons
        millimetres, degrees = errors(decoded, truth)
        assert millimetres.max() < 0.05
        assert degrees.max() < 0.05


@given(seeds)
@few
def test_blur_noise_and_a_ghost(seed):
    rng = np.random.default_rng(seed)
    rig = random_rig(rng, 5, views=3)
    cameras = rig.at(192)
    decoded = decode(corrupted(render(rig.trajectory, cameras), rng), cameras)
    assert decoded.valid.all(), decoded.reasons
    millimetres, _ = errors(decoded, rig.trajectory)
    assert np.median(millimetres) < 3.0


def test_colour_that_bleeds_is_undone():
    cameras = two_cameras(256)
    steps = np.linspace(0, 1, 9)
    path = np.stack([0.4 + 0.1 * steps, 0.15 * np.sin(6 * steps), 0.15 + 0.1 * steps], axis=-1)
    turns = np.stack([np.pi - 0.5 * steps, 0.5 * steps, 2.0 * steps], axis=-1)
    truth = Trajectory(steps, from_rpy(path, turns), np.ones(9))
    bleeding = 0.1 * (1 - np.eye(3)) + np.eye(3)
    images = eight_bit(np.clip(render(truth, cameras) @ bleeding, 0, 1))
    decoded = decode(images, cameras)
    assert decoded.valid.all(), decoded.reasons
    millimetres, _ = errors(decoded, truth)
    assert np.median(millimetres) < 0.5


def test_empty_and_ambiguous_channels_have_no_points():
    cameras = two_cameras()
    images = render(still(), cameras)
    images[0, ..., 0] = 0.0
    images[1, ..., 1] = np.maximum(images[1, ..., 1], np.roll(images[1, ..., 1], 50, axis=-1))
    pixels, strength = find_points(images)
    assert np.isnan(pixels[0, :, 0]).all() and np.isnan(pixels[1, :, 1]).all()
    assert strength[0, :, 0].max() < 0.05 and strength[1, :, 1].max() < 0.05
    assert np.isfinite(pixels[0, :, 1:]).all() and np.isfinite(pixels[1, :, [0, 2]]).all()


def two_ways(steps: int = 9) -> tuple[Trajectory, Trajectory]:
    """Return two motions from one position to objects that stand apart."""
    share = np.linspace(0, 1, steps)
    start, turns = np.array([0.4, 0.0, 0.2]), np.tile([np.pi, 0.0, 0.0], (steps, 1))
    ways = []
    for side in (-1, 1):
        end = np.array([0.45, 0.12 * side, 0.05])
        places = start + share[:, None] * (end - start)
        ways.append(Trajectory(share, from_rpy(places, turns), np.ones(steps)))
    return ways[0], ways[1]


def test_the_view_that_is_sure_says_which_of_two_ghosts_is_meant():
    cameras = two_cameras(192)
    meant, other = two_ways()
    images = 0.5 * render(meant, cameras) + 0.5 * render(other, cameras)
    images[1] = 0.8 * render(meant, cameras)[1] + 0.2 * render(other, cameras)[1]
    decoded = decode(images, cameras)
    # In the middle the two are too near to be two blobs, and not near enough to be one.
    assert decoded.valid[-4:].all(), decoded.reasons
    millimetres, _ = errors(decoded, meant)
    assert millimetres[-4:].max() < 5.0
    assert (decoded.confidence[-4:] < 0.7).all()


def test_one_ghost_is_followed_through_time_where_no_view_is_sure():
    cameras = two_cameras(192)
    ways = two_ways()
    images = 0.5 * sum(render(way, cameras) for way in ways)
    decoded = decode(images, cameras)
    assert decoded.valid[-3:].all(), decoded.reasons
    millimetres = [errors(decoded, way)[0][-3:].max() for way in ways]
    assert min(millimetres) < 5.0


@pytest.mark.parametrize("kind", ["black", "grey", "pedestal", "noise", "stripes"])
def test_pictures_without_an_action_give_no_answer(kind):
    rng = np.random.default_rng(0)
    shape = (2, 4, 128, 128, 3)
    images = {
        "black": np.zeros(shape),
        "grey": np.full(shape, 0.5),
        "pedestal": np.full(shape, (0.0, 0.0, 0.25)),
        "noise": rng.random(shape),
        "stripes": np.zeros(shape) + 0.5 * (1 + np.sin(np.arange(128) / 3.0))[:, None],
    }[kind]
    decoded = decode(images, two_cameras())
    assert not decoded.valid.any()
    assert all(decoded.reasons)
    assert np.isnan(decoded.trajectory.base_from_tool).all()


def test_the_gripper_is_read_from_the_background_whatever_the_blob_s_size():
    for near in (0.5, 1.5):
        cameras = [camera_at("a", 128, 128, 0.8, (0.4 + near, 0.2, 0.2), (0.4, 0, 0.2))]
        cameras.append(camera_at("b", 128, 128, 0.8, (0.4 + near, -0.4, 0.2), (0.4, 0, 0.2)))
        for sigma in (0.03, 0.1):
            for openness in (0.0, 0.4, 0.6, 1.0):
                decoded = decode(render(still(openness=openness), cameras, sigma=sigma), cameras, sigma=sigma)
                assert decoded.valid.all(), (near, sigma, openness, decoded.reasons)
                assert (decoded.trajectory.openness == float(openness > 0.5)).all()


def test_other_axis_lengths_and_other_than_square_images():
    cameras = [
        camera_at("left", 160, 120, 0.8, (1.2, 0.5, 0.6), (0.4, 0, 0.2)),
        camera_at("right", 160, 120, 0.8, (1.2, -0.5, 0.6), (0.4, 0, 0.2)),
    ]
    truth = still()
    images = render(truth, cameras, axis_length=0.05)
    assert images.shape == (2, 3, 120, 160, 3)
    millimetres, degrees = errors(decode(images, cameras, axis_length=0.05), truth)
    assert millimetres.max() < 0.01
    assert degrees.max() < 0.01


def test_a_moving_camera():
    fixed, moved = two_cameras()
    path = pose(position=np.linspace([0, 0, 0], [0, 0.1, 0.05], 3))
    moving = Camera("wrist", moved.width, moved.height, moved.K, path @ moved.base_from_camera)
    truth = still()
    millimetres, _ = errors(decode(render(truth, [fixed, moving]), [fixed, moving]), truth)
    assert millimetres.shape == (3,)
    assert millimetres.max() < 0.01
    with pytest.raises(ValueError, match="wrist has 3 poses"):
        decode(np.zeros((2, 4, 128, 128, 3)), [fixed, moving])


def test_smoothing_is_an_option_that_leaves_uniform_motion_alone():
    cameras = two_cameras()
    positions = np.linspace([0.35, -0.1, 0.15], [0.45, 0.1, 0.25], 21)
    truth = Trajectory(np.arange(21) * 0.1, from_rpy(positions, np.array([np.pi, 0.0, 0.3])), np.ones(21))
    images = render(truth, cameras)
    millimetres, _ = errors(decode(images, cameras, times=truth.times, smoothing=0.3), truth)
    assert millimetres.max() < 0.01
    noisy = np.clip(images + np.random.default_rng(0).normal(0, 0.1, images.shape), 0, 1).astype(np.float32)
    rough, _ = errors(decode(noisy, cameras, times=truth.times), truth)
    smooth, _ = errors(decode(noisy, cameras, times=truth.times, smoothing=0.3), truth)
    assert np.mean(smooth) < 0.7 * np.mean(rough)


def test_a_camera_with_one_view_only_or_none():
    left, right = two_cameras()
    images = render(still(), [left, right])
    with pytest.raises(ActionImageError, match=r"One view \(left\)"):
        decode(images[:1], [left])
    with pytest.raises(ActionImageError, match="at least one camera"):
        render(still(), [])
    same = Camera("twin", left.width, left.height, left.K, left.base_from_camera)
    with pytest.raises(ActionImageError, match="left and twin have the same place"):
        decode(images, [left, same])
    path = np.repeat(left.base_from_camera[None], 3, axis=0)
    with pytest.raises(ActionImageError, match="wrist and twin have the same place"):
        decode(images, [Camera("wrist", left.width, left.height, left.K, path), same])
    with pytest.raises(ActionImageError, match=r"differ in size: left 128 x 128, right 64 x 64"):
        render(still(), [left, right.resized(64, 64)])


def test_what_cannot_be_drawn_is_said():
    cameras = two_cameras()
    known = still()
    poses = known.base_from_tool.copy()
    poses[1] = np.nan
    unknown = Trajectory(known.times, poses, known.openness)
    with pytest.raises(ActionImageError, match=r"unknown in frames \[1\]"):
        render(unknown, cameras)
    with pytest.raises(ActionImageError, match="behind the camera left in every frame"):
        render(still((2.5, 1.0, 1.0)), cameras)
    with pytest.raises(ValueError, match="axis_length"):
        render(known, cameras, axis_length=-0.1)
    with pytest.raises(ValueError, match="sigma"):
        render(known, cameras, sigma=0.0)


def test_a_point_behind_the_camera_leaves_its_channel_empty():
    cameras = two_cameras()
    poses = np.stack([still().base_from_tool[0], still((2.5, 1.0, 1.0)).base_from_tool[0]])
    images = render(Trajectory(np.arange(2.0), poses, np.zeros(2)), cameras)
    assert images[:, 0].max() > 0.9
    assert images[0, 1].max() == 0.0


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (np.zeros((2, 3, 128, 128)), "images must be"),
        (np.zeros((3, 3, 128, 128, 3)), "images must be"),
        (np.zeros((2, 3, 64, 128, 3)), "images must be"),
        (np.zeros((2, 0, 128, 128, 3)), "images must be"),
        (np.zeros((2, 3, 128, 128, 3), np.int32), "uint8, or float"),
        (np.full((2, 3, 128, 128, 3), np.nan), "finite"),
        (np.full((2, 3, 128, 128, 3), 200.0), "finite and lie in"),
    ],
)
def test_arrays_that_are_no_action_images(images, sentence):
    with pytest.raises(ValueError, match=sentence):
        decode(images, two_cameras())


def test_times_must_be_one_for_each_frame():
    with pytest.raises(ValueError, match=r"times must be \(3,\)"):
        decode(np.zeros((2, 3, 128, 128, 3), np.uint8), two_cameras(), times=np.arange(4.0))

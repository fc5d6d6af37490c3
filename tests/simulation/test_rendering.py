"""The lab's images against the cameras that they were rendered for."""

import os
import queue
import subprocess
import sys
import threading
from typing import Any

import cv2
import numpy as np
import pytest
from pupil_apriltags import Detector

from foundation import xarm7
from foundation.camera import Camera
from foundation.poses import look_at
from simulation.bench.build import GRIPPER_TAG_SIZE, GRIPPER_TAGS
from simulation.bench.camera_spec import CameraSpec, camera_spec, camera_spec_at
from simulation.bench.scene import BENCH_TAGS, ObjectSpec, SceneSpec, TagSpec
from simulation.bench.world import World
from simulation.errors import SimulationError
from simulation.pictures.lens import lens_of
from simulation.pictures.noise import depth_mm
from simulation.pictures.rendering import SceneRenderer

DISTORTION = (-0.18, 0.06, 0.0012, -0.0008, -0.01)
MARKS = (("red", (0.35, -0.25)), ("green", (0.5, 0.2)), ("blue", (0.6, -0.1)), ("yellow", (0.3, 0.3)))
TALL = (0.75, 0.1, 1.0)  # position of these tests' cameras, beyond the bench and above


def odd_camera(distortion=(0.0,) * 5) -> CameraSpec:
    """Return a camera with neither square pixels nor a centred principal point."""
    K = np.array([[520.0, 0, 285.3], [0, 563.0, 262.8], [0, 0, 1]])
    pose = look_at(np.array(TALL), np.array([0.42, 0.0, 0.0]))
    return camera_spec(Camera("odd", 640, 480, K, pose), distortion=distortion, noise=0.0)


@pytest.fixture(scope="module")
def marked():
    """A world of small balls at known positions, and a renderer of it."""
    objects = tuple(ObjectSpec(colour, "ball", place, width=0.012) for colour, place in MARKS)
    world = World(SceneSpec(objects=objects, tags=()))
    renderer = SceneRenderer(world)
    yield world, renderer
    renderer.close()


@pytest.fixture(scope="module")
def tagged():
    tags = (*BENCH_TAGS, TagSpec(7, (0.45, -0.2), 0.4), TagSpec(300, (0.5, 0.2), -2.0))
    world = World(SceneSpec(tags=tags))
    renderer = SceneRenderer(world)
    yield world, renderer
    renderer.close()


def coloured_centroid(rgb: np.ndarray, colour: str) -> np.ndarray:
    """Return (u, v) of the mean pixel of this hue."""
    hue, saturation = (cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)[..., i].astype(int) for i in (0, 1))
    wanted = {"red": 0, "green": 64, "blue": 113, "yellow": 26}[colour]
    distance = np.minimum(np.abs(hue - wanted), 180 - np.abs(hue - wanted))
    v, u = np.nonzero((distance < 9) & (saturation > 120))
    assert len(u) > 15
    return np.array([u.mean(), v.mean()])


def brown_conrady(spec: CameraSpec, points: np.ndarray) -> np.ndarray:
    """Project points (n, 3) in base to pixels (n, 2) through OpenCV's own distortion model."""
    camera_from_base = np.linalg.inv(np.array(spec.base_from_camera))
    turn, _ = cv2.Rodrigues(camera_from_base[:3, :3])
    pixels, _ = cv2.projectPoints(points, turn, camera_from_base[:3, 3], np.array(spec.K), np.array(spec.distortion))
    return pixels[:, 0]


@pytest.mark.parametrize("distortion", [(0.0,) * 5, DISTORTION])
def test_balls_appear_where_the_camera_projects_them(marked, distortion):
    world, renderer = marked
    spec = odd_camera(distortion)
    rgb = renderer.render(spec).rgb
    poses = world.truth().poses
    for colour, _ in MARKS:
        centre = poses[f"{colour} ball"][:3, 3]
        expected = brown_conrady(spec, centre[None])[0]
        if not any(distortion):
            np.testing.assert_allclose(expected, spec.camera.project(centre), atol=1e-6)
        assert np.linalg.norm(coloured_centroid(rgb, colour) - expected) < 0.3


def tag_corners(tag: TagSpec) -> np.ndarray:
    """Return (4, 3) in base: top left, top right, bottom right, bottom left of the upright tag."""
    square = np.array([[-1, 1], [1, 1], [1, -1], [-1, -1]]) * tag.size / 2
    angle = tag.yaw - np.pi / 2
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([square @ turn.T + tag.position, np.full(4, 0.001)])


def detected(rgb: np.ndarray) -> dict[int, np.ndarray]:
    """Return corners (4, 2) px of each tag by number; the AprilTag library counts them from bottom left."""
    grey: Any = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    detector: Any = Detector(families="tag36h11", quad_decimate=1.0)
    found = {tag.tag_id: tag.corners[::-1] - 0.5 for tag in detector.detect(grey) if tag.hamming == 0}
    # Its own destructor frees the tag family before the detector that uses it, and occasionally crashes.
    detector.libc.apriltag_detector_destroy(detector.tag_detector_ptr)
    detector.tag_detector_ptr = None
    return found


def test_tags_are_detected_with_their_true_corners(tagged):
    world, renderer = tagged
    spec = camera_spec_at("tags", (0.85, 0.05, 0.95), (0.42, 0.0, 0.0), width=1280, height=720, noise=1.5)
    rgb = renderer.render(spec).rgb
    found = detected(rgb)
    assert {tag.number for tag in world.scene.tags} <= set(found) | {0, 3}  # the arm may hide the two beside it
    assert {1, 2, 7, 300} <= set(found)
    for tag in world.scene.tags:
        if tag.number in found:
            np.testing.assert_allclose(world.tag_corners(tag.number), tag_corners(tag), atol=1e-9)
            error = found[tag.number] - spec.camera.project(tag_corners(tag))
            assert np.linalg.norm(error, axis=1).max() < 1.0


def test_the_gripper_board_shows_its_tags():
    world = World(SceneSpec(tags=(), gripper_board=True))
    renderer = SceneRenderer(world)
    spec = camera_spec_at("board", (1.1, 0.1, 0.45), (0.45, 0.0, 0.4), vertical_fov=0.5)
    found = detected(renderer.render(spec).rgb)
    renderer.close()
    assert sorted(found) == list(GRIPPER_TAGS)
    for number in GRIPPER_TAGS:
        corners = world.tag_corners(number)
        assert np.linalg.norm(found[number] - spec.camera.project(corners), axis=1).max() < 1.0
        assert np.linalg.norm(corners[1] - corners[0]) == pytest.approx(GRIPPER_TAG_SIZE)


def test_depth_is_the_distance_along_the_optical_axis(marked):
    world, renderer = marked
    camera = odd_camera().camera
    _, depth = renderer.draw(camera, depth=True)
    pixels = np.array([[300, 260], [500, 400], [320, 300]])
    origins, directions = camera.rays(pixels)
    on_table = origins - directions * (origins[:, 2:] / directions[:, 2:])
    in_camera = np.einsum("ij,nj->ni", np.linalg.inv(camera.base_from_camera)[:3, :3], on_table - origins)
    clear = [np.abs(camera.project(p[:3, 3]) - pixels).max(axis=1).min() > 20 for p in world.truth().poses.values()]
    assert all(clear)
    np.testing.assert_allclose(depth[pixels[:, 1], pixels[:, 0]], in_camera[:, 2], atol=0.0005)


def test_depth_in_millimetres_marks_what_was_not_measured():
    assert depth_mm(np.array([[0.05, 0.5, 1.2344, 30.0]])).tolist() == [[0, 500, 1234, 0]]


def test_noise_makes_frames_differ_and_repeats_with_the_seed(marked):
    world, renderer = marked
    spec = camera_spec_at("noisy", TALL, (0.42, 0, 0), width=320, height=240, noise=2.0)
    first, second = renderer.render(spec).rgb, renderer.render(spec).rgb
    assert not np.array_equal(first, second)
    plain, _ = renderer.draw(spec.camera)
    noise = first.astype(int)[20:40] - plain[20:40]  # the wall: far from 0 and 255
    assert noise.std() == pytest.approx(2.0, rel=0.05)
    assert abs(noise.mean()) < 0.1
    again = SceneRenderer(world)
    assert np.array_equal(first, again.render(spec).rgb)
    again.close()
    other = SceneRenderer(world, seed=1)
    assert not np.array_equal(first, other.render(spec).rgb)
    other.close()


def test_the_picture_follows_the_snapshot(marked):
    world, renderer = marked
    camera = odd_camera().camera
    before, _ = renderer.draw(camera)
    moved = world.snapshot()
    moved[0] += 0.3
    renderer.update(moved)
    after, _ = renderer.draw(camera)
    renderer.update(world.snapshot())
    back, _ = renderer.draw(camera)
    assert np.abs(before.astype(int) - after).mean() > 1.0
    assert np.array_equal(before, back)


def test_cameras_of_different_sizes_take_turns(marked):
    _, renderer = marked
    small = camera_spec_at("small", TALL, (0.42, 0, 0), width=96, height=64, noise=0.0)
    large = camera_spec_at("large", TALL, (0.42, 0, 0), width=1280, height=720, noise=0.0)
    first = renderer.render(small).rgb
    assert renderer.render(large, depth=True).rgb.shape == (720, 1280, 3)
    assert np.array_equal(first, renderer.render(small).rgb)


def test_a_lens_that_folds_the_picture_is_refused():
    with pytest.raises(SimulationError, match="distorts too much"):
        lens_of(odd_camera((-2.5, 0.0, 0.0, 0.0, 0.0)))


def trial(**environment: str) -> subprocess.CompletedProcess:
    """Run `try_rendering` in a fresh process: OpenGL is chosen once per process."""
    script = "from simulation.pictures.rendering import try_rendering; print(try_rendering())"
    clean = {name: value for name, value in os.environ.items() if name not in ("MUJOCO_GL", "PYOPENGL_PLATFORM")}
    return subprocess.run(
        [sys.executable, "-c", script], env={**clean, **environment}, capture_output=True, text=True, timeout=60
    )


def test_drawing_works_without_a_screen():
    done = trial(DISPLAY="")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("egl", "osmesa", "glfw")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="EGL's devices are hidden as Mesa's loader does it")
def test_an_egl_without_devices_is_passed_over_or_explained():
    hidden = {"__EGL_VENDOR_LIBRARY_FILENAMES": "/nowhere"}
    done = trial(**hidden)
    if done.returncode == 0:
        assert done.stdout.strip() == "osmesa"
    else:
        assert "apt install" in done.stderr
    insisted = trial(MUJOCO_GL="egl", **hidden)
    assert insisted.returncode == 1
    assert "cannot draw through egl" in insisted.stderr
    assert "MUJOCO_GL=osmesa" in insisted.stderr


def test_another_thread_draws_while_the_physics_run():
    world = World(SceneSpec(objects=(ObjectSpec("red", "cube", (0.45, 0.0)),)))
    spec = camera_spec_at("side", (1.0, 0.5, 0.6), (0.4, 0, 0.1), width=160, height=120, noise=0.0)
    snapshots: queue.Queue = queue.Queue()
    pictures = []

    def draw():
        renderer = SceneRenderer(world)
        while (snapshot := snapshots.get()) is not None:
            renderer.update(snapshot)
            pictures.append(renderer.render(spec).rgb)
        renderer.close()

    thread = threading.Thread(target=draw)
    thread.start()
    kept = []
    for i in range(20):
        world.command_joints(xarm7.HOME + 0.02 * i, np.zeros(xarm7.JOINTS))
        for _ in range(5):
            world.step(0.004)
        kept.append(world.snapshot())
        snapshots.put(kept[-1])
    snapshots.put(None)
    thread.join(timeout=30)
    assert len(pictures) == 20
    assert not np.array_equal(pictures[0], pictures[-1])
    here = SceneRenderer(world)
    for snapshot, picture in zip(kept, pictures, strict=True):
        here.update(snapshot)
        assert np.array_equal(here.render(spec).rgb, picture)
    here.close()

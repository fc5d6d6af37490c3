"""Drift check at a session's start: cameras that were moved, and cameras that were not."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.checks import Check, say
from cameras.calibration.board import BENCH_TAG_IDS, BENCH_TAG_SIZE
from cameras.calibration.drift import BenchSight, bench_sight, check_drift
from cameras.intrinsics import Intrinsics
from foundation.poses import invert, transform
from simulation.bench.camera_spec import CameraSpec
from simulation.bench.scene import SceneSpec
from simulation.bench.world import World
from simulation.pictures.rendering import SceneRenderer
from workflows.calibration.lab import calibration_scene

_FIRST_SEED = 400_000
_NOISE_PX = 0.1
_BORDER_PX = 8.0
_FRAMES = 5
_LIGHT = 0.1  # by which lamp and room are brighter or darker at the check


def drift_checks(count: int, drawn: int) -> list[Check]:
    """Check `count` cameras moved by 1 degree or 5 mm, and as many left alone.

    The first `drawn` use rendered images, with the light changed in between.
    """
    say(f"drift: {count} cameras moved and {count} not, {drawn} of each in drawn pictures")
    detected = alarms = 0
    for number in range(count):
        moved, alone = _one(_FIRST_SEED + number, drawn=number < drawn)
        detected += moved in ("yellow", "red")
        alarms += alone != "green"
    return [
        Check("drift_detected_pct", 100.0 * detected / count, "%", "= 100"),
        Check("drift_false_alarm_pct", 100.0 * alarms / count, "%", "= 0"),
    ]


def random_move(generator: np.random.Generator) -> np.ndarray:
    """Draw camera_from_moved (4, 4): a rotation by 1 degree about, or a shift of 5 mm along, a random axis."""
    axis = generator.normal(size=3)
    axis /= np.linalg.norm(axis)
    moved = np.eye(4)
    if generator.random() < 0.5:
        moved[:3, :3] = Rotation.from_rotvec(np.deg2rad(1.0) * axis).as_matrix()
    else:
        moved[:3, 3] = 0.005 * axis
    return moved


def _one(seed: int, *, drawn: bool) -> tuple[str, str]:
    """Return the check's results for one camera: moved, and left alone."""
    scene = calibration_scene(seed)
    generator = np.random.default_rng([seed, 13])
    spec = scene.cameras[int(generator.integers(len(scene.cameras)))]
    lens = Intrinsics(spec.width, spec.height, np.array(spec.K), np.array(spec.distortion))
    place = np.array(spec.base_from_camera) @ random_move(generator)
    moved = replace(spec, base_from_camera=tuple(tuple(row) for row in place.tolist()))
    look: Callable[[SceneSpec, CameraSpec, np.random.Generator], BenchSight] = _drawn if drawn else _computed
    reference = look(scene, spec, generator)
    later = _other_light(scene, generator)
    lights = [
        check_drift(reference, look(later, each, generator), lens, BENCH_TAG_SIZE).light for each in (moved, spec)
    ]
    return lights[0], lights[1]


def _other_light(scene: SceneSpec, generator: np.random.Generator) -> SceneSpec:
    light = scene.light
    brightness, ambient = (
        value * generator.uniform(1 - _LIGHT, 1 + _LIGHT) for value in (light.brightness, light.ambient)
    )
    return replace(scene, light=replace(light, brightness=float(brightness), ambient=float(ambient)))


def _drawn(scene: SceneSpec, spec: CameraSpec, generator: np.random.Generator) -> BenchSight:
    renderer = SceneRenderer(World(scene), seed=int(generator.integers(1 << 30)))
    try:
        frames = [renderer.render(spec).rgb for _ in range(_FRAMES)]
    finally:
        renderer.close()
    return bench_sight(frames, "tag36h11", BENCH_TAG_IDS)


def _computed(scene: SceneSpec, spec: CameraSpec, generator: np.random.Generator) -> BenchSight:
    seen = {}
    for tag in scene.tags:
        half = tag.size / 2
        square = np.array([[half, half, 0], [half, -half, 0], [-half, -half, 0], [-half, half, 0.0]])
        points = transform(invert(np.array(spec.base_from_camera)), square + np.array([*tag.position, 0.001]))
        pixels, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), np.array(spec.K), np.array(spec.distortion))
        corners = pixels[:, 0]
        if ((corners > _BORDER_PX) & (corners < [spec.width - _BORDER_PX, spec.height - _BORDER_PX])).all():
            seen[tag.number] = corners + generator.normal(0.0, _NOISE_PX, corners.shape)
    return BenchSight(seen, _NOISE_PX)

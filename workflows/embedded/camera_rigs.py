"""Random camera rigs around the bench, and the crop of a camera's image that contains the workspace.

Every camera is cropped to the square that contains the workspace, to spend the model's few pixels there. Some
directions and heights are held out from training ("unseen"), so that generalisation to them can be evaluated.
"""

from dataclasses import replace

import numpy as np

from foundation.camera import Camera, pinhole
from foundation.poses import look_at, pose
from simulation.bench.randomise import random_cameras

UNSEEN_AZIMUTHS = ((52.0, 72.0), (-72.0, -52.0))  # deg about the bench's centre, 0 opposite the arm, 90 its left
UNSEEN_ELEVATIONS = (50.0, 62.0)  # deg above the table
WIDEST = 105.0  # deg of azimuth to both sides; beyond, the arm occludes the bench
ELEVATIONS = (15.0, 48.0)  # deg
DISTANCES = (0.75, 1.30)  # m from the bench's centre
APART = 35.0  # deg of azimuth at least between any two cameras of a rig
USUAL_SHARE = 0.25  # share of seen rigs that are placed like the lab's own cameras
MIDDLE = np.array([0.42, 0.0, 0.08])  # m
# Points that an image has to contain: the reachable part of the table, and the tool above it.
WORKSPACE = np.array(
    [(x, y, z) for x in (0.28, 0.62) for y in (-0.30, 0.30) for z in (0.0, 0.10)]
    + [(0.42, y, 0.33) for y in (-0.15, 0.15)]
)
_RAW = 1000  # px of the image that a camera is cropped from
_ATTEMPTS = 1000


def random_camera_rig(
    generator: np.random.Generator, views: int, size: int, *, unseen: bool = False
) -> tuple[Camera, ...]:
    """Sample `views` cameras of `size` x `size` px, named "view 1" and so on; with `unseen`, all at held-out places."""
    if not unseen and generator.random() < USUAL_SHARE:
        usual = random_cameras(generator, 4, (_RAW, round(0.75 * _RAW)))
        chosen = generator.permutation(4)[:views]
        cameras = [usual[i].camera for i in chosen]
    else:
        cameras = _apart(generator, views, unseen)
    return tuple(
        replace(
            towards_workspace(camera, generator.uniform(0.0, 0.15), generator).resized(size, size), name=f"view {i}"
        )
        for i, camera in enumerate(cameras, start=1)
    )


def towards_workspace(camera: Camera, margin: float = 0.05, generator: np.random.Generator | None = None) -> Camera:
    """Crop a camera to the square that contains the workspace, plus `margin` of its side on all sides.

    With a `generator` the margin is split at random between opposite sides. The square exceeds a smaller image.
    """
    left, top, side = workspace_window(camera, margin, generator)
    return camera.cropped(left, top, side, side)


def workspace_window(
    camera: Camera, margin: float = 0.05, generator: np.random.Generator | None = None
) -> tuple[int, int, int]:
    """Return left, top and side in px of the square of `towards_workspace`."""
    pixels = camera.project(WORKSPACE)
    low, high = pixels.min(axis=0) - 1.0, pixels.max(axis=0) + 2.0  # rounded outwards to whole pixels
    side = int(np.ceil((high - low).max() * (1.0 + 2.0 * margin))) + 1
    share = np.full(2, 0.5) if generator is None else generator.uniform(0.0, 1.0, 2)
    left, top = np.floor(low - share * (side - (high - low))).astype(int).tolist()
    return _inside(left, side, camera.width), _inside(top, side, camera.height), side


def _inside(first: int, length: int, whole: int) -> int:
    """Return the start in px of a part of `length` px, shifted into the image if it fits at all."""
    return int(np.clip(first, 0, whole - length)) if length <= whole else first


def is_unseen(camera: Camera) -> bool:
    """Return whether a camera is placed in one of the held-out directions or heights."""
    azimuth, elevation = _direction(camera)
    return _azimuth_unseen(azimuth) or UNSEEN_ELEVATIONS[0] <= elevation <= UNSEEN_ELEVATIONS[1]


def _apart(generator: np.random.Generator, views: int, unseen: bool) -> list[Camera]:
    """Sample cameras whose viewing directions differ enough to determine depth."""
    for _ in range(_ATTEMPTS):
        cameras = [_camera(generator, unseen) for _ in range(views)]
        azimuths = np.array([_direction(camera)[0] for camera in cameras])
        between = np.abs(azimuths[:, None] - azimuths)[np.triu_indices(views, 1)]
        if (between >= APART).all() and all(is_unseen(camera) == unseen for camera in cameras):
            return cameras
    raise ValueError(f"{views} cameras do not fit around the bench")


def _camera(generator: np.random.Generator, unseen: bool) -> Camera:
    azimuth, elevation = generator.uniform(-WIDEST, WIDEST), generator.uniform(*ELEVATIONS)
    if unseen and generator.random() < 0.5:
        elevation = generator.uniform(*UNSEEN_ELEVATIONS)
    elif unseen:
        azimuth = generator.uniform(*UNSEEN_AZIMUTHS[generator.integers(2)])
    a, e = np.deg2rad([azimuth, elevation])
    distance = generator.uniform(*DISTANCES)
    place = MIDDLE + distance * np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    target = MIDDLE + generator.uniform(-0.06, 0.06, 3) * [1.0, 1.0, 0.5]
    roll = np.deg2rad(generator.normal(0.0, 2.0))
    turn = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1.0]])
    base_from_camera = look_at(place, target) @ pose(turn)
    camera = Camera("camera", _RAW, _RAW, pinhole(_RAW, _RAW, generator.uniform(0.7, 1.1)), base_from_camera)
    return camera.cropped(-_RAW, -_RAW, 3 * _RAW, 3 * _RAW)  # wide enough that any crop lies inside the image


def _direction(camera: Camera) -> tuple[float, float]:
    """Return azimuth and elevation in deg of a camera as seen from the bench's centre."""
    x, y, z = camera.base_from_camera[:3, 3] - MIDDLE
    return float(np.rad2deg(np.arctan2(y, x))), float(np.rad2deg(np.arctan2(z, np.hypot(x, y))))


def _azimuth_unseen(azimuth: float) -> bool:
    return any(low <= azimuth <= high for low, high in UNSEEN_AZIMUTHS)

"""Random camera rigs around the bench, and the part of a camera's picture in which the bench is.

Every camera is cropped to the square that holds the workspace: the model's few pixels go where the work is. Some
directions and heights are never trained on ("unseen"), so that the judge can ask how well others are done.
"""

from dataclasses import replace

import numpy as np

from foundation.camera import Camera, pinhole
from foundation.poses import look_at, pose
from simulation.bench.randomise import random_cameras

UNSEEN_AZIMUTHS = ((52.0, 72.0), (-72.0, -52.0))  # deg about the bench's middle, 0 opposite the arm, 90 its left
UNSEEN_ELEVATIONS = (50.0, 62.0)  # deg above the table
WIDEST = 105.0  # deg of azimuth to both sides; farther round the arm stands before the bench
ELEVATIONS = (15.0, 48.0)  # deg
DISTANCES = (0.75, 1.30)  # m from the bench's middle
APART = 35.0  # deg of azimuth between any two cameras of a rig
USUAL_SHARE = 0.25  # of seen rigs that stand as the lab's own cameras do
MIDDLE = np.array([0.42, 0.0, 0.08])  # m
# What a picture has to hold: the table's part in reach, and the tool above it.
WORKSPACE = np.array(
    [(x, y, z) for x in (0.28, 0.62) for y in (-0.30, 0.30) for z in (0.0, 0.10)]
    + [(0.42, y, 0.33) for y in (-0.15, 0.15)]
)
_RAW = 1000  # px of the picture a camera is cropped out of
_ATTEMPTS = 1000


def random_camera_rig(
    generator: np.random.Generator, views: int, size: int, *, unseen: bool = False
) -> tuple[Camera, ...]:
    """`views` cameras of `size` x `size` px, named "view 1" and so on; with `unseen`, each stands where none was
    trained."""
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
    """The square part of a camera's picture that holds the workspace, `margin` of its side more all around; a random
    part of that margin goes to each side when a `generator` is given. It reaches over the border of a picture that is
    too small for it."""
    left, top, side = workspace_window(camera, margin, generator)
    return camera.cropped(left, top, side, side)


def workspace_window(
    camera: Camera, margin: float = 0.05, generator: np.random.Generator | None = None
) -> tuple[int, int, int]:
    """Left, top and side in px of the square of `towards_workspace`."""
    pixels = camera.project(WORKSPACE)
    low, high = pixels.min(axis=0) - 1.0, pixels.max(axis=0) + 2.0  # whole pixels around
    side = int(np.ceil((high - low).max() * (1.0 + 2.0 * margin))) + 1
    share = np.full(2, 0.5) if generator is None else generator.uniform(0.0, 1.0, 2)
    left, top = np.floor(low - share * (side - (high - low))).astype(int).tolist()
    return _inside(left, side, camera.width), _inside(top, side, camera.height), side


def _inside(first: int, length: int, whole: int) -> int:
    """Where a part of so many px begins when it is moved into the picture, if it fits at all."""
    return int(np.clip(first, 0, whole - length)) if length <= whole else first


def is_unseen(camera: Camera) -> bool:
    """Whether a camera stands in one of the directions or heights that are never trained on."""
    azimuth, elevation = _direction(camera)
    return _azimuth_unseen(azimuth) or UNSEEN_ELEVATIONS[0] <= elevation <= UNSEEN_ELEVATIONS[1]


def _apart(generator: np.random.Generator, views: int, unseen: bool) -> list[Camera]:
    """Cameras that look from directions different enough to see depth."""
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
    return camera.cropped(-_RAW, -_RAW, 3 * _RAW, 3 * _RAW)  # whatever part is wanted, there is a picture of it


def _direction(camera: Camera) -> tuple[float, float]:
    """Azimuth and elevation in deg at which a camera stands, seen from the bench's middle."""
    x, y, z = camera.base_from_camera[:3, 3] - MIDDLE
    return float(np.rad2deg(np.arctan2(y, x))), float(np.rad2deg(np.arctan2(z, np.hypot(x, y))))


def _azimuth_unseen(azimuth: float) -> bool:
    return any(low <= azimuth <= high for low, high in UNSEEN_AZIMUTHS)

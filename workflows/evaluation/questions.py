"""Questions of an evaluation, and reference videos of demonstrations: drawn from seeds held out from training.

Includes the bounding boxes of the bench's objects, each in its own frame, for masking their pixels.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np

from foundation.camera import Camera
from foundation.image_resize import resize_images
from foundation.trajectory import Trajectory
from simulation.bench.furniture import (
    BOWL_HEIGHT,
    BOWL_RADIUS,
    BOX_HEIGHT,
    BOX_INSIDE,
    BOX_WALL,
    CABINET,
    CABINET_WALL,
    HANDLE_REACH,
    HANDLE_WIDTH,
    LID_EDGE,
    LID_KNOB_HEIGHT,
    LID_PLUG,
    LID_THICKNESS,
)
from simulation.bench.scene import SceneSpec
from simulation.bench.tasks import KINDS
from simulation.bench.world import Truth
from simulation.errors import SimulationError
from simulation.pictures.studio import Studio
from workflows.embedded.clips import Clip, Unseen, episode_clip, first_frame_clip
from workflows.embedded.seeds import SeedError, Use, use_of
from workflows.evaluation.image_quality import covered
from workflows.evaluation.reference_video import ReferenceVideo

_TRAY_DEPTH = 0.173  # m behind the drawer's front


def extent_of(name: str, scene: SceneSpec) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the lowest and highest corner (3,) m of an object in its own frame; None for what never moves."""
    if name in (thing.name for thing in scene.objects):
        half = 0.5 * np.array(scene.object(name).size)
        return -half, half
    outside = BOX_INSIDE / 2 + BOX_WALL
    front = CABINET_WALL + HANDLE_REACH + HANDLE_WIDTH / 2
    extents = {
        "bowl": ((-BOWL_RADIUS, -BOWL_RADIUS, 0.0), (BOWL_RADIUS, BOWL_RADIUS, BOWL_HEIGHT)),
        "box": ((-outside, -outside, 0.0), (outside, outside, BOX_HEIGHT)),
        "lid": (
            (-LID_EDGE / 2, -LID_EDGE / 2, 0.0),
            (LID_EDGE / 2, LID_EDGE / 2, LID_PLUG + LID_THICKNESS + LID_KNOB_HEIGHT),
        ),
        "drawer": ((-front, -CABINET[1] / 2, 0.0), (_TRAY_DEPTH, CABINET[1] / 2, CABINET[2])),
    }
    if name not in extents:
        return None
    low, high = extents[name]
    return np.array(low), np.array(high)


MOVED = 0.010  # m from its initial position, above which an object counts as moved
MOVED_TURN = 0.1  # rad
_MOST_TRIED = 5  # seeds tried at most per requested clip, where some are rejected


@contextmanager
def studio() -> Iterator[Studio]:
    """Provide one rendering context for all images of an evaluation."""
    made = Studio()
    try:
        yield made
    finally:
        made.close()


def kinds_named(text: str) -> tuple[str, ...]:
    """Parse a comma-separated list of kinds of task: of KINDS, "push", "drawer", "lid", or "all".

    Raises SimulationError for any other name.
    """
    groups = {
        "all": tuple(KINDS),
        "push": ("push left", "push right", "push away"),
        "pick": ("pick up",),
        "drawer": ("open drawer", "close drawer"),
        "lid": ("close box",),
        **{kind: (kind,) for kind in KINDS},
    }
    found: list[str] = []
    for name in (part.strip() for part in text.split(",")):
        if name not in groups:
            raise SimulationError(f'There is no kind of task "{name}". There are: {", ".join(groups)}.')
        found += groups[name]
    return tuple(dict.fromkeys(found))


def divided(scenes: int, kinds: Sequence[str]) -> dict[str, int]:
    """Distribute `scenes` over the kinds as evenly as possible."""
    return {kind: scenes // len(kinds) + (i < scenes % len(kinds)) for i, kind in enumerate(kinds)}


def questions(
    drawn_by: Studio,
    kind: str,
    first_seed: int,
    count: int,
    *,
    views: int = 2,
    unseen: Unseen = Unseen(),
    fits: Callable[[Clip], bool] = lambda clip: True,
) -> list[Clip]:
    """Return `count` clips of a kind of task from `first_seed` on, skipping those for which `fits` is False."""
    found: list[Clip] = []
    for seed in range(first_seed, first_seed + _MOST_TRIED * count):
        if len(found) == count:
            break
        require_untrained(seed)
        clip = first_frame_clip(drawn_by, seed, views=views, kind=kind, unseen=unseen)
        if fits(clip):
            found.append(clip)
    return found


def reference_videos(
    drawn_by: Studio, first_seed: int, count: int, *, views: int = 2, size: int, kinds: Sequence[str] = ()
) -> list[ReferenceVideo]:
    """Record `count` successful demonstrations at `size` px, of the kinds in turn (else of randomly drawn kinds)."""
    found: list[ReferenceVideo] = []
    for seed in range(first_seed, first_seed + _MOST_TRIED * count):
        if len(found) == count:
            break
        require_untrained(seed)
        kind = kinds[len(found) % len(kinds)] if kinds else None
        clip = episode_clip(drawn_by, seed, views=views, kind=kind)
        if clip.done:
            found.append(reference_video(clip, size))
    return found


def reference_video(clip: Clip, size: int) -> ReferenceVideo:
    """Return an episode as a video of `size` px, with the mask of moved objects."""
    poses = np.stack([truth.base_from_tool for truth in clip.truths])
    openness = clip.trajectory.openness
    cameras = [camera.resized(size, size) for camera in clip.cameras]
    moved = np.stack([_moved_pixels(camera, clip.scene, clip.truths) for camera in cameras])
    real = Trajectory(clip.trajectory.times, poses, openness)
    return ReferenceVideo(clip.seed, clip.instruction, clip.question, real, resize_images(clip.rgb, size, size), moved)


def require_untrained(seed: int) -> None:
    """Raise SeedError for a seed that is for training, or for nothing."""
    if use_of(seed) is Use.TRAINING:
        raise SeedError(f"Seed {seed} is for training: what was trained on says nothing. Choose one from 100000 on.")


def _moved_pixels(camera: Camera, scene: SceneSpec, truths: Sequence[Truth]) -> np.ndarray:
    """Return a mask (T, H, W) of the initial and present areas of the objects that have moved by each frame."""
    masks = np.zeros((len(truths), camera.height, camera.width), bool)
    first = truths[0].poses
    for name, base_from_thing in first.items():
        extent = extent_of(name, scene)
        if extent is None:
            continue
        before = covered(camera, base_from_thing, *extent)
        for t, truth in enumerate(truths):
            if _has_moved(base_from_thing, truth.poses[name]):
                masks[t] |= before | covered(camera, truth.poses[name], *extent)
    return masks


def _has_moved(before: np.ndarray, now: np.ndarray) -> bool:
    turned = cv2.Rodrigues(before[:3, :3].T @ now[:3, :3])[0]
    return bool(np.linalg.norm(now[:3, 3] - before[:3, 3]) > MOVED or np.linalg.norm(turned) > MOVED_TURN)

"""Baselines for the model: policies that learn from the same clips, and output numbers instead of images."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from foundation.errors import KnownError
from foundation.trajectory import Trajectory
from workflows.embedded.clips import Clip
from workflows.embedded.keyframe_timing import PERIOD
from workflows.embedded.shards import Shard, read_shard, shard_files
from workflows.evaluation.policies import Answer, Policy

if TYPE_CHECKING:
    from model.networks.direct_policy import Examples

_THUMBNAIL = 16  # px to which images are downscaled before they are compared
_BATCH = 32
_MOST_SHARDS = 60  # held in memory at most


class NothingToLearnError(KnownError):
    """There are no training clips in the given folder."""


def baselines(folder: Path, *, minutes: float, told: Callable[[str], None]) -> list[Policy]:
    """Return all baselines, trained on the shards in `folder`; the regressor for `minutes`. `told` gets progress."""
    paths = shard_files(folder)[:_MOST_SHARDS]
    if not paths:
        raise NothingToLearnError(f"There are no training clips in {folder}. Make some, or leave --baselines out.")
    told(f"baselines: {len(paths)} shards")
    shards = [read_shard(path) for path in paths]
    return [MeanMotion(shards), NearestDemonstration(shards), trained_direct_policy(shards, 60.0 * minutes, told)]


class MeanMotion:
    """Mean of all demonstrations whose instruction begins with the same word."""

    name = "mean"

    def __init__(self, shards: Sequence[Shard]):
        words = np.concatenate([[_first_word(str(text)) for text in shard.instruction] for shard in shards])
        poses = np.concatenate([shard.base_from_tool for shard in shards])
        openness = np.concatenate([shard.openness for shard in shards])
        self._means = {str(word): _mean(poses[words == word], openness[words == word]) for word in np.unique(words)}
        self._mean = _mean(poses, openness)

    def answer(self, clips: Sequence[Clip]) -> list[Answer]:
        """Return the same motion for every scene."""
        return [_from_here(clip, *self._means.get(_first_word(clip.instruction), self._mean)) for clip in clips]


class NearestDemonstration:
    """Nearest-neighbour policy: the demonstration with the most similar instruction and, among equals, images."""

    name = "nearest"

    def __init__(self, shards: Sequence[Shard]):
        self._texts = [str(text) for shard in shards for text in shard.instruction]
        self._words = [frozenset(text.split()) for text in self._texts]
        small = [np.stack([_thumbnails(picture[:, 0]) for picture in shard.rgb]) for shard in shards]
        self._pictures = np.concatenate([part[shard.picture] for part, shard in zip(small, shards, strict=True)])
        self._poses = np.concatenate([shard.base_from_tool for shard in shards])
        self._openness = np.concatenate([shard.openness for shard in shards])

    def answer(self, clips: Sequence[Clip]) -> list[Answer]:
        """Return the nearest demonstration's motion unchanged."""
        return [self._answer(clip) for clip in clips]

    def _answer(self, clip: Clip) -> Answer:
        asked = frozenset(clip.instruction.split())
        alike = np.array([len(asked & words) / len(asked | words) for words in self._words])
        candidates = np.flatnonzero(alike >= alike.max() - 1e-9)
        shown = _thumbnails(clip.rgb[:, 0])
        apart = np.abs(self._pictures[candidates] - shown).mean(axis=1)
        nearest = candidates[int(np.argmin(apart))]
        return _from_here(clip, self._poses[nearest], self._openness[nearest])


class DirectPolicyBaseline:
    """A trained network of `model.networks.direct_policy`."""

    name = "regressor"

    def __init__(self, network: Any):
        self._network = network

    def answer(self, clips: Sequence[Clip]) -> list[Answer]:
        """Return the network's predictions."""
        from model.networks.direct_policy import Examples

        examples = Examples(
            np.stack([clip.rgb[:, 0] for clip in clips]),
            np.array([[camera.K for camera in clip.cameras] for clip in clips]),
            np.array([[camera.base_from_camera for camera in clip.cameras] for clip in clips]),
            tuple(clip.instruction for clip in clips),
            np.stack([clip.trajectory.base_from_tool[:1] for clip in clips]),
            np.stack([clip.trajectory.openness[:1] for clip in clips]),
        )
        poses, openness = self._network.motions(examples)
        return [Answer(_trajectory(*one)) for one in zip(poses, openness, strict=True)]


def trained_direct_policy(shards: Sequence[Shard], seconds: float, told: Callable[[str], None]) -> DirectPolicyBaseline:
    """Train a regressor on the shards for `seconds`."""
    from model.networks.direct_policy import learn, untrained

    network = untrained(shards[0].openness.shape[1])
    steps = learn(network, _batches(shards), seconds=seconds, told=told)
    told(f"regressor: {steps} steps of {_BATCH} clips")
    return DirectPolicyBaseline(network)


def _batches(shards: Sequence[Shard]) -> "Iterator[Examples]":
    """Yield an endless random sequence of batches, each from a single shard: images are gathered only when needed."""
    from model.networks.direct_policy import Examples

    generator = np.random.default_rng(0)
    while True:
        shard = shards[int(generator.integers(len(shards)))]
        which = generator.choice(len(shard), min(_BATCH, len(shard)), replace=False)
        picture = shard.picture[which]
        yield Examples(
            shard.rgb[picture, :, 0],
            shard.K[picture],
            shard.base_from_camera[picture],
            tuple(str(text) for text in shard.instruction[which]),
            shard.base_from_tool[which],
            shard.openness[which],
        )


def _from_here(clip: Clip, poses: np.ndarray, openness: np.ndarray) -> Answer:
    """Return the motion with its first frame replaced by the present pose."""
    poses, openness = poses.copy(), openness.copy()
    poses[0], openness[0] = clip.trajectory.base_from_tool[0], clip.trajectory.openness[0]
    return Answer(_trajectory(poses, openness))


def _trajectory(poses: np.ndarray, openness: np.ndarray) -> Trajectory:
    return Trajectory(PERIOD * np.arange(len(poses)), poses, openness)


def _mean(poses: np.ndarray, openness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean (T, 4, 4) of poses (n, T, 4, 4), and the majority openness (T,), 0 or 1."""
    mean = np.tile(np.eye(4), (poses.shape[1], 1, 1))
    mean[:, :3, 3] = poses[..., :3, 3].mean(axis=0)
    mean[:, :3, :3] = [Rotation.from_matrix(each[:, :3, :3]).mean().as_matrix() for each in poses.swapaxes(0, 1)]
    return mean, (openness.mean(axis=0) > 0.5).astype(float)


def _thumbnails(rgb: np.ndarray) -> np.ndarray:
    """Downscale images (V, H, W, 3) and flatten them into one vector in 0..1."""
    size = (_THUMBNAIL, _THUMBNAIL)
    small = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in rgb]
    return (np.stack(small).astype(np.float32) / 255.0).ravel()


def _first_word(text: str) -> str:
    return text.removeprefix("please ").split()[0]

"""Sampling of a batch's motions and views: pairs from one scene, so that only the instruction tells them apart."""

from dataclasses import dataclass

import numpy as np

from model.embedded.scene_data import SceneData
from model.errors import ModelError
from model.generation.crop_refinement import crop_around, extents

_ROOMS = (1.15, 2.2)  # side of a crop, in extents of the motion in the image
_SHARED = 0.5  # fraction of crops around both motions of a pair, so that the crop does not reveal which is requested


@dataclass(frozen=True)
class Sampling:
    """Options of sampling.

    Args:
        batch: Number of samples.
        views: Views per sample.
        excerpt: Number of later action frames of one view (layouts.OneView), or 0 for all of them on the whole canvas.
        earliest: First latent frame of an excerpt.
        slots: Number of views that the whole canvas may have.
        without_present: As in OneView.
        kinds: Kinds of task with their shares, empty for all alike.
        jitter: Largest relative variation of the images' brightness; their colours vary by a quarter of it.
        nearer: Fraction of samples that see only an enlarged crop of their images (crop_refinement.py).
    """

    batch: int
    views: int = 1
    excerpt: int = 0
    earliest: int = 1
    slots: int = 3
    without_present: bool = False
    kinds: tuple[tuple[str, float], ...] = ()
    jitter: float = 0.15
    nearer: float = 0.0


@dataclass(frozen=True, eq=False)
class Choice:
    """B samples: `motions` (B,), `views` (B, v), `wordings` (B,) in [0, 1), colour factors `colours` (B, v, 3), and the
    crops `parts` (B, v, 3) of the images."""

    motions: np.ndarray
    views: np.ndarray
    wordings: np.ndarray
    colours: np.ndarray
    parts: np.ndarray

    def __getitem__(self, some: slice) -> "Choice":
        return Choice(*(values[some] for values in (self.motions, self.views, self.wordings, self.colours, self.parts)))


class Choices:
    """Sampler of choices. Neighbouring samples are pairs: one scene, the same views, another object or task.

    The kind of task is sampled first, so that kinds which few scenes allow (an open drawer) have the configured share.
    When sampling all motions uniformly, closing a drawer was 0.3 % of the samples.
    """

    def __init__(self, shots: SceneData, sampling: Sampling):
        self._shots, self._views, self._sampling = shots, shots.views, sampling
        self._motions, self._kinds = shots.motions_of(), np.array(shots.kinds)
        there = set(shots.kinds)
        shares = {k: share for k, share in (sampling.kinds or [(k, 1.0) for k in there]) if k in there and share > 0}
        if not shares:
            raise ModelError(f"The data hold none of the kinds of task asked for ({', '.join(dict(sampling.kinds))}).")
        self._shares = shares
        self._of = {kind: np.flatnonzero(self._kinds == kind) for kind in sorted(shares)}
        self._scene = shots.scene

    def draw(self, generator: np.random.Generator) -> Choice:
        count, views = self._sampling.batch, self._sampling.views
        motions, seen = np.empty(count, int), np.empty((count, views), int)
        colours = 1.0 + generator.uniform(-1, 1, (count, views, 3)) * 0.25 * self._sampling.jitter
        colours *= 1.0 + generator.uniform(-1, 1, (count, views, 1)) * self._sampling.jitter
        for i in range(0, count, 2):
            motions[i : i + 2] = self._pair(generator)[: count - i]
            seen[i : i + 2] = generator.permutation(self._views)[:views]
        wordings = generator.random(count)
        return Choice(motions, seen, wordings, colours, self._parts(motions, seen, generator))

    def _parts(self, motions: np.ndarray, views: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Sample the crops: the whole image, or a region around the motion, often around both motions of a pair."""
        shots, (count, each) = self._shots, views.shape
        parts = np.tile([0.0, 0.0, 1.0], (count, each, 1))
        nearer = np.flatnonzero(generator.random(count) < self._sampling.nearer)
        if not len(nearer):
            return parts
        scenes = shots.scene[motions][:, None]
        cameras = shots.K[scenes, views], shots.base_from_camera[scenes, views]
        around = extents(shots.base_from_tool[motions][:, None], *cameras, shots.size)
        other = np.minimum(np.arange(count) ^ 1, count - 1)
        shared = (generator.random(count) < _SHARED) & (scenes[other, 0] == scenes[:, 0])
        theirs = np.where(shared[:, None, None], around[other], around)
        both = np.minimum(around, theirs)[..., :2], np.maximum(around, theirs)[..., 2:]
        rooms = generator.uniform(*_ROOMS, (count, each, 1))
        drawn = crop_around(np.concatenate(both, axis=-1), rooms, generator.random((count, each, 2)))
        parts[nearer] = drawn[nearer]
        return parts

    def _pair(self, generator: np.random.Generator) -> np.ndarray:
        """Sample two motions of one scene, or of two scenes where one has no other eligible motion."""
        first = generator.choice(self._of[self._kind(generator, list(self._of))])
        others = self._motions[self._scene[first]]
        others = others[others != first]
        here = sorted(set(self._kinds[others]) & set(self._of))
        if here:
            second = generator.choice(others[self._kinds[others] == self._kind(generator, here)])
        else:
            second = generator.choice(self._of[self._kind(generator, list(self._of))])
        return np.array([first, second])

    def _kind(self, generator: np.random.Generator, among: list[str]) -> str:
        chances = np.array([self._shares[kind] for kind in among])
        return among[int(generator.choice(len(among), p=chances / chances.sum()))]

"""Which motions and views a batch shows: pairs of one scene, so that the words alone decide."""

from dataclasses import dataclass

import numpy as np

from model.embedded.scene_data import SceneData
from model.errors import ModelError
from model.generation.crop_refinement import crop_around, extents

_ROOMS = (1.15, 2.2)  # side of a part that is looked at from nearby, in extents of what happens there
_SHARED = 0.5  # of these show what happens in both motions of a pair, so that the part does not say what is asked for


@dataclass(frozen=True)
class Sampling:
    """How samples are drawn.

    `batch` of them at once; `views` per sample; `excerpt` later action frames of one view (layouts.OneView), not before
    latent frame `earliest`, or 0 for all of them on the whole canvas; `slots` views that the whole canvas may have;
    `without_present` as in OneView; `kinds` of task with their shares, empty for all alike; `jitter`: how much
    the pictures' brightness varies at most, as a share; their colours vary by a quarter of it; `nearer`: the share of
    samples that see only a part of their pictures, larger (closer_look.py).
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
    `parts` (B, v, 3) of the pictures that are seen."""

    motions: np.ndarray
    views: np.ndarray
    wordings: np.ndarray
    colours: np.ndarray
    parts: np.ndarray

    def __getitem__(self, some: slice) -> "Choice":
        return Choice(*(values[some] for values in (self.motions, self.views, self.wordings, self.colours, self.parts)))


class Choices:
    """Draws choices. Neighbouring samples are pairs: one scene, the same views, another thing or task.

    The kind of task is drawn first, so that what only few scenes allow (an open drawer) is shown as often as its share
    says. Drawn from all motions alike, closing a drawer was 0.3 % of the samples.
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
        """Everything, or what lies somewhere around the motion: of a pair often around both."""
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
        """Two motions of one scene, or of two where the scene has but one that may be shown."""
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

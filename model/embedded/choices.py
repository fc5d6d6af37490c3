"""Which motions and views a batch shows: pairs of one scene, so that the words alone decide."""

from dataclasses import dataclass

import numpy as np

from model.embedded.shots import Shots


@dataclass(frozen=True)
class Sampling:
    """How samples are drawn.

    `batch` of them at once; `views` per sample; `excerpt` later action frames of one view (layouts.OneView), not before
    latent frame `earliest`, or 0 for all of them on the whole canvas; `slots` views that the whole canvas may have;
    `without_present` as in OneView; `kinds` of task with their weights, empty for all alike; `jitter`: how much
    the pictures' brightness varies at most, as a share; their colours vary by a quarter of it.
    """

    batch: int
    views: int = 1
    excerpt: int = 0
    earliest: int = 1
    slots: int = 3
    without_present: bool = False
    kinds: tuple[tuple[str, float], ...] = ()
    jitter: float = 0.15


@dataclass(frozen=True, eq=False)
class Choice:
    """B samples: `motions` (B,), `views` (B, v), `wordings` (B,) in [0, 1), colour factors `colours` (B, v, 3)."""

    motions: np.ndarray
    views: np.ndarray
    wordings: np.ndarray
    colours: np.ndarray

    def __getitem__(self, some: slice) -> "Choice":
        return Choice(self.motions[some], self.views[some], self.wordings[some], self.colours[some])


class Choices:
    """Draws choices. Neighbouring samples are pairs: one scene, the same views, another thing or task."""

    def __init__(self, shots: Shots, sampling: Sampling):
        self._views, self._sampling = shots.views, sampling
        self._motions = shots.motions_of()
        weights = dict(sampling.kinds)
        self._weights = np.array([weights.get(kind, 0.0) if weights else 1.0 for kind in shots.kinds])
        self._scenes = np.flatnonzero([self._weights[motions].sum() > 0 for motions in self._motions])

    def draw(self, generator: np.random.Generator) -> Choice:
        count, views = self._sampling.batch, self._sampling.views
        motions, seen = np.empty(count, int), np.empty((count, views), int)
        colours = 1.0 + generator.uniform(-1, 1, (count, views, 3)) * 0.25 * self._sampling.jitter
        colours *= 1.0 + generator.uniform(-1, 1, (count, views, 1)) * self._sampling.jitter
        for i in range(0, count, 2):
            motions[i : i + 2] = self._pair(generator)[: count - i]
            seen[i : i + 2] = generator.permutation(self._views)[:views]
        return Choice(motions, seen, generator.random(count), colours)

    def _pair(self, generator: np.random.Generator) -> np.ndarray:
        """Two motions of one scene, or of two where the scene has but one."""
        chosen = np.empty(0, int)
        while len(chosen) < 2:
            here = self._motions[self._scenes[generator.integers(len(self._scenes))]]
            chances = self._weights[here]
            number = min(2 - len(chosen), int((chances > 0).sum()))
            some = generator.choice(here, number, replace=False, p=chances / chances.sum())
            chosen = np.concatenate([chosen, some])
        return chosen

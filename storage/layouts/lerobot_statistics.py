"""Statistics of each feature as stored in a LeRobotDataset; for images from histograms."""

from collections.abc import Sequence
from typing import Any

import numpy as np

_PERCENTS = (1, 10, 50, 90, 99)


class PictureTally:
    """Histogram of the 256 values per channel over some images: sufficient for their statistics, of constant size."""

    def __init__(self):
        self.pictures = 0
        self._counts = np.zeros((3, 256), np.int64)

    def add(self, picture: np.ndarray) -> None:
        """Count an image (H, W, 3) uint8."""
        self.pictures += 1
        for channel in range(3):
            self._counts[channel] += np.bincount(picture[..., channel].ravel(), minlength=256)

    @staticmethod
    def together(tallies: "Sequence[PictureTally]") -> "PictureTally":
        whole = PictureTally()
        for tally in tallies:
            whole.pictures += tally.pictures
            whole._counts += tally._counts
        return whole

    def statistics(self) -> dict[str, Any]:
        """Return the statistics, of shape (3, 1, 1), in [0, 1]."""
        values, total = np.arange(256) / 255.0, self._counts.sum(axis=1)
        mean = self._counts @ values / total
        variance = np.sum(self._counts * (values - mean[:, None]) ** 2, axis=1) / total
        found = {
            "min": self._ranked(np.zeros(3, np.int64)),
            "max": self._ranked(total - 1),
            "mean": mean,
            "std": np.sqrt(variance),
            **{_name(percent): self._percentile(percent) for percent in _PERCENTS},
        }
        shaped = {name: value.reshape(3, 1, 1).tolist() for name, value in found.items()}
        return shaped | {"count": [self.pictures]}

    def _percentile(self, percent: float) -> np.ndarray:
        """Return the percentile (3,), interpolated linearly between ranks, as NumPy's."""
        place = (self._counts.sum(axis=1) - 1) * percent / 100.0
        below = np.floor(place).astype(np.int64)
        low, high = self._ranked(below), self._ranked(np.ceil(place).astype(np.int64))
        return low + (place - below) * (high - low)

    def _ranked(self, ranks: np.ndarray) -> np.ndarray:
        """Return the values (3,) at these ranks (3,); the smallest value has rank 0."""
        ends = np.cumsum(self._counts, axis=1)
        return np.array([np.searchsorted(ends[i], rank, side="right") for i, rank in enumerate(ranks)]) / 255.0


def statistics(values: np.ndarray) -> dict[str, Any]:
    """Return the statistics of a feature's values (n, d): lists of length d."""
    flat = values.astype(np.float64)
    found = {
        "min": flat.min(axis=0),
        "max": flat.max(axis=0),
        "mean": flat.mean(axis=0),
        "std": flat.std(axis=0),
        **{_name(percent): np.percentile(flat, percent, axis=0) for percent in _PERCENTS},
    }
    return {name: value.tolist() for name, value in found.items()} | {"count": [len(values)]}


def _name(percent: int) -> str:
    return f"q{percent:02d}"

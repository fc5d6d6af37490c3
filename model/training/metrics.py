"""Metrics of a run: means over the steps since the last line, one JSON object per line in metrics.jsonl."""

import json
from pathlib import Path
from typing import Any

import torch

from model.training.objectives import Loss


class Figures:
    """Accumulator of the figures reported by the batches' losses."""

    def __init__(self):
        self._sums: dict[str, torch.Tensor] = {}

    def add(self, loss: Loss) -> None:
        for name, (total, weight) in loss.figures.items():
            pair = torch.stack([total.detach(), weight.detach()]).double()  # stays on its device: no synchronisation
            self._sums[name] = self._sums[name] + pair if name in self._sums else pair

    def take(self, gather: Any) -> dict[str, float]:
        """Return the means over all processes and reset. `gather`: accelerate's gather_object, or an equivalent."""
        together: dict[str, torch.Tensor] = {}
        for sums in gather([{name: pair.tolist() for name, pair in self._sums.items()}]):
            for name, pair in sums.items():
                together[name] = together.get(name, torch.zeros(2, dtype=torch.float64)) + torch.tensor(pair).double()
        self._sums = {}
        return {name: float(total / weight) for name, (total, weight) in sorted(together.items()) if weight > 0}


class MetricsFile:
    """metrics.jsonl of a run; a context manager. Lines after step `resumed` are dropped: those steps are repeated."""

    def __init__(self, run: Path, resumed: int):
        self._path = run / "metrics.jsonl"
        run.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(line) for line in read_metrics(run) if line["step"] <= resumed]
        part = self._path.with_suffix(".part")
        part.write_text("".join(f"{line}\n" for line in lines))
        part.replace(self._path)
        self._file = self._path.open("a")

    def add(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def __enter__(self) -> "MetricsFile":
        return self

    def __exit__(self, *_: Any) -> None:
        self._file.close()


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """Read a run's metrics, a dictionary per logged step; a last line truncated by a crash is omitted."""
    path = run / "metrics.jsonl"
    lines = []
    for text in path.read_text().splitlines() if path.exists() else ():
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return lines

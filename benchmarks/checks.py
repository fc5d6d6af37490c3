"""Output of a benchmark: the machine, and one line per check with its goal."""

import importlib
import os
import platform
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from foundation.errors import KnownError

# Name -> module with `measure(quick) -> list[Check]`.
NAMES = {
    "action-images": "benchmarks.action_images.accuracy",
    "calibration": "benchmarks.calibration.accuracy",
    "embedded": "benchmarks.embedded",
    "lab": "benchmarks.motion.lab",
    "library": "benchmarks.library.figures",
    "model": "benchmarks.model.figures",
    "rehearse": "benchmarks.rehearse",
    "reliability": "benchmarks.reliability",
    "seeded-faults": "benchmarks.seeded_faults",
    "walkthrough": "benchmarks.window.walkthrough",
    "window": "benchmarks.window.figures",
}
_WITH_PICTURES = ("walkthrough",)  # whose `measure` also takes the folder that the images are kept in
_RESUMED = ("reliability",)  # whose `measure` also takes the file of earlier results


class NoSuchOptionError(KnownError):
    """A benchmark was started with an unknown option."""


@dataclass(frozen=True)
class Check:
    """One figure. `goal` reads "<= 20" or ">= 99", or "" without a goal.

    The meaning of a name that was once printed never changes.
    """

    name: str
    value: float
    unit: str
    goal: str

    @property
    def ok(self) -> bool:
        if not self.goal:
            return True
        relation, limit = self.goal.split()
        return {"<=": self.value <= float(limit), ">=": self.value >= float(limit), "=": self.value == float(limit)}[
            relation
        ]


def run(name: str, *, quick: bool = False, pictures: Path | None = None, resume: Path | None = None) -> dict[str, Any]:
    """Run a benchmark and return its JSON object. Progress goes to standard error.

    `pictures`: folder for the images that it takes; `resume`: file in which it keeps its parts' figures.
    """
    if pictures is not None and name not in _WITH_PICTURES:
        raise NoSuchOptionError(f"The benchmark {name} takes no pictures. Leave --pictures out.")
    if resume is not None and name not in _RESUMED:
        raise NoSuchOptionError(f"The benchmark {name} is measured in one go. Leave --resume out.")
    given = {"pictures": pictures, "resume": resume}
    start, options = time.monotonic(), {option: value for option, value in given.items() if value is not None}
    checks: list[Check] = importlib.import_module(NAMES[name]).measure(quick, **options)
    return {
        "benchmark": name,
        "quick": quick,
        "machine": machine(),
        "seconds": round(time.monotonic() - start, 1),
        "checks": [{**asdict(check), "ok": check.ok} for check in checks],
    }


def say(text: str) -> None:
    """Print progress to standard error."""
    print(text, file=sys.stderr, flush=True)


def machine() -> dict[str, Any]:
    """Return a description of the machine."""
    cpu = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model n")
        ]
        cpu = names[0] if names else cpu
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
    }


def as_text(result: dict[str, Any]) -> str:
    """Return the result as a table."""
    rows = [("check", "value", "unit", "goal", "")]
    rows += [
        (c["name"], f"{c['value']:.4g}", c["unit"], c["goal"], "ok" if c["ok"] else "MISSED") for c in result["checks"]
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    machine_ = result["machine"]
    head = f"{result['benchmark']} on {machine_['cpu']} ({machine_['cores']} cores), {result['seconds']} s"
    return "\n".join(
        [head, *("  ".join(v.ljust(w) for v, w in zip(row, widths, strict=True)).rstrip() for row in rows)]
    )

"""Statistics of trials: success rates with confidence intervals, errors, and reasons of the failures."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from workflows.evaluation.intervals import Share
from workflows.evaluation.trial import Trial

_MOST_REASONS = 5  # failures that are listed with their reason


def success(trials: Sequence[Trial]) -> Share:
    """Return the success rate."""
    return Share(sum(trial.success for trial in trials), len(trials))


def named(trials: Sequence[Trial]) -> Share:
    """Return how often the tool went to the named object, where there were several."""
    asked = [trial.named for trial in trials if trial.named is not None]
    return Share(sum(asked), len(asked))


def tool_error_mm(trials: Sequence[Trial]) -> dict[str, float | None]:
    """Return median and 90th percentile of the distance between the tool's final position and the demonstrator's."""
    errors = np.array([trial.tool_error_mm for trial in trials])
    known = errors[np.isfinite(errors)]
    if not len(known):
        return {"median": None, "p90": None}
    return {"median": round(float(np.median(known)), 2), "p90": round(float(np.percentile(known, 90)), 2)}


def summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """Return the figures of some trials as plain data."""
    failed = [trial for trial in trials if not trial.success]
    return {
        "success": success(trials).as_dict(),
        "named": named(trials).as_dict(),
        "tool_error_mm": tool_error_mm(trials),
        "endings": dict(Counter(str(trial.ending) for trial in trials)),
        "refusals": dict(Counter(trial.finding for trial in failed if trial.finding)),
        "failures": [{"seed": trial.seed, "why": trial.reason} for trial in failed[:_MOST_REASONS]],
    }

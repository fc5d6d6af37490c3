"""Whether the film of a run shows the run: all of it, by every camera, with the motion that was made."""

import numpy as np

from storage.episode import Episode
from workflows.tracking import Tracking

_LONGEST_GAP = 0.5  # s without a picture or a measurement: a camera that was slow for a moment is none
_FROZEN = "frozen frames"
_MOVED, _GRIPPED = 0.005, 0.05  # m of the tool, and share of the gripper's way: less is no motion


def film_shortfall(film: Episode, tracking: Tracking) -> str:
    """The first thing that is missing, as a sentence; '' when the film shows the whole run."""
    if not len(tracking):
        return "Nothing was measured during this run."
    if not _moves(tracking.actual, tracking.openness):
        return "The arm did not move in this run: there is nothing to be learned from it."
    began, ended = (float(moment) - film.facts.started.start for moment in (tracking.read[0], tracking.read[-1]))
    seconds = ended - began
    for spec, frames in zip(film.views, film.frames, strict=True):
        missing = longest_gap(frames["time"], began, ended)
        if missing > _LONGEST_GAP:
            return f"The camera {spec.name} gave no picture for {missing:.1f} s of this run's {seconds:.1f} s."
    missing = longest_gap(film.samples["time"], began, ended)
    if missing > _LONGEST_GAP:
        return f"The arm was not recorded for {missing:.1f} s of this run's {seconds:.1f} s."
    frozen = next((found.sentence for found in film.facts.findings if found.check == _FROZEN), "")
    if frozen:
        return frozen
    samples = film.samples
    if not _moves(samples["tool"][:, :3], samples["openness"]):
        return "Nothing moves in the film of this run."
    return ""


def longest_gap(times: np.ndarray, began: float, ended: float) -> float:
    """The longest stretch in s between two moments without one of `times` (n,); all of it without any."""
    inside = times[(times >= began) & (times <= ended)]
    return float(np.diff(np.concatenate([[began], inside, [ended]])).max())


def _moves(places: np.ndarray, openness: np.ndarray) -> bool:
    """Whether the tool (n, 3) m or the gripper (n,) is ever elsewhere than at first."""
    places, openness = places[np.isfinite(places).all(axis=1)], openness[np.isfinite(openness)]
    moved = len(places) > 1 and float(np.ptp(places, axis=0).max()) > _MOVED
    return moved or (len(openness) > 1 and float(np.ptp(openness)) > _GRIPPED)

"""Scoring and ranking of generated candidates: independently generated views often contradict each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foundation.poses import distance
from model.action_images.decoding import Decoded

# A candidate with a smaller fraction of decodable frames is rejected.
LEAST_VALID = 0.8
# Views that differ by more than this fraction of the shorter image side (median over frames) show different motions.
WIDEST_RESIDUAL = 0.02
# A motion must start at the arm's present pose.
FARTHEST_START = 0.05  # m


@dataclass(frozen=True)
class Verdict:
    """Verdict on one candidate: `score` in [0, 1], 0 when rejected, and then the `reason`, else ""."""

    score: float
    confidence: float  # mean over frames, 0 where a frame cannot be decoded
    residual: float  # median over frames of the views' disagreement, as a fraction of the shorter image side
    reason: str

    @property
    def accepted(self) -> bool:
        return not self.reason


def score_candidate(decoded: Decoded, side_px: int, base_from_tool: np.ndarray | None = None) -> Verdict:
    """Score one candidate; `side_px`: the images' shorter side, `base_from_tool` (4, 4): where it must start."""
    valid = decoded.valid
    confidence = float(np.where(valid, decoded.confidence, 0.0).mean())
    residual = float("inf")
    if valid.any():
        per_frame = np.nanmax(decoded.residual_px[valid], axis=1)
        residual = float(np.median(per_frame)) / side_px
    reason = ""
    if valid.mean() < LEAST_VALID:
        reason = f"the motion can be read in only {valid.sum()} of {len(valid)} frames"
    elif residual > WIDEST_RESIDUAL:
        reason = f"the views disagree by {100 * residual:.1f} % of the image"
    elif base_from_tool is not None and valid[0]:
        start, _ = distance(decoded.trajectory.base_from_tool[0], base_from_tool)
        if start > FARTHEST_START:
            reason = f"it begins {1000 * float(start):.0f} mm from where the arm is"
    score = 0.0 if reason else confidence / (1.0 + residual / WIDEST_RESIDUAL)
    return Verdict(score, confidence, residual, reason)


def ranked(verdicts: Sequence[Verdict]) -> list[int]:
    """Return the candidates' indices, best first; rejected ones last, by confidence."""
    return sorted(range(len(verdicts)), key=lambda i: (-verdicts[i].score, -verdicts[i].confidence))

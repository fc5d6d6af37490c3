"""What reading a proposal's pictures says about it, as findings for the operator."""

from collections.abc import Sequence

import numpy as np

from model.action_images import Decoded
from robot.findings import Finding, Level, frames_named, runs

_DISAGREES = 3.0  # px between what a view shows and the pose, beyond which people see it too


def reading_findings(decoded: Decoded, names: Sequence[str]) -> tuple[Finding, ...]:
    """One finding for each camera whose pictures do not fit the others'; `names` (V,) of the views."""
    found = []
    residual = decoded.residual_px
    for view, name in enumerate(names):
        off = np.flatnonzero(np.nan_to_num(residual[:, view]) > _DISAGREES).tolist()
        for first, last in runs(off):
            worst = first + int(np.nanargmax(residual[first : last + 1, view]))
            found.append(
                Finding(
                    Level.WARNING,
                    f"The views disagree: what the camera {name} shows in {frames_named(first, last)} lies up to "
                    f"{residual[worst, view]:.0f} pixels beside the motion.",
                    worst,
                )
            )
    return tuple(found)

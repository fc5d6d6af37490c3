"""Drift check of the calibrated cameras' extrinsics: run at every session's start, and on demand."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from foundation.clocks import utc_now

if TYPE_CHECKING:  # deferred: a session without calibrations does not load the modules that make them
    from cameras.calibration.drift import Drift

GREEN, YELLOW, RED, UNKNOWN = "green", "yellow", "red", "unknown"


@dataclass(frozen=True, eq=False)
class PlaceCheck:
    """Result of a drift check `at` a time (UTC): by identity how far each camera has moved; `names` for display.

    `acknowledged_by`: the operator who decided to continue although a camera has moved, '' if none.
    """

    at: datetime
    drifts: "Mapping[str, Drift]"
    names: Mapping[str, str]
    acknowledged_by: str = ""

    @property
    def failed(self) -> tuple[str, ...]:
        """Identities of the cameras that have moved."""
        return tuple(identity for identity, drift in self.drifts.items() if drift.light == RED)

    @property
    def refusal(self) -> str:
        """Why nothing may be rehearsed now, in a sentence or two; '' when it may."""
        if self.acknowledged_by or not self.failed:
            return ""
        named = " and ".join(self.names.get(identity, identity) for identity in self.failed)
        several = len(self.failed) > 1
        return (
            f"The camera{'s' if several else ''} {named} {'do' if several else 'does'} not stand where "
            f"{'they' if several else 'it'} stood when {'they were' if several else 'it was'} calibrated. Calibrate "
            "again, or say on the Calibrate screen that you go on all the same."
        )

    def acknowledged(self, who: str) -> "PlaceCheck":
        """Return the check with an operator's decision to continue."""
        return replace(self, acknowledged_by=who or "somebody")


def place_check(drifts: "Mapping[str, Drift]", names: Mapping[str, str]) -> PlaceCheck:
    """Return the check of drifts found just now."""
    return PlaceCheck(utc_now(), dict(drifts), dict(names))

"""Whether the calibrated cameras still stand where they stood: asked at every session's start, and on demand."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from foundation.clocks import utc_now

if TYPE_CHECKING:  # a session without calibrations loads nothing of what makes them
    from cameras.calibration.drift import Drift

GREEN, YELLOW, RED, UNKNOWN = "green", "yellow", "red", "unknown"


@dataclass(frozen=True, eq=False)
class PlaceCheck:
    """What was found `at` a moment (UTC): by identity how far each camera has moved; `names` for people.

    `acknowledged_by`: who decided to work on although a camera has moved, '' nobody.
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
        """Why nothing may be rehearsed now, '' when it may: a sentence or two."""
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
        """The same, with somebody's word that the work goes on."""
        return replace(self, acknowledged_by=who or "somebody")


def place_check(drifts: "Mapping[str, Drift]", names: Mapping[str, str]) -> PlaceCheck:
    """Just found."""
    return PlaceCheck(utc_now(), dict(drifts), dict(names))

"""Findings of motion planning, as messages for the operator."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """Severity of a finding: a REFUSAL forbids the motion, a WARNING asks for a check, a NOTE only informs."""

    NOTE = "note"
    WARNING = "warning"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class Finding:
    """Message about a motion, and the frame of the proposal that shows it best; None if it concerns all frames."""

    level: Level
    sentence: str
    frame: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that `Finding.from_dict` reads."""
        return {"level": str(self.level), "sentence": self.sentence, "frame": self.frame}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Finding":
        """Parse the values of `to_dict`. Raises KeyError, TypeError or ValueError for anything else."""
        frame = values["frame"]
        return Finding(Level(values["level"]), str(values["sentence"]), None if frame is None else int(frame))


def runs(frames: list[int]) -> list[tuple[int, int]]:
    """Return the first and last of each run of consecutive frames, so that one message can cover the run."""
    found: list[tuple[int, int]] = []
    for frame in frames:
        if found and frame == found[-1][1] + 1:
            found[-1] = (found[-1][0], frame)
        else:
            found.append((frame, frame))
    return found


def frames_named(first: int, last: int) -> str:
    """Format as "frame 3", or "frames 3 to 7", counted from 1 as on the screen."""
    return f"frame {first + 1}" if first == last else f"frames {first + 1} to {last + 1}"

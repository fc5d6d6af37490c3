"""What planning found out about a motion, in sentences for the operator."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How grave a finding is: a REFUSAL forbids the motion, a WARNING asks for a look, a NOTE only tells."""

    NOTE = "note"
    WARNING = "warning"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about a motion, and the frame of the proposal where it shows best; None when it is about all."""

    level: Level
    sentence: str
    frame: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values; `Finding.from_dict` reads them."""
        return {"level": str(self.level), "sentence": self.sentence, "frame": self.frame}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Finding":
        """Raises KeyError, TypeError or ValueError for anything else."""
        frame = values["frame"]
        return Finding(Level(values["level"]), str(values["sentence"]), None if frame is None else int(frame))


def runs(frames: list[int]) -> list[tuple[int, int]]:
    """First and last of each run of neighbouring frames, so that one sentence can speak of all of them."""
    found: list[tuple[int, int]] = []
    for frame in frames:
        if found and frame == found[-1][1] + 1:
            found[-1] = (found[-1][0], frame)
        else:
            found.append((frame, frame))
    return found


def frames_named(first: int, last: int) -> str:
    """ "frame 3", or "frames 3 to 7", counted from 1 as the screen does."""
    return f"frame {first + 1}" if first == last else f"frames {first + 1} to {last + 1}"

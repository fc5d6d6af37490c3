"""Texts for episodes: dates, lengths, sizes, results."""

from collections.abc import Mapping

from gui.widgets.times import when
from storage.queries import EpisodeRow

SOURCES: Mapping[str, str] = {
    "hand-guiding": "By hand",
    "jog": "Jogged",
    "demonstrator": "By script",
    "import": "Imported",
    "rehearsal": "Rehearsed",
    "auto-label": "Read from a film",
}
RESULTS: Mapping[str | None, str] = {None: "Not judged", "success": "Success", "failure": "Failure"}
QUALITIES = ("Good", "With a notice", "Bad")


def length(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{int(seconds // 60)} min {int(seconds % 60)} s" if minutes < 100 else f"{minutes / 60:.1f} h"


def size(count: int) -> str:
    """Format a number of bytes with decimal units, as for disks."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} bytes"


def source(name: str) -> str:
    return SOURCES.get(name, name.capitalize())


def count(number: int, what: str = "episode") -> str:
    """Format a count: 1 episode, 2 episodes, 12,000 episodes."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def second_line(row: EpisodeRow) -> str:
    """Return the line below the instruction: date, length (after trimming, if trimmed), operator, source."""
    left = row.trim_end_s - row.trim_start_s
    long = length(left) if left > row.duration_s - 0.05 else f"{length(left)} of {length(row.duration_s)}"
    return "  ·  ".join(part for part in (when(row.recorded_at), long, row.operator, source(row.source)) if part)


def third_line(row: EpisodeRow) -> str:
    """Return the tags and the note."""
    tags = "  ".join(f"#{tag}" for tag in row.tags)
    return "   ".join(part for part in (tags, " ".join(row.note.split())) if part)

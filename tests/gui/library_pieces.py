"""A library for tests of the window: fifty episodes that are rows alone, and three with pictures and samples."""

import time
from pathlib import Path

from benchmarks.library_scale import fill
from storage.library import Library
from tests.storage.recordings import Recording, new_episode

ROWS, REAL = 50, 3


def library(folder: Path, rows: int = ROWS, real: int = REAL) -> Library:
    """The library, open; the real episodes are the newest, "pick up the red cube" with one view less each."""
    opened = Library(folder)
    fill(opened.database, rows)
    for i in range(real):
        new = new_episode(3 - i, f"put the blue cube {i} in the bowl", operator="Grace")
        opened.keep(Recording(opened, new).run(1.5).writer, success=i == 0, note=f"note {i}", tags=("shelf",))
    return opened


def settle(qtbot, presenter) -> None:
    """Until nothing is on its way any more."""
    deadline = time.monotonic() + 30.0

    def quiet() -> bool:
        return not (presenter.jobs.running and _busy(presenter))

    while time.monotonic() < deadline:
        qtbot.wait(80)  # longer than the list waits for a selection to settle
        if quiet():
            return
    raise AssertionError([job.name for job in presenter.jobs.running])


def _busy(presenter) -> bool:
    return any(job.name != "film" for job in presenter.jobs.running)

"""Library for tests of the window: fifty episodes that are rows only, and three with images and samples."""

import time
from pathlib import Path

from benchmarks.library.scale import fill
from storage.library import Library
from tests.storage.recordings import Recording, new_episode

ROWS, REAL = 50, 3


def library(folder: Path, rows: int = ROWS, real: int = REAL) -> Library:
    """Return the open library; the real episodes are the newest, "pick up the red cube" with one view less each."""
    opened = Library(folder)
    fill(opened.database, rows)
    for i in range(real):
        new = new_episode(3 - i, f"put the blue cube {i} in the bowl", operator="Grace")
        opened.keep(Recording(opened, new).run(1.5).writer, success=i == 0, note=f"note {i}", tags=("shelf",))
    return opened


def settle(qtbot, presenter) -> None:
    """Wait until only an open video still works, and nothing new starts for longer than a selection takes to settle."""
    deadline, quiet = time.monotonic() + 30.0, 0
    while time.monotonic() < deadline:
        qtbot.wait(80)
        at_work = presenter.model.busy or any(job.name != "film" for job in presenter.jobs.running)
        quiet = 0 if at_work else quiet + 1
        if quiet == 2:
            return
    raise AssertionError([job.name for job in presenter.jobs.running])

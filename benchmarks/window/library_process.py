"""Benchmark process of the Library screen (`--role=library-window`): the real screen over a large library, in use.

The first message contains the library's `folder` and the number of `seconds` to scroll. Times are measured from the key
or press until the rows have been painted.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtWidgets import QApplication

from benchmarks.window.window_process import pause, wait
from foundation.messages import Channel
from gui.app import application
from gui.library.presenter import LibraryPresenter
from gui.library.view import LibraryView
from gui.runtime.garbage_collection import GarbageCollection
from gui.runtime.jobs import Jobs
from gui.runtime.stall_monitor import StallMonitor
from gui.widgets.theme import Theme
from storage.library import Library
from storage.queries import Sort

_TYPED = ("red cube slip", "zoe", "purple bottle", "push the yellow lid", "retry edge")
_KEY_EVERY = 0.15  # s: a fast typist
_FIRST_PAGES = 10


def run(channel: Channel) -> None:
    """Measure, send {"ready": figures}, end."""
    settings = channel.receive(10.0)
    app = application()
    theme = Theme(app, "light")
    jobs, library = Jobs(), Library(Path(settings["folder"]))
    view = LibraryView(LibraryPresenter(library, jobs))
    theme.dress(view)
    view.resize(1180, 744)
    view.show()
    garbage = GarbageCollection(lambda: True, view)  # as in the program
    garbage.keep_what_is_there()
    try:
        figures = _measure(app, view, float(settings["seconds"]))
    finally:
        garbage.close()
        view.detail.player.close_film()
        view.close()
        jobs.close()
        library.close()
    channel.send({"ready": figures | {"theme": theme.appearance}})


def _measure(app: QApplication, view: LibraryView, seconds: float) -> dict[str, Any]:
    presenter, model = view.presenter, view.presenter.model
    view.enter()
    wait(app, lambda: model.whole and not jobs_of(presenter))
    orders = [lambda end=end: presenter.sort(Sort.RECORDED, bool(end % 2)) for end in range(_FIRST_PAGES)]
    first = [_until_painted(app, view, ask) for ask in orders]
    presenter.sort(Sort.RECORDED, True)
    wait(app, lambda: model.whole and not jobs_of(presenter))
    keys = [_typed(app, view, text) for text in _TYPED]
    view.filters.clear.click()
    wait(app, lambda: model.whole and not jobs_of(presenter))
    beat = StallMonitor()
    pause(app, 0.5)
    beat.begin()
    _scroll(app, view, seconds)
    wait(app, lambda: all(model.row(number) is not None for number in _in_sight(view)))
    return {
        "first_page_s": float(np.median(first)),
        "search_s": float(np.median(np.concatenate(keys))),
        "search_max_s": float(np.max(np.concatenate(keys))),
        "scroll_stall_s": beat.longest,
        "scroll_work_s": beat.longest_work,
        "episodes": model.rowCount(),
    }


def jobs_of(presenter: LibraryPresenter) -> bool:
    """Return whether any job is running, except for an open video."""
    return any(job.name != "film" for job in presenter.jobs.running)


def _until_painted(app: QApplication, view: LibraryView, ask: Callable[[], object]) -> float:
    """Return the time in s from a query until its first rows are painted."""
    answers: list[float] = []

    def answered() -> None:
        view.list.viewport().repaint()
        answers.append(time.perf_counter())

    view.presenter.model.answered.connect(answered)
    began = time.perf_counter()
    ask()
    wait(app, lambda: bool(answers))
    view.presenter.model.answered.disconnect(answered)
    return answers[0] - began


def _typed(app: QApplication, view: LibraryView, text: str) -> list[float]:
    """Type a text and return the time in s that each key took; then clear the line."""
    taken = []
    for end in range(1, len(text) + 1):
        taken.append(_until_painted(app, view, lambda end=end: view.filters.search.setText(text[:end])))
        pause(app, max(_KEY_EVERY - taken[-1], 0.0))
    view.filters.search.clear()
    pause(app, 0.5)
    return taken


def _scroll(app: QApplication, view: LibraryView, seconds: float) -> None:
    """Scroll with the wheel, then by dragging the scroll bar to and fro over the whole library."""
    bar, random = view.list.verticalScrollBar(), np.random.default_rng(0)
    ends = time.monotonic() + 0.5 * seconds
    while time.monotonic() < ends:
        bar.setValue(bar.value() + 3 * bar.singleStep())
        pause(app, 0.015)
    ends = time.monotonic() + 0.5 * seconds
    while time.monotonic() < ends:
        bar.setValue(int(random.integers(0, bar.maximum() + 1)))
        pause(app, 0.03)


def _in_sight(view: LibraryView) -> range:
    first, last = view.list.rowAt(0), view.list.rowAt(view.list.viewport().height() - 1)
    return range(max(first, 0), (last if last >= 0 else view.presenter.model.rowCount() - 1) + 1)

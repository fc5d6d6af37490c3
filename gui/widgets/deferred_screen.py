"""Screen over the library that is loaded only when it is first shown."""

import importlib
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from gui.runtime.jobs import Job, Jobs
from gui.runtime.open_library import OpenLibrary
from gui.runtime.time_slices import slices
from gui.widgets.basics import Button, column, label, row
from gui.widgets.theme import space

if TYPE_CHECKING:
    from storage.library import Library


class DeferredScreen(QWidget):
    """Waits until `module` is imported and the library is open, then shows the widget returned by `make_view`.

    The view has `enter()`, `leave()` and `take_key(key, pressed)`, like a screen.
    """

    module = ""
    shows_live_views = False

    def __init__(self, library: OpenLibrary, jobs: Jobs):
        super().__init__()
        self._library, self._jobs = library, jobs
        self._loading: Job | None = None
        self._loaded = False
        self.view: Any = None
        self.words = label("", "muted", wrap=True, name="library words")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.again = Button("Try again", "primary", icon_name="refresh", on=self.enter)
        waiting = QWidget()
        waiting.setLayout(column(None, self.words, row(None, self.again, None), None))
        self.pages = QStackedWidget()
        self.pages.addWidget(waiting)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(space(0.9), space(0.6), space(0.9), space(0.7))
        layout.addWidget(self.pages)
        library.opened.connect(self._opened)
        library.failed.connect(lambda error: self._say(str(error), failed=True))

    def make_view(self, library: "Library", jobs: Jobs) -> QWidget:
        """Create the screen's contents for an open library."""
        raise NotImplementedError

    def enter(self) -> None:
        """Show the view, or begin to load it; called when the screen is shown."""
        if self.view is not None:
            self.view.enter()
        elif self._loading is None:
            self._say("Opening the library…")
            # SQLAlchemy and Arrow take long to import: done in a job, so that the window keeps sending the heartbeat.
            work = lambda *_: importlib.import_module(self.module)  # noqa: E731
            self._loading = self._jobs.run(work, name="load a screen of the library")
            self._loading.on(done=self._is_loaded, ended=self._load_ended)

    def leave(self) -> None:
        """Forward that another screen is shown, or the keyboard focus was lost."""
        if self.view is not None:
            self.view.leave()

    def take_key(self, key: int, pressed: bool) -> bool:
        return self.view is not None and self.view.take_key(key, pressed)

    def _is_loaded(self, _: object) -> None:
        self._loaded = True
        self._library.ask()

    def _load_ended(self) -> None:
        self._loading = None

    def _opened(self) -> None:
        """Create the view; does nothing when another screen opened the library and this one is not loaded."""
        library = self._library.library
        if self.view is not None or library is None or not self._loaded:
            return
        self.view = self.make_view(library, self._jobs)
        slices().add(self, self._take_view)

    def _take_view(self) -> None:
        self.pages.addWidget(self.view)
        slices().add(self, self._show_view)  # after the view is styled, which also happens in slices

    def _show_view(self) -> None:
        self.pages.setCurrentWidget(self.view)
        self.view.enter()

    def _say(self, words: str, failed: bool = False) -> None:
        self.words.setText(words)
        self.again.setVisible(failed)

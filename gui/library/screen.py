"""Library screen, loaded when it is first shown."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from gui.runtime.jobs import Jobs
from gui.widgets.deferred_screen import DeferredScreen


class LibraryScreen(DeferredScreen):
    """`record_asked` requests the Record screen; `rehearse_asked` carries an instruction and an episode's folder."""

    title = "Library"
    module = "gui.library.view"
    record_asked = Signal()
    rehearse_asked = Signal(str, str)

    def make_view(self, library, jobs: Jobs) -> QWidget:
        from gui.library.presenter import LibraryPresenter
        from gui.library.view import LibraryView

        presenter = LibraryPresenter(library, jobs, self)
        presenter.rehearse_asked.connect(self.rehearse_asked)
        view = LibraryView(presenter)
        view.record_asked.connect(self.record_asked)
        return view

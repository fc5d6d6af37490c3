"""History screen, loaded when it is first shown."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from gui.runtime.jobs import Jobs
from gui.widgets.deferred_screen import DeferredScreen


class HistoryScreen(DeferredScreen):
    """`replay_asked` carries an instruction and the folder of the rehearsal whose motion is to be replayed."""

    title = "History"
    module = "gui.history.view"
    replay_asked = Signal(str, str)

    def make_view(self, library, jobs: Jobs) -> QWidget:
        from gui.history.presenter import HistoryPresenter
        from gui.history.view import HistoryView

        presenter = HistoryPresenter(library, jobs, self)
        presenter.replay_asked.connect(self.replay_asked)
        return HistoryView(presenter)

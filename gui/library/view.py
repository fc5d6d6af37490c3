"""View of the Library screen: the list with its filters on the left; player and labels on the right."""

import uuid

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QSplitter,
    QStackedWidget,
    QTabBar,
    QTableWidget,
    QVBoxLayout,
    QWidget,
)

from gui.library.detail import EpisodeDetail
from gui.library.episode_list import EpisodeList
from gui.library.filters import FilterBar
from gui.library.phrases import count
from gui.library.presenter import LibraryPresenter
from gui.library.statistics import StatisticsPanel
from gui.player.frame_stepping import FrameStepping
from gui.widgets.basics import Button, column, label, row
from gui.widgets.theme import look, space


class LibraryFooter(QWidget):
    """Footer of the list: number of episodes, last edit with undo, and the trash.

    The trash is emptied only after a second press, which states the number of episodes to be deleted.
    """

    def __init__(self, presenter: LibraryPresenter):
        super().__init__()
        self._presenter = presenter
        self.count = label("", "muted", name="episode count")
        self.trash = Button("Trash", "quiet", icon_name="trash", tip="Show what was deleted")
        self.trash.setCheckable(True)
        self.done, self.undo = label("", wrap=True, name="last edit"), Button("Undo", "quiet", icon_name="undo")
        self.undo.setToolTip("Take it back (Ctrl+Z)")
        self.empty = Button("Empty the trash…", "danger", on=lambda: self._ask(True))
        self.question = label("", wrap=True, name="trash question")
        self.remove = Button("Remove for ever", "danger", icon_name="trash", on=self._remove)
        self.keep = Button("Keep", on=lambda: self._ask(False))
        self._asking = QWidget()
        self._asking.setLayout(column(self.question, row(self.remove, self.keep, None), gap=0.3))
        self._said = QFrame()
        look(self._said, "note-accent")
        said = row(self.done, self.undo)
        said.setStretch(0, 1)
        said.setContentsMargins(space(0.5), space(0.1), space(0.2), space(0.1))
        self._said.setLayout(said)
        self.setLayout(column(self._said, self._asking, row(self.count, None, self.empty, self.trash), gap=0.3))
        self.undo.clicked.connect(presenter.edits.undo)
        self.trash.toggled.connect(self._show_trash)
        for signal in (presenter.listed, presenter.offers_changed, presenter.edits.changed):
            signal.connect(self.refresh)
        self._ask(False)

    def refresh(self) -> None:
        presenter = self._presenter
        edits, deleted = presenter.edits, presenter.offers.deleted
        rows = presenter.model.rowCount()
        more = "" if presenter.model.whole else " or more"
        self.count.setText(count(rows) + more + (" in the trash" if presenter.in_trash else ""))
        self.trash.setText(f"Trash ({deleted:,})" if deleted else "Trash")
        self.trash.setVisible(bool(deleted) or presenter.in_trash)
        blocked = self.trash.blockSignals(True)
        self.trash.setChecked(presenter.in_trash)
        self.trash.blockSignals(blocked)
        self.empty.setVisible(presenter.in_trash and rows > 0 and not self._asked)
        if not presenter.in_trash or not rows:
            self._asked = False
        self._asking.setVisible(self._asked)
        self.done.setText("Working…" if edits.busy else edits.words)
        self._said.setVisible(bool(edits.words) or edits.busy)
        self.undo.setVisible(edits.can_undo)

    def _ask(self, asked: bool) -> None:
        self._asked = asked
        number = self._presenter.offers.deleted
        self.question.setText(f"Remove {count(number)} with all pictures? This cannot be taken back.")
        self.refresh()
        if asked:
            self.keep.setFocus()

    def _show_trash(self, shown: bool) -> None:
        self._asked = False
        self._presenter.narrow(deleted=shown)

    def _remove(self) -> None:
        self._asked = False
        self._presenter.edits.empty_trash()
        self.refresh()


_ARROWS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
_MOST_KEPT = 200  # selected rows that are restored after the list has changed
_OWN_ARROWS = (QTabBar, QTableWidget)  # widgets that use the arrow keys themselves


class LibraryView(QWidget):
    """View of LibraryPresenter; every press is forwarded to it."""

    record_asked = Signal()

    def __init__(self, presenter: LibraryPresenter):
        super().__init__()
        self.presenter = presenter
        self.filters = FilterBar(presenter)
        self.list = EpisodeList(presenter.model, presenter.thumbnails)
        self.footer = LibraryFooter(presenter)
        self.detail, self.statistics = EpisodeDetail(presenter), StatisticsPanel(presenter, presenter.jobs)
        self._arrows = FrameStepping(self.detail.player.player, self)
        self.nothing = label("", "muted", wrap=True, name="nothing found")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.record = Button("Record the first episode", "primary", icon_name="right", on=self.record_asked.emit)
        self.left, self.right, self.whole = QStackedWidget(), QStackedWidget(), QStackedWidget()
        self._kept: set[uuid.UUID] = set()
        self._at, self._scroll, self._question = 0, 0, presenter.question
        self._moved = False  # the rows changed by an edit on this screen
        self._placed = False
        self._lay_out()
        self._connect()
        self._show_listed()

    # --- called by the screen ---

    def enter(self) -> None:
        self.presenter.refresh()
        if not isinstance(QApplication.focusWidget(), EpisodeList):
            self.list.setFocus()

    def leave(self) -> None:
        self._arrows.hold(0)
        self.detail.close_film()

    def take_key(self, key: int, pressed: bool) -> bool:
        """Handle the keys of player and list, wherever the focus is except in a text field."""
        focus, looking = QApplication.focusWidget(), self.right.currentWidget() is self.detail
        if not looking or (isinstance(focus, _OWN_ARROWS) and key in _ARROWS):
            return False
        if key in _ARROWS:
            self._arrows.hold(_ARROWS[Qt.Key(key)] if pressed else 0)
            return True
        acts = {
            Qt.Key.Key_Delete: self.presenter.delete,
            Qt.Key.Key_Escape: self.list.clearSelection,
            Qt.Key.Key_S: self.detail.labels.results[0].click,
            Qt.Key.Key_F: self.detail.labels.results[1].click,
        }
        if key not in acts:
            return self.detail.player.take_key(key) if pressed else False
        if pressed:
            acts[Qt.Key(key)]()
        return True

    def showEvent(self, event) -> None:
        super().showEvent(event)
        if not event.spontaneous() and not self._placed:
            self._placed = True
            side = min(space(27), round(0.38 * self.width()))
            self.splitter.setSizes([side, self.width() - side])

    # --- layout ---

    def _lay_out(self) -> None:
        self.left.addWidget(self.list)
        nothing = QWidget()
        nothing.setLayout(column(None, self.nothing, None))
        self.left.addWidget(nothing)
        side = QWidget()
        side_layout = column(self.filters, self.left, self.footer, gap=0.4)
        side_layout.setStretch(1, 1)
        side.setLayout(side_layout)
        side.setMinimumWidth(space(13))
        self.right.addWidget(self.statistics)
        self.right.addWidget(self.detail)
        self.splitter = splitter = QSplitter()
        splitter.addWidget(side)
        splitter.addWidget(self.right)
        splitter.setStretchFactor(1, 1)
        splitter.setHandleWidth(space(0.7))
        splitter.setChildrenCollapsible(False)
        empty = QWidget()
        words = label("No episode has been recorded yet.", "title")
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        how = label(
            "Show the arm a task a few times on the Record screen. Every episode you keep appears here, with its "
            "pictures, its motion and what was found about its quality.",
            "muted",
            wrap=True,
        )
        how.setAlignment(Qt.AlignmentFlag.AlignCenter)
        empty.setLayout(column(None, words, how, row(None, self.record, None), None, gap=0.8))
        self.whole.addWidget(splitter)
        self.whole.addWidget(empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.whole)

    def _connect(self) -> None:
        presenter = self.presenter
        presenter.model.modelAboutToBeReset.connect(self._remember)
        presenter.model.answered.connect(self._restore)
        presenter.listed.connect(self._show_listed)
        presenter.offers_changed.connect(self._show_listed)
        presenter.opened.connect(self._show_opened)
        presenter.row_changed.connect(self.detail.refresh_words)
        presenter.edits.said.connect(lambda _, moves: setattr(self, "_moved", moves))
        self.list.chosen.connect(lambda: presenter.select(self.list.ranges))
        self.detail.statistics.connect(self.list.clearSelection)
        for keys, act in (("Ctrl+F", self._search), ("Ctrl+Z", presenter.edits.undo)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.activated.connect(act)
        self.filters.search.returnPressed.connect(self.list.setFocus)

    def _search(self) -> None:
        self.filters.search.setFocus()
        self.filters.search.selectAll()

    # --- updates from the presenter ---

    def _remember(self) -> None:
        """Remember selection and scroll position before the rows change, to restore them as far as possible."""
        rows = self.list.ranges
        if rows:
            last = min(rows[0][1], rows[0][0] + _MOST_KEPT)
            known = [self.presenter.model.row(number) for number in range(rows[0][0], last + 1)]
            self._kept = {row.id for row in known if row is not None}
            self._at = rows[0][0]
        self._question = self.presenter.model.question
        self._scroll = self.list.verticalScrollBar().value()

    def _show_listed(self) -> None:
        presenter, rows = self.presenter, self.presenter.model.rowCount()
        self.whole.setCurrentIndex(1 if presenter.empty and not rows else 0)
        self.left.setCurrentIndex(0 if rows else 1)
        if presenter.in_trash:
            self.nothing.setText("The trash is empty.")
        else:
            self.nothing.setText("No episode fits. Press “Show all”, or search for something else.")

    def _restore(self) -> None:
        """Restore scroll position and selection as far as possible after the rows have changed."""
        kept, self._kept = self._kept, set()
        stays, self._moved = self._moved or self._question == self.presenter.model.question, False
        if self.presenter.model.rowCount() and kept:
            self.list.doItemsLayout()  # else the scroll bar still has the old length
            self.list.verticalScrollBar().setValue(self._scroll)
            if not self.list.choose(kept) and stays:
                self.list.choose_row(self._at)  # the next one after a deletion; or its page is not loaded yet
        # Qt does not signal the loss of the selection when a model is reset.
        self.presenter.select(self.list.ranges)

    def _show_opened(self) -> None:
        selected = self.presenter.selected > 0
        self.right.setCurrentWidget(self.detail if selected else self.statistics)
        self.detail.refresh()

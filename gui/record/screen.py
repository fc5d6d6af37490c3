"""Record screen: name the task, demonstrate it, review the episode, keep it."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.arm.presenter import ArmPresenter
from gui.live.overlay import LiveView
from gui.player.player import PATH, Player
from gui.record import phrases
from gui.record.cards import FiguresCard, StateCard, TaskCard, cards
from gui.record.presenter import RecordPresenter
from gui.record.teach_card import TeachCard
from gui.widgets.basics import column, row, scrolled
from gui.widgets.theme import space
from workflows.recording.facts import RecordState

_SIDE_LINES = 24.0


class RecordScreen(QWidget):
    """View of RecordPresenter; keys arrive through `take_key`."""

    title = "Record"
    shows_live_views = False  # this screen has larger ones of its own

    def __init__(self, presenter: RecordPresenter, arm: ArmPresenter):
        super().__init__()
        self.presenter, self._control = presenter, presenter.control
        self.player = Player()
        self.player.controls.shown.setCurrentText(PATH)
        self.task_card, self.state_card = TaskCard(presenter), StateCard(presenter, arm)
        self.figures_card, self.teach_card = FiguresCard(presenter), TeachCard(presenter, presenter.control)
        self._lay_out()
        presenter.changed.connect(self._refresh)
        presenter.live_changed.connect(self._show_live)
        presenter.pictures.film_changed.connect(self._show_film)
        self._refresh()

    # --- called by the shell ---

    def leave(self) -> None:
        """Release held inputs: another screen is shown, or the keyboard focus was lost."""
        self._control.release_all()
        self.presenter.hand.let_go()

    def take_key(self, key: int, pressed: bool) -> bool:
        """Handle the keys of the recording, of the player during review, and else of the arm control."""
        if self.presenter.state is RecordState.REVIEW and self._film_key(key, pressed):
            return True
        act = {
            Qt.Key.Key_R: self.presenter.start_or_end,
            Qt.Key.Key_B: self.state_card.bench.press_by_own_key,
            Qt.Key.Key_Escape: self.presenter.cancel,
        }.get(Qt.Key(key))
        if act is None:
            return self.teach_card.take_key(key, pressed)
        if pressed:
            act()
        return True

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.presenter.watch(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.presenter.watch(False)

    def _film_key(self, key: int, pressed: bool) -> bool:
        card, player = self.state_card, self.player
        act = {
            Qt.Key.Key_Y: card.success.press_by_own_key,
            Qt.Key.Key_N: card.failure.press_by_own_key,
            Qt.Key.Key_Delete: card.discard.press_by_own_key,
            Qt.Key.Key_T: card.note.setFocus,
            Qt.Key.Key_P: player.toggle,
            Qt.Key.Key_Left: lambda: player.step(-1),
            Qt.Key.Key_Right: lambda: player.step(1),
        }.get(Qt.Key(key))
        if act is None:
            return False
        if pressed:
            act()
        return True

    # --- layout ---

    def _lay_out(self) -> None:
        told = scrolled(cards(self.task_card, self.state_card, self.figures_card))
        told.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        told.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        side = QWidget()
        side.setLayout(column(told, self.state_card.presses))
        side.setFixedWidth(space(_SIDE_LINES))
        left = QVBoxLayout()
        left.setSpacing(space(0.5))
        left.addWidget(self.player.below)  # above the images: below them are buttons that move the arm
        left.addWidget(self.player.grid, 1)
        left.addWidget(self.teach_card)
        layout = row(left, side, gap=0.7)
        layout.setContentsMargins(space(0.9), space(0.7), space(0.7), space(0.7))
        layout.setStretch(0, 1)
        self.setLayout(layout)

    # --- updates from the presenter ---

    @property
    def _reviewing(self) -> bool:
        return self.presenter.state is RecordState.REVIEW and not self.presenter.demonstrating

    def _refresh(self) -> None:
        self.player.grid.show_words(phrases.empty_words(self.presenter))
        self.teach_card.setVisible(not self._reviewing)
        self.player.below.setVisible(self._reviewing)

    def _show_film(self) -> None:
        film = self.presenter.pictures.film
        self.player.show_film(film)
        if film is not None:
            self.player.play()

    def _show_live(self) -> None:
        if self.isVisible() and not (self._reviewing and self.presenter.pictures.film is not None):
            self._show_views(self.presenter.pictures.live_views())

    def _show_views(self, views: list[LiveView]) -> None:
        for picture, view in zip(self.player.grid.show_names([v.name for v in views]), views, strict=True):
            if view.rgb is not picture.rgb:  # together with its overlay, so that both belong to the same frame
                picture.show_rgb(view.rgb)
                picture.show_drawing(view.drawing)
            picture.show_note(view.note, view.colour)
            picture.show_light(view.place.light, view.place.short, view.place.sentence)

"""Main window: navigation on the left, Stop at the top right, messages on top, cameras and arm at the side."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QProgressBar,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.arm.panel import ArmPanel
from gui.close_dialog import ClosingQuestion
from gui.live.views import LiveViews
from gui.shell_presenter import ShellPresenter
from gui.widgets.banner import Banners
from gui.widgets.basics import Button, label
from gui.widgets.icons import icon
from gui.widgets.theme import APPEARANCES, Theme, colours, look, space

Screen = Any  # QWidget with `title`, `shows_live_views`; optional: `take_key(key, pressed)`, `enter()`, `leave()`


class Shell(QMainWindow):
    """Main window around the screens. Call `add_screen` in the order of the navigation; `show_screen` takes a name."""

    closing = Signal()
    screen_changed = Signal(str)

    def __init__(self, presenter: ShellPresenter, live: LiveViews, arm: ArmPanel, theme: Theme):
        super().__init__()
        self._presenter, self._theme = presenter, theme
        self.setWindowTitle("Rehearse")
        self.resize(1280, 800)
        self.setMinimumSize(960, 640)
        self.screens: dict[str, Screen] = {}
        self.tabs: dict[str, NavigationButton] = {}
        self.live, self.arm_panel = live, arm
        self.banners, self.stack = Banners(), QStackedWidget()
        self.question = ClosingQuestion(self.close, presenter.connection.clock)
        self.under_way: Callable[[], str] = lambda: ""  # describes what closing the window would interrupt
        self.side, self.bar = self._side(), self._bar()
        self.rail, self._rail_layout = self._rail()
        middle = QHBoxLayout()
        for part, stretch in ((self.stack, 1), (self.side, 0)):
            middle.addWidget(part, stretch)
        right = QVBoxLayout()
        right.addWidget(self.bar)
        right.addWidget(self.progress)
        right.addWidget(self.question)
        right.addWidget(self.banners)
        right.addLayout(middle, 1)
        whole = QHBoxLayout()
        whole.addWidget(self.rail)
        whole.addLayout(right, 1)
        for layout in (middle, right, whole):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(0)
        centre = QWidget()
        centre.setLayout(whole)
        self.setCentralWidget(centre)
        presenter.changed.connect(self._show)
        presenter.messages.said.connect(self.banners.show_message)
        presenter.messages.settled.connect(self.banners.put_away)
        presenter.connection.pulled.connect(self._forget_question)
        self._show()

    # --- screens ---

    def add_screen(self, name: str, screen: Screen, icon_name: str, *, low: bool = False) -> None:
        """Add a screen and its navigation button; `low` puts the button at the bottom."""
        self.screens[name] = screen
        self.stack.addWidget(screen)
        tab = NavigationButton(screen.title, icon_name, lambda: self.show_screen(name))
        self.tabs[name] = tab
        at = self._rail_layout.count() - 1 if low else len(self.screens)
        self._rail_layout.insertWidget(at, tab)

    @property
    def current(self) -> Screen:
        return self.stack.currentWidget()

    def show_screen(self, name: str) -> None:
        """Leave the current screen and show another."""
        screen = self.screens[name]
        if self.current is not screen:
            getattr(self.current, "leave", lambda: None)()
            self.stack.setCurrentWidget(screen)
            getattr(screen, "enter", lambda: None)()
        focused = self.focusWidget()
        if isinstance(focused, NavigationButton) and focused is not self.tabs.get(name):
            focused.clearFocus()  # Qt moves the focus on when a button loses it: two tabs would appear selected
        self.title.setText(screen.title)
        self.side.setVisible(screen.shows_live_views)
        for each, tab in self.tabs.items():
            tab.setChecked(each == name)
        self.screen_changed.emit(name)

    def take_key(self, key: int, pressed: bool) -> bool:
        """Pass a key to the current screen; return whether it was used."""
        return bool(getattr(self.current, "take_key", lambda key, pressed: False)(key, pressed))

    def keyboard_left(self) -> None:
        """Release what is held by a key: its key release will not be received."""
        if self.stack.count():
            getattr(self.current, "leave", lambda: None)()

    # --- helpers ---

    def _bar(self) -> QFrame:
        bar = QFrame()
        look(bar, "bar")
        self.title, self.chip = label("", "title"), label("", "chip", name="shell state")
        self.working = label("", "muted")
        self.stop = Button("Stop  (Space)", "stop", icon_name="stop", on=self._presenter.stop)
        self.stop.setObjectName("stop")
        self.stop.setToolTip("Stop the arm now. The Space key does the same.\nThis is not an emergency stop.")
        self.stop.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QHBoxLayout(bar)
        layout.setContentsMargins(space(1), space(0.5), space(0.7), space(0.5))
        layout.setSpacing(space(0.7))
        layout.addWidget(self.title)
        layout.addWidget(self.chip, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.working)
        layout.addStretch(1)
        layout.addWidget(self.stop)
        self.progress = QProgressBar(maximum=1000, textVisible=False)
        return bar

    def _side(self) -> QFrame:
        side = QFrame()
        look(side, "side")
        layout = QVBoxLayout(side)
        layout.setContentsMargins(space(0.7), space(0.7), space(0.7), space(0.7))
        layout.setSpacing(space(0.6))
        layout.addWidget(self.live, 1)
        layout.addWidget(self.arm_panel)
        return side

    def _rail(self) -> tuple[QFrame, QVBoxLayout]:
        rail = QFrame()
        look(rail, "rail")
        rail.setFixedWidth(space(6.2))
        layout = QVBoxLayout(rail)
        layout.setContentsMargins(space(0.4), space(0.8), space(0.4), space(0.6))
        layout.setSpacing(space(0.25))
        brand = label("Rehearse", "heading")
        brand.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout.addWidget(brand)
        layout.addStretch(1)
        self.appearance = NavigationButton("", "system", self._next_appearance)
        self.appearance.setCheckable(False)
        layout.addWidget(self.appearance)
        self._show_appearance()
        return rail, layout

    def _next_appearance(self) -> None:
        position = APPEARANCES.index(self._theme.appearance)
        self._theme.choose(APPEARANCES[(position + 1) % len(APPEARANCES)])
        self._show_appearance()

    def _show_appearance(self) -> None:
        name = self._theme.appearance
        self.appearance.show_icon(name)
        self.appearance.setText({"system": "As system", "light": "Light", "dark": "Dark"}[name])
        self.appearance.setToolTip("Light, dark, or as the system is")

    # --- display ---

    def _show(self) -> None:
        presenter = self._presenter
        word, kind = presenter.arm_word
        self.chip.setText(f"{presenter.arm_name}: {word}")
        look(self.chip, kind)
        opening = presenter.connection.opening
        self.working.setText(f"{presenter.progress_sentence} …" if opening else "")
        self.progress.setVisible(opening)
        self.progress.setValue(round(1000 * presenter.progress_share))
        self.stop.setEnabled(True)  # always enabled: a Stop without an arm does no harm

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.side.setFixedWidth(min(max(round(0.24 * self.width()), space(23)), space(36)))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "appearance"):
            self._show_appearance()

    def _forget_question(self) -> None:
        """Hide the closing question when what it asked about has ended by itself."""
        if self.question.asking and not self.under_way():
            self.question.hide()

    def closeEvent(self, event: QCloseEvent) -> None:
        reason = "" if self.question.asking else self.under_way()
        if reason:
            self.question.ask(reason)
            event.ignore()
            return
        self.hide()  # the arm is stopped and everything ended first; that may take a second
        self.closing.emit()
        super().closeEvent(event)


class NavigationButton(QToolButton):
    """Navigation button: an icon with a label below it."""

    def __init__(self, words: str, icon_name: str, on: Callable[[], None]):
        super().__init__()
        self._icon_name = icon_name
        look(self, "nav")
        self.setText(words)
        self.setCheckable(True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        self.setIconSize(QSize(space(1.6), space(1.6)))
        self.setFixedWidth(space(5.4))
        self.clicked.connect(lambda: on())
        self.show_icon(icon_name)

    def show_icon(self, icon_name: str) -> None:
        self._icon_name = icon_name
        present = colours()
        self.setIcon(icon(icon_name, present.muted, present.accent))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.show_icon(self._icon_name)

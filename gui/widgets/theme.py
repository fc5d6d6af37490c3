"""Theme: two palettes that follow the system, one accent colour, and sizes that follow the system's font.

A widget selects its style with a property (`look(button, "primary")`), never with a style sheet of its own. Widgets
that paint themselves use `colours()`, and repaint on QEvent.Type.PaletteChange.
"""

from dataclasses import dataclass
from pathlib import Path
from string import Template

from PySide6.QtCore import QObject, Qt, QTemporaryDir, Signal
from PySide6.QtGui import QColor, QFontInfo, QFontMetricsF, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory, QWidget

from gui.widgets.icon_paths import svg
from gui.widgets.restyling import Restyling
from gui.widgets.style_sheet import STYLE_SHEET

APPEARANCES = ("system", "light", "dark")


@dataclass(frozen=True)
class Colours:
    """One palette, as #rrggbb. `*_soft` are backgrounds on which the colour of the same name is legible."""

    window: str
    surface: str
    sunken: str
    hover: str
    border: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_hover: str
    accent_soft: str
    on_accent: str
    stop: str
    stop_hover: str
    danger: str
    danger_soft: str
    warning: str
    warning_soft: str
    success: str
    success_soft: str
    dark: bool = False

    def q(self, name: str) -> QColor:
        """Return a colour by name as a QColor, for painting."""
        return QColor(getattr(self, name))


LIGHT = Colours(
    window="#f4f5f8",
    surface="#ffffff",
    sunken="#eaecf1",
    hover="#e3e7ee",
    border="#d6dae2",
    text="#1a2130",
    muted="#566072",
    faint="#8b95a5",
    accent="#2463d1",
    accent_hover="#1c52b0",
    accent_soft="#e4edfc",
    on_accent="#ffffff",
    stop="#d02b2b",
    stop_hover="#b02020",
    danger="#b3261e",
    danger_soft="#fce8e6",
    warning="#8a5a00",
    warning_soft="#fff1d0",
    success="#1a7446",
    success_soft="#e0f4e8",
)
DARK = Colours(
    window="#14171c",
    surface="#1c2027",
    sunken="#101317",
    hover="#2a303a",
    border="#343b47",
    text="#e8ebf0",
    muted="#a3adbb",
    faint="#6d7786",
    accent="#7aa8ff",
    accent_hover="#9abdff",
    accent_soft="#22304a",
    on_accent="#0d1626",
    stop="#d93a3a",
    stop_hover="#ee5252",
    danger="#ff8a80",
    danger_soft="#3b2021",
    warning="#f0bd55",
    warning_soft="#37301e",
    success="#62cf95",
    success_soft="#1b3327",
    dark=True,
)


def colours() -> Colours:
    """Return the palette in use, derived from the application's QPalette."""
    return DARK if QGuiApplication.palette().color(QPalette.ColorRole.Window).lightness() < 128 else LIGHT


def em() -> float:
    """Return the line height of the system's font in px, the unit of all distances."""
    return QFontMetricsF(QGuiApplication.font()).height()


def space(lines: float = 0.5) -> int:
    """Return a distance of `lines` lines of text in whole px, at least 1."""
    return max(1, round(lines * em()))


def look(widget: QWidget, name: str) -> None:
    """Set a widget's style from the style sheet, also after it was shown."""
    if widget.property("look") != name:
        widget.setProperty("look", name)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


class Theme(QObject):
    """Keeps the application's palette and style sheet at the chosen appearance, or at the system's."""

    changed = Signal()

    def __init__(self, app: QApplication, appearance: str = "system"):
        super().__init__(app)
        self._app = app
        self._marks = QTemporaryDir()  # a style sheet can load images from files only
        self._dressing = Restyling(self)
        self.appearance = appearance
        app.setStyle(QStyleFactory.create("Fusion"))
        app.styleHints().colorSchemeChanged.connect(self._apply)
        self._apply()

    def choose(self, appearance: str) -> None:
        """Select one of APPEARANCES; raises ValueError for any other name."""
        if appearance not in APPEARANCES:
            raise ValueError(f"no appearance {appearance}: {APPEARANCES}")
        self.appearance = appearance
        self._apply()

    def dress(self, window: QWidget) -> None:
        """Style a window and its present and future children, now and at every change of the theme."""
        self._dressing.add(window)

    @property
    def dressed(self) -> bool:
        """Whether all pieces have the present style: a change takes some turns of the event loop."""
        return self._dressing.done

    @property
    def dark(self) -> bool:
        if self.appearance == "system":
            return self._app.styleHints().colorScheme() is Qt.ColorScheme.Dark
        return self.appearance == "dark"

    def _apply(self) -> None:
        chosen = DARK if self.dark else LIGHT
        self._app.setPalette(palette(chosen))
        self._dressing.use(style_sheet(chosen, self._draw_marks(chosen)))
        self.changed.emit()

    def _draw_marks(self, c: Colours) -> str:
        """Return the folder with the ticks and arrows of this palette; create it when it is missing."""
        folder = Path(self._marks.path()) / ("dark" if c.dark else "light")
        if not folder.exists():
            folder.mkdir()
            marks = {"check": c.on_accent, "small-up": c.muted, "small-down": c.muted}
            for name, colour in marks.items():
                (folder / f"{name}.svg").write_bytes(svg(name, colour, width=3.0))
        return folder.as_posix()


def palette(c: Colours) -> QPalette:
    """Return the QPalette, for everything the style sheet does not cover."""
    role, result = QPalette.ColorRole, QPalette()
    for colour, roles in {
        c.window: (role.Window,),
        c.surface: (role.Base, role.Button, role.ToolTipBase),
        c.sunken: (role.AlternateBase, role.Mid),
        c.border: (role.Midlight, role.Dark),
        c.text: (role.WindowText, role.Text, role.ButtonText, role.ToolTipText, role.BrightText),
        c.faint: (role.PlaceholderText,),
        c.accent: (role.Highlight, role.Link, role.Accent),
        c.on_accent: (role.HighlightedText,),
    }.items():
        for each in roles:
            result.setColor(each, QColor(colour))
    for each in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, each, QColor(c.faint))
    return result


def style_sheet(c: Colours, marks: str) -> str:
    """Return the style sheet for this palette with sizes in px from the system's font; `marks` is the icons' folder."""
    line, text = em(), QFontInfo(QGuiApplication.font()).pixelSize()
    sizes = {
        "tiny": max(1, round(0.12 * line)),
        "small": round(0.25 * line),
        "half": round(0.5 * line),
        "mark": round(0.55 * line),
        "box": round(0.95 * line),
        "round": round(0.95 * line) // 2,
        "dot": max(3, round(0.28 * line)),
        "most": round(0.8 * line),
        "radius": round(0.4 * line),
        "control": round(1.5 * line),
        "stop_height": round(2.1 * line),
        "font_small": max(8, round(0.88 * text)),
        "font_large": round(1.2 * text),
        "font_title": round(1.55 * text),
    }
    return Template(STYLE_SHEET).substitute(vars(c), marks=marks, **sizes)

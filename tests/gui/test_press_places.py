"""Where the buttons stand: those that set the arm going or judge it never where another one stands, on no page."""

from itertools import combinations

from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from gui.deliberate import DeliberateButton

SIZES = ((1024, 700), (1280, 800), (1920, 1080))


def places(window: QWidget, inside: QWidget) -> dict[QAbstractButton, QRect]:
    """The buttons of a part of the window that can be seen, and where."""
    shown = [each for each in inside.findChildren(QAbstractButton) if each.isVisible()]
    return {
        each: QRect(each.mapTo(window, QPoint()), each.size()) for each in shown if not each.visibleRegion().isEmpty()
    }


def clashes(pages: dict[str, dict[QAbstractButton, QRect]]) -> list[str]:
    """Deliberate buttons that stand where another one stands, on the same page or on another."""
    seen = [(page, button, at) for page, found in pages.items() for button, at in found.items()]
    return [
        f"{one.text() or one.accessibleName()} ({page}) and {other.text() or other.accessibleName()} ({page_of_other})"
        for (page, one, at), (page_of_other, other, at_other) in combinations(seen, 2)
        if one is not other
        and (isinstance(one, DeliberateButton) or isinstance(other, DeliberateButton))
        and at.intersects(at_other)
    ]


def settle() -> None:
    for _ in range(4):
        QApplication.processEvents()

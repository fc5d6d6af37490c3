"""A change of style reaches the whole window, one piece at a time."""

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog, QFrame, QLabel, QStackedWidget, QVBoxLayout, QWidget

from gui.runtime.time_slices import slices
from gui.widgets.restyling import Restyling
from gui.widgets.theme import DARK, LIGHT, colours, look

MOST = 140  # widgets that are styled at once: some ten milliseconds


def card(words: int) -> QFrame:
    frame = QFrame()
    look(frame, "card")
    layout = QVBoxLayout(frame)
    for number in range(words):
        layout.addWidget(QLabel(f"word {number}"))
    return frame


@pytest.fixture
def window(qtbot):
    """Two pages of many cards, one of them shown."""
    whole, pages = QWidget(), QStackedWidget()
    QVBoxLayout(whole).addWidget(pages)
    for _ in range(2):
        page = QWidget()
        QVBoxLayout(page)
        for _ in range(4):
            page.layout().addWidget(card(30))
        pages.addWidget(page)
    qtbot.addWidget(whole)
    whole.show()
    return whole


def red(widget: QWidget) -> bool:
    widget.ensurePolished()
    return widget.palette().windowText().color().name() == "#ff0000"


def test_other_looks_come_in_pieces_and_reach_everything(window, qtbot):
    dressing = Restyling(QObject(window))
    dressing.use("QLabel { color: blue }")
    dressing.add(window)
    dressing.use("QLabel { color: red }")
    assert not dressing.done and not any(red(label) for label in window.findChildren(QLabel))
    qtbot.waitUntil(lambda: any(red(label) for label in window.findChildren(QLabel)), timeout=30_000)
    seen = [red(label) for label in window.findChildren(QLabel)]
    assert not all(seen) and not dressing.done  # one piece after the other
    shown = window.findChild(QStackedWidget).currentWidget()
    assert any(red(label) for label in shown.findChildren(QLabel))  # first the visible part
    qtbot.waitUntil(lambda: dressing.done, timeout=30_000)
    assert all(red(label) for label in window.findChildren(QLabel))


def test_what_is_put_in_later_is_dressed_too(window, qtbot):
    dressing = Restyling(QObject(window))
    dressing.use("QLabel { color: red }")
    dressing.add(window)
    late = card(3)
    window.findChild(QStackedWidget).addWidget(late)
    qtbot.waitUntil(lambda: dressing.done, timeout=30_000)
    assert red(late.findChild(QLabel))
    dialog = QDialog(window)
    QVBoxLayout(dialog).addWidget(QLabel("Really?"))
    dialog.show()
    assert red(dialog.findChild(QLabel))
    dialog.close()
    dialog.deleteLater()


def test_a_part_that_has_gone_is_not_dressed(window, qtbot):
    dressing = Restyling(QObject(window))
    dressing.add(window)
    dressing.use("QLabel { color: red }")
    for page in window.findChildren(QStackedWidget):
        page.deleteLater()
    qtbot.waitUntil(lambda: dressing.done and slices().done, timeout=30_000)


def test_every_screen_has_the_looks_that_were_chosen(virtual_program, qtbot, qapp):
    program = virtual_program
    """Check also that no piece of the window is so large that the arm's heartbeat would wait for it."""
    for name in ("library", "history"):
        program.shell.show_screen(name)
        qtbot.waitUntil(lambda name=name: program.shell.screens[name].view is not None, timeout=20_000)
    for appearance, wanted in (("dark", DARK), ("light", LIGHT)):
        program.theme.choose(appearance)
        qtbot.waitUntil(lambda: program.theme.dressed, timeout=10_000)
        assert colours() is wanted
        for screen in program.shell.screens.values():
            titles = [each for each in screen.findChildren(QLabel) if each.property("look") == "muted"]
            for each in titles:
                each.ensurePolished()
                assert each.palette().windowText().color().name() == wanted.muted, each.text()
    pieces = [each for each in program.shell.findChildren(QWidget) if "QLabel" in each.styleSheet()]
    assert len(pieces) > 20
    assert max(len(piece.findChildren(QWidget)) for piece in pieces) <= MOST
    program.shell.show_screen("set up")

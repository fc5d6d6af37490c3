"""Positions of the buttons: those that start or judge a motion never share a position with another one, on any page."""

from itertools import combinations

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from benchmarks.window.press_bench import PressBench
from gui.rehearse.steps import Step
from gui.runtime.messages import Kind
from gui.widgets.deliberate_press import DeliberateButton
from workflows.proposals.drawn_motion import DrawnPoint

SIZES = ((1024, 700), (1280, 800), (1920, 1080))


def places(window: QWidget, inside: QWidget) -> dict[QAbstractButton, QRect]:
    """Return the visible buttons of a part of the window, and their rectangles."""
    shown = [each for each in inside.findChildren(QAbstractButton) if each.isVisible()]
    return {
        each: QRect(each.mapTo(window, QPoint()), each.size()) for each in shown if not each.visibleRegion().isEmpty()
    }


def clashes(pages: dict[str, dict[QAbstractButton, QRect]]) -> list[str]:
    """Return the deliberate buttons that overlap another one, on the same page or on another."""
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


@pytest.fixture
def bench(qapp, tmp_path):
    bench = PressBench(qapp, tmp_path, SIZES[0])
    yield bench
    bench.close()
    bench.window.deleteLater()
    settle()


def every_page(bench: PressBench) -> dict[str, dict[QAbstractButton, QRect]]:
    """Return the rectangles of the buttons on each of the rehearsal's steps in turn."""
    presenter, screen, pages = bench.presenter, bench.screen, {}

    def look(name: str) -> None:
        bench.live(0.3)
        pages[name] = places(bench.window, screen)

    look("ask")
    presenter.draw("to the side", (DrawnPoint((0.42, 0.05, 0.2)), DrawnPoint((0.42, -0.1, 0.2))))
    bench.until(lambda: presenter.step is Step.WATCH and not presenter.busy)
    look("decide")
    screen.decide_page.reject.click()
    look("reasons")
    screen.decide_page.keep.click()
    presenter.approve()
    bench.until(lambda: presenter.step is Step.APPROVED and not presenter.busy)
    look("approved")
    bench.choose_hold(True)
    look("approved, to be held")
    bench.choose_hold(False)
    presenter.run(0.25)
    bench.until(lambda: presenter.step is Step.RUNNING and not presenter.busy)
    look("running")
    presenter.pause()
    bench.until(lambda: presenter.paused)
    look("paused")
    presenter.stop()
    bench.until(lambda: presenter.can_judge)
    look("outcome")
    presenter.finish(False, "")
    bench.until(lambda: presenter.step is Step.SAVED and not presenter.busy)
    look("saved")
    return pages


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_on_the_rehearse_screen_each_has_a_place_of_its_own(bench, size):
    bench.window.resize(*size)
    pages = every_page(bench)
    assert clashes(pages) == []
    deliberate = {button for found in pages.values() for button in found if isinstance(button, DeliberateButton)}
    assert len(deliberate) >= 5
    assert {pages[name][bench.screen.presses.run].getRect() for name in ("decide", "approved", "paused")} == {
        pages["running"][bench.screen.presses.run].getRect()
    }
    for number in range(3):  # messages at the top move none of them
        bench.messages.say(Kind.WARNING, f"Something is so, and this is what to do about it, {number}.")
    bench.live(0.3)
    for button, at in places(bench.window, bench.screen.presses).items():
        assert at == pages["saved"].get(button, at)
    assert bench.screen.presses.isVisible() and bench.window.height() >= bench.screen.height()


def test_on_the_arm_and_record_screens_each_has_a_place_of_its_own(fresh_virtual_program, qtbot):
    """Check also with another teacher."""
    shell = fresh_virtual_program.shell
    shell.resize(*SIZES[0])
    for name in ("arm", "record"):
        shell.show_screen(name)
        screen, pages = shell.screens[name], {}
        qtbot.wait(300)
        pages["first"] = places(shell, screen)
        for index in (0, 1, 2) if name == "record" else ():
            screen.teach_card.choice.button(index).click()
            qtbot.wait(100)
            pages[f"taught by {index}"] = places(shell, screen)
        assert clashes(pages) == [], name

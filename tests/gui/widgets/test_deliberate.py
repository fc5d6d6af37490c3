"""Deliberate presses: a press means what was under the pointer at the user's decision; timed by our own clock."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QPushButton, QVBoxLayout, QWidget

from foundation.clocks import VirtualClock
from gui.widgets.deliberate_press import RIPE_AFTER, DeliberateButton, Ripening

STEP = 0.1  # s between two looks


class Bench(QWidget):
    """Two deliberate buttons and a text field; presses and holds are listed in `seen`."""

    def __init__(self):
        super().__init__()
        self.clock, self.seen = VirtualClock(100.0), []
        self.field = QLineEdit()
        self.first = DeliberateButton("Run", clock=self.clock, on=lambda: self.seen.append("first"))
        self.second = DeliberateButton("It worked", clock=self.clock, on=lambda: self.seen.append("second"))
        self.first.held.connect(lambda down: self.seen.append("down" if down else "up"))
        layout = QVBoxLayout(self)
        for part in (self.field, self.first, self.second):
            layout.addWidget(part)
        self.resize(400, 300)

    def live(self, seconds: float) -> None:
        """Let time pass while the window lives: it is painted, and the buttons poll."""
        for _ in range(round(seconds / STEP)):
            QApplication.processEvents()
            self.clock.advance(STEP)
            for button in (self.first, self.second):
                button.look()

    @property
    def taken(self) -> list[str]:
        return [each for each in self.seen if each in ("first", "second")]


@pytest.fixture
def bench(qtbot):
    bench = Bench()
    qtbot.addWidget(bench)
    bench.show()
    qtbot.waitExposed(bench)
    bench.activateWindow()
    qtbot.waitUntil(bench.isActiveWindow, timeout=10_000)
    qtbot.wait(50)
    return bench


def press(button: QPushButton) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_what_has_just_come_takes_no_press_and_says_so(bench):
    bench.live(RIPE_AFTER - STEP)
    early = bench.first.grab().toImage()
    press(bench.first)
    assert bench.seen == []
    bench.live(RIPE_AFTER + STEP)  # from the premature press
    press(bench.first)
    assert bench.seen == ["down", "first", "up"]
    assert bench.first.grab().toImage() != early  # greyed, and its edge was filling


@pytest.mark.parametrize("change", ["text", "enabled", "shown", "moved", "grown"])
def test_what_changes_takes_no_press_for_a_while(bench, change):
    bench.live(1.0)
    button, away = bench.first, QPoint(button_x := bench.first.x(), bench.first.y() + 7)
    assert button.ripe and button_x >= 0
    match change:
        case "text":
            button.setText("Continue")
        case "enabled":
            button.setEnabled(False)
            button.setEnabled(True)
        case "shown":
            button.hide()
            button.show()
        case "moved":
            button.move(away)
        case _:
            button.resize(button.width(), button.height() + 5)
    press(button)
    assert bench.taken == []
    bench.live(RIPE_AFTER + STEP)
    press(button)
    assert bench.taken == ["first"]


def test_a_press_that_began_before_the_change_does_not_count(bench):
    bench.live(1.0)
    QTest.mousePress(bench.first, Qt.MouseButton.LeftButton)
    bench.first.setText("Something else")
    QTest.mouseMove(bench.first, QPoint(20, 8))
    QTest.mouseRelease(bench.first, Qt.MouseButton.LeftButton)
    assert bench.taken == [] and bench.seen == ["down", "up"]  # and the hold is released


def test_one_that_began_too_early_does_not_count_however_late_it_ends(bench):
    QTest.mousePress(bench.first, Qt.MouseButton.LeftButton)
    bench.live(3.0)
    QTest.mouseRelease(bench.first, Qt.MouseButton.LeftButton)
    assert bench.seen == []


def test_of_a_burst_of_presses_none_counts(bench):
    for _ in range(20):
        bench.live(0.3)
        press(bench.first)
    assert bench.seen == []


def test_the_second_of_a_double_click_counts_like_any_press(bench):

    def second_press() -> None:
        QTest.mouseDClick(bench.second, Qt.MouseButton.LeftButton)
        QTest.mouseRelease(bench.second, Qt.MouseButton.LeftButton)

    second_press()
    assert bench.taken == []
    bench.live(1.0)
    second_press()
    assert bench.taken == ["second"]


def test_a_window_that_stood_still_was_not_looked_at(bench):
    """Check presses made during a stall: they arrive afterwards, and were decided by an older image."""
    bench.clock.advance(30.0)
    press(bench.first)
    assert bench.seen == []


def test_what_nobody_has_painted_nobody_has_seen():
    clock = VirtualClock()
    ripening = Ripening(clock)
    ripening.look("Run")
    for _ in range(20):
        clock.advance(STEP)
        ripening.look("Run")
    assert not ripening.ripe and ripening.share == 0.0
    ripening.show()
    for number in range(9):
        assert ripening.ripe is (number >= 8)
        clock.advance(STEP)
        ripening.look("Run")


def test_holding_begins_with_the_press_and_ends_with_the_hand_or_without_it(bench):
    bench.live(1.0)
    for end in ("release", "left", "disabled", "hidden"):
        bench.seen.clear()
        bench.first.setEnabled(True)
        bench.first.show()
        bench.live(1.0)
        QTest.mousePress(bench.first, Qt.MouseButton.LeftButton)
        assert bench.seen == ["down"] and bench.first.is_held
        match end:
            case "left":
                QTest.mouseMove(bench.first, QPoint(-30, -30))
                QTest.mouseMove(bench.first, QPoint(20, 8))  # coming back is no press
            case "disabled":
                bench.first.setEnabled(False)
            case "hidden":
                bench.first.hide()
            case _:
                QTest.mouseRelease(bench.first, Qt.MouseButton.LeftButton)
        assert bench.seen[:1] == ["down"] and bench.seen.count("up") == 1, end
        assert not bench.first.is_held and (end == "release") is ("first" in bench.seen)
        QTest.mouseRelease(bench.first, Qt.MouseButton.LeftButton)


def test_its_key_waits_as_the_mouse_does_and_letting_go_never(bench):
    bench.first.hold_by_key(True)
    assert bench.seen == []
    bench.live(2.0)
    bench.first.hold_by_key(True)
    bench.first.setText("Other words")
    bench.first.hold_by_key(False)
    assert bench.seen == ["down", "up"]


def test_enter_presses_only_what_a_person_has_chosen(bench):
    """Check that Enter does not press the button that Qt focuses when another one is hidden, however long one waits."""
    bench.live(1.0)
    bench.first.setFocus(Qt.FocusReason.TabFocusReason)  # as Qt does
    bench.live(2.0)
    QTest.keyClick(bench.first, Qt.Key.Key_Return)
    assert bench.taken == []
    bench.field.setFocus()
    QTest.keyClick(bench.windowHandle(), Qt.Key.Key_Tab)
    assert bench.first.hasFocus()
    bench.live(1.0)
    QTest.keyClick(bench.windowHandle(), Qt.Key.Key_Return)
    assert bench.taken == ["first"]
    bench.first.setText("Continue")
    QTest.keyClick(bench.windowHandle(), Qt.Key.Key_Return)
    assert bench.taken == ["first"]


def test_under_a_dialog_that_has_just_gone_nothing_is_pressed(bench, qtbot):
    bench.live(1.0)
    dialog = QDialog(bench, modal=True)
    dialog.show()
    qtbot.waitExposed(dialog)
    bench.live(1.0)
    assert not bench.first.ripe
    dialog.close()
    press(bench.first)
    assert bench.seen == []
    bench.activateWindow()
    qtbot.waitUntil(bench.isActiveWindow, timeout=10_000)
    bench.live(2.0)
    press(bench.first)
    assert bench.taken == ["first"]


def test_what_only_brings_the_arm_to_rest_never_waits(bench):
    bench.first.only_rests(True)
    bench.first.setText("End hand guiding")
    press(bench.first)
    assert bench.taken == ["first"]
    bench.first.only_rests(False)
    bench.first.setText("Start hand guiding")
    press(bench.first)
    assert bench.taken == ["first"]


def test_whatever_else_presses_buttons_waits_too(bench):
    bench.first.click()
    assert bench.taken == []
    bench.live(1.0)
    bench.first.click()
    assert bench.taken == ["first"]

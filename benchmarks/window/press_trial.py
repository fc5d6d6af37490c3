"""Trial of random presses at the rates of a person, which counts unintended effects (`--role=presses`).

The first message contains a `folder` for a library of its own, the `count` of presses, `seed`, and the window's `size`
in px. The intended target is the button under the pointer when the position was chosen, a reaction time before the
press. It is tracked here independently of the buttons' own dwell timers, from what was visible: which buttons were
where, with which text, since when.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication

from benchmarks.window.press_bench import STEP, PressBench
from foundation.messages import Channel
from gui.app import application
from gui.rehearse.steps import Step
from gui.widgets.deliberate_press import DeliberateButton
from workflows.proposals.drawn_motion import DrawnPoint

_SEEN_FOR = 0.8  # s
_REACTION, _BETWEEN, _DOUBLE = (0.15, 0.5), (0.2, 0.5), (0.05, 0.15)  # s: from choosing to pressing, between presses
_DOWN = (0.05, 0.15)
_TASK = "to the side and back"
_WAY = tuple(DrawnPoint((0.42, y, 0.2)) for y in (0.05, -0.1))
_LEFT, _NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_H, Qt.Key.Key_Tab, Qt.Key.Key_Space)


@dataclass(frozen=True)
class Seen:
    """A button as seen: its text, its place, and the time (s) since both are unchanged."""

    words: str
    place: QRect
    since: float

    def same(self, words: str, place: QRect) -> bool:
        return self.words == words and self.place == place


def run(channel: Channel) -> None:
    """Press, send {"ready": figures}, end."""
    asked = channel.receive(10.0)
    bench = PressBench(application(), Path(asked["folder"]), tuple(asked["size"]))
    try:
        figures = PressTrial(bench, int(asked["seed"])).press(int(asked["count"]))
    finally:
        bench.close()
    channel.send({"ready": figures})


class PressTrial:
    """`wrong` describes the effect of each wrong press; `acts` counts all effects of presses."""

    def __init__(self, bench: PressBench, seed: int):
        self.bench, self._random = bench, random.Random(seed)
        self.wrong: list[str] = []
        self.acts: dict[str, int] = {}
        self.states: dict[str, int] = {}
        self._seen: dict[QAbstractButton, Seen] = {}
        self._chosen: QAbstractButton | None = None  # by Tab
        self._last: QPoint | None = None
        presses = bench.screen.presses
        self._of = {
            "execute": presses.run,
            "resume": presses.run,
            "hold": presses.run,
            "success": presses.success,
            "failure": presses.failure,
        }
        self._outcomes: list[str] = []
        finish = bench.presenter.finish
        bench.presenter.finish = lambda *given: self._finish(finish, *given)  # type: ignore[method-assign]

    def press(self, count: int) -> dict[str, Any]:
        """Make `count` presses of mouse and keys, in all states they lead to."""
        for number in range(count):
            self._keep_going()
            self.states[str(self.bench.presenter.step)] = self.states.get(str(self.bench.presenter.step), 0) + 1
            if number % 5 == 4:
                self._key()
            else:
                self._mouse()
        return {"presses": count, "wrong": self.wrong, "acts": self.acts, "states": self.states}

    # --- input ---

    def _mouse(self) -> None:
        again = self._last is not None and self._random.random() < 0.45  # impatient: the same place once more
        at = self._last if again and self._last is not None else self._place()
        self._last = at
        meant = self._under(at)
        meant_words = "" if meant is None else self._seen[meant].words
        between = self._random.choice((_DOUBLE, _BETWEEN)) if again else _REACTION
        self._live(self._random.uniform(*between))
        if self._forbidden(at):
            return
        under, ripe = self._under(at), self._ripe(self._under(at))
        same = under is not None and under is meant and self._seen[under].words == meant_words
        handle = self.bench.window.windowHandle()

        def down_and_up() -> None:
            QTest.mousePress(handle, _LEFT, _NONE, at)
            long = self._random.random() < 0.2
            self._live(self._random.uniform(0.5, 2.0) if long else self._random.uniform(*_DOWN))
            QTest.mouseRelease(handle, _LEFT, _NONE, at)

        self._judged(down_and_up, under if same and ripe else None, f"mouse at {at.x()}, {at.y()}")

    def _key(self) -> None:
        key = self._random.choices(_KEYS, (3, 3, 3, 1))[0]
        self._live(self._random.uniform(*_BETWEEN))
        handle, focus = self.bench.window.windowHandle(), QApplication.focusWidget()
        meant = None
        if key == Qt.Key.Key_H:
            meant = self.bench.screen.presses.run
        elif key == Qt.Key.Key_Return and isinstance(focus, QAbstractButton):
            meant = focus if focus is self._chosen else None
        ripe = self._ripe(meant)

        def down_and_up() -> None:
            QTest.keyPress(handle, key)
            self._live(self._random.uniform(0.05, 0.6))
            QTest.keyRelease(handle, key)

        self._judged(down_and_up, meant if ripe else None, f"key {Qt.Key(key).name}")
        focused = QApplication.focusWidget()
        if key == Qt.Key.Key_Tab and isinstance(focused, QAbstractButton):
            self._chosen = focused
        elif focused is not self._chosen:
            self._chosen = None

    def _place(self) -> QPoint:
        """Choose a position on a button that leads further, on another button of the guide, or anywhere in it."""
        shown = [each for each, seen in self._seen.items() if self._in_guide(seen.place)]
        further = [each for each in shown if isinstance(each, DeliberateButton)]
        kind = self._random.random()
        choice = further if further and kind < 0.45 else shown if shown and kind < 0.8 else None
        place = self._guide() if choice is None else self._seen[self._random.choice(choice)].place
        return QPoint(
            self._random.randint(place.left(), place.right()), self._random.randint(place.top(), place.bottom())
        )

    def _keep_going(self) -> None:
        """Give an instruction when the screen waits for one; these actions are not presses of the trial."""
        bench, presenter = self.bench, self.bench.presenter
        bench.until(lambda: not presenter.busy)
        if presenter.step is Step.ASK:
            bench.choose_hold(self._random.random() < 0.4)
            presenter.draw(_TASK, _WAY)
            bench.until(lambda: not presenter.busy and presenter.step is not Step.WORKING)
            self._live(STEP)

    # --- effects ---

    def _judged(self, act: Callable[[], None], meant: QAbstractButton | None, how: str) -> None:
        """Execute a press and attribute all effects until the end of its jobs to it."""
        robot, presenter = self.bench.session.client, self.bench.presenter
        robot.going.clear()
        self._outcomes.clear()
        step = presenter.step
        act()
        self.bench.until(lambda: not presenter.busy)
        self._live(STEP)
        for done in (*robot.going, *self._outcomes):
            self.acts[done] = self.acts.get(done, 0) + 1
            if self._of[done] is not meant:
                self.wrong.append(f"{done} at the step {step}, by the {how}")

    def _finish(self, finish: Callable[..., None], success: bool, note: str, keep: bool = False) -> None:
        if self.bench.presenter.can_judge:
            self._outcomes.append("success" if success else "failure")
        finish(success, note, keep)

    # --- visible buttons ---

    def _live(self, seconds: float) -> None:
        for _ in range(max(round(seconds / STEP), 1)):
            self.bench.live(STEP)
            self._look()

    def _look(self) -> None:
        window, now = self.bench.window, self.bench.clock.now()
        present: dict[QAbstractButton, Seen] = {}
        for button in self.bench.screen.findChildren(QAbstractButton):
            if not button.isVisible() or not button.isEnabled():
                continue
            words, place = button.text(), QRect(button.mapTo(window, QPoint()), button.size())
            before = self._seen.get(button)
            kept = before is not None and before.same(words, place)
            present[button] = before if kept and before is not None else Seen(words, place, now)
        self._seen = present

    def _under(self, at: QPoint) -> QAbstractButton | None:
        found = self.bench.window.childAt(at)
        return found if isinstance(found, QAbstractButton) and found in self._seen else None

    def _ripe(self, button: QAbstractButton | None) -> bool:
        seen = None if button is None else self._seen.get(button)
        return seen is not None and self.bench.clock.now() - seen.since >= _SEEN_FOR - STEP / 2

    def _guide(self) -> QRect:
        card = self.bench.screen.pages.parentWidget()
        assert card is not None
        return QRect(card.mapTo(self.bench.window, QPoint()), card.size())

    def _in_guide(self, place: QRect) -> bool:
        return self._guide().intersects(place)

    def _forbidden(self, at: QPoint) -> bool:
        """Return whether a press would start the model, which is not available here."""
        return self._under(at) is self.bench.screen.decide_page.imagine

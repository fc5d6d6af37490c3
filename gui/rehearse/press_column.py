"""Column of the buttons that move the arm or judge its motion, beside every page, each in a fixed place.

They are ordered from top to bottom as they are used. On no page is any other control in their place, so that a double
click elsewhere hits none of them.
"""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.rehearse import phrases
from gui.rehearse.presenter import RehearsePresenter
from gui.rehearse.steps import Step
from gui.widgets.basics import column
from gui.widgets.deliberate_press import DeliberateButton
from gui.widgets.theme import space

_WIDTH_LINES = 9.5
_WITH_A_MOTION = (Step.WATCH, Step.APPROVED, Step.RUNNING, Step.OUTCOME)


class PressColumn(QWidget):
    """The buttons; the pages define what a press does.

    They are visible while there is a motion, so that the next steps are known in advance; `confirm` and `ready` only
    when
    needed.
    """

    def __init__(self, presenter: RehearsePresenter):
        super().__init__()
        self._presenter = presenter
        clock = presenter.connection.clock
        self.approve = DeliberateButton("Approve", clock=clock, icon_name="check")
        self.approve.setToolTip("Exactly this motion may then be run, once, within ten minutes. It does not start yet")
        self.confirm = DeliberateButton("Reject this motion", "danger", clock=clock)
        self.ready = DeliberateButton("", clock=clock)
        self.run = DeliberateButton("Run", clock=clock, icon_name="play")
        self.success = DeliberateButton("It worked", clock=clock, icon_name="check")
        self.failure = DeliberateButton("It failed", "danger", clock=clock, icon_name="cross")
        for button in self.buttons:
            policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            policy.setRetainSizeWhenHidden(True)
            button.setSizePolicy(policy)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the focus where it was
        layout = column(*self.buttons, None, gap=0.3)
        self.setLayout(layout)
        self.setFixedWidth(space(_WIDTH_LINES))
        self.deciding = False  # a reason for rejecting is being asked for
        self.speed_pct = 25  # selected share of the planned speed, %

    @property
    def buttons(self) -> tuple[DeliberateButton, ...]:
        return self.approve, self.confirm, self.ready, self.run, self.success, self.failure

    def refresh(self, *, by_hand: bool) -> None:
        """Update which buttons can be pressed; none while the motion is changed or drawn `by_hand`."""
        presenter, step = self._presenter, self._presenter.step
        known = step in _WITH_A_MOTION and not by_hand
        deciding = self.deciding and step is Step.WATCH
        for button in (self.approve, self.run, self.success, self.failure):
            button.setVisible(known)
        self.confirm.setVisible(known and deciding)
        self._allow(self.approve, presenter.can_approve and not deciding, primary=presenter.watched)
        words = phrases.ready_words(presenter) if step is Step.APPROVED else ""
        self.ready.setVisible(bool(words))
        self.ready.setText(words)
        self.ready.show_as("primary")
        words, icon = phrases.press_words(presenter, self.speed_pct)
        self.run.setText(words)
        self.run.set_icon(icon)
        self.run.setToolTip(_TIPS.get(words, _RUN_TIP))
        self._allow(self.run, presenter.can_press_run, primary=True)
        verdict = presenter.verdict
        failed = verdict is not None and not verdict.success
        for button, wanted, plain in ((self.success, not failed, ""), (self.failure, failed, "danger")):
            button.setEnabled(presenter.can_judge)
            proposed = wanted and not presenter.ended_early  # no outcome is suggested after a stop
            button.show_as(("primary" if proposed else plain) if presenter.can_judge else "")

    @staticmethod
    def _allow(button: DeliberateButton, allowed: bool, *, primary: bool) -> None:
        button.setEnabled(allowed)
        button.show_as("primary" if allowed and primary else "")


_RUN_TIP = "The arm moves now. Stop it with the Stop button or the space bar"
_TIPS = {
    "Hold to move": "The arm moves as long as you hold this button (or the key H), and rests when you let go",
    "Continue": "The arm goes on with its motion now",
}

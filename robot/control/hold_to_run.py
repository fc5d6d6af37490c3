"""The hand on the button of a motion that goes on only while it is held, as the robot process feels it."""

import numpy as np


class HoldToRun:
    """Counts presses, whose numbers only rise. After any rest on the way only a press that began later counts.

    Pure: times are s of the loop's clock, handed in.
    """

    def __init__(self) -> None:
        self._press, self._let_go = 0, 0  # the newest press, and the newest that no longer counts
        self._felt = -np.inf
        self._rested = -np.inf  # when the motion last came to rest on its way

    def begin(self) -> None:
        """A motion begins, and rests until a hand is felt."""
        self._felt = self._rested = -np.inf

    def feel(self, press: int, began: float, sent: float, now: float) -> None:
        """It was on the button for the `press`th time since `began`, when this was `sent`: old news say nothing."""
        if press <= self._let_go or press < self._press:
            return
        if press > self._press and min(began, now) < self._rested:
            self._let_go = press
            return
        self._press, self._felt = press, max(self._felt, min(sent, now))

    def is_felt(self, now: float, within: float) -> bool:
        """Whether it was on the button less than `within` s ago."""
        return now - self._felt <= within

    def let_go(self, now: float) -> None:
        """The motion rests, whatever for: this press no longer goes on."""
        self._felt, self._rested = -np.inf, now
        self.end()

    def end(self) -> None:
        """A further motion needs a further press."""
        self._let_go = max(self._let_go, self._press)

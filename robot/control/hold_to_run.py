"""Hold-to-run control: a motion continues only while its button is held, as monitored in the robot process."""

import numpy as np


class HoldToRun:
    """State of the hold-to-run button. Presses are numbered in rising order.

    After the motion has come to rest on its path, only a press that began later counts. Pure: times are s of the loop's
    clock, passed in.
    """

    def __init__(self) -> None:
        self._press, self._let_go = 0, 0  # newest press, and newest press that is no longer valid
        self._felt = -np.inf
        self._rested = -np.inf  # time at which the motion last came to rest on its path

    def begin(self) -> None:
        """Start a motion, which rests until the button is held."""
        self._felt = self._rested = -np.inf

    def feel(self, press: int, began: float, sent: float, now: float) -> None:
        """Register the button as held for the `press`th time since `began`; a stale message (by `sent`) is ignored."""
        if press <= self._let_go or press < self._press:
            return
        if press > self._press and min(began, now) < self._rested:
            self._let_go = press
            return
        self._press, self._felt = press, max(self._felt, min(sent, now))

    def is_felt(self, now: float, within: float) -> bool:
        """Return whether the button was held less than `within` s ago."""
        return now - self._felt <= within

    def let_go(self, now: float) -> None:
        """Register that the motion rests, for whatever reason: the present press is no longer valid."""
        self._felt, self._rested = -np.inf, now
        self.end()

    def end(self) -> None:
        """Invalidate the present press: the next motion needs a new one."""
        self._let_go = max(self._let_go, self._press)

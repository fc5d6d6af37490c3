"""What changes about the arm from one turn of the loop to the next, in the log."""

import logging

from foundation.arm import State
from foundation.log import SHOWN
from robot.state import Facts

_log = logging.getLogger(__name__)


class ChangeLog:
    """Remembers what was said last, so that a hundred equal turns a second say nothing."""

    def __init__(self):
        self._said: tuple[object, ...] = ()
        self._state, self._fault, self._staged = "", "", ""

    def note(self, facts: Facts, staged: str) -> None:
        """Say what is new: the arm's state, the controller's mode, state, error and warning, and why.

        `staged`: the digest of the plan that waits for its nonce.
        """
        status = facts.status
        codes = (-1, -1, 0, 0) if status is None else (status.mode, status.state, status.error, status.warning)
        steady = State.READY if codes[1] == State.MOVING else codes[1]  # these two change with every step of a motion
        said = (facts.state, facts.fault, codes[0], steady, *codes[2:])
        if said != self._said:
            self._said = said
            why = f": {facts.fault}" if facts.fault and facts.fault != self._fault else ""
            level = logging.WARNING if why or codes[2] else logging.INFO
            words = "arm: %s -> %s (mode %d, state %d, error %d, warning %d)%s"
            _log.log(level, words, self._state or "unknown", facts.state, *codes, why, extra=SHOWN)
            self._state, self._fault = str(facts.state), facts.fault
        if staged != self._staged:
            self._staged = staged
            _log.info("plan that waits for its approval to be used: %s", staged[:16] or "none")

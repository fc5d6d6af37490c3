"""Detection of other programs that command the arm, such as UFACTORY Studio.

No register holds the origin of a command, and a control box accepts them from every client. What can be detected is
what our own commands do not explain: a mode that we did not set, an arm that others made ready, reset or cleared, and
joints that move while we hold them.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np

from foundation.arm import ArmStatus, JointReading, Mode, Reported, State
from robot.state import Activity

SETTLE = 0.5  # s after a command of ours during which the controller's state may change because of it
_MOVED = 0.004  # rad within _WITHIN of an arm that is held: 0.04 rad/s, ten times its noise
_WITHIN = 0.1  # s
_FAST = 0.04  # rad/s of an arm that is held, measured twice
_DRIFTED = 0.02  # rad from where it was held first, more than gravity and friction cause
_STILL_AFTER = 0.5  # s after the end of our motion, in which the arm still comes to rest
_PATIENCE = 2  # consecutive observations (debounce): an error is reported and read at different times
_READY = (State.MOVING, State.READY)
_OURS = (Activity.HOLDING, Activity.FOLLOWING, Activity.JOGGING, Activity.GUIDING, Activity.BRAKING)
_MOVES = "it moves without a command from here"
_STUDIO = "Another program has taken the arm (UFACTORY Studio?)"


class Takeover:
    """Takeover detector, updated with all measurements 100 times a second; pure.

    `look` returns what it detected, '' if nothing. Each change is reported once and then becomes the new baseline.
    """

    def __init__(self) -> None:
        self._mode: int | None = None  # expected mode; None: adopt the next one seen
        self._ready: bool | None = None
        self._error: int | None = None
        self._interruptions: int | None = None
        self._settled = -np.inf
        self._held_since = np.inf
        self._held_at: np.ndarray | None = None
        self._joints: deque[tuple[float, np.ndarray]] = deque()
        self._moving = False
        self._strange = self._quick = 0

    def forget(self, now: float, for_s: float = SETTLE) -> None:
        """Reset the baseline: we are about to change, or have just changed, the controller's mode or state."""
        self._settled = now + for_s
        self._take_as_found()

    def expect(self, mode: int) -> None:
        """Register that the controller has confirmed the mode that we requested."""
        self._mode = mode

    def refused(self, reported: Reported, activity: Activity) -> str:
        """Return why the controller refused a valid command; '' if no other program is the reason."""
        if self._mode is not None and reported.mode not in (-1, self._mode):
            return _sentence(f"it was put into {mode_words(reported.mode)}", activity)
        return _sentence("it was reset", activity) if reported.state == State.RESET else ""

    def look(
        self,
        reported: Reported,
        status: ArmStatus,
        joints: JointReading,
        activity: Activity,
        now: float,
        *,
        held: bool,
    ) -> str:
        """Return what another program has done to the arm, as a message for the operator.

        `held`: no motion of ours moves the arm now.
        """
        if activity is Activity.PREPARING or (now < self._settled and activity not in _OURS):
            self._take_as_found()
            return ""
        found = self._changed(reported, status, activity) or self._moved(joints, now, held=held)
        if reported.mode >= 0:
            self._mode = reported.mode if self._mode is None or found else self._mode
            self._ready = reported.state in _READY
            self._interruptions = reported.interruptions
        self._error = status.error
        return _sentence(found, activity) if found else ""

    def _take_as_found(self) -> None:
        self._mode = self._ready = self._error = self._interruptions = None
        self._strange, self._moving = 0, False
        self._hold_no_more()

    def _hold_no_more(self) -> None:
        self._held_since, self._held_at, self._quick = np.inf, None, 0
        self._joints.clear()

    def _changed(self, reported: Reported, status: ArmStatus, activity: Activity) -> str:
        if self._error and not status.error:
            return "its error was cleared"
        if reported.mode < 0 or status.error:  # an error by itself stops the arm and changes its mode
            self._strange = 0
            return ""
        if self._mode is not None and reported.mode != self._mode:
            self._strange += 1
            return f"it was put into {mode_words(reported.mode)}" if self._strange >= _PATIENCE else ""
        self._strange = 0
        if activity in _OURS:
            reset = self._interruptions is not None and reported.interruptions > self._interruptions
            return "it was reset" if reset and reported.state in _READY else ""
        made_ready = self._ready is False and reported.state in _READY
        return "it was made ready for motion" if made_ready else ""

    def _moved(self, joints: JointReading, now: float, *, held: bool) -> str:
        """Return a message when the arm begins to move although no motion of ours moves it, '' otherwise."""
        if not held:
            self._hold_no_more()
            return ""
        self._held_since = min(self._held_since, now)
        if now < self._held_since + _STILL_AFTER:
            return ""
        if self._held_at is None:
            self._held_at = joints.position
        if not self._joints or joints.read > self._joints[-1][0]:
            self._joints.append((joints.read, joints.position))
            self._quick = self._quick + 1 if np.abs(joints.velocity).max() > _FAST else 0
        while self._joints and self._joints[0][0] < joints.read - _WITHIN:
            self._joints.popleft()
        moving = self._quick >= _PATIENCE or _span([position for _, position in self._joints]) > _MOVED
        if np.abs(joints.position - self._held_at).max() > _DRIFTED:
            moving, self._held_at = True, joints.position
        begins, self._moving = moving and not self._moving, moving
        return _MOVES if begins else ""


def mode_words(mode: int) -> str:
    """Return the name of a mode as used in UFACTORY Studio."""
    words: dict[int, str] = {
        Mode.POSITION: "position mode",
        Mode.SERVO: "servo mode",
        Mode.HAND_GUIDING: "hand guiding (manual mode)",
        Mode.JOINT_VELOCITY: "joint velocity mode",
        Mode.CARTESIAN_VELOCITY: "Cartesian velocity mode",
    }
    return words.get(mode, f"mode {mode}")


def _sentence(found: str, activity: Activity) -> str:
    if found is _MOVES and activity in _OURS:
        return (
            "The arm moves without a command from here, and was stopped. Does another program move it (UFACTORY "
            "Studio?), or does something push it? Look at it, then make it ready."
        )
    if activity in (Activity.FOLLOWING, Activity.BRAKING):
        return (
            f"{_STUDIO} in the middle of its motion: {found}. The motion was ended and the arm stopped. Close the "
            "other program's control, and look where the arm stands, before you make it ready."
        )
    if activity in _OURS:
        return f"{_STUDIO}: {found}. It was stopped. Close the other program's control, then make the arm ready."
    return f"{_STUDIO}: {found}. Keep clear of the arm, and close the other program's control first."


def _span(positions: Sequence[np.ndarray]) -> float:
    if len(positions) < 2:
        return 0.0
    return float(np.ptp(np.array(positions), axis=0).max())

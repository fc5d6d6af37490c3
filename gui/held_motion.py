"""The hand on the button of a motion that goes on only while it is held."""

import contextlib

from foundation.errors import KnownError
from robot.client import RobotClient


class HeldMotion:
    """The robot process watches over the hand; here it is told of it, thirty times a second. A window that stalls lets
    go."""

    def __init__(self):
        self._held = False
        self._presses = 0  # a press that was let go does not go on by itself

    @property
    def held(self) -> bool:
        return self._held

    def take(self, held: bool) -> None:
        """The hand takes the button, or lets it go."""
        self._presses += held and not self._held
        self._held = held

    def tell(self, robot: RobotClient | None) -> None:
        """Say that the button is held, where it is."""
        if self._held and robot is not None and not robot.lost:
            with contextlib.suppress(KnownError):  # the status tells
                robot.hold(self._presses)

"""Gripper on its own connection, as its slow bus must not delay servo targets; and the absence of a gripper."""

import logging
import threading

from foundation.arm import ArmLink
from foundation.errors import KnownError
from foundation.log import SHOWN
from robot.errors import RobotError

_log = logging.getLogger(__name__)


class NoGripper:
    """GripperPort for an arm without a gripper: sends nothing, as the controller would stop the arm (C19).

    Gripper commands of a motion are ignored; its findings have reported that.
    """

    fault = ""

    def enable_gripper(self) -> None:
        pass

    def move_gripper(self, pulse: float) -> None:
        pass

    def read_gripper(self) -> float:
        raise RobotError("The arm carries no gripper.")

    def forget(self) -> None:
        pass

    def close(self) -> None:
        pass


_PERIOD = 0.1  # s between reads; the bus needs two transactions for each


class GripperThread:
    """GripperPort whose calls return at once: the newest target is sent, the last position read is returned.

    The gripper is not queried before it was enabled: querying an absent one makes the controller stop the arm.
    """

    def __init__(self, link: ArmLink):
        self._link = link
        self._changed = threading.Condition()
        self._enable_wanted, self._enabled, self._ended = False, False, False
        self._stops = 0
        self._target: float | None = None
        self._pulse: float | None = None
        self._fault = ""
        self._thread = threading.Thread(target=self._work, name="gripper", daemon=True)
        self._thread.start()

    @property
    def fault(self) -> str:
        """Reason why the gripper cannot be used, '' if it can."""
        return self._fault

    def enable_gripper(self) -> None:
        with self._changed:
            self._enable_wanted, self._fault = True, ""
            self._changed.notify()

    def move_gripper(self, pulse: float) -> None:
        with self._changed:
            self._target = pulse
            self._changed.notify()

    def forget(self) -> None:
        """Discard commands that were not sent yet, after a stop."""
        with self._changed:
            self._target, self._enable_wanted = None, False
            self._stops += 1

    def read_gripper(self) -> float:
        if self._pulse is None:
            raise RobotError(self._fault or "The gripper is not enabled yet.")
        return self._pulse

    def close(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                if not (self._ended or self._enable_wanted or self._target is not None):
                    self._changed.wait(_PERIOD)
                if self._ended:
                    return
                enable, self._enable_wanted = self._enable_wanted, False
                target, self._target = self._target, None
                stops = self._stops
            try:
                self._turn(enable, target, stops)
            except KnownError as error:
                self._enabled, self._pulse, self._fault = False, None, str(error)
                _log.warning("gripper: %s", error, extra=SHOWN)

    def _turn(self, enable: bool, target: float | None, stops: int) -> None:
        if enable:
            self._link.enable_gripper()
            self._enabled = True
        if not self._enabled:
            return
        if target is not None and stops == self._stops:  # a stop may have come while enabling
            self._link.move_gripper(target)
        self._pulse = self._link.read_gripper()

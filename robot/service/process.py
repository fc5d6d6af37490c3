"""Robot process (`--role=robot`): the loop, the stop line and the gripper, each on its own connection.

It serves one arm. Messages from the window are dictionaries with "do"; commands carry "id" and get an answer {"id",
"error"}, and {"status": ...} is sent thirty times a second. When the window is gone or silent, the arm is brought to
rest and stopped before anything else ends.
"""

import contextlib
import dataclasses
import logging
import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from foundation.clocks import Clock, SystemClock
from foundation.deadlines import PRODUCTION, Deadlines
from foundation.messages import Channel, ChannelClosed, UnreadableMessage
from robot.box_check import POSTURES
from robot.control.loop import RobotLoop
from robot.control.loop_settings import LoopSettings
from robot.control.loop_thread import Command, LoopThread
from robot.control.recovery import recovery
from robot.controller.driver import Reports, XArm
from robot.controller.endpoint import CONTROL_PORT, Endpoint
from robot.controller.exclusive_lock import lock_arm
from robot.controller.gripper_thread import GripperThread, NoGripper
from robot.errors import LinkError, RobotError
from robot.planning.plan import LARGEST_PLAN
from robot.service import commands
from robot.service.limiter_messages import limits_from, limits_to
from robot.service.servo_jitter import ServoJitter
from robot.service.stop_line import StopLine
from robot.state import Activity

_log = logging.getLogger(__name__)

STATUS_PERIOD = 1 / 30
_LOOK_EVERY = 0.01  # s, to detect faults
_REST_WITHIN = 3.0
_SETUP_WITHIN = 10.0
_SETTINGS_WITHIN = 1.0  # s: settings are reported five times a second


def run(channel: Channel) -> None:
    """Connect as the first message requests, and serve until the window goes. Raises RobotError if there is no arm."""
    channel.largest = 2 * LARGEST_PLAN  # parsing a larger message would delay the stop line
    settings = channel.receive(_SETUP_WITHIN)
    endpoint = Endpoint(str(settings["address"]), int(settings.get("port", CONTROL_PORT)))
    bounds = loop_settings(settings, endpoint)
    _hurry()
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.closing(lock_arm(endpoint)))
        stop = stack.enter_context(XArm(endpoint, reports=Reports.NONE, reply=bounds.deadlines.reply))
        stream = stack.enter_context(_Stream(endpoint, SystemClock(), bounds.deadlines.reply))
        slow = stack.enter_context(XArm(endpoint, reports=Reports.SETTINGS, reply=bounds.deadlines.reply))
        kinematics_error_mm = _kinematics_error_mm(slow)
        channel.send(
            {
                "ready": {
                    "model": stream.identity.model,
                    "firmware": list(stream.identity.firmware),
                    "limits": limits_to(bounds.limits),
                    "kinematics_error_mm": kinematics_error_mm,
                }
            }
        )
        firmware = ".".join(map(str, stream.identity.firmware))
        _log.info("connected to %s at %s, firmware %s", stream.identity.model, settings["address"], firmware)
        line = _stop_socket(channel)
        gripper = GripperThread(slow) if settings.get("gripper", True) else NoGripper()
        loop = RobotLoop(stream, SystemClock(), bounds, gripper, box=slow, kinematics_error_mm=kinematics_error_mm)
        server = _Server(channel, loop, stream, stop, gripper, line)
        try:
            server.serve()
        finally:
            server.close()


def loop_settings(values: dict[str, Any], endpoint: Endpoint) -> LoopSettings:
    """Return the settings from the window's first message; `limits` and `workspace` may name any of their fields."""
    deadlines = Deadlines(**values.get("deadlines", {}))
    if not endpoint.loopback and (longer := deadlines.longer_than(PRODUCTION)):
        raise RobotError(f"Longer deadlines ({', '.join(longer)}) are for a simulated arm on this computer only.")
    bounds = limits_from(values.get("limits"))
    default = LoopSettings()
    return dataclasses.replace(
        default,
        limits=bounds,
        jog=dataclasses.replace(default.jog, limits=bounds),
        deadlines=deadlines,
        joints_every=2,
        gripper=bool(values.get("gripper", True)),
    )


def _kinematics_error_mm(link: XArm) -> float | None:
    """Return the error (mm) between the box's forward kinematics and ours; None if it does not answer."""
    deadline = time.monotonic() + _SETTINGS_WITHIN
    while link.read_settings() is None and time.monotonic() < deadline:
        time.sleep(0.01)  # its answers include its tool point, which is known from the reports
    try:
        return link.kinematics_error(POSTURES)[0]
    except (RobotError, LinkError):
        return None


def _hurry() -> None:
    """Raise the scheduling priority of this process; the system may refuse."""
    sys.setswitchinterval(0.0005)
    with contextlib.suppress(OSError):
        os.nice(-10)


def _stop_socket(channel: Channel) -> socket.socket:
    """Receive the stop line's socket, in the window's second message."""
    channel.receive(_SETUP_WITHIN)
    descriptors = channel.take_descriptors()
    if len(descriptors) != 1:
        raise RobotError("The window did not send its stop line. Start the program again.")
    return socket.socket(fileno=descriptors[0])


class _Stream(XArm):
    """Connection for the servo targets; it records when each is sent."""

    def __init__(self, endpoint: Endpoint, clock: Clock, reply: float):
        super().__init__(endpoint, clock, reports=Reports.STATE, reply=reply)
        self.gaps = ServoJitter()

    def servo_joints(self, position: np.ndarray) -> None:
        self.gaps.mark(time.monotonic())
        super().servo_joints(position)


class _Outbox:
    """Sender with its own thread, so that a window which does not read blocks nothing here."""

    def __init__(self, channel: Channel):
        self._channel = channel
        self._messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
        self._thread.start()

    @property
    def empty(self) -> bool:
        return self._messages.empty()

    def put(self, message: dict[str, Any]) -> None:
        self._messages.put(message)

    def close(self) -> None:
        """Send what is left if the window reads it, then close the channel."""
        self._messages.put(None)
        self._thread.join(0.5)
        self._channel.close()
        self._thread.join()

    def _work(self) -> None:
        with contextlib.suppress(ChannelClosed):
            while (message := self._messages.get()) is not None:
                self._channel.send(message, timeout=1e9)  # a frozen window may take as long as it wants


class _Server:
    """Parts of a running robot process, and its message loop."""

    def __init__(
        self,
        channel: Channel,
        loop: RobotLoop,
        stream: _Stream,
        stop: XArm,
        gripper: GripperThread | NoGripper,
        line: socket.socket,
    ):
        self._channel, self._stream, self._stop_link = channel, stream, stop
        self._outbox = _Outbox(channel)
        self._gripper = gripper
        self._loop = LoopThread(loop, SystemClock())
        self._loop.start()
        self._line = StopLine(line, stop, self._pressed, lambda: self._loop.halt("The window has gone."))

    def serve(self) -> None:
        """Serve until the window goes, or a part of this process fails."""
        next_status, fault = time.monotonic(), ""
        while not self._loop.bug:
            said = self._loop.snapshot.facts.fault
            if said != fault:  # faults are reported at once, not at the next period
                next_status, fault = time.monotonic(), said
            try:
                self._take(self._channel.receive(min(_LOOK_EVERY, max(0.0, next_status - time.monotonic()))))
            except UnreadableMessage:
                self._loop.wrong_messages += 1
            except TimeoutError:
                if time.monotonic() < next_status:
                    continue
                next_status = time.monotonic() + STATUS_PERIOD
                if self._outbox.empty:
                    self._outbox.put({"status": self._status()})
            except ChannelClosed:
                _log.info("the window has gone, or wants no arm any more: the arm is brought to rest and stopped")
                return
        self._outbox.put({"bug": self._loop.bug})

    def close(self) -> None:
        """Bring the arm to rest, stop it, then disconnect."""
        self._loop.halt("The window has gone.")
        deadline = time.monotonic() + _REST_WITHIN
        while not self._loop.bug and time.monotonic() < deadline:
            if self._loop.snapshot.facts.activity is Activity.NOTHING and self._loop.halted:
                break
            time.sleep(0.005)
        with contextlib.suppress(RobotError):
            self._stop_link.stop()
        self._loop.close()
        _log.info("disconnected; late turns %d, wrong messages %d", self._loop.late_ticks, self._loop.wrong_messages)
        self._line.close()
        self._gripper.close()
        self._outbox.close()

    def _pressed(self, number: int) -> None:
        self._loop.note_stop(number)
        self._gripper.forget()

    def _take(self, message: dict[str, Any]) -> None:
        identity = commands.identity(message)

        def answer(error: str, value: Any = None) -> None:
            if error or identity is not None:  # what is renewed all the time tells only of a refusal
                _log.info("press %s: %s", commands.words(message), error or "done")
            if identity is not None:
                self._outbox.put({"id": identity, "error": error, "value": value, "done": self._loop.done})

        try:
            match commands.name(message):
                case "heartbeat":
                    self._loop.heartbeat(commands.sent(message))
                case "hold":
                    self._loop.hold(*commands.hand(message))
                case _:
                    press = commands.press(message)
                    self._loop.give(Command(press.act, answer, press.stops, press.given))
        except RobotError as error:  # before the loop has seen any of it
            self._loop.wrong_messages += 1
            answer(str(error))

    def _status(self) -> dict[str, Any]:
        snapshot = self._loop.snapshot
        facts = snapshot.facts
        samples = self._loop.take_samples()
        nothing = np.full(7, np.nan)
        return {
            "done": snapshot.done,
            "state": str(facts.state),
            "activity": str(facts.activity),
            "steps": [str(step) for step in recovery(facts).steps],
            "fault": facts.fault,
            "limited": facts.limited,
            "error": facts.status.error if facts.status else 0,
            "warning": facts.status.warning if facts.status else 0,
            "mode": facts.status.mode if facts.status else -1,
            "controller_state": facts.status.state if facts.status else -1,
            "position": nothing if facts.joints is None else facts.joints.position,
            "velocity": nothing if facts.joints is None else facts.joints.velocity,
            "effort": nothing if facts.joints is None else facts.joints.effort,
            "read": 0.0 if facts.joints is None else facts.joints.read,
            "openness": facts.openness,
            "progress": facts.progress,
            "staged": snapshot.staged,
            "gripper_fault": self._gripper.fault,
            "stop_fault": self._line.fault,
            "box": None if facts.box is None else dataclasses.asdict(facts.box),
            "wrong_messages": self._loop.wrong_messages,
            "late_ticks": self._loop.late_ticks,
            "gaps": dataclasses.asdict(self._stream.gaps.statistics),
            "sample_times": np.array([sample.joints.read for sample in samples]),
            "sample_positions": np.array([sample.joints.position for sample in samples]).reshape(-1, 7),
            "sample_velocities": np.array([sample.joints.velocity for sample in samples]).reshape(-1, 7),
            "sample_efforts": np.array([sample.joints.effort for sample in samples]).reshape(-1, 7),
            "sample_commanded": np.array(
                [nothing if sample.commanded is None else sample.commanded for sample in samples]
            ).reshape(-1, 7),
            "sample_openness": _known(sample.openness for sample in samples),
            "sample_commanded_openness": _known(sample.commanded_openness for sample in samples),
            "sample_moments": _known(sample.moment for sample in samples),
            "sample_codes": np.array([sample.codes for sample in samples], np.int32).reshape(-1, 4),
        }


def _known(values: Iterable[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], float)

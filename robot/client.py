"""The window's side of the robot process: commands, heartbeat, stop, and the newest status."""

import contextlib
import itertools
import math
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from foundation.errors import ProcessError
from foundation.messages import Channel, ChannelClosed
from foundation.processes import RoleProcess
from robot.bounds import limits_from
from robot.endpoint import CONTROL_PORT, Endpoint
from robot.errors import LinkError, RobotError
from robot.gaps import GapStatistics
from robot.homing import homeward
from robot.recovery import RecoveryStep
from robot.staging import Staged
from robot.state import Activity, ArmState
from robot.stop_line import PRESS, TAKEN

CONNECT_WITHIN = 20.0  # s: three connections after the start of an interpreter
ANSWER_WITHIN = 3.0  # s
HEARTBEAT_PERIOD = 0.05  # s: how often a window should call `heartbeat`
_KEPT_SAMPLES = 3000


@dataclass(frozen=True, eq=False, slots=True)
class RobotStatus:
    """What the robot process last said; `received` s monotonic. Joint arrays are (7,), NaN when not connected."""

    state: ArmState
    activity: Activity
    steps: tuple[RecoveryStep, ...]  # of the recovery, the next one first
    fault: str
    limited: str
    error: int
    warning: int
    position: np.ndarray
    velocity: np.ndarray
    effort: np.ndarray
    read: float  # s monotonic, when the joints were read
    openness: float | None
    progress: float
    staged: str  # the digest of the plan that waits for its nonce, '' when there is none
    gripper_fault: str
    stop_fault: str  # why the stop button does not reach the arm, '' when it does
    late_ticks: int
    done: int  # commands carried out or refused until then
    gaps: GapStatistics
    received: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, eq=False, slots=True)
class MotionSample:
    """One measurement of the arm: `read` s monotonic; `position` (7,) rad; `commanded` (7,) rad, the target sent last
    before it; openness. `moment` s of the followed motion's own time. NaN where unknown, or no motion is followed."""

    read: float
    position: np.ndarray
    commanded: np.ndarray
    openness: float
    moment: float


class RobotClient:
    """A robot process connected to one arm, started by this constructor and ended by `close`.

    Raises RobotError, within CONNECT_WITHIN s, when there is no arm. Commands wait for their answer at most
    ANSWER_WITHIN s and raise RobotError with the reason when refused; `heartbeat`, `jog` and `stop` never wait.
    `limits` may set fields of LimiterSettings, and `workspace` {"low": ..., "high": ...} among them; without a
    `gripper` none is asked for anything.
    """

    def __init__(
        self,
        address: str,
        port: int = CONTROL_PORT,
        *,
        limits: Mapping[str, Any] | None = None,
        gripper: bool = True,
    ):
        Endpoint(address, port)  # refused here already, without starting anything
        self.limits = limits_from(limits)
        settings = {"address": address, "port": port, "limits": dict(limits or {}), "gripper": gripper}
        try:
            self._process = RoleProcess("robot", settings, timeout=CONNECT_WITHIN)
        except ProcessError as error:
            raise LinkError(str(error)) from error
        self.model: str = self._process.ready["model"]
        self.firmware: tuple[int, ...] = tuple(self._process.ready["firmware"])
        self._line, theirs = socket.socketpair()
        self._line.settimeout(None)  # whatever default a library has set: the reader below waits for ever
        with theirs, contextlib.suppress(ChannelClosed):  # gone already: the reader will find out and say so
            self._process.channel.send({"do": "stop_line"}, descriptors=[theirs.fileno()])
        self._presses = itertools.count(1)
        self._pressed = 0
        self._stop_lock = threading.Lock()
        self._taken = threading.Condition()
        self._taken_at: dict[int, float] = {}
        self._ids = itertools.count(1)
        self._waiting: dict[int, _Answer] = {}
        self._status: RobotStatus | None = None
        self._samples: deque[MotionSample] = deque(maxlen=_KEPT_SAMPLES)
        self._done = 0  # commands done when the last answer came: an older status does not show its effect
        self._lost = ""
        self._reader = threading.Thread(target=self._read, name="robot-client", daemon=True)
        self._reader.start()
        self._stop_reader = threading.Thread(target=self._read_stops, name="robot-stops", daemon=True)
        self._stop_reader.start()

    # --- what never waits ---

    @property
    def channel(self) -> Channel:
        return self._process.channel

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def lost(self) -> str:
        """Why the robot process is gone, '' while it is there."""
        return self._lost

    @property
    def status(self) -> RobotStatus | None:
        """The newest status, None before the first. Raises LinkError when the robot process is gone."""
        if self._lost:
            raise LinkError(self._lost)
        return self._status

    @property
    def settled_status(self) -> RobotStatus | None:
        """The newest status if it already shows what every command answered so far has done; else None."""
        status = self.status
        return status if status is not None and status.done >= self._done else None

    def take_samples(self) -> list[MotionSample]:
        """The measurements since the last call, oldest first."""
        return [self._samples.popleft() for _ in range(len(self._samples))]

    def heartbeat(self) -> None:
        """Say that the window is alive; from the thread whose liveness matters, every HEARTBEAT_PERIOD s."""
        self._tell({"do": "heartbeat"})

    def stop(self) -> int:
        """Stop the arm; returns at once the press's number, for `stop_taken`. Works from any thread."""
        with self._stop_lock:
            self._pressed = next(self._presses)
            with contextlib.suppress(BlockingIOError):  # full of presses that were not taken: one more is no news
                try:
                    self._line.send(PRESS.pack(self._pressed), socket.MSG_DONTWAIT)
                except OSError as error:
                    raise LinkError("Stop did not reach the arm: press the red button.") from error
            return self._pressed

    def stop_taken(self, press: int, timeout: float = 1.0) -> float:
        """When (s, monotonic) the controller had taken this press. Raises RobotError when it did not."""
        with self._taken:
            known = self._taken.wait_for(lambda: self._lost or any(n >= press for n in self._taken_at), timeout)
            moments = [self._taken_at[n] for n in sorted(self._taken_at) if n >= press]
        if not known or not moments or math.isnan(moments[0]):
            raise LinkError("Stop did not reach the arm: press the red button.")
        return moments[0]

    def jog(self, twist: np.ndarray, *, tool_frame: bool = False) -> None:
        """Move the tool with velocity (6,) m/s, rad/s while this is renewed every 0.1 s; refusals show in status."""
        self._tell({"do": "jog", "twist": np.asarray(twist, float), "tool_frame": tool_frame, "stops": self._pressed})

    # --- commands, each one press of the operator's ---

    def enable(self) -> None:
        self._command("enable")

    def arm_for_motion(self) -> None:
        self._command("arm_for_motion")

    def stage(self, plan: bytes) -> Staged:
        """Hand over a plan for approval; `digest` says what the robot process holds now. Nothing moves."""
        return Staged(**self._command("stage", plan=bytes(plan)))

    def execute(self, nonce: str, speed: float = 1.0) -> None:
        """Start the staged plan, once; `speed` in (0, 1] scales its time. The arm must be ready and not have moved."""
        self._command("execute", nonce=nonce, speed=float(speed))

    def revoke(self, reason: str = "The approval was taken back.") -> None:
        """Forget the staged plan."""
        self._command("revoke", reason=reason)

    def home(self, speed: float = 0.5) -> None:
        """Go to the home posture by a way found free of collisions; this press is its approval. The arm must be ready.

        Raises RobotError when there is no such way. Takes some tenths of a second the first time.
        """
        status = self.status
        if status is None or not np.isfinite(status.position).all():
            raise RobotError("The arm does not say where it is. Connect it again.")
        plan = homeward(status.position, 1.0 if status.openness is None else status.openness, self.limits)
        self.execute(self.stage(plan.to_bytes()).nonce, speed)

    def pause(self) -> None:
        self._command("pause")

    def resume(self) -> None:
        self._command("resume")

    def hand_guide(self) -> None:
        self._command("hand_guide")

    def release(self) -> None:
        self._command("release")

    def move_gripper(self, openness: float) -> None:
        self._command("gripper", openness=float(openness))

    def recover(self, step: RecoveryStep) -> None:
        """Do one step of the guided recovery; `status.steps` names the next."""
        self._command("recover", step=str(step))

    def wait_for(self, *states: ArmState, timeout: float = 10.0) -> RobotStatus:
        """The first status with one of these states, beating the heart meanwhile; RobotError when none comes.

        For headless use: it waits, so a window must not call it.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.heartbeat()
            status = self.status
            if status is not None and status.state in states and status.done >= self._done:
                return status
            time.sleep(0.02)
        present = self._status.state if self._status else "silent"
        fault = self._status.fault if self._status else ""
        raise RobotError(f"The arm is {present}, not {' or '.join(states)}, after {timeout:.0f} s. {fault}".strip())

    def close(self) -> None:
        """End the robot process, which stops the arm first."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._process.close()
        self._reader.join()
        self._stop_reader.join()
        self._line.close()

    def __enter__(self) -> "RobotClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- the conversation ---

    def _tell(self, message: dict[str, Any]) -> None:
        try:
            self._process.channel.send(message, timeout=0.2)
        except ChannelClosed as error:
            raise LinkError(self._lost or "The robot process has gone. Connect again.") from error

    def _command(self, what: str, **values: Any) -> Any:
        identity, answer = next(self._ids), _Answer()
        self._waiting[identity] = answer
        try:
            self._tell({"do": what, "id": identity, "stops": self._pressed, **values})
            if not answer.come.wait(ANSWER_WITHIN):
                raise LinkError(f"The robot process did not answer within {ANSWER_WITHIN:.0f} s. Connect again.")
        finally:
            self._waiting.pop(identity, None)
        if answer.error:
            raise RobotError(answer.error)
        return answer.value

    def _read(self) -> None:
        lost = "The robot process has ended. The arm was stopped; connect again."
        while True:
            try:
                message = self._process.channel.receive()
            except ChannelClosed:
                break
            if "status" in message:
                self._take_status(message["status"])
            elif "bug" in message:
                lost = f"The robot process failed and stopped the arm ({message['bug']}). Connect again."
            elif answer := self._waiting.get(message["id"]):
                answer.error, answer.value = message["error"], message.get("value")
                self._done = max(self._done, message["done"])
                answer.come.set()
        self._lost = lost
        for answer in list(self._waiting.values()):
            answer.error = lost
            answer.come.set()
        with self._taken:
            self._taken.notify_all()

    def _read_stops(self) -> None:
        received = b""
        while True:
            try:
                part = self._line.recv(4096)
            except OSError:
                return
            if not part:
                return
            received += part
            whole = len(received) // TAKEN.size * TAKEN.size
            with self._taken:
                self._taken_at.update(TAKEN.iter_unpack(received[:whole]))
                for old in sorted(self._taken_at)[:-100]:
                    del self._taken_at[old]
                self._taken.notify_all()
            received = received[whole:]

    def _take_status(self, values: dict[str, Any]) -> None:
        for sample in zip(
            values["sample_times"],
            values["sample_positions"],
            values["sample_commanded"],
            values["sample_openness"],
            values["sample_moments"],
            strict=True,
        ):
            read, position, commanded, openness, moment = sample
            self._samples.append(MotionSample(float(read), position, commanded, float(openness), float(moment)))
        self._status = RobotStatus(
            state=ArmState(values["state"]),
            activity=Activity(values["activity"]),
            steps=tuple(RecoveryStep(step) for step in values["steps"]),
            gaps=GapStatistics(**values["gaps"]),
            **{name: values[name] for name in _AS_THEY_COME},
        )


_AS_THEY_COME = (
    *("fault", "limited", "error", "warning", "position", "velocity", "effort", "read", "openness", "progress"),
    *("staged", "gripper_fault", "stop_fault", "late_ticks", "done"),
)


class _Answer:
    """A command's answer on its way."""

    def __init__(self):
        self.come = threading.Event()
        self.error = ""
        self.value: Any = None

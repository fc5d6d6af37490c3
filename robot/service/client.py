"""Client of the robot process, for the window: commands, heartbeat, stop, and the newest status."""

import contextlib
import dataclasses
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from foundation.arm import Mode
from foundation.deadlines import PRODUCTION, Deadlines
from foundation.errors import ProcessError
from foundation.messages import Channel, ChannelClosed
from foundation.processes import RoleProcess
from robot.approval.multi_segment_approval import SegmentsApproval
from robot.approval.staging import Staged
from robot.box_check import Compared, compare, differences
from robot.control.jog_step import JogStep
from robot.control.recovery import RecoveryStep
from robot.controller.endpoint import CONTROL_PORT, OLDEST_FIRMWARE, Endpoint
from robot.errors import LinkError, RobotError
from robot.planning.homing import home_trajectory
from robot.service.limiter_messages import limits_from
from robot.service.status import KEPT_SAMPLES, MotionSample, RobotStatus, SampleTap, samples_from, status_from
from robot.service.stop_button import StopButton
from robot.state import ArmState

HEARTBEAT_PERIOD = 0.05  # s between calls of `heartbeat` by a window


class RobotClient:
    """Robot process connected to one arm, started by the constructor and ended by `close`.

    Raises RobotError, within the deadline `connect`, when there is no arm. Commands wait for their answer at most
    `answer` s and raise RobotError with the reason when refused; `heartbeat`, `jog`, `jog_to` and `stop` never
    wait. `limits` may set fields of LimiterSettings, and `workspace` {"low": ..., "high": ...} among them; without a
    `gripper` none is asked for anything.
    """

    def __init__(
        self,
        address: str,
        port: int = CONTROL_PORT,
        *,
        limits: Mapping[str, Any] | None = None,
        gripper: bool = True,
        deadlines: Deadlines = PRODUCTION,
    ):
        Endpoint(address, port)  # refused here already, without starting a process
        limits_from(limits)
        settings = {"address": address, "port": port, "limits": dict(limits or {}), "gripper": gripper}
        settings["deadlines"] = dataclasses.asdict(deadlines)
        self._deadlines = deadlines
        try:
            self._process = RoleProcess("robot", settings, timeout=deadlines.connect)
        except ProcessError as error:
            raise LinkError(str(error)) from error
        self.limits = limits_from(self._process.ready["limits"])  # the limits in force
        self.model: str = self._process.ready["model"]
        self._gripper, self._kinematics_error_mm = gripper, self._process.ready["kinematics_error_mm"]
        self.firmware: tuple[int, ...] = tuple(self._process.ready["firmware"])
        self._button = StopButton()
        with (
            self._button.theirs as theirs,
            contextlib.suppress(ChannelClosed),
        ):  # gone already: the reader detects and reports it
            self._process.channel.send({"do": "stop_line"}, descriptors=[theirs.fileno()])
        self._ids = itertools.count(1)
        self._held = (0, 0.0)  # newest press of the held button, and its start
        self._waiting: dict[int, _Answer] = {}
        self._status: RobotStatus | None = None
        self._samples: deque[MotionSample] = deque(maxlen=KEPT_SAMPLES)
        self._taps: tuple[SampleTap, ...] = ()
        self._done = 0  # commands done at the last answer: an older status does not show its effect
        self._lost = ""
        self._reader = threading.Thread(target=self._read, name="robot-client", daemon=True)
        self._reader.start()

    # --- calls that never wait ---

    @property
    def channel(self) -> Channel:
        return self._process.channel

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def lost(self) -> str:
        """Reason why the robot process is gone, '' while it is running."""
        return self._lost

    @property
    def status(self) -> RobotStatus | None:
        """Newest status, None before the first. Raises LinkError if the robot process is gone."""
        if self._lost:
            raise LinkError(self._lost)
        return self._status

    @property
    def control_box(self) -> tuple[Compared, ...]:
        """Settings of the control box compared with what the program requires; empty before it has reported them."""
        box = None if self._status is None else self._status.box
        if box is None:
            return ()
        compared = compare(box, gripper=self._gripper, kinematics_error_mm=self._kinematics_error_mm)
        return (*compared, self._gripper_compared(), self._firmware_compared())

    def _gripper_compared(self) -> Compared:
        expected = "xArm gripper" if self._gripper else "none"
        status = self._status
        fault = "" if status is None else status.gripper_fault
        asked = status is not None and status.openness is not None
        found = "does not answer" if fault else ("answers" if asked else "asked when the motors are on")
        return Compared("gripper", "Gripper", expected, found if self._gripper else "not asked", bool(fault), why=fault)

    def _firmware_compared(self) -> Compared:
        oldest, found = (".".join(map(str, version)) for version in (OLDEST_FIRMWARE, self.firmware))
        return Compared("firmware", "Firmware", f"{oldest} or newer", found, False)  # else refused

    @property
    def settled_status(self) -> RobotStatus | None:
        """Newest status if it already shows the effect of every command answered so far; else None."""
        status = self.status
        return status if status is not None and status.done >= self._done else None

    def take_samples(self) -> list[MotionSample]:
        """Return the measurements since the last call, oldest first."""
        return [self._samples.popleft() for _ in range(len(self._samples))]

    def tap_samples(self) -> SampleTap:
        """Return a separate listener to the measurements, active until `untap_samples`."""
        tap = SampleTap()
        self._taps = (*self._taps, tap)
        return tap

    def untap_samples(self, tap: SampleTap) -> None:
        self._taps = tuple(each for each in self._taps if each is not tap)

    def heartbeat(self) -> None:
        """Send a heartbeat, from the thread whose liveness matters, every HEARTBEAT_PERIOD s."""
        self._tell({"do": "heartbeat", "given": time.monotonic()})

    def stop(self) -> int:
        """Stop the arm; returns the press's number at once, for `stop_taken`. Works from any thread."""
        return self._button.press()

    def stop_taken(self, press: int, timeout: float = 1.0) -> float:
        """Return the time (s, monotonic) at which the controller had taken this press. RobotError if it did not."""
        return self._button.taken(press, timeout)

    def jog(self, twist: np.ndarray, *, tool_frame: bool = False) -> None:
        """Move the tool with velocity (6,) m/s, rad/s while this is renewed every 0.1 s; refusals appear in status."""
        self._tell({**self._press("jog"), "twist": np.asarray(twist, float), "tool_frame": tool_frame})

    def jog_to(self, step: JogStep) -> None:
        """Continue a jog step while this is renewed every 0.1 s; the tool rests at its end."""
        self._tell({**self._press("jog_to"), "target": step.target, "speed": step.speed, "turn": step.turn})

    # --- commands: each is one press by the operator ---

    def enable(self) -> None:
        self._command("enable")

    def arm_for_motion(self) -> None:
        self._command("arm_for_motion")

    def hold(self, press: int) -> None:
        """Send that the button of a hold-to-run motion is held, for the `press`th time; every HEARTBEAT_PERIOD s.

        Numbers only rise; after any rest on the path, only a press that began later continues the motion.
        """
        now = time.monotonic()
        if press != self._held[0]:
            self._held = press, now
        self._tell({"do": "hold", "press": press, "began": self._held[1], "given": now})

    def write_setting(self, name: str) -> tuple[float, ...]:
        """Write the required value of a differing setting; return the previous value, for `restore_setting`.

        Returns when the box reports the new value; RobotError when it does not in time. The arm is unready afterwards.
        """
        before = tuple(self._command("write_setting", name=name))
        self._wait_for_setting(name, lambda _: all(each.name != name for each in differences(self.control_box)))
        return before

    def restore_setting(self, name: str) -> None:
        """Undo `write_setting`; returns and raises as that does."""
        before = None if self._status is None else self._status.box
        self._command("restore_setting", name=name)
        self._wait_for_setting(name, lambda status: status.box != before)

    def _wait_for_setting(self, name: str, arrived: Callable[[RobotStatus], bool]) -> None:
        deadline = time.monotonic() + self._deadlines.setting
        while time.monotonic() < deadline:
            status = self.settled_status
            if status is not None and status.box is not None and arrived(status):
                return
            time.sleep(0.02)
        raise RobotError(f"The control box did not take its {name.replace('_', ' ')}. Set it in UFACTORY Studio.")

    def allow(self, allowance: SegmentsApproval) -> str:
        """Register the operator's approval of several segments; return the token to stage each with. Nothing moves."""
        return str(self._command("allow", allowance=dataclasses.asdict(allowance)))

    def stage(self, plan: bytes, *, cover: str = "", instruction: str = "") -> Staged:
        """Stage a plan for approval; the returned `digest` is that of the plan now held there. Nothing moves.

        `cover` is the token of `allow`, under which this is a segment for `instruction`.
        """
        return Staged(**self._command("stage", plan=bytes(plan), cover=cover, instruction=instruction))

    def execute(self, nonce: str, speed: float = 1.0, *, hold: bool = False) -> None:
        """Start the staged plan, once; `speed` in (0, 1] scales its time. The arm must be ready and not have moved.

        An arm that was last jogged is first made ready for planned motion, by the same press. With `hold` it moves only
        while `hold` is called repeatedly, as monitored by the robot process.
        """
        self._leave_hand_control(stops := self._button.pressed)
        self._execute(nonce, speed, stops, hold)

    def _execute(self, nonce: str, speed: float, stops: int, hold: bool = False) -> None:
        """Start the staged plan; `stops` is the count at the press, so that a later stop also cancels what follows."""
        try:
            self._command("execute", nonce=nonce, speed=float(speed), stops=stops, hold=hold)
        except LinkError:  # without an answer it is unknown whether the arm moves, so it must not
            with contextlib.suppress(LinkError):
                self.stop()
            raise

    def revoke(self, reason: str = "The approval was taken back.") -> None:
        """Discard the staged plan."""
        self._command("revoke", reason=reason)

    def home(self, speed: float = 0.5) -> None:
        """Move to the home posture on a collision-free path; this press is its approval. The arm must be ready.

        Raises RobotError if there is no such path. Takes some tenths of a second the first time.
        """
        self._leave_hand_control(stops := self._button.pressed)
        status = self.status
        if status is None or not np.isfinite(status.position).all():
            raise RobotError("The arm does not say where it is. Connect it again.")
        plan = home_trajectory(status.position, 1.0 if status.openness is None else status.openness, self.limits)
        staged = Staged(**self._command("stage", plan=plan.to_bytes(), stops=stops))
        self._execute(staged.nonce, speed, stops)

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
        """Execute one step of the guided recovery; `status.steps` names the next."""
        self._command("recover", step=str(step))

    def wait_for(self, *states: ArmState, timeout: float = 10.0) -> RobotStatus:
        """Wait for the first status with one of these states, sending heartbeats; RobotError if none arrives.

        For headless use: it blocks, so a window must not call it.
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
        self._button.hang_up()
        self._process.close()
        self._reader.join()
        self._button.close()

    def __enter__(self) -> "RobotClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- protocol ---

    def _leave_hand_control(self, stops: int) -> None:
        """Leave the mode after jogging, which follows no plan; waits until the mode was left, or cannot be."""
        deadline, asked = time.monotonic() + self._deadlines.answer, False
        while time.monotonic() < deadline:
            status = self.settled_status
            if status is not None and status.state is ArmState.HOLDING and status.mode != Mode.SERVO and not asked:
                self._command("release", stops=stops)  # refused if the arm was stopped meanwhile
                asked = True
            elif status is not None and status.state is not ArmState.PREPARING:
                return
            time.sleep(0.005)

    def _tell(self, message: dict[str, Any]) -> None:
        try:
            self._process.channel.send(message, timeout=0.2)
        except ChannelClosed as error:
            raise LinkError(self._lost or "The robot process has gone. Connect again.") from error

    def _press(self, what: str) -> dict[str, Any]:
        """Return the fields of a command: it is refused after a stop unknown to it, and when it arrives too late."""
        return {"do": what, "stops": self._button.pressed, "given": time.monotonic()}

    def _command(self, what: str, **values: Any) -> Any:
        identity, answer = next(self._ids), _Answer()
        self._waiting[identity] = answer
        try:
            self._tell({**self._press(what), "id": identity, **values})
            within = self._deadlines.answer
            if not answer.come.wait(within):
                raise LinkError(f"The robot process did not answer within {within:.0f} s. Connect again.")
        finally:
            self._waiting.pop(identity, None)
        if answer.error:
            raise RobotError(answer.error)
        return answer.value

    def _read(self) -> None:
        lost = "The connection to the arm has ended, and with it its motion. Connect again."
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

    def _take_status(self, values: dict[str, Any]) -> None:
        for sample in samples_from(values):
            for listener in (self._samples.append, *(tap.offer for tap in self._taps)):
                listener(sample)
        self._status = status_from(values)


class _Answer:
    """Pending answer to a command."""

    def __init__(self):
        self.come = threading.Event()
        self.error = ""
        self.value: Any = None

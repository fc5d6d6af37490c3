"""Robot control loop: 100 Hz, from the known facts to at most one command per tick, in real or virtual time.

Nothing here blocks. Planned motion comes only from `approval/staging.py`: a plan that was staged, started by its nonce.
Calls that could set the arm moving again after a stop (clear_error, enable, set_ready) are made only inside a command,
which is one press by the operator; a stop that arrives in between is repeated after it.
"""

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from foundation import xarm7
from foundation.arm import ArmLink, ArmStatus, ControllerSettings, JointReading, Mode, Reported, State
from foundation.clocks import Clock
from foundation.errors import KnownError
from robot.approval.multi_segment_approval import SegmentsApproval
from robot.approval.staging import Stage, Staged
from robot.box_check import compare, differences, refusal
from robot.control.follower import Follower
from robot.control.hold_to_run import HoldToRun
from robot.control.jog import DURATION, JogLimiter
from robot.control.jog_step import JogStep
from robot.control.loop_settings import LoopSettings
from robot.control.motions import Braking, Following, Jogging, Outcome, Preparing, Wanted, along
from robot.control.recovery import RecoveryStep, recovery
from robot.control.takeover import Takeover
from robot.controller.error_codes import controller_error
from robot.errors import LinkError, RobotError
from robot.limiter import Limiter
from robot.state import Activity, ArmState, Facts

_log = logging.getLogger(__name__)

_STOPPED = "Stop was pressed in the meantime. Press again when the arm may move."
_SILENT = (
    "The window went silent for {seconds:.1f} s, so the arm was stopped. Most likely the computer is busy: close other "
    "programs, then make the arm ready."
)
_ASLEEP = "The computer was asleep, so the arm was stopped. Look at the arm, then make it ready."
_HELD_UP = (
    "The computer held this program up for {seconds:.1f} s, or the control box answered so late: the arm was stopped, "
    "and what was approved is void. Close other programs, check the arm's cable, then make the arm ready."
)


_ASTRAY = (
    "The arm does not follow its commands and was stopped. Look what holds it, and whether another program moves it."
)
_NO_REPORTS = (
    "The control box no longer reports its state, so the arm was stopped: what another program does would not be seen. "
    "Check the cable, then connect again."
)
_STOP_SHOWS = 0.1  # s until a stop sent over another connection appears in every report
_STOPPED_OUTSIDE = "The arm was stopped from outside the program."
_RESET = (
    "Another program has taken the arm (UFACTORY Studio?): it was reset. Close the other program's control, then make "
    "the arm ready."
)
_INTERRUPTED = (State.PAUSED, State.STOPPED, State.RESET, State.STOPPING)


class GripperPort(Protocol):
    """Gripper part of an ArmLink. No call may block for long: a stop waits for `move_gripper`."""

    def enable_gripper(self) -> None: ...
    def move_gripper(self, pulse: float) -> None: ...
    def read_gripper(self) -> float: ...


class SettingsPort(Protocol):
    """Control box settings part of an ArmLink. Must not block."""

    def read_settings(self) -> ControllerSettings | None: ...


class RobotLoop:
    """Owner of the only path to the arm. One thread calls `tick` and the commands; any thread may call `note_stop`.

    Commands raise RobotError, naming the required step, if the present state does not allow them, and the link's own
    KnownError if the controller refuses.
    """

    def __init__(
        self,
        link: ArmLink,
        clock: Clock,
        settings: LoopSettings = LoopSettings(),
        gripper: GripperPort | None = None,
        box: SettingsPort | None = None,
        *,
        kinematics_error_mm: float | None = 0.0,
    ):
        self._link, self._clock, self.settings = link, clock, settings
        self._gripper: GripperPort = gripper or link
        self._box: SettingsPort = box or link
        self._kinematics_error_mm = kinematics_error_mm
        self._takeover = Takeover()
        self._reported = clock.now()  # time at which the controller last reported its state
        self._written: dict[str, tuple[float, ...]] = {}  # previous values of what `write_setting` has written
        self.facts = Facts()
        self._heartbeat = self._look_again = clock.now()
        self._stops, self._stops_seen, self._stop_lock = 0, 0, threading.Lock()
        self._ticks = 0
        self._hold_to_run, self._hand = False, HoldToRun()  # whether the motion needs a held button
        self._began = clock.now()  # start of the present tick
        self._limiter: Limiter | None = None
        self._stage = Stage(settings.limits)
        self._motion: Preparing | Following | Jogging | Braking | None = None
        self._jogging = Jogging(JogLimiter(settings.jog), settings.deadlines.jog)

    # --- facts --------------------------------------------------------------------------------------------------------

    @property
    def state(self) -> ArmState:
        return self.facts.state

    @property
    def resting(self) -> bool:
        """Whether no activity is in progress."""
        return self.facts.activity in (Activity.NOTHING, Activity.HOLDING)

    @property
    def commanded(self) -> np.ndarray | None:
        """Joints (7,) last released by the limiter, None before the arm was made ready for servo mode."""
        return None if self._limiter is None else self._limiter.state.position

    @property
    def staged(self) -> str:
        """Digest of the plan that waits for its nonce, '' if there is none."""
        return self._stage.digest

    @property
    def moment(self) -> float | None:
        """Progress of the motion in s of its own time; None if no trajectory is followed."""
        return self._motion.follower.moment if isinstance(self._motion, Following) else None

    # --- commands: each is one press by the operator ------------------------------------------------------------------

    @property
    def patience(self) -> float:
        """Watchdog timeout (s) for the window and for this loop: longer while the arm holds and no plan is staged."""
        at_rest = self.facts.activity is Activity.HOLDING and not self.staged
        return self.settings.deadlines.heartbeat_at_rest if at_rest else self.settings.deadlines.heartbeat

    def heartbeat(self, sent: float = np.inf) -> None:
        """Register a heartbeat of the window, `sent` in s of the loop's clock: one that was queued is not news."""
        self._heartbeat = max(self._heartbeat, min(sent, self._clock.now()))

    def note_stop(self) -> None:
        """Register a stop that is being sent over another connection: nothing started before it may continue."""
        with self._stop_lock:
            self._stops += 1

    def stop(self) -> None:
        """Stop the arm now; only new presses can set it moving again."""
        self.note_stop()
        self.forget_stop()
        self._stop_now()

    def halt(self, sentence: str) -> None:
        """Bring the arm to rest within its limits, then stop the controller: the window has gone."""
        self._begin_brake(sentence)

    def held_up(self, seconds: float, *, asleep: bool = False) -> None:
        """Stop the arm after the loop stalled for `seconds`: it rests at its last target, or its velocity has expired.

        No target may continue from the interrupted motion, so the controller is stopped at once and every approval is
        void.
        """
        sentence = _ASLEEP if asleep else _HELD_UP.format(seconds=seconds)
        self._stage.revoke(sentence)
        if self.facts.activity is not Activity.NOTHING:
            self._end_and_stop(sentence)

    def write_setting(self, name: str) -> tuple[float, ...]:
        """Write the required value of a differing setting to the control box; return the previous value, to undo it.

        The arm must be at rest. It is not ready afterwards, and only a press by the operator makes it ready again.
        """
        different = next((each for each in differences(self.facts.compared) if each.name == name), None)
        if different is None or self.facts.box is None:
            raise RobotError("The control box is already set as the program needs it.")
        if not different.write:
            raise RobotError(f"{different.label} cannot be set from here. Set it in UFACTORY Studio.")
        before = getattr(self.facts.box, name)
        self._write(name, different.write)
        self._written[name] = before if isinstance(before, tuple) else (float(before),)
        _log.info("control box: %s was %s, set to %s", name, self._written[name], different.write)
        return self._written[name]

    def restore_setting(self, name: str) -> None:
        """Restore a setting to its value before `write_setting`, once."""
        if name not in self._written:
            raise RobotError("Nothing was set in the control box that could be undone.")
        self._write(name, self._written[name])
        _log.info("control box: %s set back to %s", name, self._written[name])
        del self._written[name]

    def _write(self, name: str, value: tuple[float, ...]) -> None:
        if self.state is ArmState.DISCONNECTED:
            raise RobotError("The arm is not connected. Connect it first.")
        if not self.resting:
            raise RobotError(f"The arm is {self.state}. Stop it before the control box is set.")
        self._stage.revoke("The control box was set.")
        self._end_motion("")
        self._press(lambda: self._link.write_setting(name, value))

    def clear_error(self) -> None:
        self._require_step(RecoveryStep.CLEAR_ERROR)
        self._press(self._link.clear_error)

    def enable(self) -> None:
        """Enable the motors and the gripper."""
        if self.state in (ArmState.DISCONNECTED, ArmState.ERROR):
            self._require_step(RecoveryStep.ENABLE)
        self._leave_motion()
        self._press(self._link.enable)
        self._change(enabled=True, fault="")
        try:
            self._press(self._gripper.enable_gripper)
        except KnownError as error:  # an arm without its gripper can still move
            self._change(fault=str(error))

    def arm_for_motion(self) -> None:
        """Prepare for planned motion; the limiter restarts from the measured joints."""
        self._prepare(Mode.SERVO, Activity.HOLDING)

    def hand_guide(self) -> None:
        """Switch to hand guiding, in which the operator moves the arm by hand."""
        self._stage.revoke("The arm was guided by hand.")
        self._prepare(Mode.HAND_GUIDING, Activity.GUIDING)

    def release(self) -> None:
        """Leave hand guiding or jogging: the arm holds, ready for planned motion."""
        if self.facts.activity not in (Activity.GUIDING, Activity.JOGGING, Activity.HOLDING):
            raise RobotError(f"The arm is {self.state}: there is nothing to release.")
        self.arm_for_motion()

    def allow(self, allowance: SegmentsApproval) -> str:
        """Register the operator's approval of several segments; return the token to stage them with. Nothing moves."""
        return self._stage.allow(allowance, self._clock.now())

    def stage(self, plan: bytes, *, cover: str = "", instruction: str = "") -> Staged:
        """Stage a plan for approval, replacing any other; nothing moves yet. The arm must be at rest.

        `cover` and `instruction` stage it as one segment of an approval of several.
        """
        coming = isinstance(self._motion, Preparing) and self._motion.next is Activity.HOLDING
        if self.state in (ArmState.DISCONNECTED, ArmState.ERROR) or not (self.resting or coming):
            raise RobotError(f"The arm is {self.state}: no plan can be approved now.")
        return self._stage.put(plan, self._reading.position, self._clock.now(), cover=cover, instruction=instruction)

    def revoke(self, reason: str = "The approval was taken back.") -> None:
        """Discard the staged plan; a motion in progress continues."""
        self._stage.revoke(reason)

    def hold(self, press: int, began: float = np.inf, sent: float = np.inf) -> None:
        """Register that the operator holds the button of a hold-to-run motion.

        `press` counts the presses and only rises. After any rest on the path, whatever requested it, only a press
        counts that `began` (s of the loop's clock) later; a message that was `sent` long ago is stale.
        """
        self._hand.feel(press, began, sent, self._clock.now())

    def execute(self, nonce: str, speed: float = 1.0, *, hold: bool = False) -> None:
        """Start the staged plan, once, if `nonce` matches and the arm has not moved; `speed` in (0, 1].

        With `hold` it continues only while `hold` is renewed, and rests on its path otherwise.
        """
        self.forget_stop()
        self._require_box()
        holding = self.facts.enabled and self.facts.activity is Activity.HOLDING and self._in_mode(Mode.SERVO)
        if not holding or self._limiter is None:
            raise RobotError(f"The arm is {self.state}. Make it ready for motion first.")
        if not 0.0 < speed <= 1.0:
            raise RobotError(f"The speed of a motion must lie between 0 and 1, not {speed}.")
        measured = self._reading.position
        if np.abs(self._limiter.state.position - measured).max() > self.settings.moved:
            raise RobotError("The arm was moved since it was made ready. Make it ready again.")
        plan = self._stage.take(nonce, measured, self._clock.now(), speed)
        self._hold_to_run = hold
        self._hand.begin()
        follower = Follower(plan.motion, speed)
        if hold:
            follower.pause()  # until the button is held
        self._motion = Following(follower, self._limiter)
        self._change(activity=Activity.FOLLOWING, paused=hold, progress=0.0, fault="", limited="")

    def pause(self) -> None:
        """Come to rest on the path; `resume` continues from there."""
        self._hand.let_go(self._clock.now())
        if isinstance(self._motion, Following):
            self._motion.follower.pause()
            self._change(paused=True)

    def resume(self) -> None:
        if not isinstance(self._motion, Following):
            raise RobotError("There is no motion to go on with.")
        self._motion.follower.resume()
        self._change(paused=False)

    def jog(self, twist: np.ndarray, *, tool_frame: bool = False) -> None:
        """Move the tool with velocity (6,) m/s, rad/s as long as this is renewed every 0.2 s."""
        twist = np.array(twist, float)
        if twist.shape != (6,) or not np.isfinite(twist).all():
            raise RobotError("A velocity needs six finite numbers.")
        self._jog(along(twist, tool_frame=tool_frame))

    def jog_to(self, step: JogStep) -> None:
        """Execute a jog step as long as this is renewed as `jog` is; the tool rests at its end."""
        self._jog(step.twist)

    def _jog(self, wanted: Wanted) -> None:
        self._require_box()
        self._stage.revoke("The arm was moved by hand control.")
        if self.facts.activity is Activity.HOLDING:
            if self._in_mode(Mode.CARTESIAN_VELOCITY):
                self._begin(Activity.JOGGING)
            else:
                self._prepare(Mode.CARTESIAN_VELOCITY, Activity.JOGGING)
        preparing = isinstance(self._motion, Preparing) and self._motion.next is Activity.JOGGING
        if not self.facts.enabled or (self.facts.activity is not Activity.JOGGING and not preparing):
            raise RobotError(f"The arm is {self.state}. Make it ready for motion first.")
        self._jogging.give(wanted, self._clock.now())

    def move_gripper(self, openness: float) -> None:
        """Open (1) or close (0) the gripper; returns at once."""
        if self.state in (ArmState.DISCONNECTED, ArmState.ERROR, ArmState.STOPPED, ArmState.NOT_ENABLED):
            raise RobotError(f"The arm is {self.state}. Make it ready for motion first.")
        if not 0.0 <= openness <= 1.0:
            raise RobotError(f"The gripper's openness must lie between 0 and 1, not {openness}.")
        self._stage.revoke("The gripper was moved.")
        if not self._move_gripper(openness):
            raise RobotError(_STOPPED)

    def recover(self, step: RecoveryStep) -> None:
        """Execute one step of the guided recovery."""
        self._require_step(step)
        match step:
            case RecoveryStep.CLEAR_ERROR:
                self.clear_error()
            case RecoveryStep.ENABLE:
                self.enable()
            case RecoveryStep.MAKE_READY:
                self.arm_for_motion()
            case RecoveryStep.REMOVE_CAUSE:
                pass  # by hand, at the arm

    # --- the tick --------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Run one control cycle of 10 ms: read, monitor, act."""
        self._began = self._clock.now()
        self.forget_stop()
        self._stage.expire(self._clock.now())
        self._look()
        if self.state is not ArmState.DISCONNECTED:
            self._watch()
            self._guarded(self._act)
        self._ticks += 1

    def _look(self, *, now: bool = False) -> None:
        if self.facts.status is None and self._clock.now() < self._look_again and not now:
            return
        first = self.facts.joints is None or self.facts.status is None
        preparing = isinstance(self._motion, Preparing)
        try:
            if now or first or self._ticks % self.settings.joints_every == 0:
                self._change(joints=_checked(self._link.read_joints()))
            if now or first or preparing or self._status_is_due:
                self._take_status(self._link.read_status())
        except KnownError as error:
            self._lose_link(str(error))
            return
        if now or first or self._ticks % self.settings.settings_every == 0:
            self._look_at_box()
        # An absent gripper must not be queried: the controller would stop the arm with C19.
        if self.facts.enabled and self._ticks % self.settings.gripper_every == 0:
            self._look_at_gripper()

    @property
    def _status_is_due(self) -> bool:
        """Whether to read the status, between joint reads; more often while holding, when others may send targets."""
        holding = self.facts.activity is Activity.HOLDING
        return self._ticks % (self.settings.status_every_holding if holding else self.settings.status_every) == 1

    def _look_at_box(self) -> None:
        box = self._box.read_settings()
        if box == self.facts.box:
            return
        gripper, off_mm = self.settings.gripper, self._kinematics_error_mm
        found = () if box is None else compare(box, gripper=gripper, kinematics_error_mm=off_mm)
        self.facts = replace(self.facts, box=box, compared=found)
        if refusal(found) and self.facts.activity is not Activity.NOTHING:
            self._end_and_stop(f"The control box was set otherwise. {refusal(found)}")

    def _look_at_gripper(self) -> None:
        try:
            self._change(openness=xarm7.openness_from_pulse(self._gripper.read_gripper()))
        except KnownError:
            self._change(openness=None)  # unknown

    def _take_status(self, status: ArmStatus) -> None:
        known = 0 if self.facts.status is None else self.facts.status.error
        self._change(status=status)
        if status.error and (self.facts.enabled or status.error != known):
            self._end_motion(controller_error(status.error), enabled=False)
        if status.state not in _INTERRUPTED or self.facts.activity in (Activity.NOTHING, Activity.PREPARING):
            return
        if self._stops != self._stops_seen:  # our own, sent over another connection
            return
        self._end_motion(_RESET if status.state == State.RESET else _STOPPED_OUTSIDE)
        self._takeover.forget(self._clock.now())

    def _lose_link(self, sentence: str) -> None:
        if self.facts.activity is not Activity.NOTHING:
            with contextlib.suppress(KnownError):  # the targets end anyway; the stop may still get through
                self._link.stop()
        self._look_again = self._clock.now() + self.settings.retry
        self._end_motion(sentence, enabled=False)
        self._change(status=None, joints=None, openness=None, commanded_openness=None, box=None, compared=())

    def _watch(self) -> None:
        self._watch_others()
        silence = self._clock.now() - self._heartbeat
        if silence > self.patience and self.facts.activity not in (Activity.NOTHING, Activity.BRAKING):
            self._begin_brake(_SILENT.format(seconds=silence))
        if self._limiter is not None and self._in_mode(Mode.SERVO) and self._motion is not None:
            lag = np.abs(self._limiter.state.position - self._reading.position).max()
            if lag > self.settings.following_error and not isinstance(self._motion, Preparing):
                self._end_and_stop(_ASTRAY)
        if isinstance(self._motion, Following):
            self._motion.compare(self._reading)
            if self._motion.strays:
                self._end_and_stop(_ASTRAY)
        if isinstance(self._motion, Jogging) and self._motion.strays:
            self._end_and_stop(
                "The arm moves otherwise than it was told, and was stopped. Does another program move it?"
            )

    def _watch_others(self) -> None:
        """End approval and motion if another program acts on the arm."""
        reported, status = self._link.reported(), self.facts.status
        self._watch_reports(reported)
        activity = self.facts.activity
        if reported.state in _INTERRUPTED and activity not in (Activity.NOTHING, Activity.PREPARING):
            self._guarded(lambda: self._take_status(self._link.read_status()))  # with the error, if there is one
            activity, status = self.facts.activity, self.facts.status
        if status is None or self._stops != self._stops_seen:
            return
        motion = self._motion
        paused = isinstance(motion, Following) and motion.resting and motion.limiter.state.standing
        held = paused or activity in (Activity.HOLDING, Activity.NOTHING)
        found = self._takeover.look(reported, status, self._reading, activity, self._clock.now(), held=held)
        if found and not self._explained_by_error():
            self._end_motion(found)
            if activity is not Activity.NOTHING:
                self._guarded(self._stop_now)

    def _explained_by_error(self) -> bool:
        """Return whether an error explains the change: it alters the controller's mode and state before it is read."""
        self._guarded(lambda: self._take_status(self._link.read_status()))
        status = self.facts.status
        if status is None:
            return True
        if status.error:
            self._takeover.forget(self._clock.now())
            self._end_motion(controller_error(status.error), enabled=False)
        return bool(status.error)

    def _watch_reports(self, reported: Reported) -> None:
        """Stop the arm if reports are missing, as another program's actions would go unnoticed."""
        now = self._clock.now()
        if reported.mode >= 0 or self.facts.activity is Activity.NOTHING:
            self._reported = now
        elif now - self._reported > self.settings.deadlines.reports:
            self._end_and_stop(_NO_REPORTS)

    def _act(self) -> None:
        reading, status, now = self._reading, self.facts.status, self._clock.now()
        match self._motion:
            case Preparing() as preparing if status is not None:
                self._carry_out(preparing.step(reading, status, now))
            case Following() as following:
                if self._hold_to_run:
                    self._follow_hand(following, now)
                self._carry_out(following.step())
            case Jogging() | Braking() as moving:
                self._carry_out(moving.step(reading, now))
            case _:
                pass

    def _follow_hand(self, following: Following, now: float) -> None:
        """Rest as soon as the button is released, continue as soon as it is held again."""
        let_go = not self._hand.is_felt(now, self.settings.deadlines.hold_to_run)
        if let_go and not following.follower.paused:
            self._hand.let_go(now)
        if let_go is not following.follower.paused:
            (following.follower.pause if let_go else following.follower.resume)()
            self._change(paused=let_go)

    def _carry_out(self, outcome: Outcome) -> None:
        if self._clock.now() - self._began > self.patience:
            return  # held up since the read: the next tick stops the arm
        if outcome.position is not None:
            self._link.servo_joints(outcome.position)
        if outcome.twist is not None:
            self._link.cartesian_velocity(outcome.twist, tool_frame=False, duration=DURATION)
        if outcome.openness is not None:
            self._move_gripper(outcome.openness)
        self._change(progress=outcome.progress, limited=outcome.limited)
        if outcome.then is Activity.NOTHING:
            self._end_motion(outcome.fault)
        elif outcome.then is not None:
            self._begin(outcome.then, outcome.fault)
        if outcome.stop:
            self._stop_now()

    # --- transitions between activities -------------------------------------------------------------------------------

    def _prepare(self, mode: Mode, then: Activity) -> None:
        if self.state in (ArmState.DISCONNECTED, ArmState.ERROR, ArmState.NOT_ENABLED):
            self._require_step(RecoveryStep.MAKE_READY)
        self._require_box()
        self._leave_motion()
        self._press(lambda: self._link.set_mode(mode), self._link.set_ready)
        now = self._clock.now()
        self._motion = Preparing(mode, then, now + self.settings.settle, now + self.settings.deadlines.ready)
        self._change(activity=Activity.PREPARING, paused=False, fault="", limited="")

    def _begin(self, activity: Activity, fault: str = "") -> None:
        """Continue with `activity`; after preparing, the limiters restart from the measured joints."""
        if isinstance(self._motion, Preparing):
            self._takeover.expect(self._motion.mode)
            self._limiter = Limiter(self._reading.position, self.settings.limits)
            self._jogging.begin(JogLimiter(self.settings.jog))
            self._change(limited=self._limiter.outside)
        self._hand.end()
        self._motion = self._jogging if activity is Activity.JOGGING else None
        self._change(activity=activity, paused=False, fault=fault)

    def _begin_brake(self, sentence: str) -> None:
        if isinstance(self._motion, Following | Jogging):
            self._stage.revoke(sentence)
            self._motion = Braking(self._motion, self._clock.now())
            self._change(activity=Activity.BRAKING, paused=False, fault=sentence)
        elif not isinstance(self._motion, Braking):
            self._end_and_stop(sentence)

    def _end_motion(self, sentence: str, *, enabled: bool | None = None) -> None:
        if sentence:  # an external cause also voids the staged plan
            self._stage.revoke(sentence)
        self._hand.end()
        self._motion = None
        self._change(
            activity=Activity.NOTHING,
            paused=False,
            limited="",
            fault=sentence or self.facts.fault,
            enabled=self.facts.enabled if enabled is None else enabled,
        )

    def _end_and_stop(self, sentence: str) -> None:
        """End the present activity and stop the controller, if it can be reached."""
        self._end_motion(sentence)
        self._guarded(self._stop_now)

    def _leave_motion(self) -> None:
        if isinstance(self._motion, Following | Jogging | Braking) and np.abs(self._reading.velocity).max() > 0.02:
            raise RobotError("The arm is still moving. Stop it first.")
        self._end_motion("")

    def forget_stop(self) -> None:
        """Handle a noted stop: end everything in progress; only later presses count."""
        if self._stops != self._stops_seen:
            self._stops_seen = self._stops
            self._takeover.forget(self._clock.now(), for_s=_STOP_SHOWS)
            self._stage.revoke("Stop was pressed.")
            self._end_motion("")

    # --- link ---------------------------------------------------------------------------------------------------------

    def _press(self, *calls: Callable[[], None]) -> None:
        """Make calls that undo a stop: skip them after a stop newer than this press, then repeat that stop."""
        before = self._stops_seen
        self._takeover.forget(self._clock.now())
        for call in calls:
            if self._stops == before:
                call()
        if self._stops != before:
            self._link.stop()
            raise RobotError(_STOPPED)
        self._takeover.forget(self._clock.now())
        self._look(now=True)
        if self.facts.status is None:  # the rest of the press must not be executed
            raise LinkError(self.facts.fault)

    def _move_gripper(self, openness: float) -> bool:
        """Send the target and return True; False after a stop, as the gripper's own connection would not refuse it."""
        with self._stop_lock:
            if self._stops != self._stops_seen:
                return False
            self._gripper.move_gripper(xarm7.pulse_from_openness(openness))
            self._change(commanded_openness=openness)
            return True

    def _stop_now(self) -> None:
        self._link.stop()
        self._look(now=True)

    def _guarded(self, act: Callable[[], None]) -> None:
        """Call `act`; a refusal or a lost link ends every motion and is reported, the next read shows which it was."""
        try:
            act()
        except LinkError as error:
            self._lose_link(str(error))
        except KnownError as error:  # a refusal caused by a stop in progress is no fault
            self._refused("" if self._stops != self._stops_seen else str(error))

    def _refused(self, reason: str) -> None:
        activity = self.facts.activity
        somebody = self._takeover.refused(self._link.reported(), activity) if reason else ""
        self._end_motion(reason)
        self._look(now=True)
        if somebody and self.facts.status is not None and not self.facts.status.error:
            self._end_motion(somebody)
            with contextlib.suppress(KnownError):  # already reported
                self._stop_now()

    def _require_step(self, step: RecoveryStep) -> None:
        left = recovery(self.facts)
        if left.allows(step):
            return
        if self.state is ArmState.DISCONNECTED:
            raise RobotError("The arm is not connected. Connect it first.")
        raise RobotError(f"First: {left.next}." if left.next else f"The arm is {self.state}: nothing has to be done.")

    def _require_box(self) -> None:
        """Raise RobotError if the control box's settings are unknown, or would change the meaning of commands."""
        if self.facts.box is None and self.state is not ArmState.DISCONNECTED:
            raise RobotError("The control box has not told its settings yet. Wait a moment, then press again.")
        reason = refusal(self.facts.compared)
        if reason:
            raise RobotError(reason)

    def _in_mode(self, mode: Mode) -> bool:
        return self.facts.status is not None and self.facts.status.mode == mode

    @property
    def _reading(self) -> JointReading:
        if self.facts.joints is None:
            raise RobotError("The arm is not connected. Connect it first.")
        return self.facts.joints

    def _change(self, **changes: Any) -> None:
        self.facts = replace(self.facts, **changes)


def _checked(reading: JointReading) -> JointReading:
    for part in (reading.position, reading.velocity):
        if part.shape != (xarm7.JOINTS,) or not np.isfinite(part).all():
            raise LinkError("The controller reports joints that are not seven numbers. Check the cable, then connect.")
    return reading

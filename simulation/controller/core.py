"""State machine of the simulated controller: modes, states, errors, queue, and one 4 ms cycle; no bytes."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from foundation import xarm7
from foundation.arm import Mode, State
from simulation.controller.kinematics import STOP_ACCELERATION, TICK, ControllerFault, Profile, brake, stopping_time
from simulation.controller.motions import Motion
from simulation.controller.online import CartesianOnline, JointOnline
from simulation.controller.plant import Measurement, Plant
from simulation.controller.protocol import Feedback, Outcome, Request
from simulation.controller.recorder import Recorder
from simulation.controller.servo import SPEED_TOLERANCE, Servo
from simulation.controller.settings import Settings
from simulation.controller.velocity import CartesianVelocity, JointVelocity

ALL_JOINTS = 0x7F
QUEUE_LENGTH = 1024
PAUSE_TIME = 0.2  # s in which a planned motion comes to rest and sets off again on its path
SOFT_STOP_ACCELERATION = 5.0  # rad/s2, state 6
MOTORS_OFF = frozenset({1, 2, 3, *range(10, 18)})  # errors after which the joints are held by their brakes
SELF_COLLISION_TICKS = 5
FENCE_TOLERANCE = 0.001  # m; the safety boundary is given in whole mm
CONTACT_TICKS = 3  # cycles a disturbance must last to be a collision
# The disturbance that counts as a collision, as a fraction of each joint's effort limit, for sensitivity 1 .. 5. The
# maker publishes no figures; 3 is about 30 N at the fingers of an outstretched arm.
CONTACT_EFFORT = {1: 0.6, 2: 0.45, 3: 0.3, 4: 0.2, 5: 0.12}
Stream = Servo | JointVelocity | CartesianVelocity | JointOnline | CartesianOnline
STREAMS: dict[int, type[Stream]] = {
    Mode.SERVO: Servo,
    Mode.JOINT_VELOCITY: JointVelocity,
    Mode.CARTESIAN_VELOCITY: CartesianVelocity,
    Mode.JOINT_ONLINE: JointOnline,
    Mode.CARTESIAN_ONLINE: CartesianOnline,
}
SETTABLE_MODES = frozenset({Mode.POSITION, Mode.HAND_GUIDING, *STREAMS})


@dataclass(frozen=True, slots=True)
class Ticket:
    """Recipient of a command's feedback: the `mask` that its client had set when it sent the command."""

    client: object
    request: Request
    mask: int
    task: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something a ticket's client may be notified of."""

    ticket: Ticket
    kind: Feedback
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Task:
    """Motion in the queue, with the feedback to send at its start and end."""

    motion: Motion
    ticket: Ticket | None = None
    start: Feedback = Feedback.MOTION_START
    end: Feedback = Feedback.MOTION_END


class Core:
    """One arm's controller below its wire. Public attributes are for reading; `tick` and the methods change them."""

    def __init__(self, plant: Plant, settings: Settings, *, self_collision: Callable[[np.ndarray], bool] | None = None):
        self.plant, self.settings = plant, settings
        self._self_collision = self_collision
        self.recorder = Recorder()
        self.ticks = 0
        self.events: list[Event] = []
        self.power_on()

    def power_on(self) -> None:
        """Reset to the state after switching on: brakes closed, mode 0, stopped."""
        self.measured: Measurement = self.plant.measure()
        self.q = self.measured.position.copy()
        self.qd = np.zeros(xarm7.JOINTS)
        self.mode, self.error, self.warning = int(Mode.POSITION), 0, 0
        self.enabled = self.brakes_open = 0
        self.phase = State.STOPPED
        self.queue: deque[Task] = deque()
        self.stream: Stream | None = None
        self._task: Task | None = None
        self._rate = 1.0  # speed of a planned motion's own time; a pause takes it to 0
        self._brake: Profile | None = None
        self._contact_ticks = 0

    # Activity

    @property
    def state(self) -> State:
        if self.phase is State.READY and self.busy:
            return State.MOVING
        return self.phase

    @property
    def busy(self) -> bool:
        if self.stream is not None:
            return self.stream.busy or self._brake is not None
        return bool(self._task or self.queue)

    @property
    def ready(self) -> bool:
        """Whether motion commands are accepted; a pause does not change that in mode 0."""
        if self.error or self.enabled != ALL_JOINTS:
            return False
        return self.phase is State.READY or (self.phase is State.PAUSED and self.stream is None)

    @property
    def queue_length(self) -> int:
        return len(self.queue) + (self._task is not None)

    @property
    def time(self) -> float:
        """Virtual s since the start."""
        return self.ticks * TICK

    # Commands

    def enqueue(self, task: Task) -> None:
        """Add a planned motion to the queue; a full queue is warning 11."""
        if len(self.queue) >= QUEUE_LENGTH:
            self.warning = 11
            self.discard(task)
        else:
            self.queue.append(task)

    def discard(self, task: Task) -> None:
        """Notify its client that it will never run."""
        self._tell(task, task.end, Outcome.DISCARDED)

    def enable(self, joint: int, on: bool) -> None:
        """Enable or disable joint 1..7, or 8 for all; a system reset. Ignored while an error is pending."""
        if self.error:
            return
        bits = ALL_JOINTS if joint == 8 else 1 << (joint - 1)
        if self.enabled == 0 and on:
            self.q = self.measured.position.copy()
        self.enabled = self.enabled | bits if on else self.enabled & ~bits
        self.brakes_open = self.enabled
        self.reset()

    def release_brake(self, joint: int, on: bool) -> None:
        bits = ALL_JOINTS if joint == 8 else 1 << (joint - 1)
        if on:
            self.enabled &= ~bits
            self.brakes_open |= bits
            self.reset()

    def set_mode(self, mode: int) -> None:
        """Set the mode; a system reset. Ignored while an error is pending."""
        if self.error:
            return
        self.reset()
        self.mode = mode

    def set_state(self, state: int) -> None:
        """Set state 0 ready, 3 pause, 4 stop, 6 decelerated stop (which ends in state 4)."""
        if state == 0:
            self._set_ready()
        elif state == 3:
            self._pause()
        elif state == 4:
            self._halt(State.STOPPED)
        elif state == 6:
            self._halt(State.STOPPING, acceleration=SOFT_STOP_ACCELERATION)

    def reset(self) -> None:
        """Perform the maker's system reset: stop the motion, empty the queue, wait for set_state(0)."""
        self._halt(State.STOPPED if self.error else State.RESET)

    def clear_error(self) -> None:
        self.error = 0
        self._contact_ticks = 0
        self.reset()

    def fail(self, code: int) -> None:
        """Enter an error state: stop, empty the queue, fall back to mode 0; the first of several errors is kept."""
        if self.error:
            return
        self.error = code
        if code == 31:  # release the obstacle instead of pressing on
            self.q, self.qd = self.measured.position.copy(), self.measured.velocity.copy()
        self._halt(State.STOPPED, Outcome.FAILED)
        if code in MOTORS_OFF:
            self.enabled = self.brakes_open = 0
            self._brake = None
            self.q, self.qd = self.measured.position.copy(), np.zeros(xarm7.JOINTS)
        self.mode = int(Mode.POSITION)

    # One cycle

    def tick(self) -> None:
        self.ticks += 1
        self.measured = self.plant.measure()
        self._watch_contact()
        try:
            self._move()
        except ControllerFault as fault:
            self.fail(fault.code)
            self._brake_on()
        if self.recorder.recording and not self.recorder.sample(self.measured.position):
            self.fail(34)

    def _move(self) -> None:
        if self.enabled != ALL_JOINTS:
            self._hold()
        elif self._brake is not None:
            self._brake_on()
        elif self.mode == Mode.HAND_GUIDING and self.phase is State.READY:
            self.plant.release_joints()
            self.q, self.qd = self.measured.position.copy(), self.measured.velocity.copy()
        elif self.stream is not None and self.phase is State.READY:
            self._go(self.stream.step(self.q, self.ticks))
        elif self._task is not None or (self.queue and self.phase is State.READY):
            self._go(self._planned())
        else:
            self._hold()

    def _planned(self) -> np.ndarray:
        self._rate = self._next_rate()
        if self._task is None:
            self._task = self.queue.popleft()
            self._tell(self._task, self._task.start, Outcome.DONE)
            self._task.motion.begin(self.q, self.settings)
        motion = self._task.motion
        if self._rate == 0.0:
            return self.q
        q = self.q if motion.finished else motion.advance(TICK * self._rate)
        if motion.finished:
            task, self._task = self._task, None
            self._tell(task, task.end, Outcome.DONE)
            if not self.queue and self.mode == Mode.PLAYBACK:
                self.mode = int(Mode.POSITION)
        return q

    def _next_rate(self) -> float:
        step = TICK / PAUSE_TIME if self.phase is State.READY else -TICK / PAUSE_TIME
        return min(1.0, max(0.0, self._rate + step)) if self._task is not None else 1.0

    def _go(self, q: np.ndarray) -> None:
        """Command joints (7,) after the checks that concern every motion."""
        change = q - self.q
        if change.any():
            self._check(q, change)
        self.qd = change / TICK
        self.q = q
        self.plant.command_joints(q, self.qd)

    def _check(self, q: np.ndarray, change: np.ndarray) -> None:
        """Check where the arm would stand after the hardest stop from here; motion back inside is allowed."""
        settings = self.settings
        velocity = change / TICK
        fastest = float(np.abs(velocity).max())
        if fastest > xarm7.MAX_JOINT_SPEED * SPEED_TOLERANCE:
            raise ControllerFault(24)
        stop = q + velocity * (stopping_time(fastest) / 2.0)
        if (((stop > settings.upper) & (change > 0)) | ((stop < settings.lower) & (change < 0))).any():
            raise ControllerFault(23)
        if settings.fence:
            present = settings.depth_outside(settings.tool_in_base(self.q)[:3, 3])
            if settings.depth_outside(settings.tool_in_base(stop)[:3, 3]) > max(present, FENCE_TOLERANCE):
                raise ControllerFault(35)
        due = settings.self_collision and self.ticks % SELF_COLLISION_TICKS == 0
        if due and self._self_collision is not None and self._self_collision(stop):
            raise ControllerFault(22)

    def _hold(self) -> None:
        self.qd = np.zeros(xarm7.JOINTS)
        self.plant.command_joints(self.q, self.qd)

    def _brake_on(self) -> None:
        if self._brake is None:
            self._hold()
            return
        self.q = self._brake.advance(TICK)
        self.qd = self._brake.velocity
        if self._brake.finished:
            self._brake, self.qd = None, np.zeros(xarm7.JOINTS)
            if self.phase is State.STOPPING:
                self.phase = State.STOPPED
            if self.stream is not None:
                self.stream.resume(self.q)
        self.plant.command_joints(self.q, self.qd)

    def _watch_contact(self) -> None:
        sensitivity = self.settings.collision_sensitivity
        if not sensitivity or self.error or self.enabled != ALL_JOINTS or self.mode == Mode.HAND_GUIDING:
            self._contact_ticks = 0
            return
        limit = CONTACT_EFFORT[sensitivity] * xarm7.EFFORT
        self._contact_ticks = self._contact_ticks + 1 if (np.abs(self.measured.disturbance) > limit).any() else 0
        if self._contact_ticks >= CONTACT_TICKS:
            self.fail(31)

    # States

    def _set_ready(self) -> None:
        if self.error or self.enabled != ALL_JOINTS or self.phase is State.READY:
            return
        if self.phase is State.PAUSED:
            if self.stream is not None and self._brake is None:
                self.stream.resume(self.q)
        else:
            kind = STREAMS.get(self.mode)
            self.stream = None if kind is None else kind(self.q, self.settings)
        self.phase = State.READY

    def _pause(self) -> None:
        if self.phase is not State.READY:
            return
        self.phase = State.PAUSED
        if self.stream is not None:
            self.stream.pause()
            self._start_brake(STOP_ACCELERATION)

    def _halt(
        self, phase: State, outcome: Outcome = Outcome.DISCARDED, acceleration: float = STOP_ACCELERATION
    ) -> None:
        for task in ([self._task] if self._task else []) + list(self.queue):
            self._tell(task, task.end, outcome)
        self.queue.clear()
        self._task, self.stream, self.phase = None, None, phase
        if self.mode == Mode.PLAYBACK:
            self.mode = int(Mode.POSITION)
        self._start_brake(acceleration)
        if phase is State.STOPPING and self._brake is None:
            self.phase = State.STOPPED

    def _start_brake(self, acceleration: float) -> None:
        if np.abs(self.qd).max() > 1e-6 and self.mode != Mode.HAND_GUIDING:
            self._brake = brake(self.q, self.qd, acceleration)

    def _tell(self, task: Task, kind: Feedback, outcome: Outcome) -> None:
        if task.ticket is not None and task.ticket.mask & kind:
            self.events.append(Event(task.ticket, kind, outcome))

"""Random, hostile and malformed messages to the robot loop, through its own message interface, in virtual time.

What reached the wire is judged: the targets' finite differences, the velocities and when they end, and that only an
operator's press ever enables the arm, clears its error or makes it ready.
"""

import contextlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.checks import Check, say
from benchmarks.motion.limiter_trial import Extremes, judged
from benchmarks.motion.virtual_arm import VirtualArm
from foundation import xarm7
from foundation.errors import KnownError
from robot.control.recovery import RecoveryStep, recovery
from robot.limiter import LimiterSettings
from robot.planning.plan import Plan
from robot.planning.waypoints import Waypoint, joint_path
from robot.service.commands import press
from robot.state import Activity, ArmState
from simulation.controller.controller import Controller
from simulation.controller.link import VirtualLink
from simulation.controller.protocol import Register

_A_CHUNK = 500  # commands between two judgements
_PRESSES = {  # what a command may do beyond moving: enable, clear an error, make ready
    "enable": (1, 0, 0),
    "clear_error": (0, 1, 0),
    "recover": (1, 1, 1),
    "arm_for_motion": (0, 0, 1),
    "release": (0, 0, 1),
    "hand_guide": (0, 0, 1),
    "jog": (0, 0, 1),
    "jog_to": (0, 0, 1),
}
_WORDS = (*_PRESSES, "stage", "execute", "allow", "revoke", "gripper", "pause", "resume", "write_setting")
_GARBAGE = (
    *(None, True, -1, 1 << 60, 3.5, float("nan"), float("inf"), "", "x" * 3000, b"\x00"),
    *([], [1, [2]], {}, {"a": 1}),
)
_BY_PRESS = (RecoveryStep.CLEAR_ERROR, RecoveryStep.ENABLE, RecoveryStep.MAKE_READY)
_OTHERS = ("enable", "arm_for_motion", "hand_guide", "release", "pause", "resume", "recover")


class NotedLink(VirtualLink):
    """Link that records what goes to the wire, in full precision, with the number of its tick."""

    def __init__(self, controller: Controller):
        super().__init__(controller)
        self.tick = 0
        self.targets: list[tuple[int, np.ndarray]] = []
        self.twists: list[tuple[np.ndarray, float]] = []

    def servo_joints(self, position: np.ndarray) -> None:
        self.targets.append((self.tick, position.copy()))
        super().servo_joints(position)

    def cartesian_velocity(self, twist: np.ndarray, *, tool_frame: bool, duration: float) -> None:
        self.twists.append((twist.copy(), duration))
        super().cartesian_velocity(twist, tool_frame=tool_frame, duration=duration)


@dataclass
class Trial:
    """A loop, its controller, and the findings about them so far."""

    seed: int
    limits: LimiterSettings = field(default_factory=LimiterSettings)
    commands: int = 0
    refused: int = 0
    targets: int = 0
    broken: int = 0  # limits that were broken on the wire
    unasked: int = 0  # privileged actions without a press

    def __post_init__(self) -> None:
        self.generator = np.random.default_rng(self.seed)
        self.begin()

    def begin(self) -> None:
        """Start a fresh arm at home."""
        self.arm = VirtualArm(link_of=NotedLink)
        self.loop, self.controller = self.arm.loop, self.arm.controller
        self._nonce, self._presses = "", 0
        self.run(5)
        for step in (RecoveryStep.ENABLE, RecoveryStep.MAKE_READY):
            with contextlib.suppress(KnownError):
                self.loop.recover(step)
            self.run(60)

    @property
    def link(self) -> NotedLink:
        assert isinstance(self.arm.link, NotedLink)
        return self.arm.link

    def run(self, ticks: int) -> None:
        for _ in range(ticks):
            self.arm.tick()
            self.link.tick += 1

    def command(self) -> None:
        """Send one message, note its effects, and let some time pass."""
        self.commands += 1
        what, message = self._message()
        before = self._pressed()
        try:
            value = press(message).act(self.loop)
            if what == "stage":
                self._nonce = value["nonce"]
        except KnownError:
            self.refused += 1
        moving = self.loop.facts.activity in (Activity.FOLLOWING, Activity.PREPARING)
        self.run(int(self.generator.integers(5, 60) if moving else self.generator.integers(1, 4)))
        allowed = _PRESSES.get(what, (0, 0, 0))
        self.unasked += int((np.subtract(self._pressed(), before) > allowed).any())

    def judge(self) -> None:
        """Judge what went to the wire, and start anew."""
        for segment in _segments(self.link.targets):
            self.targets += len(segment)
            self.broken += not _kept(judged(segment, 0, self.limits), self.limits)
        speed = max((float(np.linalg.norm(twist[:3])) for twist, _ in self.link.twists), default=0.0)
        lasting = max((duration for _, duration in self.link.twists), default=0.0)
        self.broken += int(speed > self.limits.tcp_speed + 1e-9) + int(lasting > 0.1 + 1e-9)
        self.begin()

    def _pressed(self) -> tuple[int, int, int]:
        log = self.controller.log
        registers = ((Register.ENABLE_MOTION, None), (Register.CLEAR_ERROR, None), (Register.SET_STATE, 0))
        enable, clear, ready = (log.count(register, first) for register, first in registers)
        return enable, clear, ready

    def _message(self) -> tuple[str, dict[str, Any]]:
        generator = self.generator
        if generator.random() < 0.3:  # what an operator would do next, so that the arm is moved at all
            match self.loop.state:
                case ArmState.HOLDING if self.loop.staged:
                    return "execute", {"do": "execute", "nonce": self._nonce, "speed": 1.0}
                case ArmState.HOLDING:
                    return "stage", {"do": "stage", "plan": self._plan()}
                case ArmState.JOGGING | ArmState.HAND_GUIDING:
                    return "release", {"do": "release"}
                case _ if left := [step for step in recovery(self.loop.facts).steps if step in _BY_PRESS]:
                    return "recover", {"do": "recover", "step": str(left[0])}
        kind = generator.random()
        if kind < 0.12:
            what = str(generator.choice(_WORDS))
            names = ("plan", "nonce", "speed", "twist", "tool_frame", "target", "turn", "openness", "step", "allowance")
            values = {name: _GARBAGE[generator.integers(len(_GARBAGE))] for name in (*names, "reason", "name", "stops")}
            return what, {"do": what, **values}
        if kind < 0.50:
            twist = generator.normal(size=6) * 10.0 ** generator.uniform(-3, 2)
            return "jog", {"do": "jog", "twist": twist, "tool_frame": bool(generator.random() < 0.3)}
        if kind < 0.58:
            target = xarm7.forward(xarm7.HOME)
            target[:3, 3] += generator.normal(scale=0.3, size=3)
            speed, turn = 10.0 ** generator.uniform(-3, 3, 2)
            return "jog_to", {"do": "jog_to", "target": target, "speed": float(speed), "turn": float(turn)}
        if kind < 0.62:
            return "stage", {"do": "stage", "plan": self._plan()}
        if kind < 0.70:
            hold, speed = bool(generator.random() < 0.3), float(generator.uniform(0.0, 1.3))
            return "execute", {"do": "execute", "nonce": self._nonce, "speed": speed, "hold": hold}
        if kind < 0.76:
            self._presses += int(generator.integers(-1, 2))
            self.loop.hold(max(self._presses, 0), self.arm.clock.now() - float(generator.choice([0.0, 0.5])))
        if kind < 0.80:
            self.loop.note_stop() if kind < 0.77 else self.loop.pause()
            self.loop.forget_stop()
        if kind < 0.86:
            return "gripper", {"do": "gripper", "openness": float(generator.uniform(-0.2, 1.2))}
        if kind < 0.87:
            self.controller.faults.raise_error(int(generator.choice([1, 19, 22, 23, 24, 31])))
        what = str(generator.choice(_OTHERS))
        message: dict[str, Any] = {"do": what}
        if what == "recover":
            message["step"] = str(generator.choice([str(step) for step in RecoveryStep]))
        return what, message

    def _plan(self) -> bytes:
        """Return a motion from here to some position, or one whose bytes were corrupted in transit."""
        assert self.loop.facts.joints is not None
        q, generator = self.loop.facts.joints.position, self.generator
        goal = xarm7.forward(q)
        goal[:3, 3] += generator.normal(scale=0.1, size=3)
        try:
            data = bytearray(Plan.of_motion(joint_path([Waypoint(goal, 1.0)], q)).to_bytes())
        except (KnownError, ValueError):
            return b""
        if generator.random() < 0.3:
            data[generator.integers(len(data))] ^= 1 << int(generator.integers(8))
        return bytes(data)


def checks(count: int, seed: int = 19_100_000) -> list[Check]:
    """Run `count` commands, with a fresh arm for every few hundred."""
    trial = Trial(seed)
    while trial.commands < count:
        for _ in range(min(_A_CHUNK, count - trial.commands)):
            trial.command()
        trial.judge()
        if trial.commands % 10_000 < _A_CHUNK:
            say(f"{trial.commands} random commands, {trial.targets} targets on the wire, {trial.broken} limits broken")
    return [
        Check("random_commands", trial.commands, "", ""),
        Check("random_commands_refused", trial.refused, "", ""),
        Check("random_commands_targets", trial.targets, "", ""),
        Check("random_commands_limits_broken", trial.broken, "", "= 0"),
        Check("random_commands_unasked_presses", trial.unasked, "", "= 0"),
    ]


def _segments(targets: list[tuple[int, np.ndarray]]) -> list[np.ndarray]:
    """Split targets into single motions: an arm that stands gets none."""
    found: list[list[np.ndarray]] = []
    last = -10
    for tick, position in targets:
        if tick != last + 1:
            found.append([])
        found[-1].append(position)
        last = tick
    return [np.array(segment) for segment in found if len(segment) > 1]


def _kept(found: Extremes, limits: LimiterSettings) -> bool:
    """Return whether a motion kept the limits; it may begin outside its box, where only the way back in is allowed."""
    inside = found.outside_box <= 1e-6 and found.outside_range <= 1e-6
    fast = found.joint_speed > limits.joint_speed * (1 + 1e-6) or found.tcp_step > limits.tcp_step * (1 + 1e-6)
    return inside and not fast and found.joint_acceleration <= limits.joint_acceleration * (1 + 1e-6)

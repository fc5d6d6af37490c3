"""Attempts to make the limiter break a limit: wild, hostile and reasonable targets by the hundred thousand.

The test suite runs a sample, `rehearse benchmark reliability` the whole. Finite differences of the positions that would
have gone to the wire are judged, never the limiter's own report.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from foundation import xarm7
from robot.limiter import PERIOD, JointState, Limiter, LimiterSettings, standing_at
from robot.workspace import TCP, arm_points

_CHUNK = 5000  # steps judged at once


@dataclass(frozen=True, slots=True)
class Extremes:
    """Maxima of a trial; SI units. `outside_box` and `outside_range` are <= 0 inside.

    `moved` is the total path of the fastest joint (rad): it shows that the limiter does let motion through.
    """

    steps: int
    joint_speed: float
    joint_acceleration: float
    joint_jerk: float
    tcp_speed: float
    tcp_step: float
    outside_box: float
    outside_range: float
    refused: int
    moved: float

    def keeps(self, settings: LimiterSettings) -> bool:
        """Return whether every limit was kept, except for rounding (jerk amplifies that of positions by 1e6)."""
        return (
            self.joint_speed <= settings.joint_speed * (1 + 1e-6)
            and self.joint_acceleration <= settings.joint_acceleration * (1 + 1e-6)
            and self.joint_jerk <= settings.joint_jerk * (1 + 1e-6)
            and self.tcp_speed <= settings.tcp_speed * (1 + 1e-6)
            and self.tcp_step <= settings.tcp_step
            and self.outside_box <= 1e-8
            and self.outside_range <= 1e-8
        )


Targets = Callable[[np.random.Generator, Limiter], Iterator[JointState]]


def jumping(generator: np.random.Generator, limiter: Limiter) -> Iterator[JointState]:
    """Yield another random posture each step, far beyond the joints' ranges too."""
    while True:
        yield standing_at(generator.uniform(xarm7.LOWER - 1.0, xarm7.UPPER + 1.0))


def visiting(generator: np.random.Generator, limiter: Limiter) -> Iterator[JointState]:
    """Yield postures around the middle of the workspace, each held for up to three seconds."""
    while True:
        target = standing_at(xarm7.HOME + generator.normal(scale=0.5, size=xarm7.JOINTS))
        for _ in range(int(generator.integers(1, 300))):
            yield target


def lying(generator: np.random.Generator, limiter: Limiter) -> Iterator[JointState]:
    """Yield targets close to the arm with unrelated velocities and accelerations of every size."""
    while True:
        sizes = 10.0 ** generator.uniform([-6, -3, -3], [0, 2, 3])
        noise = generator.normal(size=(3, xarm7.JOINTS)) * sizes[:, None]
        yield JointState(limiter.state.position + noise[0], noise[1], noise[2])


def tempting(generator: np.random.Generator, limiter: Limiter) -> Iterator[JointState]:
    """Yield consistent states one step ahead, as a planned motion's, but with up to three times the jerk allowed."""
    while True:
        state, most = limiter.state, limiter.settings.joint_jerk
        jerk = generator.uniform(-3, 3, xarm7.JOINTS) * most * generator.choice([0.3, 1.0])
        if generator.random() < 0.5:  # home again, lest the arm ends at a wall
            jerk = np.clip(most * (xarm7.HOME - state.position), -most, most)
        yield JointState(
            state.position + PERIOD * state.velocity + PERIOD**2 / 2 * state.acceleration + PERIOD**3 / 6 * jerk,
            state.velocity + PERIOD * state.acceleration + PERIOD**2 / 2 * jerk,
            state.acceleration + PERIOD * jerk,
        )


def pushing(generator: np.random.Generator, limiter: Limiter) -> Iterator[JointState]:
    """Yield targets ever further in the arm's direction of motion, at full speed, towards walls and ends of ranges."""
    speed = limiter.settings.joint_speed
    while True:
        direction = np.sign(generator.normal(size=xarm7.JOINTS)) * generator.integers(0, 2, xarm7.JOINTS)
        for _ in range(int(generator.integers(20, 400))):
            ahead = limiter.state.position + direction * speed * generator.choice([PERIOD, 0.1, 0.5])
            yield JointState(ahead, direction * speed, np.zeros(xarm7.JOINTS))


def trembling(generator: np.random.Generator, limiter: Limiter) -> Iterator[JointState]:
    """Yield targets from one side to the other as quickly as possible, with reversals at the worst times."""
    while True:
        amplitude = 10.0 ** generator.uniform(-3, 0)
        centre = xarm7.HOME + generator.normal(scale=0.2, size=xarm7.JOINTS)
        period = int(generator.integers(1, 60))
        for i in range(int(generator.integers(50, 500))):
            side = 1.0 if (i // period) % 2 else -1.0
            yield standing_at(centre + side * amplitude)


def broken(generator: np.random.Generator, limiter: Limiter) -> Iterator[JointState]:
    """Yield NaN, infinities and absurdly large numbers, and in between good ones that get the arm moving."""
    good = visiting(generator, limiter)
    while True:
        wanted = next(good)
        if generator.random() < 0.3:
            position = wanted.position.copy()
            position[generator.integers(xarm7.JOINTS)] = generator.choice([np.nan, np.inf, -np.inf, 1e308, -1e30])
            wanted = JointState(position, wanted.velocity, wanted.acceleration)
        yield wanted


KINDS: tuple[Targets, ...] = (jumping, visiting, lying, tempting, pushing, trembling, broken)


def try_limiter(
    steps: int, seed: int = 0, kinds: tuple[Targets, ...] = KINDS, settings: LimiterSettings = LimiterSettings()
) -> Extremes:
    """Run `steps` steps, shared out among `kinds` of targets, each from its own start inside the workspace."""
    generator = np.random.default_rng(seed)
    found = Extremes(0, 0.0, 0.0, 0.0, 0.0, 0.0, -np.inf, -np.inf, 0, 0.0)
    while found.steps < steps:
        for kind in kinds:
            count = min(_CHUNK, max(1, steps // len(kinds)), steps - found.steps)
            if count > 0:
                found = _merged(found, _run(kind, count, generator, settings))
    return found


def _run(kind: Targets, steps: int, generator: np.random.Generator, settings: LimiterSettings) -> Extremes:
    limiter = Limiter(_start(generator, settings), settings)
    targets = kind(generator, limiter)
    positions, refused = [limiter.state.position], 0
    for _ in range(steps):
        step = limiter.toward(next(targets))
        positions.append(step.state.position)
        refused += bool(step.reason)
    return judged(np.array(positions), refused, settings)


def judged(positions: np.ndarray, refused: int, settings: LimiterSettings) -> Extremes:
    """Return the maxima of positions (n, 7) rad sent one PERIOD apart, beginning at rest."""
    padded = np.concatenate([np.repeat(positions[:1], 3, axis=0), positions])
    points = arm_points(positions)
    step = float(np.linalg.norm(np.diff(points[:, TCP], axis=0), axis=-1).max(initial=0.0))
    return Extremes(
        steps=len(positions) - 1,
        joint_speed=_largest_difference(padded, 1),
        joint_acceleration=_largest_difference(padded, 2),
        joint_jerk=_largest_difference(padded, 3),
        tcp_speed=step / PERIOD,
        tcp_step=step,
        outside_box=float(settings.workspace.violation(points).max()),
        outside_range=float(max((settings.lower - positions).max(), (positions - settings.upper).max())),
        refused=refused,
        moved=float(np.abs(np.diff(positions, axis=0)).sum(axis=0).max()),
    )


def _largest_difference(positions: np.ndarray, order: int) -> float:
    return float(np.abs(np.diff(positions, n=order, axis=0)).max() / PERIOD**order)


def _start(generator: np.random.Generator, settings: LimiterSettings) -> np.ndarray:
    while True:
        q = xarm7.HOME + generator.normal(scale=0.3, size=xarm7.JOINTS)
        inside = settings.workspace.violation(arm_points(q)).max() < 0
        if inside and (q > settings.lower).all() and (q < settings.upper).all():
            return q


def _merged(a: Extremes, b: Extremes) -> Extremes:
    return Extremes(
        a.steps + b.steps,
        max(a.joint_speed, b.joint_speed),
        max(a.joint_acceleration, b.joint_acceleration),
        max(a.joint_jerk, b.joint_jerk),
        max(a.tcp_speed, b.tcp_speed),
        max(a.tcp_step, b.tcp_step),
        max(a.outside_box, b.outside_box),
        max(a.outside_range, b.outside_range),
        a.refused + b.refused,
        a.moved + b.moved,
    )

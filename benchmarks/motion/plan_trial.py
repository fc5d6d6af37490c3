"""Attempts to make planning raise, or pass a motion that the arm's controller would refuse: proposals of every kind.

The test suite runs a sample, `rehearse benchmark window` the whole.
"""

from collections.abc import Callable

import numpy as np

from foundation import xarm7
from foundation.poses import from_rotation_vector, interpolate, pose
from foundation.trajectory import Trajectory

_HOME = xarm7.forward(xarm7.HOME)


def smooth(generator: np.random.Generator, T: int = 41) -> Trajectory:
    """Draw the proposal of a good model: a few places on the bench, passed evenly, with gripper actions at some."""
    stops = int(generator.integers(2, 6))
    places = np.stack([_HOME, *(_place(generator) for _ in range(stops))])
    seconds = np.cumsum([0.0, *generator.uniform(0.6, 3.0, stops)])
    times = np.linspace(0.0, seconds[-1], T)
    eased = np.interp(times, seconds, np.arange(stops + 1.0))
    eased = np.floor(eased) + 0.5 * (1 - np.cos(np.pi * (eased % 1.0)))
    openness = np.where(np.isin(np.floor(eased), generator.integers(0, stops, 2)), 0.0, 1.0)
    openness[0] = 1.0
    return Trajectory(times, interpolate(np.arange(stops + 1.0), places, eased), openness)


def noisy(generator: np.random.Generator) -> Trajectory:
    """Draw a good proposal with every frame off by up to centimetres and degrees, as after poor decoding."""
    good = smooth(generator)
    size = 10.0 ** generator.uniform(-4, -1.5)
    return _disturbed(generator, good, size, 5.0 * size)


def gappy(generator: np.random.Generator) -> Trajectory:
    """Draw a proposal with undecodable frames, single ones and whole runs, from none to all."""
    good = noisy(generator) if generator.random() < 0.5 else smooth(generator)
    poses, openness = np.array(good.base_from_tool), np.array(good.openness)
    lost = generator.random(len(good)) < generator.uniform(0.0, 1.0) ** 2
    begin = int(generator.integers(len(good)))
    lost[begin : begin + int(generator.integers(0, 15))] = True
    if generator.random() < 0.05:
        lost[:] = True
    poses[lost], openness[lost] = np.nan, np.nan
    return Trajectory(good.times, poses, openness)


def hurried(generator: np.random.Generator) -> Trajectory:
    """Draw good paths with impossible timing: from a thousandth of the time to a thousand times, unevenly."""
    good = smooth(generator)
    apart = np.diff(good.times) * 10.0 ** generator.uniform(-3, 1) * 10.0 ** generator.normal(0, 0.5, len(good) - 1)
    if generator.random() < 0.1:
        apart *= 10.0 ** generator.uniform(-8, 12)
    times = np.concatenate([[0.0], np.cumsum(np.maximum(apart, 1e-9))])
    times += generator.choice([0.0, 1e3, -1e3])
    return Trajectory(_rising(times), good.base_from_tool, good.openness)


def edging(generator: np.random.Generator) -> Trajectory:
    """Draw a path along the walls of the workspace and the ends of the reach, in and out."""
    low, high = np.array([-0.31, -0.71, -0.01]), np.array([0.81, 0.71, 0.6])
    places = np.where(generator.random((4, 3)) < 0.4, generator.choice([low, high], 4), generator.uniform(low, high))
    places[0] = _HOME[:3, 3]
    turns = from_rotation_vector(generator.normal(0, 0.4, (4, 3))) @ _HOME[:3, :3]
    turns[0] = _HOME[:3, :3]
    T = int(generator.integers(2, 80))
    times = np.linspace(0, generator.uniform(1, 12), T)
    poses = interpolate(np.arange(4.0), pose(turns, places), 3 * times / times[-1])
    return Trajectory(times, poses, generator.integers(0, 2, T).astype(float))


def wandering(generator: np.random.Generator) -> Trajectory:
    """Draw a path through random reachable postures of the arm, which need not be reachable from each other."""
    T = int(generator.integers(2, 60))
    if generator.random() < 0.5:
        step = generator.normal(0, 0.06, (T, xarm7.JOINTS))
        q = np.clip(xarm7.HOME + np.cumsum(step, axis=0) * generator.choice([0.3, 1.0, 3.0]), xarm7.LOWER, xarm7.UPPER)
    else:
        q = generator.uniform(np.maximum(xarm7.LOWER, -np.pi), np.minimum(xarm7.UPPER, np.pi), (T, xarm7.JOINTS))
    times = np.cumsum(generator.uniform(0.03, 0.6, T))
    return Trajectory(times, xarm7.forward(q), generator.random(T).round(int(generator.integers(0, 3))))


def absurd(generator: np.random.Generator) -> Trajectory:
    """Draw any valid trajectory: random rotations, positions from the base itself to other planets, any length."""
    T = int(generator.choice([1, 1, 2, 3, 41, 41, 300]))
    size = 10.0 ** generator.uniform(-9, generator.choice([0, 0, 3, 300]))
    turns = from_rotation_vector(generator.normal(0, generator.choice([1e-9, 0.1, 3.0]), (T, 3)))
    places = generator.normal(0, 1, (T, 3)) * size + generator.choice([0.0, 1.0]) * _HOME[:3, 3]
    if generator.random() < 0.2:
        places[:], turns[:] = places[0], turns[0]
    times = np.cumsum(generator.exponential(10.0 ** generator.uniform(-12, generator.choice([1, 300])), T))
    openness = generator.random(T)
    poses = pose(turns, places)
    if generator.random() < 0.3:
        lost = generator.random(T) < 0.5
        poses[lost], openness[lost] = np.nan, np.nan
    return Trajectory(_rising(times), poses, openness)


KINDS: tuple[Callable[[np.random.Generator], Trajectory], ...] = (
    *(smooth, noisy, gappy, hurried, edging, wandering, absurd),
)


def proposal(seed: int) -> tuple[str, Trajectory, np.ndarray]:
    """Return the name of its kind, a proposal, and a confidence for each frame; the same for the same seed."""
    generator = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    made = kind(generator)
    return kind.__name__, made, np.where(made.known, generator.random(len(made)) ** 0.2, 0.0)


def _place(generator: np.random.Generator) -> np.ndarray:
    """Draw a tool pose pointing about straight down somewhere above the bench."""
    angle, radius = generator.uniform(-0.7, 0.7), generator.uniform(0.28, 0.62)
    position = np.array([radius * np.cos(angle), radius * np.sin(angle), generator.uniform(0.006, 0.35)])
    turn = from_rotation_vector(generator.normal(0, [0.08, 0.08, 0.5]))
    return pose(turn @ _HOME[:3, :3], position)


def _disturbed(generator: np.random.Generator, good: Trajectory, metres: float, radians: float) -> Trajectory:
    poses = np.array(good.base_from_tool)
    poses[:, :3, 3] += generator.normal(0, metres, (len(good), 3))
    poses[:, :3, :3] = from_rotation_vector(generator.normal(0, radians, (len(good), 3))) @ poses[:, :3, :3]
    return Trajectory(good.times, poses, good.openness)


def _rising(times: np.ndarray) -> np.ndarray:
    """Return the same times where they strictly rise in floating point; else their order."""
    return times if np.isfinite(times).all() and (np.diff(times) > 0).all() else np.arange(len(times), dtype=float)

"""Accuracy of decoding action images, beside the published decoder on the same images, and its speed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.action_images.cases import corrupted, eight_bit, h264
from benchmarks.action_images.published_decoder import decode_published
from benchmarks.action_images.rigs import Rig, motion_inside, random_rig
from benchmarks.action_images.speed import measure_speed
from benchmarks.checks import Check, say
from foundation.poses import distance
from foundation.trajectory import Trajectory
from model.action_images.decoding import Decoded, decode
from model.action_images.encoding import OPEN_ABOVE, tool_points
from model.action_images.rendering import render

RIGS = 200
FRAMES = 13  # of each motion, 4 n + 1 as the model's videos are; a codec gets enough of them to predict from
VIDEO_FRAMES = 21
SEED = 20_260_526

GOALS_MM_MM_DEG = {
    "clean_512": ("<= 0.01", "<= 0.05", "<= 0.01"),
    "uint8_256": ("<= 0.02", "<= 0.06", "<= 0.02"),
    "uint8_64": ("<= 0.05", "<= 0.15", "<= 0.05"),
    "h264_512": ("<= 0.25", "<= 0.8", "<= 0.2"),
    "corrupted_256": ("<= 0.5", "<= 2.5", "<= 0.4"),
}
GRIPPER_GOAL = ">= 0.999"


@dataclass
class Errors:
    """Errors of all frames of a case; a frame without an answer is infinitely wrong."""

    position_mm: list[np.ndarray] = field(default_factory=list)
    rotation_deg: list[np.ndarray] = field(default_factory=list)
    gripper: list[np.ndarray] = field(default_factory=list)

    def add(self, truth: Trajectory, poses: np.ndarray, openness: np.ndarray) -> None:
        known = np.isfinite(poses).all(axis=(1, 2))
        metres, radians = np.full(len(poses), np.inf), np.full(len(poses), np.inf)
        metres[known], radians[known] = distance(truth.base_from_tool[known], poses[known])
        self.position_mm.append(metres * 1e3)
        self.rotation_deg.append(np.degrees(radians))
        self.gripper.append((openness > OPEN_ABOVE) == (truth.openness > OPEN_ABOVE))

    def position(self, percent: float) -> float:
        return _percentile(self.position_mm, percent)

    def rotation(self, percent: float) -> float:
        return _percentile(self.rotation_deg, percent)

    def gripper_accuracy(self) -> float:
        return float(np.mean(np.concatenate(self.gripper)))

    def __str__(self) -> str:
        return (
            f"{self.position(50):.4g} / {self.position(95):.4g} mm, {self.rotation(50):.4g} deg, "
            f"gripper {self.gripper_accuracy():.4f}"
        )


def _percentile(values: list[np.ndarray], percent: float) -> float:
    return float(np.percentile(np.concatenate(values), percent, method="higher"))


def measure(quick: bool) -> list[Check]:
    """Measure in a process of its own, because the number of threads is set before NumPy is loaded."""
    one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    command = [sys.executable, "-m", "benchmarks.action_images.accuracy", *(["--quick"] if quick else [])]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ | one_thread, cwd=root)
    return [Check(**values) for values in json.loads(done.stdout)]


def _measure(quick: bool) -> list[Check]:
    rigs = RIGS // 10 if quick else RIGS
    checks: list[Check] = []
    cases: dict[str, tuple[int, int, Callable[[np.ndarray, np.random.Generator], np.ndarray]]] = {
        "clean_512": (512, FRAMES, lambda images, rng: images),
        "uint8_256": (256, FRAMES, lambda images, rng: eight_bit(images)),
        "uint8_64": (64, FRAMES, lambda images, rng: eight_bit(images)),
        "h264_512": (512, VIDEO_FRAMES, lambda images, rng: h264(images)),
        "corrupted_256": (256, FRAMES, corrupted),
    }
    for name, (size, frames, happens) in cases.items():
        ours, published = _case(size, frames, happens, rigs)
        say(f"{name}: ours {ours}; published {published}")
        median, p95, degrees = GOALS_MM_MM_DEG[name]
        checks += [
            Check(f"{name}.position_median_mm", ours.position(50), "mm", median),
            Check(f"{name}.position_p95_mm", ours.position(95), "mm", p95),
            Check(f"{name}.rotation_median_deg", ours.rotation(50), "deg", degrees),
            Check(f"{name}.gripper_accuracy", ours.gripper_accuracy(), "", GRIPPER_GOAL),
        ]
        short = name.split("_")[0]
        goal = {"clean": ">= 5", "corrupted": ">= 10"}.get(short)
        if goal:
            checks.append(Check(f"ratio_accuracy_{short}", published.position(50) / ours.position(50), "", goal))
    return [*checks, *_one_view_wrong(rigs), *measure_speed()]


def _case(size: int, frames: int, happens, rigs: int) -> tuple[Errors, Errors]:
    ours, published = Errors(), Errors()
    for seed in range(rigs):
        rng = np.random.default_rng([SEED, seed])
        rig = random_rig(rng, frames)
        cameras = rig.at(size)
        images = happens(render(rig.trajectory, cameras), rng)
        decoded = decode(images, cameras, times=rig.trajectory.times).trajectory
        ours.add(rig.trajectory, decoded.base_from_tool, decoded.openness)
        published.add(rig.trajectory, *decode_published(images, cameras, *_best_depths(rig)))
    return ours, published


def _best_depths(rig: Rig) -> tuple[float, float]:
    """Return the smallest and largest true depth in view 0, widened by a centimetre: the best possible prior."""
    camera = rig.cameras[0]
    depth = (tool_points(rig.trajectory.base_from_tool) - camera.base_from_camera[:3, 3]) @ camera.base_from_camera[
        :3, 2
    ]
    return float(depth.min()) - 0.01, float(depth.max()) + 0.01


def _one_view_wrong(rigs: int) -> list[Check]:
    """Decode three views, one of which shows another motion, and compare with the two good ones alone."""
    all_three, good_two, named = Errors(), Errors(), []
    for seed in range(rigs):
        rng = np.random.default_rng([SEED, seed])
        rig = random_rig(rng, FRAMES, views=3)
        other = None
        while other is None:
            other = motion_inside(rng, rig.cameras, FRAMES)
        cameras, wrong = rig.at(256), int(rng.integers(3))
        images = render(rig.trajectory, cameras)
        images[wrong] = render(other, cameras[wrong : wrong + 1])[0]
        images = eight_bit(images)
        good = [view for view in range(3) if view != wrong]
        answer = decode(images, cameras)
        for errors, decoded in (
            (all_three, answer),
            (good_two, decode(images[good], [cameras[view] for view in good])),
        ):
            errors.add(rig.trajectory, decoded.trajectory.base_from_tool, decoded.trajectory.openness)
        named.append(_names(answer, wrong))
    say(f"one_view_wrong_256: {all_three}; the two good views alone {good_two}")
    case = "one_view_wrong_256"
    return [
        Check(f"{case}.ratio_position_median", all_three.position(50) / good_two.position(50), "", "<= 1.3"),
        Check(f"{case}.ratio_position_p95", all_three.position(95) / good_two.position(95), "", "<= 1.3"),
        Check(f"{case}.gripper_accuracy", all_three.gripper_accuracy(), "", GRIPPER_GOAL),
        Check(f"{case}.view_named", float(np.mean(np.concatenate(named))), "", ">= 0.99"),
    ]


def _names(decoded: Decoded, wrong: int) -> np.ndarray:
    """Return bool (T,): whether the largest residual is the wrong view's."""
    return np.nan_to_num(decoded.residual_px, nan=-1.0).argmax(axis=1) == wrong


if __name__ == "__main__":
    print(json.dumps([asdict(check) for check in _measure("--quick" in sys.argv)]))

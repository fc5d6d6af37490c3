"""Generation of clips from seeds.

A first-frame clip shows the initial state only and needs no physics, as action images depend on the motion alone. An
episode runs in virtual time and has every frame.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from foundation import xarm7
from foundation.trajectory import Trajectory
from robot.errors import RobotError
from robot.planning.planner import make_plan
from simulation.bench.judging import judge
from simulation.bench.scene import SceneSpec
from simulation.bench.still import still_truth
from simulation.bench.tasks import Task
from simulation.bench.world import Truth
from simulation.pictures.looks import Look
from simulation.pictures.studio import Studio
from workflows.demonstration.demonstrate import VirtualLabArm
from workflows.demonstration.demonstrator import waypoints
from workflows.embedded.camera_rigs import random_camera_rig
from workflows.embedded.clip import Clip, Unseen
from workflows.embedded.domain_randomization import jittered_appearance, random_appearance, random_environment
from workflows.embedded.keyframe_timing import clip_trajectory
from workflows.embedded.lessons import MIXTURE, further_tasks, random_kind, random_lesson, random_start
from workflows.embedded.paraphrases import random_paraphrase
from workflows.embedded.seeds import SeedError, Use, use_of

__all__ = ["SIZE", "Clip", "Unseen", "episode_clip", "first_frame_clip", "first_frame_clips"]

SIZE = 288  # px
NOISE = (0.3, 1.6)  # standard deviation of pixel values in 0..255, after averaging the camera's own pixels
_ROUNDING = 1e-6  # s
_SETTLE = 0.3  # s between the end of an episode and its verdict


@dataclass(frozen=True, eq=False)
class _Lesson:
    """The part of a clip that is drawn from a seed before anything is rendered."""

    scene: SceneSpec
    look: Look
    task: Task
    joints: np.ndarray


def first_frame_clips(
    studio: Studio,
    seed: int,
    *,
    views: int = 2,
    size: int = SIZE,
    rigs: int = 1,
    instructions: int = 1,
    kind: str | None = None,
    unseen: Unseen = Unseen(),
    mixture: Mapping[str, float] = MIXTURE,
    varied: bool = False,
) -> tuple[Clip, ...]:
    """Return the clips of one scene: for each of `rigs` camera rigs the same instructions, in this order.

    Args:
        rigs: Number of camera rigs; clips of one rig share their `rgb`.
        instructions: Number of instructions at most; the scene may allow fewer.
        kind: Of the first instruction's task, else drawn by `mixture`.
        varied: With objects of other colours and shapes.

    Raises:
        SeedError: When something unseen is requested for a training seed.
    """
    lesson = _lesson(seed, kind, mixture, unseen)
    if varied:
        lesson = replace(lesson, look=jittered_appearance(_generator(seed, "varied"), lesson.scene, lesson.look))
    draw = _generator(seed, "further")
    tasks = [lesson.task, *further_tasks(draw, lesson.scene, lesson.task, instructions - 1)]
    truth = still_truth(lesson.scene, lesson.joints)
    spoken = [_wording(seed, number, task, lesson, unseen) for number, task in enumerate(tasks)]
    motions = [_motion(task, lesson.scene, truth) for task in tasks]
    studio.show(truth, lesson.scene, lesson.joints, lesson.look)
    clips = []
    for number in range(rigs):
        cameras = random_camera_rig(_generator(seed, "rig", number), views, size, unseen=unseen.rigs)
        noise = _generator(seed, "noise", number)
        rgb = _expose(noise, np.stack([studio.draw(camera) for camera in cameras])[:, None])
        for task, instruction, motion in zip(tasks, spoken, motions, strict=True):
            facts = task, lesson.scene, lesson.joints, lesson.look
            clips.append(Clip(seed, instruction, cameras, motion, rgb, True, *facts))
    return tuple(clips)


def first_frame_clip(studio: Studio, seed: int, **more: Any) -> Clip:
    """Return the clip of a seed, without physics; `more` are `first_frame_clips`' other arguments."""
    return first_frame_clips(studio, seed, **{**more, "rigs": 1, "instructions": 1})[0]


def episode_clip(
    studio: Studio,
    seed: int,
    *,
    views: int = 2,
    size: int = SIZE,
    kind: str | None = None,
    unseen: Unseen = Unseen(),
    mixture: Mapping[str, float] = MIXTURE,
) -> Clip:
    """Return the same clip with its video: the motion is planned and executed in virtual time.

    Every frame is rendered when the plan passes it. A motion that cannot be planned, or is stopped, is not `done`, and
    its frames repeat from there on.
    """
    lesson = _lesson(seed, kind, mixture, unseen)
    scene = lesson.scene
    arm = VirtualLabArm(scene, joints=lesson.joints)
    arm.make_ready()
    start = arm.lab.world.truth()
    motion = _motion(lesson.task, scene, start)
    seen, finished = _run(arm, motion)
    done = finished and judge(lesson.task, start, arm.lab.world.truth()).success
    cameras = random_camera_rig(_generator(seed, "rig", 0), views, size, unseen=unseen.rigs)
    pictures = []
    for truth, joints in seen:
        studio.show(truth, scene, joints, lesson.look)
        pictures.append([studio.draw(camera) for camera in cameras])
    rgb = _expose(_generator(seed, "noise", 0), np.array(pictures).swapaxes(0, 1))
    instruction = _wording(seed, 0, lesson.task, lesson, unseen)
    facts = lesson.task, scene, lesson.joints, lesson.look
    truths = tuple(truth for truth, _ in seen)
    return Clip(seed, instruction, cameras, motion, rgb, done, *facts, truths=truths)


def _lesson(seed: int, kind: str | None, mixture: Mapping[str, float], unseen: Unseen) -> _Lesson:
    """Draw a lesson, each aspect from its own random stream, so that one unseen aspect does not change the others."""
    if unseen.any and use_of(seed) is Use.TRAINING:
        raise SeedError(f"Seed {seed} is for training, which must not see what is kept for the judge.")
    use_of(seed)
    kind = kind or random_kind(_generator(seed, "kind"), mixture)
    scene, task = random_lesson(_generator(seed, "task"), seed, kind, unseen_pair=unseen.pairs)
    scene = random_environment(_generator(seed, "environment"), scene, unseen=unseen.environment)
    look = random_appearance(
        _generator(seed, "look"), scene, unseen_environment=unseen.environment, unseen_arm=unseen.arm
    )
    return _Lesson(scene, look, task, random_start(_generator(seed, "start")))


def _motion(task: Task, scene: SceneSpec, truth: Truth) -> Trajectory:
    return clip_trajectory(waypoints(task, scene, truth), truth.base_from_tool, truth.openness)


def _wording(seed: int, number: int, task: Task, lesson: _Lesson, unseen: Unseen) -> str:
    draw, names = _generator(seed, "wording", number), lesson.look.names
    return random_paraphrase(draw, task, lesson.scene, held_out=unseen.wording, names=names)


def _run(arm: VirtualLabArm, motion: Trajectory) -> tuple[list[tuple[Truth, np.ndarray]], bool]:
    """Return ground truth and joints (7,) at each of the T frames, and whether the arm reached the end."""
    plan = make_plan(motion, arm.joints, float(motion.openness[0]))
    world = arm.lab.world

    def present() -> tuple[Truth, np.ndarray]:
        return world.truth(), world.snapshot()[: xarm7.JOINTS]

    seen = [present()]

    def passed(moment: float) -> None:
        while len(seen) < len(motion) and plan.frame_moments[len(seen)] <= moment + _ROUNDING:
            seen.append(present())

    finished = plan.executable
    if finished:
        try:
            arm.execute(plan, passed=passed)
            arm.run(_SETTLE)
            seen += [present()] * (len(motion) - len(seen))
        except RobotError:
            finished = False
    return seen + [seen[-1]] * (len(motion) - len(seen)), finished


def _expose(generator: np.random.Generator, rgb: np.ndarray) -> np.ndarray:
    """Add sensor noise to images."""
    noise = generator.standard_normal(rgb.shape, dtype=np.float32) * np.float32(generator.uniform(*NOISE))
    return np.clip(rgb + noise + np.float32(0.5), 0, 255).astype(np.uint8)


_ASPECTS = ("kind", "task", "further", "environment", "look", "start", "rig", "noise", "wording", "varied")


def _generator(seed: int, aspect: str, number: int = 0) -> np.random.Generator:
    return np.random.default_rng([seed, 0xC11, _ASPECTS.index(aspect), number])

"""Clip: images of a bench, an instruction, and the motion that does it."""

from dataclasses import dataclass

import numpy as np

from foundation.camera import Camera
from foundation.trajectory import Scene, Trajectory, View
from simulation.bench.scene import SceneSpec
from simulation.bench.tasks import Task
from simulation.bench.world import Truth
from simulation.pictures.looks import Look


@dataclass(frozen=True, slots=True)
class Unseen:
    """Aspects of a clip that are held out from training."""

    rigs: bool = False
    wording: bool = False
    pairs: bool = False  # of colour and shape
    environment: bool = False
    arm: bool = False

    @property
    def any(self) -> bool:
        return self.rigs or self.wording or self.pairs or self.environment or self.arm


@dataclass(frozen=True, eq=False)
class Clip:
    """One training example, or one question of an evaluation.

    `cameras` (V,) of one size, `rgb` (V, 1 or T, H, W, 3) uint8 images of the first frame or of all T; `trajectory` (T)
    the demonstrator's motion, row 0 the present pose. `done`: whether an episode succeeded by the lab's own judge;
    always True for a first-frame clip, which is not executed. For judging: `scene` the bench, `task` what is meant,
    `joints` (7,) rad initial posture, `look` the appearance, `truths` (T) ground truth of each frame of an episode.
    """

    seed: int
    instruction: str
    cameras: tuple[Camera, ...]
    trajectory: Trajectory
    rgb: np.ndarray
    done: bool
    task: Task
    scene: SceneSpec
    joints: np.ndarray
    look: Look
    truths: tuple[Truth, ...] = ()

    @property
    def kind(self) -> str:
        """Kind of task, one of `simulation.bench.tasks.KINDS`."""
        return self.task.kind

    @property
    def question(self) -> Scene:
        """Input of a model: the first images, the arm's pose, openness and joints."""
        views = tuple(View(camera, rgb[0], 0.0) for camera, rgb in zip(self.cameras, self.rgb, strict=True))
        return Scene(views, self.trajectory.base_from_tool[0], float(self.trajectory.openness[0]), self.joints)

"""Reference policies of the evaluation: the demonstrator's own motion, rendered and decoded like a model's."""

from collections.abc import Sequence

import numpy as np

from foundation.trajectory import Trajectory
from model.action_images.decoding import decode
from model.action_images.rendering import render
from workflows.embedded.clips import Clip
from workflows.evaluation.policies import Answer


class Oracle:
    """Renders the ground-truth motion as action images of the model's size and frames, and decodes them: the upper
    bound for any model that answers in such images."""

    name = "oracle"

    def answer(self, clips: Sequence[Clip]) -> list[Answer]:
        """Return the ground-truth motions after rendering and decoding."""
        return [self._answer(clip) for clip in clips]

    @staticmethod
    def _answer(clip: Clip) -> Answer:
        cameras = clip.cameras
        drawn = np.round(255.0 * render(clip.trajectory, cameras)).astype(np.uint8)
        decoded = decode(drawn, cameras, times=clip.trajectory.times)
        return Answer(decoded.trajectory, decoded.confidence)


class Elsewhere:
    """Negative control: moves as if the scene were rotated about the arm's axis by `turn` rad. Such a motion must
    fail, or the evaluation is blind."""

    name = "elsewhere"

    def __init__(self, turn: float = 0.6):
        self._turn = turn

    def answer(self, clips: Sequence[Clip]) -> list[Answer]:
        """Return the ground-truth motions, rotated aside progressively."""
        return [Answer(self._swung(clip.trajectory)) for clip in clips]

    def _swung(self, wanted: Trajectory) -> Trajectory:
        share = np.minimum(np.arange(len(wanted)) / (0.25 * len(wanted)), 1.0)
        angle = self._turn * share
        poses = np.tile(np.eye(4), (len(wanted), 1, 1))
        poses[:, 0, 0], poses[:, 0, 1] = np.cos(angle), -np.sin(angle)
        poses[:, 1, 0], poses[:, 1, 1] = np.sin(angle), np.cos(angle)
        return Trajectory(wanted.times, poses @ wanted.base_from_tool, wanted.openness)

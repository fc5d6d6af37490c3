"""Action-conditioned video prediction: a given motion, and the video that a model generates for it."""

from dataclasses import replace

import numpy as np

from foundation.errors import KnownError
from foundation.trajectory import Scene, Trajectory
from model.errors import GenerationCancelled
from model.service.client import ModelProcess
from workflows.cancellation import Cancellation, Cancelled, Report
from workflows.proposals.model_source import (
    GenerationSettings,
    Shown,
    cropped,
    made_by,
    proposal_of,
    seen_by,
    teller,
    window,
)
from workflows.proposals.proposal import Proposal, proposal_from_trajectory

MODE = "action_to_video"


class NoVideoError(KnownError):
    """The selected model generates no video."""


class WhatIfSource:
    """Queries a video-generating model for the video of a motion; `begun_from`: id of the rehearsal it came from."""

    name = "what if"

    def __init__(
        self,
        process: ModelProcess,
        trajectory: Trajectory,
        asking: GenerationSettings = GenerationSettings(),
        *,
        begun_from: str = "",
        on_preview: Shown | None = None,
    ):
        self._process, self._trajectory, self._asking = process, trajectory, asking
        self._begun_from, self._on_preview = begun_from, on_preview

    def propose(self, instruction: str, scene: Scene, report: Report, token: Cancellation) -> Proposal:
        """Propose the given motion with its video. Raises NoVideoError, ModelError and ProcessError."""
        report("Loading the model", 0.02)
        scene = seen_by(scene, self._asking.cameras)
        try:
            config = self._process.load(cancelled=lambda: token.cancelled)["config"]
            if not config["knows_video"]:
                raise NoVideoError("This model says motions and imagines no video. Choose another one under More.")
            windows = [window(camera, config) for camera in scene.cameras]
            motion = fitted(self._trajectory, config["num_frames"], config["frame_period_s"])
            made = self._process.generate(
                instruction,
                cropped(scene, windows),
                MODE,
                trajectory=motion,
                on_progress=teller(report, self._on_preview),
                cancelled=lambda: token.cancelled,
                previews=self._on_preview is not None,
                **self._asking.options,
            )
        except GenerationCancelled as error:
            raise Cancelled("Cancelled.") from error
        by = made_by(self._process.folder, replace(self._asking, mode=MODE), config)
        found = proposal_of(instruction, self.name, scene, windows, made, by)
        # The given motion is what would be executed, not the one decoded from the model's images of it.
        given = proposal_from_trajectory(instruction, self.name, scene, motion, report, token)
        return replace(found, decoded=given.decoded, others=(), begun_from=self._begun_from)


def fitted(trajectory: Trajectory, frames: int, period: float) -> Trajectory:
    """Resample the motion to the model's times, from 0 s on; one that is longer than the model's horizon is sped up
    (the plan gives it the time it needs)."""
    times = np.arange(frames) * period
    quicker = max(1.0, trajectory.duration / max(float(times[-1]), 1e-6))
    return replace(trajectory.at(trajectory.times[0] + quicker * times), times=times)

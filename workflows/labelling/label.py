"""Labelling of a video: from synchronised views to the arm's motion, with its confidence.

The model reads it in the mode "video_to_action", in pieces as long as its horizon; each begins where the last ended.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from foundation import xarm7
from foundation.batch_ik import batch_inverse
from foundation.errors import KnownError
from foundation.image_resize import resize_images
from foundation.trajectory import Scene, Trajectory, View
from model.checkpoints.description import ModelDescription
from model.checkpoints.fingerprint import fingerprint
from model.errors import GenerationCancelled
from model.service.client import ModelProcess, Progress
from storage.episodes.documents import Labels, NewEpisode
from storage.episodes.episode import Episode
from storage.episodes.samples import SAMPLE, to_vector
from storage.layouts.importing import import_episodes
from storage.layouts.interface import ImportedEpisode
from storage.library import Library
from workflows.cancellation import Cancellation, Cancelled, Report, silently, sub_report
from workflows.labelling.episode_video import LabelError, MultiView, Start, of_episode
from workflows.proposals.model_source import cropped, window

MODE = "video_to_action"
SOURCE, TAG = "auto-label", "auto-labelled"
ASSUMED = "the home posture, as nothing else is known"  # `known` of a start that is assumed
LEAST_CONFIDENCE = 0.4  # from which on a frame counts as sure
_RATE = 20.0  # Hz, sampling rate of what is stored


@dataclass(frozen=True, eq=False)
class Labelled:
    """Result of labelling: `trajectory` (T) with NaN where nothing could be read, `confidence` (T,) in [0, 1],
    `residual_px` (T, V); `model`: fingerprint of the model; `start`: the assumed initial state of the arm."""

    video: MultiView
    trajectory: Trajectory
    confidence: np.ndarray
    residual_px: np.ndarray
    model: str
    start: Start

    @property
    def sure(self) -> float:
        """Share of frames that were read with sufficient confidence."""
        return float((self.trajectory.known & (self.confidence >= LEAST_CONFIDENCE)).mean())

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        known = self.trajectory.known
        return {
            "video": self.video.name,
            "instruction": self.video.instruction,
            "model": self.model,
            "start": self.start.known,
            "seconds": round(self.video.seconds, 3),
            "frames": len(self.trajectory),
            "read": int(known.sum()),
            "sure_share": round(self.sure, 4),
            "confidence_mean": round(float(np.where(known, self.confidence, 0.0).mean()), 4),
            "times_s": [round(float(time), 4) for time in self.trajectory.times],
            "position_m": _rows(self.trajectory.base_from_tool[:, :3, 3]),
            "openness": _rows(self.trajectory.openness[:, None]),
            "confidence": [round(float(value), 4) for value in self.confidence],
        }


def label(
    process: ModelProcess,
    video: MultiView,
    *,
    start: Start | None = None,
    steps: int | None = None,
    seed: int = 0,
    report: Report = silently,
    token: Cancellation | None = None,
) -> Labelled:
    """Label one video.

    Args:
        start: The arm's initial state, by default the video's own, else home: an input of the model, not read by it.

    Raises:
        LabelError: For a model that reads no videos.
        ModelError, ProcessError: Without an answer.
    """
    token = token or Cancellation()
    try:
        config = process.load(cancelled=lambda: token.cancelled)["config"]
        if not config["knows_video"]:
            raise LabelError("This model says motions and reads no videos. Choose one that was trained with videos.")
        begun = start or video.start or Start(xarm7.forward(xarm7.HOME), known=ASSUMED)
        return _read(process, video, config, begun, {"num_inference_steps": steps, "seed": seed}, report, token)
    except GenerationCancelled as error:
        raise Cancelled("Cancelled.") from error


def label_episodes(
    library: Library, model: ModelDescription, ids: Sequence[uuid.UUID], report: Report, token: Cancellation
) -> tuple[int, list[str]]:
    """Read the motion of every episode from its videos, and add the results to the library, one by one.

    Returns how many were added, and a message for each that could not be read. Raises Cancelled; what was added until
    then stays.
    """
    added, problems = 0, []
    with ModelProcess(model.folder) as process:
        for number, identity in enumerate(ids):
            token.raise_if_cancelled()
            told = sub_report(report, number, len(ids), f"Reading the film of episode {number + 1} of {len(ids)}")
            told("", 0.0)
            try:
                video = of_episode(Episode(library.episode_folder(identity)))
                keep(library, [label(process, video, report=told, token=token)])
                added += 1
            except KnownError as error:
                if token.cancelled:
                    raise
                problems.append(str(error))
    return added, problems


def _read(
    process: ModelProcess,
    video: MultiView,
    config: dict[str, Any],
    start: Start,
    options: dict[str, Any],
    report: Report,
    token: Cancellation,
) -> Labelled:
    frames, period = int(config["num_frames"]), float(config["frame_period_s"])
    windows = [window(camera, config) for camera in video.cameras]
    length, parts = (frames - 1) * period, []
    count = max(1, int(np.ceil(video.seconds / length - 1e-6)))
    given = {name: value for name, value in options.items() if value is not None}
    pose, openness, joints = start.base_from_tool, start.openness, start.joints
    for number in range(count):
        token.raise_if_cancelled()
        times = number * length + period * np.arange(frames)
        pictures = video.at(np.minimum(times, video.seconds))
        scenes = [_scene(video, pictures[:, frame], pose, openness, joints) for frame in range(frames)]
        seen = [cropped(scene, windows) for scene in scenes]
        whole = [np.stack([scene.views[view].rgb for scene in seen]) for view in range(len(windows))]
        # The crops given to the model differ in size between cameras.
        films = np.stack([resize_images(film, int(config["width"]), int(config["height"])) for film in whole])
        made = process.generate(
            video.instruction,
            seen[0],
            MODE,
            videos=films,
            on_progress=_teller(
                sub_report(report, number, count, f"Reading {video.name}, piece {number + 1} of {count}")
            ),
            cancelled=lambda: token.cancelled,
            previews=False,
            **given,
        )
        assert made.decoded is not None
        read = made.decoded[0]
        parts.append((replace(read.trajectory, times=times), read.confidence, read.residual_px))
        known = np.flatnonzero(read.trajectory.known)
        if len(known):
            pose = read.trajectory.base_from_tool[known[-1]]
            openness = float(np.clip(read.trajectory.openness[known[-1]], 0.0, 1.0))
            joints = None if start.joints is None else batch_inverse(pose[None], start.joints).position[0]
    return _joined(video, parts, fingerprint(process.folder), start)


def _teller(report: Report) -> Callable[[Progress], None]:
    return lambda progress: report("", progress.done / max(progress.total, 1))


def _joined(
    video: MultiView, parts: Sequence[tuple[Trajectory, np.ndarray, np.ndarray]], model: str, start: Start
) -> Labelled:
    """Concatenate the pieces; at a common frame the earlier one counts. Frames beyond the video's end are dropped."""
    keep = [slice(0 if number == 0 else 1, None) for number in range(len(parts))]
    times = np.concatenate([part.times[which] for (part, _, _), which in zip(parts, keep, strict=True)])
    inside = times <= video.seconds + 1e-6
    inside[:2] = True
    poses = np.concatenate([part.base_from_tool[which] for (part, _, _), which in zip(parts, keep, strict=True)])
    openness = np.concatenate([part.openness[which] for (part, _, _), which in zip(parts, keep, strict=True)])
    confidence = np.concatenate([sure[which] for (_, sure, _), which in zip(parts, keep, strict=True)])
    residual = np.concatenate([apart[which] for (_, _, apart), which in zip(parts, keep, strict=True)])
    trajectory = Trajectory(times[inside], poses[inside], openness[inside])
    return Labelled(video, trajectory, confidence[inside], residual[inside], model, start)


def _scene(
    video: MultiView, pictures: np.ndarray, pose: np.ndarray, openness: float, joints: np.ndarray | None
) -> Scene:
    views = tuple(View(camera, rgb, 0.0) for camera, rgb in zip(video.cameras, pictures, strict=True))
    return Scene(views, pose, openness, joints)


def keep(library: Library, labelled: Sequence[Labelled], operator: str = "") -> list[str]:
    """Store the results as new episodes, all or none, marked as auto-labelled and excluded from training.

    They stay excluded until reviewed. Returns their ids. Raises LabelError for one of which nothing was read.
    """
    for each in labelled:
        if each.trajectory.known.sum() < 2:
            raise LabelError(f"Nothing could be read from {each.video.name}: it is not stored. Try another model.")
    found = import_episodes(library, [_episode(each, operator) for each in labelled], silently)
    return [str(identity) for identity in found]


def _episode(labelled: Labelled, operator: str) -> ImportedEpisode:
    video = labelled.video
    new = NewEpisode(video.instruction, video.views, operator=operator, source=SOURCE)
    note = (
        f"The motion was read from the film by the model {labelled.model}: {100 * labelled.sure:.0f} % of it surely. "
        "Look at it, then let it be used for training."
    )
    if labelled.start.known == ASSUMED:
        note = f"{note} Where the arm stood at first was not known: its home posture was taken."
    labels = Labels(video.instruction, None, note, (TAG,), excluded=True)
    return ImportedEpisode(new, labels, video.films, _samples(labelled))


def _samples(labelled: Labelled) -> np.ndarray:
    """Return the result as samples of the arm (n,): tool and gripper; the joints are unknown."""
    trajectory = labelled.trajectory
    last = float(trajectory.times[trajectory.known][-1])
    times = np.arange(0.0, last + 0.5 / _RATE, 1.0 / _RATE)
    smooth = trajectory.at(times)
    samples = np.zeros(len(times), SAMPLE)
    for name in ("position", "velocity", "effort", "commanded", "commanded_openness"):
        samples[name] = np.nan
    for name in ("mode", "state", "error", "warning"):
        samples[name] = -1
    samples["time"], samples["tool"], samples["openness"] = times, to_vector(smooth.base_from_tool), smooth.openness
    return samples


def _rows(values: np.ndarray) -> list:
    """Convert to plain numbers, None for NaN."""
    rows = [[None if np.isnan(value) else round(float(value), 5) for value in row] for row in values]
    return [row[0] for row in rows] if values.shape[1] == 1 else rows

"""Evaluation of labelling: the model in the mode `video_to_action`, compared with a classical tracker."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from model.generation.result import Generated
from workflows.evaluation.point_tracking import average_jaccard, followed, path_error_mm, triangulated, true_tracks
from workflows.evaluation.reference_video import ReferenceVideo
from workflows.evaluation.video_quality import generated, middle, positions


def labelling_figures(pipeline: Any, films: Sequence[ReferenceVideo], *, steps: int | None = None) -> dict[str, Any]:
    """Return the tool's path error in mm (median over the videos of the mean over the frames) and the average
    Jaccard of the three points. Also those of the action images alone, before the motion is fitted to the video, and
    of joint generation for the same videos, which does not see them."""
    read = generated(pipeline, films, "video_to_action", steps=steps)
    unfitted = generated(pipeline, films, "video_to_action", steps=steps, fits=False)
    imagined = generated(pipeline, films, "joint", steps=steps)
    return {
        "clips": len(films),
        "model": _of_motions(films, read),
        "model_not_fitted": _of_motions(films, unfitted),
        "joint": _of_motions(films, imagined),
        "lucas_kanade": lucas_kanade(films),
    }


def lucas_kanade(films: Sequence[ReferenceVideo]) -> dict[str, float | None]:
    """Evaluate the classical tracker, which is given the points in the first frame, as the model is."""
    errors, scores = [], []
    for film in films:
        true = true_tracks(film.trajectory.base_from_tool, film.cameras)
        tracks = np.stack([followed(video, start[0]) for video, start in zip(film.rgb, true, strict=True)])
        places = triangulated(tracks[:, :, 0], film.cameras)
        errors.append(path_error_mm(places, film.trajectory.base_from_tool[:, :3, 3]))
        scores.append(_jaccard(tracks, true, film))
    return {"path_error_mm": middle(errors), "average_jaccard": middle(scores)}


def _of_motions(films: Sequence[ReferenceVideo], made: Sequence[Generated]) -> dict[str, float | None]:
    errors, scores = [], []
    for film, one in zip(films, made, strict=True):
        assert one.decoded is not None
        errors.append(path_error_mm(positions(one), film.trajectory.base_from_tool[:, :3, 3]))
        tracks = true_tracks(one.decoded[0].trajectory.base_from_tool, film.cameras)
        scores.append(_jaccard(tracks, true_tracks(film.trajectory.base_from_tool, film.cameras), film))
    return {"path_error_mm": middle(errors), "average_jaccard": middle(scores)}


def _jaccard(tracks: np.ndarray, true: np.ndarray, film: ReferenceVideo) -> float:
    """Return the average Jaccard over the three points of all views together."""
    side = min(film.rgb.shape[2:4])
    points = [found.swapaxes(1, 2).reshape(-1, found.shape[1], 2) for found in (tracks, true)]
    return average_jaccard(points[0], points[1], side)

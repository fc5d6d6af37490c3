"""Generated videos against reference videos: `joint` from the instruction, `action_to_video` from the true motion."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from model.generation.result import Generated
from workflows.evaluation.image_quality import moving, psnr, ssim
from workflows.evaluation.point_tracking import path_error_mm
from workflows.evaluation.reference_video import ReferenceVideo

_TOGETHER = 8


def video_figures(pipeline: Any, films: Sequence[ReferenceVideo], *, steps: int | None = None) -> dict[str, Any]:
    """Return PSNR in dB and SSIM of the model's videos, of a copied first frame, and of the codec's output.

    `arm_error_mm`: distance between the motion given to `action_to_video` and the one the model itself reads from the
    generated video; what it reads from the true video is in `labelling_figures`. A model with a frame decoder also gets
    the figures of the same generations "without_frame_decoder": from its transformer and codec alone.
    """
    from model.generation.batched_generation import through_codec

    figures = _made(pipeline, films, steps)
    if pipeline.frame_decoder is not None:
        bare = _made(_without_frame_decoder(pipeline), films, steps)
        figures |= {f"{mode}_without_frame_decoder": found for mode, found in bare.items()}
    return {
        "clips": len(films),
        **figures,
        "copy_first": likeness(films, [film.still for film in films]),
        "codec": likeness(films, [through_codec(pipeline, film.rgb) for film in films]),
    }


def _made(pipeline: Any, films: Sequence[ReferenceVideo], steps: int | None) -> dict[str, dict[str, float | None]]:
    """Return the figures of the two modes that generate videos."""
    joint = generated(pipeline, films, "joint", steps=steps)
    given = generated(pipeline, films, "action_to_video", steps=steps)
    videos = [rgb_of(one) for one in given]
    # Not fitted: the decoder that rendered these videos would only recover its own output.
    read = generated(pipeline, films, "video_to_action", steps=steps, videos=videos, fits=False)
    errors = [
        path_error_mm(positions(one), film.trajectory.base_from_tool[:, :3, 3])
        for one, film in zip(read, films, strict=True)
    ]
    return {
        "joint": likeness(films, [rgb_of(one) for one in joint]),
        "action_to_video": {**likeness(films, videos), "arm_error_mm": middle(errors)},
    }


def _without_frame_decoder(pipeline: Any) -> Any:
    """Return a pipeline of the same networks that shows the codec's output; the given one is not changed."""
    bare = copy.copy(pipeline)
    bare.register_modules(frame_decoder=None)
    return bare


def generated(
    pipeline: Any,
    films: Sequence[ReferenceVideo],
    mode: str,
    *,
    steps: int | None = None,
    videos: Sequence[np.ndarray] | None = None,
    fits: bool = True,
) -> list[Generated]:
    """Run the model on each video in one of the modes; `videos` replace their own. `fits`: see `generate_batch`."""
    from model.generation.batched_generation import GenerationRequest, generate_batch

    shown = [film.rgb for film in films] if videos is None else videos
    questions = [
        GenerationRequest(
            film.instruction,
            film.scene,
            film.seed,
            film.trajectory if mode == "action_to_video" else None,
            video if mode == "video_to_action" else None,
        )
        for film, video in zip(films, shown, strict=True)
    ]
    parts = [questions[i : i + _TOGETHER] for i in range(0, len(questions), _TOGETHER)]
    options = {"num_inference_steps": steps, "fits": fits}
    return [one for part in parts for one in generate_batch(pipeline, part, mode, **options)]


def middle(values: Sequence[float]) -> float | None:
    """Return the rounded median of the finite values; None when there are none."""
    known = np.array([value for value in values if np.isfinite(value)])
    return round(float(np.median(known)), 3) if len(known) else None


def likeness(films: Sequence[ReferenceVideo], made: Sequence[np.ndarray]) -> dict[str, float | None]:
    """Return means over the clips, of all frames but the first, which is given."""
    values: dict[str, list[float]] = {}
    for film, video in zip(films, made, strict=True):
        true, video = film.rgb[:, 1:], video[:, 1:]
        moves, moved = moving(film.rgb)[:, 1:], film.moved[:, 1:]
        flat = true.reshape(-1, *true.shape[2:]), video.reshape(-1, *true.shape[2:])
        one = {
            "psnr_db": psnr(video, true),
            "ssim": ssim(flat[1], flat[0]),
            "moving_psnr_db": psnr(video, true, moves),
            "moving_ssim": ssim(flat[1], flat[0], moves.reshape(-1, *moves.shape[2:])),
            "moved_object_psnr_db": psnr(video, true, moved),
        }
        for name, value in one.items():
            values.setdefault(name, []).append(value)
    return {name: _mean(found) for name, found in values.items()}


def _mean(values: Sequence[float]) -> float | None:
    known = [value for value in values if np.isfinite(value)]
    return round(float(np.mean(known)), 3) if known else None


def rgb_of(made: Generated) -> np.ndarray:
    """Return the video (V, T, H, W, 3) uint8 of the first candidate."""
    assert made.rgb is not None
    return made.rgb[0]


def positions(made: Generated) -> np.ndarray:
    """Return the decoded tool positions (T, 3); NaN where unknown."""
    assert made.decoded is not None
    return made.decoded[0].trajectory.base_from_tool[:, :3, 3]

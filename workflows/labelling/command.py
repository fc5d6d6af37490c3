"""The command `rehearse label`: reads the arm's motion from a video, without a window."""

import contextlib
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foundation.errors import KnownError
from foundation.poses import from_rpy
from model.checkpoints.default_weights import embedded_weights
from model.service.client import ModelProcess
from storage.episodes.episode import Episode
from storage.errors import NotFoundError
from storage.library import Library
from workflows.cancellation import Report, silently, sub_report
from workflows.labelling.episode_video import LabelError, MultiView, Start, cameras_in, of_episode, of_files
from workflows.labelling.label import Labelled, keep, label


@dataclass(frozen=True)
class Request:
    """Arguments of the command. `videos`: files that belong together, or episodes by id or folder; `start`: the tool's
    initial pose as the control box shows it, x, y, z in mm and roll, pitch, yaw in degrees."""

    videos: tuple[Path, ...]
    cameras: Path | None = None
    instruction: str = ""
    model: Path | None = None
    steps: int | None = None
    seed: int = 0
    start: tuple[float, ...] | None = None
    start_closed: bool = False
    keep: bool = False
    operator: str = ""
    library: Path | None = None


def label_videos(request: Request, library: Path, report: Report = silently) -> dict[str, Any]:
    """Label every video; with `keep` store them as auto-labelled episodes.

    Raises KnownError for faults that the operator can fix; of several videos, one that fails is reported in its place.
    """
    folder = request.model or embedded_weights()
    if folder is None:
        raise LabelError("The program came without the embedded model's weights. Name a model with --model.")
    began, told, read = time.monotonic(), [], []
    with contextlib.ExitStack() as stack:
        opened = stack.enter_context(Library(library)) if request.keep else None
        process = stack.enter_context(ModelProcess(folder))
        videos, start = _videos(request, library), start_of(request)
        for number, video in enumerate(videos):
            part = sub_report(report, number, len(videos))
            part(f"Video {number + 1} of {len(videos)}", 0.0)
            try:
                found = label(process, video, start=start, steps=request.steps, seed=request.seed, report=part)
            except KnownError as error:
                if len(videos) == 1:
                    raise
                told.append({"video": video.name, "problem": str(error)})
                continue
            read.append(found)
            told.append(found.to_dict() | _stored(opened, found, request.operator))
    sure = sum(each.sure for each in read) / len(read) if read else 0.0
    return {"videos": told, "read": len(read), "sure_share": round(sure, 4), "seconds": round(_since(began), 3)}


def as_text(result: dict[str, Any]) -> str:
    """Format the result as text."""
    lines = []
    for each in result["videos"]:
        if "problem" in each:
            lines.append(f"{each['video']}: {each['problem']}")
            continue
        kept = f" Stored as the episode {each['episode']}." if each.get("episode") else f" {each.get('not_stored', '')}"
        share = f"{each['read']} of {each['frames']} frames read, {100 * each['sure_share']:.0f} % surely."
        share = f"{share} The arm's start: {each['start']}."
        lines.append(f"{each['video']}: {share}{kept}".rstrip())
    return "\n".join(lines)


def start_of(request: Request) -> Start | None:
    """Return the given initial pose of the arm; None when none is given. Raises LabelError for an invalid pose."""
    if request.start is None:
        return None
    numbers = np.array(request.start, float)
    if numbers.shape != (6,) or not np.isfinite(numbers).all():
        raise LabelError("The arm's start is six numbers: x, y, z in mm, and roll, pitch, yaw in degrees.")
    pose = from_rpy(numbers[:3] / 1000.0, np.deg2rad(numbers[3:]))
    return Start(pose, 0.0 if request.start_closed else 1.0)


def _stored(library: Library | None, found: Labelled, operator: str) -> dict[str, Any]:
    if library is None:
        return {}
    try:
        return {"episode": keep(library, [found], operator)[0]}
    except LabelError as error:
        return {"not_stored": str(error)}


def _videos(request: Request, library: Path) -> list[MultiView]:
    files = [path for path in request.videos if path.is_file()]
    if not files:
        return [of_episode(Episode(_folder(path, library))) for path in request.videos]
    if len(files) != len(request.videos):
        raise LabelError("Give either video files that belong together, or episodes. Both at once cannot be labelled.")
    if request.cameras is None:
        raise LabelError("Where the cameras stood is not in a video file: add --cameras FILE.")
    if not request.instruction.strip():
        raise LabelError("What the arm does in the videos is needed too: add --instruction.")
    return [of_files(files, cameras_in(request.cameras), request.instruction)]


def _folder(path: Path, library: Path) -> Path:
    if path.is_dir():
        return path
    with contextlib.suppress(ValueError):
        return library / "episodes" / str(uuid.UUID(str(path)))
    raise NotFoundError(f"{path} is neither a video nor an episode. Choose a file, or an episode's id.")


def _since(began: float) -> float:
    return time.monotonic() - began

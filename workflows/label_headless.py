"""`rehearse label`: what the arm does in a video, without a window."""

import contextlib
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundation.errors import KnownError
from model.client import ModelProcess
from model.default_weights import embedded_weights
from storage.episode import Episode
from storage.errors import NotFoundError
from storage.library import Library
from workflows.cancellation import Report, silently
from workflows.label import Labelled, keep, label
from workflows.label_video import LabelError, MultiView, cameras_in, of_episode, of_files


@dataclass(frozen=True)
class Request:
    """What the command was asked for. `videos`: files that belong together, or episodes by id or folder."""

    videos: tuple[Path, ...]
    cameras: Path | None = None
    instruction: str = ""
    model: Path | None = None
    steps: int | None = None
    seed: int = 0
    keep: bool = False
    operator: str = ""
    library: Path | None = None


def label_videos(request: Request, library: Path, report: Report = silently) -> dict[str, Any]:
    """Read every video; with `keep` store them as auto-labelled episodes. Raises KnownError for what can be mended;
    in bulk, what cannot be read is told in its place and the others go on."""
    folder = request.model or embedded_weights()
    if folder is None:
        raise LabelError("The program came without the embedded model's weights. Name a model with --model.")
    began, told, read = time.monotonic(), [], []
    with contextlib.ExitStack() as stack:
        opened = stack.enter_context(Library(library)) if request.keep else None
        process = stack.enter_context(ModelProcess(folder))
        videos = _videos(request, library)
        for number, video in enumerate(videos):
            report(f"Video {number + 1} of {len(videos)}", number / len(videos))
            try:
                found = label(process, video, steps=request.steps, seed=request.seed, report=report)
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
    """The same for people."""
    lines = []
    for each in result["videos"]:
        if "problem" in each:
            lines.append(f"{each['video']}: {each['problem']}")
            continue
        kept = f" Stored as the episode {each['episode']}." if each.get("episode") else f" {each.get('not_stored', '')}"
        share = f"{each['read']} of {each['frames']} frames read, {100 * each['sure_share']:.0f} % surely."
        lines.append(f"{each['video']}: {share}{kept}".rstrip())
    return "\n".join(lines)


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

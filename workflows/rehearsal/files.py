"""Files of a rehearsal in the library: one folder, created atomically; `rehearsal.json` is replaced as it goes on."""

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from foundation.errors import KnownError
from robot.planning.plan import Plan
from storage.atomic_files import sync_folder
from workflows.proposals.proposal import Proposal
from workflows.rehearsal.tracking import Tracking
from workflows.video_grid import SideBySideVideo


class LibraryError(KnownError):
    """The library folder cannot be written or read."""


def write_proposal(library: Path, proposal: Proposal, plan: Plan, record: dict[str, Any]) -> Path:
    """Write the folder with all that is known before the motion, add its row to the database, and return it."""
    from storage import rehearsals  # deferred: SQLAlchemy is slow to import, and the window must start quickly

    folder = library / rehearsals.REHEARSALS / proposal.id
    part = folder.with_name(folder.name + ".part")
    try:
        part.mkdir(parents=True)
        _write_pictures(part, proposal)
        decoded = proposal.decoded
        with (part / "proposal.npz").open("wb") as file:
            np.savez(
                file,
                times=proposal.times,
                base_from_tool=decoded.trajectory.base_from_tool,
                openness=decoded.trajectory.openness,
                valid=decoded.valid,
                confidence=decoded.confidence,
                residual_px=decoded.residual_px,
            )
        (part / "plan.bin").write_bytes(plan.to_bytes())
        rehearsals.write_rehearsal(part, record)
        part.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise _not_written(folder, error) from error
    rehearsals.remember(library, folder)
    return folder


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Replace the record of a rehearsal, in its folder and in the library's database."""
    from storage import rehearsals

    try:
        rehearsals.write_rehearsal(folder, record)
    except OSError as error:
        raise _not_written(folder, error) from error
    rehearsals.remember(folder.parent.parent, folder)


def write_run(folder: Path, number: int, tracking: Tracking) -> str:
    """Write the measurements of a run and return the file's name."""
    name = f"run-{number}.npz"
    part = folder / f"{name}.part"
    try:
        with part.open("wb") as file:
            np.savez(file, **{key: getattr(tracking, key) for key in ("read", "moments", "position", "openness")})
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder / name)
    except OSError as error:
        raise _not_written(folder, error) from error
    return name


def read_record(folder: Path) -> dict[str, Any]:
    """Return the content of `rehearsal.json`. Raises StorageError when it is damaged."""
    from storage.rehearsals import read_rehearsal

    return read_rehearsal(folder)


def _write_pictures(folder: Path, proposal: Proposal) -> None:
    for view in proposal.scene.views:
        encoded, data = cv2.imencode(".png", view.rgb[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
        if not encoded:
            raise LibraryError(f"The picture of the camera {view.camera.name} could not be stored.")
        (folder / scene_file(view.camera.name)).write_bytes(data.tobytes())
    fps = _fps(proposal.times)
    for name, pictures in (("action", proposal.action), ("rgb", proposal.rgb)):
        if pictures is not None:
            with SideBySideVideo(folder / f"{name}.mp4", fps) as video:
                for frame in range(pictures.shape[1]):
                    video.add(list(pictures[:, frame]))


def scene_file(camera: str) -> str:
    """Return the file name of a camera's image of the scene at the time of the request."""
    return f"scene-{''.join(c if c.isalnum() else '-' for c in camera)}.png"


def _fps(times: np.ndarray) -> float:
    duration = float(times[-1] - times[0])
    return float(np.clip((len(times) - 1) / duration, 1.0, 60.0)) if duration > 0 else 10.0


def _not_written(folder: Path, error: OSError) -> LibraryError:
    return LibraryError(f"The rehearsal could not be stored in {folder}: {error.strerror}. Check the disk.")

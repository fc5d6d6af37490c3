"""Documents of an episode, in its own folder: `episode.json` (the facts) and `labels.json` (the operator's labels).

The database can be rebuilt from these alone.
"""

import dataclasses
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from foundation.camera import Camera
from foundation.errors import SettingsError
from foundation.settings import from_values
from storage.atomic_files import read_json, write_json
from storage.errors import DamagedFileError, RecordingError

FORMAT = "rehearse episode 1"
START, FACTS, LABELS = "recording.json", "episode.json", "labels.json"
LONGEST_INSTRUCTION = 600
"""Characters; the database's index over instructions takes no longer ones, and the model reads fewer."""

T = TypeVar("T")
Row3 = tuple[float, float, float]
Row4 = tuple[float, float, float, float]


@dataclass(frozen=True)
class Lens:
    """Lens for images of one size: `K` (3, 3) in pixels and the distortion coefficients in OpenCV's order."""

    width: int
    height: int
    K: tuple[Row3, Row3, Row3]
    distortion: tuple[float, ...] = ()


@dataclass(frozen=True)
class Calibration:
    """Intrinsics and extrinsics: `base_from_camera` (4, 4) m, OpenCV's axes. `made_at` UTC, ISO 8601.

    `delay_s` is the delay of the image timestamps against the arm's samples.
    """

    id: str
    made_at: str
    kind: str
    lens: Lens
    base_from_camera: tuple[Row4, Row4, Row4, Row4]
    delay_s: float = 0.0
    error_mm: float | None = None
    error_px: float | None = None

    def camera(self, name: str) -> Camera:
        """Return the ideal camera of the undistorted images."""
        return Camera(name, self.lens.width, self.lens.height, np.array(self.lens.K), np.array(self.base_from_camera))


@dataclass(frozen=True)
class PlaceSeen:
    """Result of the drift check of a calibrated camera, `at` UTC, before the recording began.

    `light` is "green", "yellow", "red" or "unknown"; the shift is since the calibration, None if no tag was visible;
    `acknowledged_by` is who recorded although the camera had moved.
    """

    at: str
    light: str
    sentence: str
    shift_mm: float | None = None
    shift_px: float | None = None
    acknowledged_by: str = ""


@dataclass(frozen=True)
class ViewSpec:
    """Camera of an episode: its stable `identity`, its name, its image size and nominal rate (0 = unknown).

    `lens` is the factory's without a calibration, None if unknown. `place` is None if the camera's pose was not
    checked, as it comes from the simulation or is unknown.
    """

    identity: str
    name: str
    width: int
    height: int
    fps: float = 0.0
    lens: Lens | None = None
    calibration: Calibration | None = None
    place: PlaceSeen | None = None


@dataclass(frozen=True)
class NewEpisode:
    """Specification of a recording before it begins. `source`: "hand-guiding", "jog", "demonstrator", "import", ..."""

    instruction: str
    views: tuple[ViewSpec, ...]
    operator: str = ""
    source: str = ""
    simulated: bool = False
    paraphrases: tuple[str, ...] = ()
    arm: str = ""

    def __post_init__(self):
        object.__setattr__(self, "instruction", checked_instruction(self.instruction))
        names = [view.name for view in self.views]
        if not names or len(set(names)) != len(names):
            raise RecordingError("An episode needs at least one camera, and a name of its own for each.")
        for view in self.views:
            if view.width < 2 or view.height < 2:
                raise RecordingError(f"The camera {view.name} says no size for its pictures. Wait until it is live.")


@dataclass(frozen=True)
class ViewFacts:
    """Facts about a view's video; times in s since the episode's start.

    `dropped` is the number of frames missing by the camera's own counter; `repeated` that of frames identical to the
    previous one.
    """

    file: str
    frames: int
    dropped: int
    repeated: int
    first_s: float
    last_s: float


@dataclass(frozen=True)
class FoundQuality:
    """Finding: the check, 1 = notice or 2 = bad, the value behind it, and a message."""

    check: str
    level: int
    value: float
    sentence: str


@dataclass(frozen=True)
class Started:
    """`recording.json`: `start` on the machine's monotonic clock, `recorded_at` the same time in UTC."""

    id: str
    start: float
    recorded_at: str
    new: NewEpisode


@dataclass(frozen=True)
class Facts:
    """`episode.json`: facts of the recording, immutable. `damage` describes what went wrong, "" if nothing did."""

    started: Started
    duration_s: float
    views: tuple[ViewFacts, ...]
    samples: int
    size_bytes: int
    damage: str = ""
    findings: tuple[FoundQuality, ...] = ()
    coverage: tuple[str, ...] = ()

    @property
    def id(self) -> uuid.UUID:
        return uuid.UUID(self.started.id)

    @property
    def recorded_at(self) -> datetime:
        return datetime.fromisoformat(self.started.recorded_at)


@dataclass(frozen=True)
class Labels:
    """`labels.json`: labels by the operator, editable. `trim_end_s` None means up to the end."""

    instruction: str
    success: bool | None = None
    note: str = ""
    tags: tuple[str, ...] = ()
    excluded: bool = False
    trim_start_s: float = 0.0
    trim_end_s: float | None = None
    deleted_at: str | None = None
    paraphrases: tuple[str, ...] = field(default_factory=tuple)


def checked_instruction(text: str) -> str:
    """Return the instruction in one line. Raises RecordingError if it is empty or too long."""
    text = " ".join(text.replace("\0", " ").split())
    if not text:
        raise RecordingError("The task needs an instruction: say in a few words what the arm should do.")
    if len(text) > LONGEST_INSTRUCTION:
        raise RecordingError(
            f"The instruction is too long ({len(text)} characters; at most {LONGEST_INSTRUCTION}). Say it shorter."
        )
    return text


def write_document(folder: Path, name: str, value: Any) -> None:
    """Write one of the three files atomically. Raises OSError."""
    write_json(folder / name, {"format": FORMAT, **dataclasses.asdict(value)})


def read_document(folder: Path, name: str, kind: type[T]) -> T:
    """Read one of the three files. Raises DamagedFileError that describes the fault."""
    values = read_json(folder / name)
    if values.pop("format", None) != FORMAT:
        raise DamagedFileError(f"The file {folder / name} is not marked as {FORMAT}: another version wrote it.")
    try:
        return from_values(values, kind)
    except (SettingsError, RecordingError) as error:
        raise DamagedFileError(f"The file {folder / name} is damaged: {error}.") from error

"""State and figures of a recording, and the interfaces of the devices that a recorder records."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from foundation.errors import KnownError
from foundation.redaction import keep_out

if TYPE_CHECKING:  # deferred: the window shows states long before it needs the library behind them
    from storage.episodes.documents import ViewSpec
    from storage.episodes.frame_source import FrameSource
    from storage.episodes.samples import ArmSample


class RecordError(KnownError):
    """A recording cannot begin, or the request is not valid in its present state."""


class RecordState(StrEnum):
    """Step of the operator's cycle from one demonstration to the next."""

    READY = "ready"
    COUNTDOWN = "countdown"
    RECORDING = "recording"
    REVIEW = "review"
    RESET = "reset"


@dataclass(frozen=True)
class RecordRequest:
    """Settings of the next episodes. `source`: who moves the arm: "hand-guiding", "jog" or "demonstrator"."""

    instruction: str
    source: str
    operator: str = ""
    paraphrases: tuple[str, ...] = ()

    def __post_init__(self):
        keep_out(self.instruction, self.operator, *self.paraphrases)


class RecordedView(Protocol):
    """Interface of a recorded camera."""

    @property
    def name(self) -> str: ...

    @property
    def fault(self) -> str:
        """Why nothing can be recorded with it now, '' when it works."""
        ...

    def spec(self) -> "ViewSpec":
        """Return the camera's description. Raises KnownError while it is incomplete."""
        ...

    def begin(self) -> "FrameSource":
        """Return a source of all frames from now on, until `end`."""
        ...

    def end(self) -> None: ...


class RecordedArm(Protocol):
    """Interface of a recorded arm: a source of samples that can be faulty, and that can be brought to rest."""

    name: str
    simulated: bool

    @property
    def fault(self) -> str:
        """Why nothing can be recorded of it now, '' when it works."""
        ...

    def begin(self) -> None:
        """Collect all samples from now on, until `end`."""
        ...

    def take(self) -> "list[ArmSample]":
        """Return the samples since the last call, oldest first."""
        ...

    def end(self) -> None: ...

    def halt(self) -> None:
        """Stop a motion that the arm makes on its own; one that is guided by hand is left alone."""
        ...


@dataclass(frozen=True)
class ViewFigures:
    """Figures of one camera: frames `dropped` by its own count, `late` because the encoder was behind."""

    name: str
    frames: int
    fps: float
    dropped: int
    late: int


@dataclass(frozen=True)
class RecordFigures:
    """Figures of a recording at one time. `sync_ms`: offset between corresponding frames of two cameras, NaN with
    fewer than two; `minutes_left` on the disk at the present data rate, infinite before it is known."""

    elapsed_s: float
    views: tuple[ViewFigures, ...]
    samples: int
    sync_ms: float
    free_bytes: int
    minutes_left: float

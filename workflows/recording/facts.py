"""What is known about a recording at one moment, and what a recorder asks of the things it records."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from foundation.errors import KnownError
from foundation.redaction import keep_out

if TYPE_CHECKING:  # the window shows states long before it needs the library behind them
    from storage.episodes.documents import ViewSpec
    from storage.episodes.frame_source import FrameSource
    from storage.episodes.samples import ArmSample


class RecordError(KnownError):
    """A recording cannot begin, or what was asked for does not fit its present state."""


class RecordState(StrEnum):
    """Where an operator is between two demonstrations."""

    READY = "ready"
    COUNTDOWN = "countdown"
    RECORDING = "recording"
    REVIEW = "review"
    RESET = "reset"


@dataclass(frozen=True)
class RecordRequest:
    """What the next episodes are of. `source`: who moves the arm: "hand-guiding", "jog" or "demonstrator"."""

    instruction: str
    source: str
    operator: str = ""
    paraphrases: tuple[str, ...] = ()

    def __post_init__(self):
        keep_out(self.instruction, self.operator, *self.paraphrases)


class RecordedView(Protocol):
    """A camera as the recorder knows it."""

    @property
    def name(self) -> str: ...

    @property
    def fault(self) -> str:
        """Why nothing can be recorded with it now, '' when it is well."""
        ...

    def spec(self) -> "ViewSpec":
        """What is known of it. Raises KnownError while that is not enough."""
        ...

    def begin(self) -> "FrameSource":
        """Every frame from now on, until `end`."""
        ...

    def end(self) -> None: ...


class RecordedArm(Protocol):
    """The arm as the recorder knows it: a source of samples that can be faulty, and that can be brought to rest."""

    name: str
    simulated: bool

    @property
    def fault(self) -> str:
        """Why nothing can be recorded of it now, '' when it is well."""
        ...

    def begin(self) -> None:
        """Every sample from now on, until `end`."""
        ...

    def take(self) -> "list[ArmSample]":
        """The samples since the last call, oldest first."""
        ...

    def end(self) -> None: ...

    def halt(self) -> None:
        """Stop what moves by itself; an arm that is guided by hand is left to the hand."""
        ...


@dataclass(frozen=True)
class ViewFigures:
    """One camera during a recording: frames `dropped` by its own count, `late` because the encoder was behind."""

    name: str
    frames: int
    fps: float
    dropped: int
    late: int


@dataclass(frozen=True)
class RecordFigures:
    """A recording at one moment. `sync_ms`: how far apart pictures of the same moment lie between two cameras, NaN
    with fewer than two; `minutes_left` on the disk at the present rate, infinite before it is known."""

    elapsed_s: float
    views: tuple[ViewFigures, ...]
    samples: int
    sync_ms: float
    free_bytes: int
    minutes_left: float

"""Recorder of demonstrations: start, stop, keep or discard, episode after episode, from any sources, without Qt."""

import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from foundation.clocks import Clock, SystemClock
from foundation.errors import KnownError
from storage.atomic_files import explained
from storage.episodes.documents import NewEpisode
from storage.episodes.finalize import LOCK
from storage.episodes.writer import LEAST_FREE, EpisodeWriter
from storage.library import Library
from workflows.cancellation import Cancellation
from workflows.recording.facts import RecordedArm, RecordedView, RecordError, RecordFigures, RecordRequest, RecordState
from workflows.recording.rates import WatchedSource, figures

__all__ = ["Kept", "RecordError", "RecordFigures", "RecordRequest", "RecordState", "Recorder"]

_PERIOD = 0.02  # s between polls of samples and faults: a camera's fault is known within 500 ms, the arm halts at once
_LAST_SAMPLES = 0.06  # s after the end in which samples from before it still arrive: two of the arm's reports
_FIGURES_EVERY = 0.1  # s: computing them accesses the disk, and a window polls thirty times a second
_INCOMPLETE = ("no film", "no pictures for a while", "frozen frames")  # findings of an incomplete video
_LEFT_OPEN = "Kept when the program was closed."


@dataclass(frozen=True)
class Kept:
    """An episode that has been added to the library."""

    id: uuid.UUID
    instruction: str
    duration_s: float
    success: bool | None


@dataclass(frozen=True)
class _Facts:
    """`writer`: of the episode being recorded or reviewed; `stopped`: its recording has ended; `fault`: what ended
    it, or prevented it from being closed; `incomplete`: what the reviewed episode is missing."""

    counting_until: float | None = None
    writer: EpisodeWriter | None = None
    stopped: bool = False
    fault: str = ""
    incomplete: str = ""
    reset_due: bool = False


class Recorder:
    """Records one episode after the other into one library. `least_free`: bytes that must be free on the disk.

    `start`, `stop`, `keep`, `discard` and `close` block on the disk, `start` also for the countdown: a window runs them
    as jobs, one at a time. The properties never block. A fault of a camera, the arm or the disk ends the recording and
    halts the arm; what was recorded until then can be kept or discarded like any other.
    """

    def __init__(
        self,
        library: Library,
        views: Sequence[RecordedView],
        arm: RecordedArm,
        *,
        clock: Clock = SystemClock(),
        least_free: int = LEAST_FREE,
    ):
        self._library, self._views, self._arm = library, tuple(views), arm
        self._clock, self._least_free = clock, least_free
        self._facts = _Facts()
        self._lock = threading.Lock()
        self._sources: list[WatchedSource] = []
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._figures: RecordFigures | None = None
        self._figured = 0.0
        self.kept: tuple[Kept, ...] = ()  # episodes kept by this recorder, oldest first

    # --- state ---

    @property
    def state(self) -> RecordState:
        facts = self._facts
        if facts.writer is not None:
            return RecordState.REVIEW if facts.stopped else RecordState.RECORDING
        if facts.counting_until is not None:
            return RecordState.COUNTDOWN
        return RecordState.RESET if facts.reset_due else RecordState.READY

    @property
    def fault(self) -> str:
        """Fault that ended the recording under review, '' when the operator ended it."""
        return self._facts.fault

    @property
    def incomplete(self) -> str:
        """What the reviewed episode is missing because a camera failed; '' when it is complete."""
        return self._facts.incomplete

    @property
    def countdown_s(self) -> float:
        """Time in s until the recording begins."""
        until = self._facts.counting_until
        return 0.0 if until is None else max(until - self._clock.now(), 0.0)

    @property
    def figures(self) -> RecordFigures | None:
        """Figures of the present recording, or of the last one as it ended; None before the first."""
        writer = self._facts.writer
        now = time.monotonic()
        if writer is not None and not self._facts.stopped and now > self._figured + _FIGURES_EVERY:
            self._figures, self._figured = figures(writer, self._sources), now
        return self._figures

    @property
    def folder(self) -> Path | None:
        """Folder of the episode under review."""
        facts = self._facts
        return facts.writer.folder if facts.writer is not None and facts.stopped else None

    @property
    def trouble(self) -> str:
        """Why no recording can begin now, as a sentence; '' when one can."""
        if not self._views:
            return "No camera is in use. Choose some on the Set up screen."
        return next((fault for fault in (*(view.fault for view in self._views), self._arm.fault) if fault), "")

    # --- the operator's steps ---

    def start(self, request: RecordRequest, *, countdown_s: float = 0.0, token: Cancellation | None = None) -> None:
        """Record from now on, or after a countdown. Raises KnownError when impossible, with nothing begun."""
        token = token or Cancellation()
        self._require(RecordState.READY, RecordState.RESET)
        self._refuse_trouble()
        before = self._facts
        self._facts = _Facts(counting_until=self._clock.now() + countdown_s)
        try:
            self._new(request)  # faults are reported before the countdown, not after it
            token.wait(countdown_s)
            self._refuse_trouble()
            self._begin(self._new(request))
        except BaseException:
            self._facts = before
            raise

    def stop(self) -> None:
        """End the recording; its review comes next. Calling it again has no effect. Raises StorageError."""
        self._end.set()
        if self._thread is not None:
            self._thread.join()
        self._require(RecordState.REVIEW, RecordState.RESET, RecordState.READY)

    def keep(self, success: bool | None, note: str = "") -> Kept:
        """Add the episode to the library. Raises StorageError, after which it can be tried again."""
        self._require(RecordState.REVIEW)
        writer = self._facts.writer
        assert writer is not None
        identity = self._library.keep(writer, success=success, note=note)
        duration = 0.0 if writer.salvage is None else writer.salvage.facts.duration_s
        kept = Kept(identity, writer.new.instruction, duration, success)
        self.kept = (*self.kept, kept)
        self._facts = _Facts(reset_due=True)
        return kept

    def discard(self) -> None:
        """Discard the episode, to record it again."""
        self._require(RecordState.REVIEW)
        assert self._facts.writer is not None
        self._facts.writer.discard()
        self._facts = _Facts(reset_due=True)

    def move_to(self, place: Path) -> Path:
        """Move the recording into a folder of its own below `place`, instead of adding it to the episodes."""
        self._require(RecordState.REVIEW)
        writer = self._facts.writer
        assert writer is not None
        try:
            place.mkdir(parents=True, exist_ok=True)
            moved = writer.folder.rename(place / writer.folder.name)
        except OSError as error:
            raise explained(error, "The recording could not be kept") from error
        finally:
            writer.release()
        (moved / LOCK).unlink(missing_ok=True)
        self._facts = _Facts(reset_due=True)
        return moved

    def bench_is_ready(self) -> None:
        """Confirm that the bench was reset for the next episode."""
        self._require(RecordState.RESET, RecordState.READY)
        self._facts = _Facts()

    def close(self) -> None:
        """End the present recording; nothing recorded is lost. Raises StorageError, but closes all the same."""
        self._end.set()
        if self._thread is not None:
            self._thread.join()
        if self.state is RecordState.REVIEW:
            self.keep(None, _LEFT_OPEN)

    # --- parts ---

    def _require(self, *states: RecordState) -> None:
        if self.state not in states:
            raise RecordError(f"The recorder is at the step {self.state}, not {' or '.join(states)}.")

    def _refuse_trouble(self) -> None:
        if self.trouble:
            raise RecordError(self.trouble)

    def _new(self, request: RecordRequest) -> NewEpisode:
        return NewEpisode(
            instruction=request.instruction,
            views=tuple(view.spec() for view in self._views),
            operator=request.operator,
            source=request.source,
            simulated=self._arm.simulated,
            paraphrases=request.paraphrases,
            arm=self._arm.name,
        )

    def _begin(self, new: NewEpisode) -> None:
        self._sources = []
        try:
            self._arm.begin()
            self._sources = [WatchedSource(view.begin()) for view in self._views]
            sources: dict[str, Any] = {view.name: source for view, source in zip(new.views, self._sources, strict=True)}
            writer = self._library.record(new, sources, clock=self._clock, least_free=self._least_free)
        except BaseException:
            self._let_go()
            raise
        self._end.clear()
        self._figured = 0.0
        self._facts = _Facts(writer=writer)
        self._thread = threading.Thread(target=self._work, args=(writer,), name="recorder", daemon=True)
        self._thread.start()

    def _work(self, writer: EpisodeWriter) -> None:
        """Write samples to the recording until it ends, and watch the devices for faults."""
        fault = ""
        try:
            while not fault and not self._end.wait(_PERIOD):
                self._take_samples(writer)
                fault = writer.failure or self._broken()
            if fault:
                self._arm.halt()
            else:
                time.sleep(_LAST_SAMPLES)
            self._take_samples(writer)
            self._figures = figures(writer, self._sources)
        finally:
            self._close(writer, fault, cut=self._cut())

    def _take_samples(self, writer: EpisodeWriter) -> None:
        for sample in self._arm.take():
            writer.add_sample(sample)

    def _broken(self) -> str:
        return next((fault for fault in (self._arm.fault, *(view.fault for view in self._views)) if fault), "")

    def _cut(self) -> str:
        """Return the fault of a camera at the end of the recording; it is kept with the episode."""
        return next((view.fault for view in self._views if view.fault), "")

    def _close(self, writer: EpisodeWriter, fault: str, cut: str) -> None:
        try:
            salvage = writer.stop(cut)
            missing = [found.sentence for found in salvage.facts.findings if found.check in _INCOMPLETE]
            fault, incomplete = fault or salvage.facts.damage, cut or " ".join(missing)
            self._facts = replace(self._facts, stopped=True, fault=fault, incomplete=incomplete)
        except KnownError as error:  # even closing failed on the disk: the next start finds the folder
            self._facts = _Facts(fault=str(error), reset_due=True)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        self._arm.end()
        for view in self._views:
            view.end()

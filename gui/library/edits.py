"""Edits of episodes on the Library screen, executed one after the other, with undo."""

import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from gui.library.phrases import count
from gui.runtime.jobs import Job, Jobs, Work
from storage.episodes import edits
from storage.episodes.documents import Labels
from storage.episodes.edits import Change
from storage.library import Library

_MOST = 50  # undo steps

Find = Callable[[], list[uuid.UUID]]


@dataclass(frozen=True, eq=False)
class Done:
    """One edit: `before` are the previous labels of each episode; `moves`: rows of the list appear or disappear."""

    words: str
    before: dict[uuid.UUID, Labels]
    moves: bool


class EpisodeEdits(QObject):
    """Executes edits in jobs, in order. `said` carries the edited episodes and whether rows appear or disappear.

    `changed`: the last edit, `busy` or the trash has changed.
    """

    said = Signal(list, bool)
    changed = Signal()

    def __init__(self, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self._jobs = jobs
        self._library: Library | None = None
        self._steps: deque[Done] = deque(maxlen=_MOST)
        self._queue: deque[tuple[Work, str, Callable]] = deque()
        self._job: Job | None = None
        self.words = ""  # the last edit, for the operator

    def use(self, library: Library) -> None:
        self._library = library

    @property
    def busy(self) -> bool:
        return self._job is not None

    @property
    def can_undo(self) -> bool:
        return bool(self._steps) and not self.busy

    def do(self, find: Find, what: Change, words: str) -> None:
        """Apply `what` to the episodes that `find()` returns in the job; `words` names it, with {} for "3 episodes"."""
        library, moves = self._library, isinstance(what.deleted, bool)
        if library is not None:
            self._put(
                lambda *_: edits.change(library, find(), what),
                "edit",
                lambda before: self._done(Done(words.format(count(len(before))), before, moves)),
            )

    def undo(self) -> None:
        """Undo the last edit."""
        library = self._library
        if library is not None and self.can_undo:
            step = self._steps.pop()
            self._put(lambda *_: edits.restore(library, step.before), "undo", lambda _: self._undone(step))

    def empty_trash(self) -> None:
        """Delete the contents of the trash permanently; neither this nor earlier edits can be undone afterwards."""
        library = self._library
        if library is not None:
            self._put(lambda *_: edits.empty_trash(library), "empty the trash", self._emptied)

    # --- helpers ---

    def _put(self, work: Work, name: str, done: Callable) -> None:
        self._queue.append((work, name, done))
        if self._job is None:
            self._next()

    def _next(self) -> None:
        work, name, done = self._queue.popleft()
        self._job = self._jobs.run(work, name=name)
        self._job.on(done=done, ended=self._ended)
        self.changed.emit()

    def _ended(self) -> None:
        self._job = None
        if self._queue:
            self._next()
        self.changed.emit()

    def _done(self, step: Done) -> None:
        if step.before:
            self._steps.append(step)
            self.words = step.words
            self.said.emit(list(step.before), step.moves)

    def _undone(self, step: Done) -> None:
        self.words = f"Taken back: {step.words[:1].lower()}{step.words[1:]}"
        self.said.emit(list(step.before), step.moves)

    def _emptied(self, number: int) -> None:
        self._steps.clear()
        self.words = f"{count(number)} removed for ever."
        self.said.emit([], True)

"""Automatic labelling: a model reads the arm's motion from videos of episodes that lack it, one by one in a job."""

import uuid
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from gui.library.phrases import count
from gui.runtime.jobs import Job, Jobs
from model.checkpoints.description import ModelDescription, known_models
from storage.library import Library
from workflows.labelling.label import label_episodes


class Labelling(QObject):
    """Labelling job; `changed` at each step, `done` after additions. A failed episode is reported and skipped."""

    changed = Signal()
    done = Signal()

    def __init__(self, library: Library, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self._library, self._jobs = library, jobs
        self._job: Job | None = None
        self.words, self.share = "", 0.0

    @property
    def running(self) -> bool:
        return self._job is not None

    @property
    def model(self) -> ModelDescription | None:
        """First model that handles videos; None when there is none."""
        return next((each for each in known_models(self._library.folder / "models") if each.imagines), None)

    def start(self, find: Callable[[], list[uuid.UUID]]) -> None:
        """Process the videos of the episodes that `find()` returns in the job."""
        model = self.model
        if self._job is not None or model is None:
            return
        self.words, self.share = f"{model.name} is loaded", 0.0
        work = lambda token, report: label_episodes(self._library, model, find(), report, token)  # noqa: E731
        self._job = self._jobs.run(work, name="label videos")
        self._job.on(
            done=self._done,
            failed=lambda error: self._say(str(error)),
            progress=self._went_on,
            cancelled=lambda: self._say("Cancelled. What was read until then is kept."),
            ended=self._ended,
        )
        self.changed.emit()

    def cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _done(self, answer: tuple[int, list[str]]) -> None:
        read, problems = answer
        said = f"{count(read)} read and added, marked as auto-labelled: look at them before training."
        self._say(said if not problems else f"{said} {count(len(problems), 'film')} could not be read: {problems[0]}")

    def _say(self, words: str) -> None:
        self.words = words

    def _went_on(self, words: str, share: float) -> None:
        self.words, self.share = words, share
        self.changed.emit()

    def _ended(self) -> None:
        self._job = None
        self.changed.emit()
        self.done.emit()

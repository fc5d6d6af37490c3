"""Tasks of the library and of the lab, with the number of episodes kept today."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from PySide6.QtCore import QObject, Signal

from foundation.errors import KnownError
from gui.runtime.connection import Connection
from gui.runtime.jobs import Job, Jobs
from gui.runtime.open_library import OpenLibrary
from simulation.bench.tasks import possible_tasks
from workflows.recording.facts import RecordRequest


@dataclass(frozen=True)
class KnownTask:
    """Task of the library, and the number of its episodes kept today."""

    instruction: str
    paraphrases: tuple[str, ...]
    today: int


class RecordTasks(QObject):
    """Known tasks by instruction, loaded in a job by `look`."""

    changed = Signal()
    failed = Signal(KnownError)

    def __init__(self, library: OpenLibrary, connection: Connection, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self._library, self._connection, self._jobs = library, connection, jobs
        self.known: dict[str, KnownTask] = {}
        self._job: Job | None = None
        self._again = False  # requested during a load

    @property
    def suggestions(self) -> tuple[str, ...]:
        """Suggested instructions: the library's tasks, then what the lab understands on its present bench."""
        return tuple(dict.fromkeys([*self.known, *self._in_the_lab]))

    def paraphrases_of(self, instruction: str) -> tuple[str, ...]:
        """Return the paraphrases of a task from the library, or those of a new task from the lab."""
        known = self.known.get(instruction)
        return self._in_the_lab.get(instruction, ()) if known is None else known.paraphrases

    @property
    def _in_the_lab(self) -> dict[str, tuple[str, ...]]:
        lab = self._connection.session.lab
        return {} if lab is None else {task.instruction: task.wordings[1:] for task in possible_tasks(lab.scene)}

    def look(self) -> None:
        """Reload the tasks; returns at once."""
        library = self._library.library
        if library is None or self._job is not None:
            self._again = library is not None
            return

        def work(*_: Any) -> dict[str, KnownTask]:
            from storage.queries import EpisodeFilter, count
            from storage.tasks import tasks

            midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
            since = EpisodeFilter(since=midnight)
            found = tasks(library.database)
            today = {task.id: count(library.database, replace(since, task=task.id)) for task in found}
            return {task.instruction: KnownTask(task.instruction, task.paraphrases, today[task.id]) for task in found}

        self._job = self._jobs.run(work, name="look at the tasks")
        self._job.on(done=self._looked, failed=self.failed.emit, ended=self._ended)

    def store(self, request: RecordRequest) -> None:
        """Store the task with exactly these paraphrases, creating it if necessary; blocks. Raises StorageError."""
        from storage.tasks import create_task, set_paraphrases

        library = self._library.library
        assert library is not None
        task = create_task(library.database, request.instruction)
        if set(task.paraphrases) != set(request.paraphrases):
            set_paraphrases(library.database, task.id, request.paraphrases)

    def _looked(self, known: dict[str, KnownTask]) -> None:
        self.known = known

    def _ended(self) -> None:
        self._job = None
        if self._again:
            self._again = False
            self.look()
        self.changed.emit()

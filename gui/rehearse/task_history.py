"""Task history from the library for the Rehearse screen: instructions to suggest, and the speeds that succeeded."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from gui.runtime.jobs import Jobs
from gui.runtime.open_library import OpenLibrary


class TaskHistory(QObject):
    """Queries the window's library in jobs and never blocks; emits `changed` when results arrive."""

    changed = Signal()

    def __init__(self, jobs: Jobs, library: OpenLibrary | None, parent: QObject | None = None):
        super().__init__(parent)
        self._jobs, self._library = jobs, library
        self.instructions: tuple[str, ...] = ()  # earlier requests, then the library's tasks
        self.good_speed: float | None = None  # share of the planned speed at which this task last succeeded
        self._asked = ""
        if library is not None:
            library.opened.connect(self._look)

    def ask(self) -> None:
        """Reload the instructions requested and taught so far; opens the library if necessary."""
        if self._library is None:
            return
        if self._library.library is None:
            self._library.ask()
        else:
            self._look()

    def look_up(self, instruction: str) -> None:
        """Look up the speed at which this task last succeeded; `good_speed` is None until it is known."""
        self.good_speed, self._asked = None, instruction
        opened = None if self._library is None else self._library.library
        if opened is None:
            return

        def work(*_: object) -> float | None:
            from storage.rehearsal_list import good_speed

            return good_speed(opened.database, instruction)

        self._jobs.run(work, name="look up a task").on(done=lambda speed: self._found(instruction, speed))

    def _look(self) -> None:
        opened = None if self._library is None else self._library.library
        if opened is None:
            return

        def work(*_: object) -> tuple[str, ...]:
            from storage.rehearsal_list import rehearsed_instructions
            from storage.tasks import tasks

            known = [*rehearsed_instructions(opened.database), *(task.instruction for task in tasks(opened.database))]
            return tuple(dict.fromkeys(known))

        self._jobs.run(work, name="read the tasks").on(done=self._listed)

    def _listed(self, instructions: tuple[str, ...]) -> None:
        self.instructions = instructions
        self.changed.emit()

    def _found(self, instruction: str, speed: float | None) -> None:
        if instruction == self._asked:
            self.good_speed = speed
            self.changed.emit()

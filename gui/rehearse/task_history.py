"""What the library remembers for the Rehearse screen: instructions to choose from, and how quickly a task went well."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from gui.runtime.jobs import Jobs
from gui.runtime.open_library import OpenLibrary


class TaskHistory(QObject):
    """Asks the window's library by jobs; what it does not know it does not hold up. `changed` when it knows more."""

    changed = Signal()

    def __init__(self, jobs: Jobs, library: OpenLibrary | None, parent: QObject | None = None):
        super().__init__(parent)
        self._jobs, self._library = jobs, library
        self.instructions: tuple[str, ...] = ()  # what was asked, then the library's tasks
        self.good_speed: float | None = None  # part of the planned speed at which the present task last went well
        self._asked = ""
        if library is not None:
            library.opened.connect(self._look)

    def ask(self) -> None:
        """Read once more what was asked and taught so far; opens the library when it is not open."""
        if self._library is None:
            return
        if self._library.library is None:
            self._library.ask()
        else:
            self._look()

    def look_up(self, instruction: str) -> None:
        """How quickly this has gone well; until that is known, as if it never had."""
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

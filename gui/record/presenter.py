"""Presenter of the Record screen: tasks, recordings, their review, and the lab's demonstrator."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from foundation.errors import KnownError
from gui.arm.hand_control import ArmControlPresenter
from gui.arm.simulated_hand import SimulatedHand
from gui.record.lab_jobs import demonstrations, ready_bench
from gui.record.tasks import RecordTasks
from gui.record.views import RecordPictures
from gui.runtime.connection import Connection
from gui.runtime.jobs import Job, Jobs, Work
from gui.runtime.open_library import OpenLibrary
from robot.state import ArmState
from workflows.cancellation import Cancellation, Report
from workflows.recording.facts import RecordRequest, RecordState

if TYPE_CHECKING:  # modules that need the database are imported with the library, not when the window starts
    from storage.library import Library
    from workflows.recording.recorder import Recorder
    from workflows.session import Session

BY_HAND, BY_KEYS, DEMONSTRATOR = "hand-guiding", "jog", "demonstrator"
COUNTDOWNS_S = (0, 3, 5)
_WORDS_EVERY = 6  # pulls of the connection: texts at 5 Hz, images at 30 Hz
_DEMONSTRATE = "demonstrate"


class RecordPresenter(QObject):
    """Sequence of recordings with what is connected; meanwhile the arm is moved by the arm control.

    `instruction`, `paraphrases`, `source` and `countdown_s` describe the next recording. Only one job runs at a time;
    `pictures` and `tasks` load beside it, and `hand` pulls at the simulated arm during hand guiding. `recorder_for`
    creates the recorder for what is connected, like `workflows.recording.sources`.
    """

    changed = Signal()
    live_changed = Signal()  # at 30 Hz

    def __init__(
        self,
        connection: Connection,
        control: ArmControlPresenter,
        library: OpenLibrary,
        jobs: Jobs,
        parent: QObject | None = None,
        recorder_for: "Callable[[Session, Library], Recorder | None] | None" = None,
    ):
        super().__init__(parent)
        self.connection, self.control, self.library, self._jobs = connection, control, library, jobs
        self._recorder_for = recorder_for
        self.instruction, self.paraphrases = "", ()
        self.source, self.countdown_s = BY_HAND, COUNTDOWNS_S[1]
        self.recorder: Recorder | None = None
        self.pictures = RecordPictures(connection, jobs, self)
        self.tasks = RecordTasks(library, connection, jobs, self)
        self.hand = SimulatedHand(connection, control, jobs, self)
        self.progress = ("", 0.0)
        self._problem = ""
        self._job: Job | None = None
        self._recorded_from: tuple[Any, ...] = ()  # the library and devices of the present recorder
        self._state = RecordState.READY
        self._pulls, self._watched = 0, False
        connection.pulled.connect(self._pulled)
        connection.changed.connect(self._connection_changed)
        connection.stop_pressed.connect(self.cancel)
        library.opened.connect(self._library_changed)
        library.failed.connect(lambda _: self.changed.emit())
        self.tasks.changed.connect(self.changed)
        self.tasks.failed.connect(self._failed)
        self.pictures.failed.connect(self._failed)

    # --- state ---

    @property
    def state(self) -> RecordState:
        return RecordState.READY if self.recorder is None else self.recorder.state

    @property
    def busy(self) -> bool:
        return self._job is not None

    @property
    def demonstrating(self) -> bool:
        return self._job is not None and self._job.name == _DEMONSTRATE

    @property
    def simulated(self) -> bool:
        return self.connection.session.simulated

    @property
    def sources(self) -> tuple[str, ...]:
        """Available sources of motion."""
        return (BY_HAND, BY_KEYS, DEMONSTRATOR) if self.simulated else (BY_HAND, BY_KEYS)

    @property
    def problem(self) -> str:
        """Last error, or the fault that ended the recording under review; '' when there is none."""
        fault = "" if self.recorder is None else self.recorder.fault or self.recorder.incomplete
        return self._problem or fault or self.library.problem

    @property
    def trouble(self) -> str:
        """Reason why no recording can start now, '' when one can."""
        if self.connection.opening:
            return "A moment: the cameras and the arm are being connected."
        if self.library.problem:
            return self.library.problem
        if self.library.library is None:
            return "A moment: the library is being opened."
        if self.recorder is None:
            return self.connection.arm_trouble or "The arm is not connected. Connect it first."
        if not self.instruction:
            return "Say above what the arm is shown, in a few words."
        return self.recorder.trouble

    @property
    def can_start(self) -> bool:
        return not self.busy and self.state in (RecordState.READY, RecordState.RESET) and not self.trouble

    @property
    def can_demonstrate(self) -> bool:
        return self.can_start and self.simulated and self.connection.arm_state is ArmState.HOLDING

    @property
    def kept_today(self) -> int:
        """Number of episodes of the selected task kept since midnight."""
        task = self.tasks.known.get(self.instruction)
        return 0 if task is None else task.today

    # --- choices ---

    def choose_task(self, instruction: str) -> None:
        """Select a task; its paraphrases are proposed by the library or the lab."""
        self.instruction = " ".join(instruction.split())
        self.paraphrases = self.tasks.paraphrases_of(self.instruction)
        self.changed.emit()

    def choose_paraphrases(self, texts: tuple[str, ...]) -> None:
        self.paraphrases = texts
        self.changed.emit()

    def choose_source(self, source: str) -> None:
        self.control.release_all()
        self.hand.let_go()
        self.source = source
        self.changed.emit()

    def choose_countdown(self, seconds: int) -> None:
        self.countdown_s = seconds
        self.changed.emit()

    def watch(self, watched: bool) -> None:
        """Set whether the screen is visible: it then needs the library and live updates."""
        self._watched = watched
        if watched:
            self.library.ask()
            self.changed.emit()

    # --- actions ---

    def start_or_end(self) -> None:
        """Start a recording, or end the recording or the countdown."""
        if self.state is RecordState.COUNTDOWN:
            self.cancel()
        elif self.state is RecordState.RECORDING and not self.busy:
            recorder = self._recorder
            self._begin(lambda *_: recorder.stop(), "end the recording")
        elif self.can_start and self.source != DEMONSTRATOR:
            self._start()

    def cancel(self) -> None:
        """Cancel a countdown or the demonstrations."""
        if self._job is not None:
            self._job.cancel()

    def keep(self, success: bool, note: str = "") -> None:
        """Store the episode under review in the library."""
        if self.state is RecordState.REVIEW and not self.busy:
            recorder = self._recorder
            self._begin(lambda *_: recorder.keep(success, note), "keep the episode").on(
                done=lambda _: self.tasks.look()
            )

    def discard(self) -> None:
        """Delete the episode under review."""
        if self.state is RecordState.REVIEW and not self.busy:
            recorder = self._recorder
            self._begin(lambda *_: recorder.discard(), "discard the episode")

    def bench_is_ready(self) -> None:
        """Confirm that the bench is ready; in the lab, create a new one after the arm has moved home."""
        if self.state is not RecordState.RESET or self.busy:
            return
        self._begin(ready_bench(self.connection.session, self._recorder, self.instruction), "new bench")

    def demonstrate(self, count: int) -> None:
        """Let the lab's demonstrator do the task `count` times, each on a new bench, and keep every episode."""
        if not self.can_demonstrate:
            return
        request = self._request(DEMONSTRATOR)
        work = demonstrations(self.connection.session, self._recorder, self.tasks, request, count)
        self._begin(work, _DEMONSTRATE).on(progress=self._progressed)

    def close(self) -> None:
        """End the running job and store what was recorded; blocks, so only when the window closes."""
        if self._job is not None:
            self._job.cancel()
            self._job.join(15.0)
        if self.recorder is not None:
            self.recorder.close()

    # --- helpers ---

    @property
    def _recorder(self) -> "Recorder":
        assert self.recorder is not None
        return self.recorder

    def _request(self, source: str) -> RecordRequest:
        operator = self.connection.session.settings.operator
        return RecordRequest(self.instruction, source, operator, self.paraphrases)

    def _start(self) -> None:
        recorder, request, tasks = self._recorder, self._request(self.source), self.tasks
        countdown_s = float(self.countdown_s)
        self.pictures.begin_trail()

        def work(token: Cancellation, report: Report) -> None:
            tasks.store(request)
            recorder.start(request, countdown_s=countdown_s, token=token)

        self._begin(work, "start the recording")

    def _begin(self, work: Work, name: str) -> Job:
        self._problem = ""
        self._job = self._jobs.run(work, name=name)
        self._job.on(failed=self._failed, ended=self._ended)
        self.changed.emit()
        return self._job

    def _failed(self, error: KnownError) -> None:
        self._problem = str(error)

    def _ended(self) -> None:
        if self.demonstrating:
            self.tasks.look()
        self._job = None
        self._refresh_recorder()
        self.changed.emit()

    def _progressed(self, words: str, share: float) -> None:
        self.progress = (words, share)
        self.changed.emit()

    def _pulled(self) -> None:
        self._pulls += 1
        state = self.state
        if state is RecordState.RECORDING:
            self.pictures.lengthen_trail()
        if state is not self._state:
            self._state = state
            if state is RecordState.COUNTDOWN or (state is RecordState.RECORDING and self.demonstrating):
                self.pictures.begin_trail()
            self.changed.emit()
        # Starts as soon as an episode is ready for review.
        self.pictures.want_film(None if self.recorder is None or self.demonstrating else self.recorder.folder)
        if self._watched:
            self.live_changed.emit()
            if self._pulls % _WORDS_EVERY == 0:
                self.changed.emit()

    def _library_changed(self) -> None:
        self._refresh_recorder()
        self.tasks.look()
        self.changed.emit()

    def _connection_changed(self) -> None:
        self.pictures.look_at_cameras()
        if self.source not in self.sources:
            self.source = BY_HAND
        if self.connection.opened:
            # Now rather than when the screen is first shown: importing the database blocks the window briefly, and an
            # arm that is ready by then would be stopped for missing heartbeats. It also recovers what a crash left.
            self.library.ask()
        self._refresh_recorder()
        self.changed.emit()

    def _refresh_recorder(self) -> None:
        """Create a recorder for what is connected now, unless the present one still holds an episode."""
        session, library = self.connection.session, self.library.library
        if self.busy or self.state not in (RecordState.READY, RecordState.RESET):
            return
        connected = (session.robot, *session.captures.values()) if self.connection.opened else ()
        if (library, connected) == self._recorded_from:
            return
        self._recorded_from, self.recorder = (library, connected), None
        if library is not None and connected:
            from workflows.recording.sources import recorder_for

            self.recorder = (self._recorder_for or recorder_for)(session, library)

"""A run filmed while the arm moves: to be kept as a demonstration, or beside what was meant, to be compared with it."""

from pathlib import Path

from storage.episode import Episode
from storage.library import Library
from workflows.film_coverage import film_shortfall
from workflows.record import Kept, Recorder
from workflows.record_facts import RecordedArm, RecordRequest, RecordState
from workflows.record_sources import arm_of, views_of
from workflows.session import Session
from workflows.tracking import Tracking

SOURCE = "rehearsal"  # who moved the arm in an episode that was a run
FOLDER = "run"  # in a rehearsal's folder


class RunRecording:
    """One recording, from construction until it is kept, put aside or discarded; all of it waits for the disk.

    A camera's fault ends the film, and leaves the arm to those who watch over it. Raises KnownError when nothing can be
    recorded now.
    """

    def __init__(self, session: Session, library: Path, instruction: str, operator: str):
        self._library = Library(library)
        try:
            self._recorder = Recorder(self._library, views_of(session), _LeftAlone(arm_of(session)))
            self._recorder.start(RecordRequest(instruction, SOURCE, operator))
        except BaseException:
            self._library.close()
            raise

    def stop(self) -> None:
        """The run is over: nothing more is filmed."""
        self._recorder.stop()

    def shortfall(self, tracking: Tracking) -> str:
        """What the film does not show of the run that was measured so; '' when it shows all of it."""
        folder = self._recorder.folder
        return "The recording was lost." if folder is None else film_shortfall(Episode(folder), tracking)

    def keep(self, success: bool | None, note: str) -> Kept:
        """Make it an episode of the library."""
        self.stop()
        kept = self._recorder.keep(success, note)
        self._library.close()
        return kept

    def put_aside(self, rehearsal: Path) -> None:
        """Keep it in the rehearsal's own folder."""
        self.stop()
        self._recorder.move_to(rehearsal / FOLDER)
        self._library.close()

    def discard(self) -> None:
        """Nothing was run after all. May be called at any time, also twice."""
        self.stop()
        if self._recorder.state is RecordState.REVIEW:
            self._recorder.discard()
        self._library.close()


class _LeftAlone:
    """An arm that its recording never stops."""

    def __init__(self, arm: RecordedArm):
        self.name, self.simulated = arm.name, arm.simulated
        self._arm = arm
        self.begin, self.take, self.end = arm.begin, arm.take, arm.end

    @property
    def fault(self) -> str:
        return self._arm.fault

    def halt(self) -> None:
        """The robot process and the watch over the cameras see to that."""


def recorded_run(rehearsal: Path) -> Path | None:
    """The folder of the run's recording in a rehearsal's folder, None without one."""
    place = rehearsal / FOLDER
    return next((folder for folder in sorted(place.iterdir()) if folder.is_dir()), None) if place.is_dir() else None

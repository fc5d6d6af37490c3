"""Recording of a run: to be kept as a demonstration, or next to the rehearsal for comparison with the plan.

Includes the completeness check: whether the video shows the whole run, by every camera, with the motion made.
"""

from pathlib import Path

import numpy as np

from storage.episodes.episode import Episode
from storage.library import Library
from workflows.recording.facts import RecordedArm, RecordRequest, RecordState
from workflows.recording.recorder import Kept, Recorder
from workflows.recording.sources import arm_of, views_of
from workflows.rehearsal.tracking import Tracking
from workflows.session import Session

_LONGEST_GAP = 0.5  # s without a frame or a measurement; shorter gaps of a slow camera are tolerated
_FROZEN = "frozen frames"
_MOVED, _GRIPPED = 0.005, 0.05  # m of the tool, and share of the gripper's range: smaller changes count as no motion


def video_shortfall(film: Episode, tracking: Tracking) -> str:
    """Return the first missing item as a sentence; '' when the video shows the whole run."""
    if not len(tracking):
        return "Nothing was measured during this run."
    if not _moves(tracking.actual, tracking.openness):
        return "The arm did not move in this run: there is nothing to be learned from it."
    began, ended = (float(moment) - film.facts.started.start for moment in (tracking.read[0], tracking.read[-1]))
    seconds = ended - began
    for spec, frames in zip(film.views, film.frames, strict=True):
        missing = longest_gap(frames["time"], began, ended)
        if missing > _LONGEST_GAP:
            return f"The camera {spec.name} gave no picture for {missing:.1f} s of this run's {seconds:.1f} s."
    missing = longest_gap(film.samples["time"], began, ended)
    if missing > _LONGEST_GAP:
        return f"The arm was not recorded for {missing:.1f} s of this run's {seconds:.1f} s."
    frozen = next((found.sentence for found in film.facts.findings if found.check == _FROZEN), "")
    if frozen:
        return frozen
    samples = film.samples
    if not _moves(samples["tool"][:, :3], samples["openness"]):
        return "Nothing moves in the film of this run."
    return ""


def longest_gap(times: np.ndarray, began: float, ended: float) -> float:
    """Return the longest gap in s between `times` (n,) within `began` to `ended`; all of it if none is inside."""
    inside = times[(times >= began) & (times <= ended)]
    return float(np.diff(np.concatenate([[began], inside, [ended]])).max())


def _moves(places: np.ndarray, openness: np.ndarray) -> bool:
    """Return whether the tool (n, 3) m or the gripper (n,) ever leaves its initial position."""
    places, openness = places[np.isfinite(places).all(axis=1)], openness[np.isfinite(openness)]
    moved = len(places) > 1 and float(np.ptp(places, axis=0).max()) > _MOVED
    return moved or (len(openness) > 1 and float(np.ptp(openness)) > _GRIPPED)


SOURCE = "rehearsal"  # source of an episode that was recorded from a run
FOLDER = "run"  # sub-folder of a rehearsal's folder


class RunRecording:
    """One recording, from construction until it is kept, put aside or discarded; all methods block on the disk.

    A camera fault ends the video, and leaves the arm to its own watchdogs. Raises KnownError when nothing can be
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
        """Stop recording when the run is over."""
        self._recorder.stop()

    def shortfall(self, tracking: Tracking) -> str:
        """Return what the video is missing of the run with these measurements; '' when it is complete."""
        folder = self._recorder.folder
        return "The recording was lost." if folder is None else video_shortfall(Episode(folder), tracking)

    def keep(self, success: bool | None, note: str) -> Kept:
        """Keep the recording as an episode of the library."""
        self.stop()
        kept = self._recorder.keep(success, note)
        self._library.close()
        return kept

    def put_aside(self, rehearsal: Path) -> None:
        """Move the recording into the rehearsal's own folder."""
        self.stop()
        self._recorder.move_to(rehearsal / FOLDER)
        self._library.close()

    def discard(self) -> None:
        """Discard the recording when nothing was run after all. May be called at any time, also twice."""
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
        """Do nothing: stopping is up to the robot process and the camera watchdog."""


def recorded_run(rehearsal: Path) -> Path | None:
    """Return the folder of the run's recording inside a rehearsal's folder, None without one."""
    place = rehearsal / FOLDER
    return next((folder for folder in sorted(place.iterdir()) if folder.is_dir()), None) if place.is_dir() else None

"""Presenter of the poses in which the cameras see the board: proposed, driven through, or taken by hand."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from foundation.camera import Camera
from foundation.errors import KnownError
from gui.calibrate.board_detection import BoardDetection
from gui.calibrate.pose_jobs import BoardMount, all_poses, bench_look, drive_through, first_poses, one_look
from gui.calibrate.steps import Stage
from gui.runtime.connection import Connection
from gui.runtime.jobs import Job, Jobs
from robot.state import ArmState
from workflows.cancellation import Cancellation, Report

if TYPE_CHECKING:  # SciPy and the solver are imported when they are first needed
    from workflows.calibration.calibrate import CalibrationSession, Missing
    from workflows.calibration.drive import DriveProgress, DriveResult
    from workflows.calibration.poses import PoseProposal

SPEEDS = (0.25, 0.5, 1.0)
_DRIVE, _TAKE = "drive through the poses", "look at the board"


class PosesPresenter(QObject):
    """A calibration session under construction. One job at a time; what moves the arm needs a press of its own."""

    changed = Signal()
    proposed = Signal()  # other poses on display
    finished = Signal()  # every pose was visited

    def __init__(self, connection: Connection, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self.connection, self._jobs = connection, jobs
        self.watch = BoardDetection(connection, jobs)
        self.session: CalibrationSession | None = None
        self.proposals: tuple[PoseProposal, ...] = ()
        self.rough: dict[str, Camera] = {}
        self.progress: DriveProgress | None = None
        self.result: DriveResult | None = None
        self.by_hand, self.looked_around = False, False
        self._mount = BoardMount(connection)
        self.speed = SPEEDS[1]
        self.problem, self.note = "", ""
        self._next = 0
        self._missing: tuple[CalibrationSession, tuple[Missing, ...]] | None = None
        self._job: Job | None = None

    # --- state ---

    @property
    def stage(self) -> Stage:
        if not self.mounted:
            return Stage.MOUNT
        if self.driving:
            return Stage.DRIVING
        if self.by_hand:
            return Stage.BY_HAND
        if self.result is not None and not self.result.finished:
            return Stage.BROKEN
        if not self.looked_around:
            return Stage.LOOK
        return Stage.POSES if self.result is None else Stage.DONE

    @property
    def mounted(self) -> bool:
        """Whether the board is on the gripper."""
        return self._mount.mounted

    @property
    def next_pose(self) -> int:
        """Index of the pose, from 0, with which a drive would start."""
        return self._next

    @property
    def busy(self) -> bool:
        return self._job is not None

    @property
    def driving(self) -> bool:
        return self._job is not None and self._job.name == _DRIVE

    @property
    def simulated(self) -> bool:
        return self.connection.session.lab is not None

    @property
    def arm_ready(self) -> bool:
        return self.connection.arm_state is ArmState.HOLDING

    @property
    def can_drive(self) -> bool:
        return self.mounted and not self.busy and self.arm_ready and bool(self.proposals)

    @property
    def can_take(self) -> bool:
        """Whether a pose can be taken by hand: the arm stands still, or is in hand guiding."""
        standing = self.connection.arm_state in (ArmState.HOLDING, ArmState.HAND_GUIDING)
        return self.mounted and not self.busy and standing

    @property
    def missing(self) -> "tuple[Missing, ...]":
        if self.session is None:
            return ()
        if self._missing is None or self._missing[0] is not self.session:  # slow with many poses
            self._missing = self.session, self.session.missing()
        return self._missing[1]

    @property
    def gathered(self) -> bool:
        """Whether there are any observations yet."""
        return self.session is not None and bool(self.session.observations)

    @property
    def enough(self) -> bool:
        """Whether every camera meets the solver's minimum requirements."""
        missing = self.missing
        return bool(missing) and all(each.complete for each in missing)

    # --- actions without motion ---

    def begin(self, session: "CalibrationSession", note: str = "") -> None:
        """Start with another session, empty or an older one; `note` is shown with it."""
        self.session, self.proposals, self.rough = session, (), {}
        self.progress, self.result, self._next = None, None, 0
        self.looked_around = all(session.views_of(camera.identity) for camera in session.cameras)
        self.problem, self.note = "", note
        self.changed.emit()

    def forget(self) -> None:
        """Drop the session after it was stored: the next calibration starts empty."""
        self.session, self.proposals, self.result, self.progress = None, (), None, None
        self.problem = self.note = ""
        self.proposed.emit()

    def enter(self) -> None:
        """Start detection and propose poses, when the step is shown."""
        self.look()
        self._propose_if_due()

    def look(self) -> None:
        """Start detecting the board in every live image."""
        if self.session is not None:
            self.watch.start(self.session.board)

    def leave(self) -> None:
        self.watch.stop()

    def mount(self) -> None:
        """Mount the board; in the lab it is added to the scene."""
        if self.session is not None:
            self.session = self.session.remounted()
        self._begin(self._mount.put_on(), "put the board on").on(done=self._mounted)

    def unmount(self) -> None:
        """Remove the lab's board again."""
        if self._job is None and (work := self._mount.take_off()) is not None:
            self._begin(work, "take the board off")

    def choose_by_hand(self, by_hand: bool) -> None:
        self.by_hand = by_hand
        self.problem = ""
        self._propose_if_due()
        self.changed.emit()

    def choose_speed(self, speed: float) -> None:
        self.speed = speed
        self.changed.emit()

    def propose_again(self) -> None:
        """Propose new poses from the arm's present pose."""
        self.proposals, self.result, self._next = (), None, 0
        self._propose_if_due()

    def take(self) -> None:
        """Take a pose by hand: observe the board as it is held now."""
        session, robot = self.session, self.connection.robot
        if not self.can_take or session is None or robot is None:
            return
        captures = dict(self.connection.session.captures)
        self._begin(one_look(session, robot, captures), _TAKE).on(done=self._taken)

    def finish(self) -> None:
        """Finish the observations: observe the bench's tags too, for cameras that have not yet."""
        session, captures = self.session, dict(self.connection.session.captures)
        if session is None or self.busy:
            return
        if all(camera.identity in session.bench for camera in session.cameras):
            self.finished.emit()
            return
        self._begin(bench_look(session, captures), "look at the bench's tags").on(done=self._bench_seen)

    def cancel(self) -> None:
        """Cancel the drive: the arm is stopped; the observations are kept."""
        if self._job is not None:
            self._job.cancel()

    # --- actions with motion ---

    def drive(self) -> None:
        """Drive through the proposed poses, or resume where the drive ended."""
        session, robot = self.session, self.connection.robot
        if not self.can_drive or session is None or robot is None:
            return
        captures = dict(self.connection.session.captures)
        work = drive_through(
            session,
            self.proposals,
            robot,
            captures,
            start=self._next,
            speed=self.speed,
            bench=self.looked_around,
            progress=self._progressed,  # in the job's thread: it sets two attributes
        )
        self._begin(work, _DRIVE).on(done=self._driven, cancelled=self._cancelled)

    # --- helpers ---

    def _progressed(self, progress: "DriveProgress") -> None:
        self.progress = progress
        self.session = progress.session

    def _mounted(self, _: object) -> None:
        self._mount.confirm()
        self._propose_if_due()

    def _propose_if_due(self) -> None:
        """Propose poses in a job, if the present stage needs some."""
        session, status, robot = self.session, self.connection.status, self.connection.robot
        wanted = self.stage in (Stage.LOOK, Stage.POSES) and not self.proposals
        if not wanted or session is None or status is None or robot is None or self._job is not None:
            return
        joints, limits = status.position, robot.limits
        first = self.stage is Stage.LOOK
        work = first_poses(joints, limits) if first else all_poses(session, joints, limits)
        self._begin(work, "choose poses").on(done=self._show_proposals)

    def _show_proposals(self, found: Any) -> None:
        self.rough, self.proposals = dict(found[0]), tuple(found[1])
        self._next = 0
        self.proposed.emit()

    def _taken(self, looked: Any) -> None:
        self.note = " ".join(looked.problems.values())
        if looked.observation is None:
            self.problem = self.note or "No camera sees the board. Turn it towards a camera."
        elif self.session is not None:
            self.session = self.session.added(looked.observation)

    def _bench_seen(self, session: "CalibrationSession") -> None:
        self.session = session
        self.finished.emit()

    def _driven(self, result: "DriveResult") -> None:
        self.session, self.problem = result.session, result.fault
        self._next = result.next_pose
        if not result.finished:
            self.result = result
        elif self.looked_around:
            self.result = result
            self.finished.emit()
        else:
            self._looked(result)

    def _looked(self, result: "DriveResult") -> None:
        """End the first look around: all poses can now be proposed, provided that a camera saw the board."""
        self.result, self.proposals = None, ()
        if any(observation.views for observation in result.session.observations):
            self.looked_around = True
        else:
            self.problem = (
                "No camera has seen the board. Check that it is on the gripper's front and faces the cameras, or move "
                "the arm by hand control to where they see it; then choose the poses again."
            )

    def _cancelled(self) -> None:
        progress = self.progress
        self._next = 0 if progress is None else progress.index
        self.problem = "" if progress is None else f"Ended at pose {progress.index + 1}. What was seen is kept."

    def _begin(self, work: Callable[[Cancellation, Report], Any], name: str) -> Job:
        self.problem = ""
        self._job = self._jobs.run(work, name=name)
        self._job.on(failed=self._failed, ended=self._ended)
        self.changed.emit()
        return self._job

    def _failed(self, error: KnownError) -> None:
        self.problem = str(error)
        if self.driving and self.progress is not None:
            self._next = self.progress.index

    def _ended(self) -> None:
        self._job = None
        self._propose_if_due()
        self.changed.emit()

"""Execution of an approved plan: started once, followed sample by sample, recorded, judged and stored."""

import contextlib
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from foundation.clocks import utc_now
from foundation.errors import KnownError
from robot.errors import LinkError
from robot.service.status import RobotStatus
from robot.state import Activity
from workflows.rehearsal.approval import Approvals
from workflows.rehearsal.facts import Approval, Outcome, RehearsalState, Run
from workflows.rehearsal.files import write_run
from workflows.rehearsal.ledger import Ledger, RehearsalError
from workflows.rehearsal.tracking import track

if TYPE_CHECKING:
    from workflows.rehearsal.run_recording import RunRecording

_log = logging.getLogger(__name__)

_LOOK_AGAIN = 1.0  # s after which an approval's check of the scene is too old to start on
_STOPPED_WITHIN = 2.0  # s to wait for the stop of an abandoned run
_UNDER_WAY = (Activity.FOLLOWING, Activity.BRAKING)


class Execution:
    """Runs a ledger's approved plan. With `record` the run is recorded, and `close` has to be called."""

    def __init__(self, ledger: Ledger, approvals: Approvals, *, record: bool):
        self._ledger, self._approvals, self._record = ledger, approvals, record
        self._recording: RunRecording | None = None
        self._not_recorded = ""
        self._began = 0.0
        self._starting = False  # the robot process is being asked to execute: from then on it no longer holds the plan

    @property
    def recorded(self) -> bool:
        """Whether the whole run was recorded and can still be kept as a demonstration."""
        return self._recording is not None and not self._ledger.facts.film

    @property
    def recording_problem(self) -> str:
        """Why the run could not be recorded completely; '' when it was."""
        return self._not_recorded or self._ledger.facts.film

    def run(self, speed: float, *, hold: bool) -> None:
        """Start the approved motion; returns once it is being sent to the arm's controller. `update` follows it."""
        ledger = self._ledger
        ledger.require(RehearsalState.APPROVED)
        approval = ledger.facts.approval
        assert approval is not None
        self._begin_recording()
        try:
            if time.monotonic() - approval.looked > _LOOK_AGAIN:
                self._approvals.look()
                ledger.require(RehearsalState.APPROVED)
            self._start(approval, speed, hold)
        except BaseException:
            self._drop_recording()
            raise

    def update(self) -> None:
        """Process the robot's messages: samples and end of the run, and whether an approval is still valid."""
        ledger = self._ledger
        facts, robot = ledger.facts, ledger.session.robot
        self._approvals.check(starting=self._starting)
        if facts.run is None or facts.run.over or facts.plan is None:
            return
        if robot is None:
            self._end("The arm was disconnected.")
            return
        new = track(facts.plan, robot.take_samples())
        ledger.change(tracking=new if facts.tracking is None else facts.tracking.joined(new))
        try:
            status = robot.settled_status
        except LinkError as error:
            self._end(str(error))
            return
        if status is not None:
            ledger.change(run=replace(facts.run, progress=max(facts.run.progress, status.progress)))
            if status.activity not in _UNDER_WAY:
                self._end(_fault(status))

    def end_recording(self) -> None:
        """Stop recording after the run, determine whether the video shows the whole run, and store all of it, also
        before the operator has judged it."""
        ledger = self._ledger
        if self._recording is not None:
            self._recording.stop()
            tracking = ledger.facts.tracking
            ledger.change(film="" if tracking is None else self._recording.shortfall(tracking))
        self._store_run()

    def abandon(self, reason: str) -> None:
        """Stop a run whose end will not be observed, and store how far it came and why it ended."""
        ledger, robot = self._ledger, self._ledger.session.robot
        if ledger.state is not RehearsalState.RUNNING:
            return
        if robot is not None and not robot.lost:
            with contextlib.suppress(LinkError):  # no link to send the stop over: the arm stops by itself
                robot.stop()
        deadline = time.monotonic() + _STOPPED_WITHIN
        while ledger.state is RehearsalState.RUNNING and time.monotonic() < deadline:
            self.update()
            time.sleep(0.02)
        run = ledger.facts.run
        if run is None or not run.over or run.fault:  # else it came to its end meanwhile
            self._end(reason)
        self.end_recording()

    def finish(self, success: bool | None, note: str, *, keep: bool) -> None:
        """Store the operator's verdict; with `keep` the recording of the run becomes a demonstration."""
        self.update()
        ledger = self._ledger
        ledger.require(RehearsalState.DONE)
        if keep and self._recording is None:
            raise RehearsalError(f"This run was not recorded. {self.recording_problem}".strip())
        if keep and not self.recorded:
            raise RehearsalError(f"The film does not show the whole run. {self.recording_problem}")
        facts = ledger.facts
        try:
            if facts.folder is not None and facts.tracking is not None and len(facts.tracking):
                write_run(facts.folder, 1, facts.tracking)
            self._settle_recording(success, note, keep)
            ledger.change(outcome=Outcome(success, note, utc_now().isoformat()))
            ledger.store()
            _log.info("run judged: success %s, kept as a demonstration %s", success, keep)
        except KnownError:
            ledger.change(outcome=None)
            raise

    def close(self) -> None:
        """Release the recording of a run that was not judged; it stays in the rehearsal's folder."""
        if self._recording is not None:
            self._settle_recording(None, "", keep=False)

    # --- parts ---

    def _start(self, approval: Approval, speed: float, hold: bool) -> None:
        ledger = self._ledger
        part, lab = ledger.facts.part, ledger.session.lab
        if lab is not None and (part is None or part.number == 1):
            lab.begin()  # initial state that the task is judged against
        robot = ledger.robot
        robot.take_samples()
        run = Run(utc_now().isoformat(), speed)
        ledger.store(run=run)  # before the arm moves: if this program dies, the start of the run is on record
        self._starting = True
        try:
            robot.execute(approval.staged.nonce, speed, hold=hold)
        except BaseException:
            ledger.store()
            raise
        else:
            self._began = time.monotonic()
            ledger.change(run=run, tracking=None, film="")
            held = ", only while a button is held" if hold else ""
            _log.info("run begins: plan %s, %.0f %% of its speed%s", approval.staged.digest, 100 * speed, held)
        finally:
            self._starting = False

    def _store_run(self) -> None:
        """Store the measurements and how the run ended, unless its outcome is already stored."""
        facts = self._ledger.facts
        if facts.run is None or not facts.run.over or facts.outcome is not None:
            return
        if facts.folder is not None and facts.tracking is not None and len(facts.tracking):
            write_run(facts.folder, 1, facts.tracking)
        self._ledger.store()

    def _end(self, fault: str) -> None:
        run = self._ledger.facts.run
        assert run is not None
        self._ledger.facts.seconds["run"] = time.monotonic() - self._began
        self._ledger.change(run=replace(run, over=True, fault=fault))
        _log.info("run ended after %.1f s: %s", self._ledger.facts.seconds["run"], fault or "the motion is complete")

    def _begin_recording(self) -> None:
        """Start recording; without it the run goes ahead all the same, with the reason in `recording_problem`."""
        ledger = self._ledger
        proposal = ledger.facts.proposal
        if not self._record or self._recording is not None or proposal is None:
            return
        from workflows.rehearsal.run_recording import RunRecording  # deferred: the library behind it is slow to import

        self._not_recorded = ""
        try:
            self._recording = RunRecording(ledger.session, ledger.library_folder, proposal.instruction, ledger.operator)
        except KnownError as error:
            self._not_recorded = str(error)

    def _drop_recording(self) -> None:
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.discard()

    def _settle_recording(self, success: bool | None, note: str, keep: bool) -> None:
        recording, folder = self._recording, self._ledger.facts.folder
        if recording is None:
            return
        if keep:
            kept = recording.keep(success, note)
            self._ledger.change(episode=str(kept.id))
        elif folder is not None:
            recording.put_aside(folder)
        self._recording = None


def _fault(status: RobotStatus) -> str:
    """Return '' when the motion reached its end, else why not."""
    if status.fault:
        return status.fault
    if status.activity is Activity.HOLDING and status.progress >= 1.0:
        return ""
    return "The motion was stopped before its end."

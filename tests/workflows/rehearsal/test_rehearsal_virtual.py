"""The real-time rules where no machine is too busy: the approval, its end, the run, and what is stored."""

import numpy as np
import pytest

from benchmarks.motion.virtual_session import VirtualSession
from foundation import log, xarm7
from foundation.errors import KnownError
from workflows.proposals.drawn_motion import DrawnPoint, DrawnSource
from workflows.proposals.receding_horizon import RecedingHorizonSource, segments_approval_for
from workflows.proposals.waypoint_edit import EditedSource, WaypointEdit
from workflows.rehearsal.facts import THIS_PROGRAM, Part
from workflows.rehearsal.files import read_record
from workflows.rehearsal.rehearsal import Rehearsal, RehearsalError, RehearsalState
from workflows.rehearsal.review import review_rehearsal
from workflows.settings import ProgramSettings

TASK = "to the side"
POINTS = (DrawnPoint((0.42, 0.05, 0.2)), DrawnPoint((0.42, -0.1, 0.2)))


@pytest.fixture
def session(tmp_path):
    return VirtualSession(ProgramSettings(operator="Ada"), tmp_path).opened()


@pytest.fixture
def rehearsal(session):
    rehearsal = Rehearsal(session)
    rehearsal.propose(TASK, DrawnSource(POINTS))
    plan = rehearsal.plan
    assert plan is not None and plan.executable, plan
    return rehearsal


def moved(session) -> float:
    return float(np.abs(session.arm.joints - xarm7.HOME).max())


def run_to_its_end(session, rehearsal) -> None:
    for _ in range(100):
        session.live(0.5)
        rehearsal.update()
        if rehearsal.state is RehearsalState.DONE:
            return
    raise AssertionError(rehearsal.current_run)


def test_what_was_approved_runs_once_and_is_stored(session, rehearsal):
    assert moved(session) < 1e-3
    approval = rehearsal.approve()
    assert (approval.who, approval.staged.digest) == ("Ada", rehearsal.plan.digest)
    session.live(1.0)
    rehearsal.update()
    assert rehearsal.state is RehearsalState.APPROVED and moved(session) < 1e-3
    rehearsal.run(1.0)
    assert rehearsal.state is RehearsalState.RUNNING and rehearsal.revoked == ""
    with pytest.raises(RehearsalError, match="still moving"):
        rehearsal.propose(TASK, DrawnSource(POINTS))
    run_to_its_end(session, rehearsal)
    assert rehearsal.current_run.fault == "" and rehearsal.tracking.error_p95_mm < 5.0
    end = xarm7.forward(session.arm.joints)[:3, 3]
    assert np.linalg.norm(end - POINTS[-1].position) < 5e-3
    with pytest.raises(KnownError):
        session.robot.execute(approval.staged.nonce)
    with pytest.raises(RehearsalError, match="not recorded"):
        rehearsal.finish(True, keep=True)
    rehearsal.finish(True, "well")
    record = read_record(rehearsal.folder)
    assert record["outcome"]["note"] == "well" and record["approval"]["digest"] == rehearsal.plan.digest
    assert (rehearsal.folder / "run-1.npz").is_file() and rehearsal.state is RehearsalState.SAVED


@pytest.mark.parametrize("how", ["taken back", "rejected", "another motion", "stopped", "scene"])
def test_what_ends_the_trust_ends_the_approval_and_the_arm_stands(session, rehearsal, how):
    nonce = rehearsal.approve().staged.nonce
    if how == "taken back":
        rehearsal.revoke("I want to look again.")
    elif how == "rejected":
        rehearsal.reject("too near")
    elif how == "another motion":
        rehearsal.propose(TASK, DrawnSource(POINTS[:1]))
    elif how == "stopped":
        session.robot.stop()
    else:
        session.moved = True
        with pytest.raises(RehearsalError, match="something was moved"):
            rehearsal.look()
    rehearsal.update()
    expected = RehearsalState.REJECTED if how == "rejected" else RehearsalState.PROPOSED
    assert rehearsal.state is expected
    with pytest.raises(RehearsalError):
        rehearsal.run()
    session.arm.make_ready() if how == "stopped" else None
    with pytest.raises(KnownError):
        session.robot.execute(nonce)
    session.live(1.0)
    assert moved(session) < 1e-3
    if how == "taken back":
        assert rehearsal.revoked == "I want to look again."
        rehearsal.approve()
        assert rehearsal.state is RehearsalState.APPROVED and rehearsal.revoked == ""


def test_the_log_tells_of_approval_and_run_without_names_and_whole_nonces(session, tmp_path):
    rehearsal, task = Rehearsal(session), "give Mr Smith the cup"
    with log.running("window", tmp_path / "log"):
        rehearsal.propose(task, DrawnSource(POINTS))
        approval = rehearsal.approve()
        rehearsal.run(1.0)
        run_to_its_end(session, rehearsal)
        rehearsal.finish(True, "well done, Mr Smith")
    text = (tmp_path / "log" / log.NAME).read_text()
    digest, nonce = approval.staged.digest, approval.staged.nonce
    assert f"approved: plan {digest}, nonce {nonce[:6]}...\n" in text
    assert f"run begins: plan {digest}, 100 % of its speed" in text and "the motion is complete" in text
    assert "run judged: success True" in text and "instruction of 21 characters" in text
    assert nonce not in text and "Smith" not in text and "Ada" not in text


def test_a_scene_that_changed_is_not_approved(session, rehearsal):
    session.moved = True
    with pytest.raises(RehearsalError, match="something was moved"):
        rehearsal.approve()
    assert rehearsal.state is RehearsalState.PROPOSED and session.robot.status.staged == ""


def test_held_motions_rest_without_a_hand(session, rehearsal):
    rehearsal.approve()
    rehearsal.run(1.0, hold=True)
    session.live(1.0)
    assert moved(session) < 1e-3
    for _ in range(60):
        session.robot.hold(1)
        session.live(0.03)
    assert moved(session) > 0.02
    session.live(1.0)
    rests = session.arm.joints.copy()
    session.live(1.0)
    rehearsal.update()
    assert np.abs(session.arm.joints - rests).max() < 1e-4 and rehearsal.state is RehearsalState.RUNNING


def test_parts_under_one_approval(session):
    rehearsal, first, cover = Rehearsal(session), "", None
    workspace = session.robot.limits.workspace
    for number in (1, 2):
        rehearsal.propose(TASK, RecedingHorizonSource(DrawnSource(POINTS), number, 2), part=Part(number, 2, first))
        plan, proposal, part, folder = rehearsal.plan, rehearsal.proposal, rehearsal.part, rehearsal.folder
        assert plan is not None and proposal is not None and part is not None and folder is not None
        first, bounds = part.first, (workspace.low, workspace.high)
        cover = cover or rehearsal.allow(segments_approval_for(plan, proposal, 2, 1.0, bounds))
        rehearsal.approve(cover)
        rehearsal.run(1.0)
        run_to_its_end(session, rehearsal)
        rehearsal.finish(None, f"part {number}")
        record = read_record(folder)
        assert record["covered_by"] == cover.allowance.words and record["part"]["first"] == first
    rehearsal.propose(TASK, DrawnSource(POINTS))
    with pytest.raises(KnownError, match="parts"):
        rehearsal.approve(cover)
    assert rehearsal.state is RehearsalState.PROPOSED


def test_a_moved_waypoint_needs_an_approval_of_its_own_and_the_old_nonce_is_dead(session, rehearsal):
    before, digest = rehearsal.proposal, rehearsal.plan.digest
    nonce = rehearsal.approve().staged.nonce
    edit = WaypointEdit(len(before.times) - 1, (0.0, 0.0, 0.03))
    rehearsal.propose(before.instruction, EditedSource(rehearsal.plan.intended, edit, before.id))
    assert rehearsal.state is RehearsalState.PROPOSED and rehearsal.plan.digest != digest
    with pytest.raises(KnownError):
        session.robot.execute(nonce)
    with pytest.raises(RehearsalError):
        rehearsal.run()
    assert read_record(rehearsal.folder)["begun_from"] == before.id
    rehearsal.approve()
    with pytest.raises(KnownError):
        session.robot.execute(nonce)
    assert rehearsal.approval.staged.digest == rehearsal.plan.digest
    session.live(1.0)
    assert moved(session) < 1e-3


def test_that_a_run_was_begun_is_known_before_the_arm_moves(session, rehearsal):
    """Check that this holds whatever happens to the program afterwards."""
    rehearsal.approve()
    rehearsal.run(1.0)
    run = read_record(rehearsal.folder)["run"]
    assert run["over"] is False and run["fault"] == "" and run["program"] == THIS_PROGRAM
    run_to_its_end(session, rehearsal)
    rehearsal.end_recording()  # not judged yet
    record = read_record(rehearsal.folder)
    assert record["run"]["over"] is True and record["outcome"] is None
    assert record["tracking_error_p95_mm"] == rehearsal.tracking.error_p95_mm
    assert review_rehearsal(rehearsal.folder).tracking.off_the_plan == rehearsal.tracking.off_the_plan


def test_a_run_that_is_refused_was_not_begun(session, rehearsal):
    rehearsal.approve()
    session.robot.revoke("changed")
    with pytest.raises(KnownError):
        rehearsal.run(1.0)
    assert read_record(rehearsal.folder)["run"] is None


def test_an_abandoned_run_is_stopped_and_stored_with_the_reason(session, rehearsal):
    rehearsal.approve()
    rehearsal.run(1.0)
    session.live(1.0)
    rehearsal.update()
    rehearsal.abandon("Stopped when the window was closed.")
    record = read_record(rehearsal.folder)
    assert record["run"]["over"] and record["run"]["fault"] == "Stopped when the window was closed."
    assert 0.0 < record["run"]["progress"] < 1.0
    before = session.arm.joints.copy()
    session.live(2.0)
    assert np.abs(session.arm.joints - before).max() < 0.05  # rad

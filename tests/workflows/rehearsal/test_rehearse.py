"""Life of one instruction: proposed, watched, approved, run, judged, stored; and every forbidden transition."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from patience import PATIENT

from cameras.health import State
from foundation.errors import KnownError
from robot.planning.findings import Level
from robot.planning.plan import Plan, digest_of
from robot.state import ArmState
from simulation.bench.randomise import scene_for
from simulation.client import LabProcess
from workflows.cancellation import Cancellation, Cancelled
from workflows.proposals.sources import FRAMES
from workflows.rehearsal.files import read_record
from workflows.rehearsal.rehearsal import (
    DemonstratorSource,
    Rehearsal,
    RehearsalError,
    RehearsalState,
    ReplaySource,
    save_trajectory,
)
from workflows.session import Session
from workflows.settings import LabSettings, ProgramSettings
from workflows.unattended import heartbeat

INSTRUCTION = "pick up the red cube"
SERVO_JOINTS = 29
WITHIN = 20.0  # s


class SmallPictures(Session):
    """Session whose lab makes small images, so that a busy machine keeps up with them."""

    def _start_lab(self) -> None:
        lab = self.settings.lab
        self.lab = LabProcess(scene_for(lab.instruction, lab.seed, cameras=lab.cameras, size=(160, 120)))


@pytest.fixture(scope="module")
def _session():
    session = SmallPictures(
        ProgramSettings(lab=LabSettings(200_003, 2, INSTRUCTION), operator="Ada"), deadlines=PATIENT
    )
    session.open()
    assert session.robot is not None, session.problems
    with heartbeat(session.robot):
        session.robot.wait_for(ArmState.NOT_ENABLED)
        session.robot.enable()
        yield session
    session.close()


@pytest.fixture
def session(_session):
    """The session, ready for motion, wherever the last test left the arm."""
    robot = _session.robot
    robot.arm_for_motion()
    robot.wait_for(ArmState.HOLDING)
    yield _session
    robot.stop_taken(robot.stop(), 5.0)
    robot.wait_for(ArmState.STOPPED)


@pytest.fixture
def rehearsal(session, tmp_path):
    return Rehearsal(session, library=tmp_path)


def proposed(rehearsal: Rehearsal, instruction: str = "reach the red cube") -> Rehearsal:
    rehearsal.propose(instruction, DemonstratorSource(rehearsal.session))
    return rehearsal


def test_without_a_gripper_the_plan_says_what_is_left_out(session, tmp_path):
    settings = session.settings
    session.settings = replace(settings, arm=replace(settings.arm, gripper=False))
    try:
        found = proposed(Rehearsal(session, library=tmp_path), INSTRUCTION).plan.findings
    finally:
        session.settings = settings
    assert any("No gripper is mounted" in each.sentence for each in found)


def targets(rehearsal: Rehearsal, since: float) -> int:
    lab = rehearsal.session.lab
    assert lab is not None
    return len(lab.commands(SERVO_JOINTS, since=since))


def updated_until(rehearsal: Rehearsal, state: RehearsalState) -> None:
    deadline = time.monotonic() + WITHIN
    while rehearsal.state is not state:
        rehearsal.update()
        assert time.monotonic() < deadline, rehearsal.state
        time.sleep(0.02)


def test_nothing_moves_before_the_approval_and_its_run(rehearsal):
    began = time.monotonic()
    assert rehearsal.state is RehearsalState.EMPTY
    for act in (rehearsal.run, rehearsal.approve, rehearsal.reject, lambda: rehearsal.finish(True)):
        with pytest.raises(RehearsalError):
            act()
    proposal = proposed(rehearsal).proposal
    assert rehearsal.state is RehearsalState.PROPOSED
    assert proposal is not None and len(proposal.times) == FRAMES
    assert proposal.action.shape == (2, FRAMES, 120, 160, 3) and proposal.action.dtype == np.uint8
    assert proposal.decoded.valid.all()
    with pytest.raises(RehearsalError, match="proposed, not approved"):
        rehearsal.run()
    rehearsal.approve()
    time.sleep(0.5)
    rehearsal.update()
    assert rehearsal.state is RehearsalState.APPROVED
    assert targets(rehearsal, began) == 0


def test_a_look_just_as_the_motion_starts_does_not_take_the_approval_for_lost(rehearsal, monkeypatch):
    """Poll just after the start: the robot process drops a followed plan, and the window polls at 30 Hz."""
    robot = rehearsal.session.robot
    execute = robot.execute

    def execute_and_look(*arguments, **more) -> None:
        execute(*arguments, **more)
        deadline = time.monotonic() + WITHIN
        while robot.settled_status is None or robot.settled_status.staged:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        rehearsal.update()

    monkeypatch.setattr(robot, "execute", execute_and_look)
    approval = proposed(rehearsal).approve()
    rehearsal.run(1.0)
    assert rehearsal.revoked == ""
    assert rehearsal.approval is not None and rehearsal.approval.staged is approval.staged
    assert rehearsal.wait().fault == ""
    rehearsal.finish(True)
    assert rehearsal.folder is not None
    assert read_record(rehearsal.folder)["approval"]["who"] == "Ada"


def test_from_the_instruction_to_a_stored_outcome(rehearsal, tmp_path):
    lab = rehearsal.session.lab
    proposed(rehearsal, INSTRUCTION)
    plan = rehearsal.plan
    assert plan is not None and plan.executable
    approval = rehearsal.approve()
    assert approval.staged.digest == plan.digest and approval.who == "Ada"
    rehearsal.run(0.5)
    assert rehearsal.state is RehearsalState.RUNNING
    with pytest.raises(RehearsalError, match="still moving"):
        proposed(rehearsal)
    run = rehearsal.wait()
    assert run.fault == "" and run.over and rehearsal.state is RehearsalState.DONE
    time.sleep(0.3)
    verdict = lab.judge(INSTRUCTION)
    assert verdict.success, verdict.reason
    tracking = rehearsal.tracking
    assert tracking is not None and len(tracking) > 100
    assert (np.diff(tracking.moments) >= 0).all()
    assert (
        tracking.error_p95_mm is not None and tracking.error_p95_mm < 30.0
    )  # a busy machine lags; it is measured elsewhere
    rehearsal.finish(True, "well done")
    assert rehearsal.state is RehearsalState.SAVED

    folder = tmp_path / "rehearsals" / rehearsal.proposal.id
    assert folder == rehearsal.folder
    record = read_record(folder)
    assert record["outcome"]["success"] is True and record["outcome"]["note"] == "well done"
    assert record["approval"]["digest"] == plan.digest and record["approval"]["who"] == "Ada"
    stored = (folder / "plan.bin").read_bytes()
    assert digest_of(stored) == plan.digest and Plan.from_bytes(stored).executable
    with np.load(folder / "proposal.npz") as values:
        np.testing.assert_array_equal(values["times"], rehearsal.proposal.times)
    with np.load(folder / "run-1.npz") as values:
        assert len(values["position"]) == len(tracking)
    names = {path.name for path in folder.iterdir()}
    assert {"action.mp4", "scene-left.png", "scene-right.png"} <= names
    assert not [name for name in names if name.endswith(".part")]
    json.dumps(record)


def test_what_is_rejected_cannot_be_approved(rehearsal):
    proposed(rehearsal)
    rehearsal.reject("too close to the bowl")
    assert rehearsal.state is RehearsalState.REJECTED
    assert read_record(rehearsal.folder)["rejected"] == "too close to the bowl"
    with pytest.raises(RehearsalError):
        rehearsal.approve()


def test_a_revoked_approval_runs_nothing_and_can_be_given_again(rehearsal):
    began = time.monotonic()
    proposed(rehearsal).approve()
    rehearsal.revoke("I want to look again.")
    assert rehearsal.state is RehearsalState.PROPOSED and rehearsal.revoked == "I want to look again."
    with pytest.raises(RehearsalError, match="look again"):
        rehearsal.run()
    assert rehearsal.session.robot.settled_status is None or not rehearsal.session.robot.settled_status.staged
    rehearsal.approve()
    assert rehearsal.state is RehearsalState.APPROVED and rehearsal.revoked == ""
    assert targets(rehearsal, began) == 0


@pytest.mark.parametrize("how", ["stop", "gripper"])
def test_the_robot_process_forgets_by_itself_and_it_shows(rehearsal, how):
    began = time.monotonic()
    proposed(rehearsal).approve()
    nonce = rehearsal.approval.staged.nonce
    robot = rehearsal.session.robot
    if how == "stop":
        robot.stop_taken(robot.stop(), 5.0)
    else:
        robot.move_gripper(0.0)  # what is held stays held
    updated_until(rehearsal, RehearsalState.PROPOSED)
    assert "no longer good" in rehearsal.revoked
    with pytest.raises(KnownError):
        robot.execute(nonce)
    assert targets(rehearsal, began) == 0


def test_a_new_instruction_revokes_the_old_approval(rehearsal):
    proposed(rehearsal).approve()
    nonce = rehearsal.approval.staged.nonce
    proposed(rehearsal)
    assert rehearsal.approval is None
    with pytest.raises(KnownError, match="No approved plan"):
        rehearsal.session.robot.execute(nonce)


def test_an_edited_plan_is_not_the_one_that_was_shown(rehearsal):
    """Stage another plan meanwhile: the approval for the shown one is gone, and starts nothing."""
    began = time.monotonic()
    proposed(rehearsal).approve()
    plan = rehearsal.plan
    shifted = Plan(plan.motion, plan.frame_moments + 1e-3, plan.intended, plan.findings)
    assert shifted.digest != plan.digest
    rehearsal.session.robot.stage(shifted.to_bytes())
    with pytest.raises(KnownError, match="another plan"):
        rehearsal.run()
    updated_until(rehearsal, RehearsalState.PROPOSED)
    assert targets(rehearsal, began) == 0


def test_a_scene_that_cannot_be_seen_is_not_approved(rehearsal):
    proposed(rehearsal)
    rehearsal.session.lab.camera_fault("left", frozen=True)
    deadline = time.monotonic() + WITHIN
    while rehearsal.session.captures["lab:left"].state is not State.FROZEN:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    try:
        with pytest.raises(KnownError, match="left"):
            rehearsal.approve()
    finally:
        rehearsal.session.lab.camera_fault("left", frozen=False)
        rehearsal.session.captures["lab:left"].next_frame(WITHIN)
        time.sleep(0.7)


def test_a_calibration_that_changed_ends_the_approval(rehearsal):
    proposed(rehearsal).approve()
    facts = rehearsal.ledger.facts
    view = facts.proposal.scene.views[0]
    moved = view.camera.base_from_camera.copy()
    moved[0, 3] += 0.01
    views = (replace(view, camera=replace(view.camera, base_from_camera=moved)), *facts.proposal.scene.views[1:])
    shown = replace(facts.proposal, scene=replace(facts.proposal.scene, views=views))
    rehearsal.ledger.facts = replace(facts, proposal=shown)
    with pytest.raises(RehearsalError, match="calibrated again"):
        rehearsal.look()
    assert rehearsal.state is RehearsalState.PROPOSED


def test_a_stop_ends_the_run_and_is_part_of_what_is_stored(rehearsal):
    proposed(rehearsal).approve()
    rehearsal.run(0.25)
    robot = rehearsal.session.robot
    time.sleep(0.8)
    robot.stop_taken(robot.stop(), 5.0)
    run = rehearsal.wait()
    assert "stopped" in run.fault and run.progress < 1.0
    rehearsal.finish(False, "stopped it")
    assert read_record(rehearsal.folder)["run"]["fault"] == run.fault


def test_cancelling_leaves_nothing(rehearsal, tmp_path):
    token = Cancellation()

    def report(what: str, share: float) -> None:
        if share > 0.2:
            token.cancel()

    with pytest.raises(Cancelled):
        rehearsal.propose(INSTRUCTION, DemonstratorSource(rehearsal.session), report, token)
    assert rehearsal.state is RehearsalState.EMPTY
    assert not list(tmp_path.iterdir())


def test_a_trajectory_is_replayed_from_its_file(rehearsal, tmp_path):
    proposed(rehearsal)
    path = tmp_path / "reach.json"
    save_trajectory(path, rehearsal.plan.intended, "reach the red cube")
    before = rehearsal.plan.intended
    rehearsal.propose("reach the red cube", ReplaySource(rehearsal.session, path))
    assert rehearsal.proposal.source == "replay" and rehearsal.plan.executable
    apart = rehearsal.plan.intended.base_from_tool[:, :3, 3] - before.base_from_tool[:, :3, 3]
    assert np.abs(apart).max() < 1e-3


def test_a_motion_that_must_not_be_run_cannot_be_approved(rehearsal, tmp_path):
    proposed(rehearsal)
    way = rehearsal.plan.intended
    poses = np.array(way.base_from_tool)
    poses[-8:, 2, 3] = -0.05
    path = tmp_path / "below.json"
    save_trajectory(path, replace(way, base_from_tool=poses))
    rehearsal.propose("into the table", ReplaySource(rehearsal.session, path))
    assert any(finding.level is Level.REFUSAL for finding in rehearsal.plan.findings)
    with pytest.raises(RehearsalError, match="must not be run"):
        rehearsal.approve()
    assert rehearsal.state is RehearsalState.PROPOSED


def test_an_empty_instruction_and_a_wrong_one(rehearsal):
    with pytest.raises(RehearsalError, match="Type what"):
        proposed(rehearsal, "  ")
    with pytest.raises(KnownError, match="understand"):
        proposed(rehearsal, "make coffee")
    assert rehearsal.state is RehearsalState.EMPTY


def test_a_library_that_cannot_be_written_is_said(session, tmp_path):
    taken = tmp_path / "file"
    taken.write_text("not a folder")
    rehearsal = Rehearsal(session, library=taken)
    with pytest.raises(KnownError, match="could not be stored"):
        proposed(rehearsal)
    assert rehearsal.state is RehearsalState.EMPTY

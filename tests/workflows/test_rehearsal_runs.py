"""A run is filmed while it is run: kept as a demonstration, or left beside the rehearsal to be compared with it."""

import uuid

import numpy as np
import pytest
from rehearsal_lab import approved, lab_session, make_ready, patiently, proposed

from foundation.errors import KnownError
from storage.episode import Episode
from storage.library import Library
from storage.queries import page
from storage.rehearsal_list import rehearsals
from workflows.parts import PartSource, allowance_for
from workflows.rehearsal_facts import Part
from workflows.rehearsal_files import read_record
from workflows.rehearsal_review import review_rehearsal
from workflows.rehearse import DemonstratorSource, Rehearsal, RehearsalError, RehearsalState
from workflows.waypoint_edit import EditedSource, WaypointEdit


@pytest.fixture(scope="module")
def session():
    with lab_session() as session:
        yield session


def test_a_run_is_kept_as_a_demonstration_or_stays_beside_its_rehearsal(session, tmp_path):
    rehearsal = Rehearsal(session, library=tmp_path, record_runs=True)
    approved(proposed(rehearsal))
    patiently(lambda: rehearsal.run(1.0))
    assert rehearsal.recorded and rehearsal.recording_problem == ""
    assert rehearsal.wait().fault == ""
    rehearsal.end_recording()
    rehearsal.finish(True, "kept", keep=True)
    first = rehearsal.folder
    assert first is not None and not rehearsal.recorded

    approved(proposed(rehearsal, "reach the bowl"))
    patiently(lambda: rehearsal.run(1.0))
    assert rehearsal.wait().fault == ""
    rehearsal.finish(None, "left")
    second = rehearsal.folder
    assert second is not None
    with pytest.raises(RehearsalError):
        rehearsal.finish(True, keep=True)

    with Library(tmp_path) as library:
        (episode,) = page(library.database).rows
        assert (episode.instruction, episode.source, episode.success) == ("reach the red cube", "rehearsal", True)
        by_text = {row.instruction: row for row in rehearsals(library.database)}
        assert by_text["reach the red cube"].episode == episode.id
        assert by_text["reach the bowl"].episode is None and by_text["reach the bowl"].success is None
        kept = Episode(library.episode_folder(episode.id))
        assert kept.facts.samples > 100 and all(len(frames) > 5 for frames in kept.frames)
        review = review_rehearsal(first, kept.folder)
    for shown in (review, review_rehearsal(second)):
        assert shown.ran and shown.damage == "" and len(shown.filmed) == 2
        assert shown.filmed[0].shape == (len(shown.moments), 120, 160, 3)
        assert np.nanmedian(shown.error_mm) < 30.0  # a busy machine lags; it is measured elsewhere
        apart = np.abs(shown.filmed[0][0].astype(int) - shown.filmed[0][-1].astype(int))
        assert apart.max() > 60  # the arm is seen to move
    assert not [each for each in (tmp_path / "episodes" / ".incoming").iterdir() if uuid_like(each.name)]


def uuid_like(name: str) -> bool:
    try:
        uuid.UUID(name)
    except ValueError:
        return False
    return True


def test_parts_are_run_under_one_approval_and_nothing_beyond_it_is(session, tmp_path):
    rehearsal, source = Rehearsal(session, library=tmp_path), DemonstratorSource(session)
    robot, first = session.robot, ""
    workspace = (robot.limits.workspace.low, robot.limits.workspace.high)
    cover = None
    for number in (1, 2):
        asked, part = PartSource(source, number, 2), Part(number, 2, first)
        patiently(lambda asked=asked, part=part: rehearsal.propose("reach the red cube", asked, part=part))
        first = rehearsal.part.first
        if cover is None:
            make_ready(session)
            cover = rehearsal.allow(allowance_for(rehearsal.plan, "reach the red cube", 2, 1.0, workspace))
        patiently(lambda cover=cover: rehearsal.approve(cover), times=1)
        rehearsal.run(1.0)
        assert rehearsal.wait().fault == ""
        rehearsal.finish(None, f"part {number}")
        record = read_record(rehearsal.folder)
        assert record["covered_by"] == cover.allowance.words and record["part"]["first"] == first
    at_rest = robot.status.position
    proposed(rehearsal, "reach the red cube")
    with pytest.raises(KnownError, match="No approval for several parts|have been run"):
        rehearsal.approve(cover)
    assert rehearsal.state is RehearsalState.PROPOSED and robot.settled_status.staged == ""
    assert np.abs(robot.status.position - at_rest).max() < 1e-3


def test_a_moved_waypoint_needs_an_approval_of_its_own_and_the_old_nonce_is_dead(session, tmp_path):
    rehearsal = approved(proposed(Rehearsal(session, library=tmp_path)))
    nonce, digest, before = rehearsal.approval.staged.nonce, rehearsal.plan.digest, rehearsal.proposal
    edit = WaypointEdit(len(before.times) - 1, (0.0, 0.0, 0.03))
    patiently(lambda: rehearsal.propose(before.instruction, EditedSource(rehearsal.plan.intended, edit, before.id)))
    assert rehearsal.state is RehearsalState.PROPOSED and rehearsal.plan.digest != digest
    at_rest = session.robot.status.position
    with pytest.raises(KnownError, match="No approved plan"):
        session.robot.execute(nonce)
    with pytest.raises(RehearsalError):
        rehearsal.run()
    assert read_record(rehearsal.folder)["begun_from"] == before.id
    approved(rehearsal)
    with pytest.raises(KnownError, match="another plan"):
        session.robot.execute(nonce)
    assert rehearsal.approval.staged.digest == rehearsal.plan.digest
    assert np.abs(session.robot.status.position - at_rest).max() < 1e-3

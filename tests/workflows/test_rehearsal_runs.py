"""A run is filmed while it is run: kept as a demonstration, or left beside the rehearsal to be compared with it."""

import uuid

import numpy as np
import pytest
from rehearsal_lab import approved, lab_session, patiently, proposed

from storage.episode import Episode
from storage.library import Library
from storage.queries import page
from storage.rehearsal_list import rehearsals
from workflows.rehearsal_review import review_rehearsal
from workflows.rehearse import Rehearsal, RehearsalError


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

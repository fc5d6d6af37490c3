"""Recording of a run: kept as a demonstration, or left beside the rehearsal to be compared with it."""

import contextlib
import uuid
from pathlib import Path

import numpy as np
import pytest
from rehearsal_lab import lab_session, proposed, run_to_its_end

from storage.episodes.episode import Episode
from storage.library import Library
from storage.queries import page
from storage.rehearsal_list import rehearsals
from workflows.rehearsal.rehearsal import Rehearsal, RehearsalError
from workflows.rehearsal.review import review_rehearsal


def test_a_run_is_kept_as_a_demonstration_or_stays_beside_its_rehearsal(tmp_path):
    with (
        lab_session() as session,
        contextlib.closing(Rehearsal(session, library=tmp_path, record_runs=True)) as rehearsal,
    ):
        first, second = two_runs(rehearsal)
    kept_as_they_should_be(tmp_path, first, second)


def two_runs(rehearsal: Rehearsal) -> tuple[Path, Path]:
    """Return the folders of a rehearsal whose run was kept as a demonstration, and of one whose run was not."""
    proposed(rehearsal).approve()
    run_to_its_end(rehearsal)
    assert rehearsal.recorded and rehearsal.recording_problem == ""
    rehearsal.end_recording()
    rehearsal.finish(True, "kept", keep=True)
    first = rehearsal.folder
    assert first is not None and not rehearsal.recorded
    proposed(rehearsal, "reach the bowl").approve()
    run_to_its_end(rehearsal)
    rehearsal.finish(None, "left")
    second = rehearsal.folder
    assert second is not None
    with pytest.raises(RehearsalError):
        rehearsal.finish(True, keep=True)
    return first, second


def kept_as_they_should_be(folder: Path, first: Path, second: Path) -> None:
    with Library(folder) as library:
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
    assert not [each for each in (folder / "episodes" / ".incoming").iterdir() if uuid_like(each.name)]


def uuid_like(name: str) -> bool:
    try:
        uuid.UUID(name)
    except ValueError:
        return False
    return True

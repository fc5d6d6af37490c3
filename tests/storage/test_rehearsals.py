"""Rehearsals in the database: always equal to their folders, restored after a crash and by a rebuild."""

import json
import uuid
from pathlib import Path

from storage.library import Library, rebuild
from storage.rehearsal_list import rehearsals, rehearsed_instructions
from storage.rehearsals import rehearsal_folder, remember, write_rehearsal

WHEN = "2026-03-01T10:00:00+00:00"


def record(identity: uuid.UUID, instruction: str = "pick up the red cube", **more) -> dict:
    """Return the record of a rehearsal that was approved twice, run and judged."""
    return {
        "id": str(identity),
        "instruction": instruction,
        "source": "model",
        "made": WHEN,
        "stored": WHEN,
        "operator": "Ada",
        "model": {"folder": "/models/first", "fingerprint": "0123abcd"},
        "plan": {"digest": "d1", "seconds": 4.0},
        "findings": [{"level": "warning", "sentence": "Take care.", "frame": None}],
        "rejected": None,
        "approvals": [
            {"digest": "d1", "who": "Ada", "when": "2026-03-01T10:01:00+00:00"},
            {"digest": "d1", "who": "Grace", "when": "2026-03-01T10:02:00+00:00"},
        ],
        "run": {"began": "2026-03-01T10:03:00+00:00", "speed": 0.25, "over": True, "fault": "", "progress": 1.0},
        "tracking_error_p95_mm": 1.5,
        "outcome": {"success": True, "note": "well done", "when": "2026-03-01T10:04:00+00:00"},
        "episode": None,
        **more,
    }


def stored(library: Path, **more) -> uuid.UUID:
    identity = uuid.uuid4()
    folder = rehearsal_folder(library, identity)
    folder.mkdir(parents=True)
    write_rehearsal(folder, record(identity, **more))
    return identity


def test_the_rows_say_what_the_folder_says(tmp_path):
    identity = stored(tmp_path)
    remember(tmp_path, rehearsal_folder(tmp_path, identity))
    remember(tmp_path, rehearsal_folder(tmp_path, identity))  # twice is once
    with Library(tmp_path) as library:
        (row,) = rehearsals(library.database)
    assert (row.id, row.instruction, row.model, row.executable) == (identity, "pick up the red cube", "first", True)
    assert row.approved_by == "Grace"  # of several approvals the last one was run
    assert (row.ended, row.success, row.note, row.error_p95_mm) == ("finished", True, "well done", 1.5)


def test_what_was_rejected_is_kept_with_its_reason(tmp_path):
    stored(tmp_path, rejected="it comes too close", approvals=[], run=None, outcome=None)
    with Library(tmp_path) as library:
        (row,) = rehearsals(library.database)
    assert row.rejected == "it comes too close"
    assert row.approved_by is None and row.started_at is None and row.ended == ""


def test_what_a_crash_left_between_folder_and_database_is_found_at_the_next_start(tmp_path):
    identity = stored(tmp_path, outcome=None)
    with Library(tmp_path) as library:
        assert rehearsals(library.database)[0].success is None
    write_rehearsal(rehearsal_folder(tmp_path, identity), record(identity))
    with Library(tmp_path) as library:
        assert rehearsals(library.database)[0].success is True


def test_the_database_made_again_knows_every_rehearsal(tmp_path):
    for text in ("push the ball", "open the drawer", "push the ball"):
        stored(tmp_path, instruction=text)
    with Library(tmp_path) as library:
        before = sorted(row.id for row in rehearsals(library.database))
    _, kept, problems = rebuild(tmp_path)
    assert kept is not None and problems == ()
    with Library(tmp_path) as library:
        assert sorted(row.id for row in rehearsals(library.database)) == before
        assert sorted(rehearsed_instructions(library.database)) == ["open the drawer", "push the ball"]
        assert [row.instruction for row in rehearsals(library.database, "DRAW ada")] == ["open the drawer"]


def test_a_damaged_rehearsal_is_named_and_the_others_stay(tmp_path):
    good, bad, strange = stored(tmp_path), stored(tmp_path), stored(tmp_path)
    (rehearsal_folder(tmp_path, bad) / "rehearsal.json").write_text("{")
    values = record(strange) | {"format": "rehearse rehearsal 1", "findings": 3}
    (rehearsal_folder(tmp_path, strange) / "rehearsal.json").write_text(json.dumps(values))
    with Library(tmp_path) as library:
        assert [row.id for row in rehearsals(library.database)] == [good]
        assert len([notice for notice in library.notices if "left out of the history" in notice]) == 2

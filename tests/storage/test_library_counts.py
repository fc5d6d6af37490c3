"""A library is counted without being opened, and without a word of what people have said."""

import json

from recordings import keep_one, new_episode

from storage.library import Library
from storage.library_counts import counted

NAME, INSTRUCTION = "Grace Höpper", "hand the cup to Mr Smith"


def test_the_library_is_counted_and_not_named(tmp_path):
    with Library(tmp_path / "library") as library:
        keep_one(library, 0.2, success=True, note=f"{NAME} did it")
        keep_one(library, 0.3, new=new_episode(1, INSTRUCTION, operator=NAME), tags=("Zoë",))
        counts = counted(library.folder)  # while somebody has it open
    again = counted(tmp_path / "library")
    assert counts["episodes"] == again["episodes"] == 2 and counts["by_success"] == {"True": 1, "None": 1}
    assert counts["folders"]["episodes"]["bytes"] > 1000 and counts["tasks"] == 2
    assert sum(counts["quality_findings"].values()) > 0
    text = json.dumps(counts, ensure_ascii=False)
    assert not any(each in text for each in (NAME, INSTRUCTION, "Zoë", "Kamera", "usb:"))


def test_counting_changes_nothing(tmp_path):
    with Library(tmp_path / "library") as library:
        keep_one(library, 0.2)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "library").rglob("*") if path.is_file()}
    counted(tmp_path / "library")
    after = {path: path.stat().st_mtime_ns for path in before}
    assert after == before


def test_a_damaged_library_and_none_are_said(tmp_path):
    assert counted(tmp_path / "nowhere") == {"exists": False, "folders": {}}
    (tmp_path / "library.db").write_bytes(b"no database at all" * 1000)
    assert "not a database" in counted(tmp_path)["problem"]

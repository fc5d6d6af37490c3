"""Requirements on a library with any database."""

import uuid

import pytest
from recordings import keep_one, new_episode

from storage import history, queries
from storage.calibration_choices import calibration_choices
from storage.episodes.edits import Change, change, delete_episodes, empty_trash, restore
from storage.episodes.episode import Episode
from storage.errors import NotFoundError
from storage.library import Library
from storage.page_keys import page_keys
from storage.queries import EpisodeFilter, Sort
from storage.statistics import per_task
from storage.tasks import create_task, set_paraphrases, tasks
from storage.workspace_coverage import visited_cells


def check_library(library: Library) -> None:
    """Exercise everything a library screen does, on an empty library."""
    database = library.database
    first = keep_one(library, 0.2, success=True, note="the gripper slipped")
    second = keep_one(library, 0.3, new=new_episode(1, "push the blue ball", operator="Zoë"), tags=("retry",))
    third = keep_one(library, 0.4, new=new_episode(1, "push the blue ball"), success=False)
    assert queries.episode_ids(database) == [first, second, third]
    _search(library, first, second)
    _pages(library, [first, second, third])
    _edits(library, first, second)
    _tasks(library)
    _history(library)


def _found(library: Library, **which) -> list[uuid.UUID]:
    return [row.id for row in queries.page(library.database, EpisodeFilter(**which), descending=False).rows]


def _search(library: Library, first: uuid.UUID, second: uuid.UUID) -> None:
    for text, wanted in [
        ("cub", [first]),
        ("slip grip", [first]),
        ("zoë", [second]),
        ("retr", [second]),
        ("ball cube", []),
        ('"; drop', []),
        ("push 'the", _found(library, text="push")),
    ]:
        assert _found(library, text=text) == wanted, text
    assert len(_found(library, text="push")) == 2
    assert len(_found(library, text=" *()~ ")) == 3  # no search term in it: no condition
    assert _found(library, success="success") == [first]
    assert _found(library, success="unknown") == [second]
    assert _found(library, tag="retry", operator="Zoë") == [second]
    assert _found(library, finding="gripper never moves", quality=0) == []
    assert queries.choices(library.database)["operator"] == ["Ada", "Zoë"]


def _pages(library: Library, ids: list[uuid.UUID]) -> None:
    for sort in Sort:
        for descending in (False, True):
            seen, after = [], None
            while True:
                page = queries.page(library.database, sort=sort, descending=descending, after=after, limit=2)
                seen += [row.id for row in page.rows]
                if (after := page.next) is None:
                    break
            assert sorted(seen) == sorted(ids), (sort, descending)


def _edits(library: Library, first: uuid.UUID, second: uuid.UUID) -> None:
    database = library.database
    before = change(library, [first], Change(instruction="lift  the box", note="better", trim=(0.05, 0.15)))
    row = queries.episode(database, first)
    assert (row.instruction, row.note, row.trim_start_s) == ("lift the box", "better", 0.05)
    assert _found(library, text="lift better") == [first]
    assert _found(library, text="slipped") == []
    restore(library, before)
    assert queries.episode(database, first).note == "the gripper slipped"
    assert _found(library, text="lift") == []
    change(library, [first, second], Change(add_tags=("a b", "c"), remove_tags=("retry",), success=None))
    assert queries.episode(database, second).tags == ("a b", "c")
    taken = delete_episodes(library, [second])
    assert second not in _found(library)
    assert _found(library, deleted=True) == [second]
    restore(library, taken)
    assert second in _found(library)
    delete_episodes(library, [second])
    assert empty_trash(library) == 1
    assert not library.episode_folder(second).exists()
    with pytest.raises(NotFoundError):
        change(library, [first, second], Change(note="x"))
    assert queries.episode(database, first).note == "the gripper slipped"


def _tasks(library: Library) -> None:
    database = library.database
    made = create_task(database, "push the blue ball", ["shove it", "roll it"])
    assert made.paraphrases == ("roll it", "shove it")
    assert set_paraphrases(database, made.id, ["kick it"]).paraphrases == ("kick it",)
    assert [task.instruction for task in tasks(database)] == [
        "lift the box",
        "pick up the red cube",
        "push the blue ball",
    ]
    by_name = {entry.instruction: entry for entry in per_task(database, coverage=True)}
    assert by_name["push the blue ball"].episodes == 1
    assert (by_name["push the blue ball"].judged, by_name["push the blue ball"].successes) == (1, 0)
    assert by_name["push the blue ball"].covered_litres == pytest.approx(0.125, abs=0.5)
    assert by_name["lift the box"].episodes == 0


def _history(library: Library) -> None:
    database = library.database
    model = history.add_model(database, "embedded", "models/x", {"steps": 3})
    training = history.begin_training(database, "runs/1", {}, model)
    history.end_training(database, training, "stopped", model)
    history.add_event(database, "stop", "Somebody pressed Stop.")
    assert [sentence for _, _, sentence in history.events(database, "stop")] == ["Somebody pressed Stop."]
    with pytest.raises(NotFoundError):
        history.end_training(database, uuid.uuid4(), "stopped")


def check_screen(library: Library) -> None:
    """Check the other queries of the Library screen: page starts, available calibrations, tool positions."""
    ids = [keep_one(library, seconds, new=new_episode(1 + n)) for n, seconds in enumerate((0.3, 0.4))]
    found = page_keys(library.database, rows=1)
    assert found.count == 2
    assert [key[1] for key in found.keys] == ids[::-1]
    # recordings.calibration: one for each camera, the same in every episode.
    assert [each.camera for each in calibration_choices(library.database)] == ["Kamera 0/🎥", "Kamera 1/🎥"]
    wanted: dict[str, int] = {}
    for identity in ids:
        for cell in Episode(library.episode_folder(identity)).facts.coverage:
            wanted[cell] = wanted.get(cell, 0) + 1
    cells, numbers = visited_cells(library.database)
    assert {",".join(map(str, cell)): n for cell, n in zip(cells.tolist(), numbers.tolist(), strict=True)} == wanted
    assert set(wanted.values()) == {2}  # both recordings begin in the same way
    delete_episodes(library, ids[:1])
    assert set(visited_cells(library.database)[1].tolist()) == {1}
    assert not len(visited_cells(library.database, uuid.uuid4())[0])

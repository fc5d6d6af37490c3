"""Pages of the list: shown, jumped to and requested anew, over 450 rows."""

import pytest
from PySide6.QtCore import QEvent

from benchmarks.library.scale import fill
from gui.library.episode_model import PAGE, EpisodeModel
from gui.library.list_query import ListQuery
from gui.runtime.jobs import Jobs
from storage import queries
from storage.episodes.edits import Change, change
from storage.library import Library
from storage.queries import EpisodeFilter, Sort

ROWS = 450


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    with Library(tmp_path_factory.mktemp("library")) as opened:
        fill(opened.database, ROWS)
        yield opened


@pytest.fixture
def jobs(qapp):
    """Jobs, ended and destroyed here: else Python may destroy them later, in the thread of another test's job."""
    jobs = Jobs()
    yield jobs
    jobs.close()
    jobs.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def model(qtbot, library, jobs):
    model = EpisodeModel(jobs, jobs)
    model.ask(ListQuery(), library.database)
    qtbot.waitUntil(lambda: model.rowCount() == ROWS and not model.busy, timeout=10_000)
    return model


def ids_of(library, question: ListQuery) -> list:
    return [
        row.id
        for row in queries.page(
            library.database, question.which, sort=question.sort, descending=question.descending, limit=ROWS
        ).rows
    ]


def test_any_row_can_be_jumped_to(model, library, qtbot):
    wanted = ids_of(library, ListQuery())
    assert model.row(0).id == wanted[0]
    assert model.row(ROWS - 1) is None  # not fetched before it was shown
    qtbot.waitUntil(lambda: model.row(ROWS - 1) is not None)
    qtbot.waitUntil(lambda: model.row(2 * PAGE + 3) is not None)
    qtbot.waitUntil(lambda: not model.busy)
    for number in (0, PAGE - 1, 2 * PAGE, 2 * PAGE + 3, 4 * PAGE, ROWS - 1):
        qtbot.waitUntil(lambda number=number: model.row(number) is not None)
        assert model.row(number).id == wanted[number]
        assert model.find(wanted[number]) == number


def test_of_many_questions_the_newest_is_answered(model, library, qtbot):
    answers = []
    model.answered.connect(lambda: answers.append(model.question))
    questions = [ListQuery(EpisodeFilter(text="red cube"[:n])) for n in range(1, 9)]
    for question in questions:
        model.ask(question)
    last = questions[-1]
    qtbot.waitUntil(lambda: model.question == last and not model.busy)
    assert answers == [last]  # none of the others was shown
    found = ids_of(library, last)
    assert 0 < len(found) < PAGE and model.rowCount() == len(found) and model.whole
    assert [model.row(i).id for i in range(len(found))] == found


def test_rows_that_were_never_seen_are_named_for_a_change(model, library, qtbot):
    question = ListQuery(EpisodeFilter(), Sort.DURATION, False)
    model.ask(question)
    qtbot.waitUntil(lambda: model.question == question and model.whole and not model.busy)
    wanted = ids_of(library, question)
    find = model.identities([(3, 5), (180, 320), (ROWS - 1, ROWS - 1)])
    assert find() == [*wanted[3:6], *wanted[180:321], wanted[-1]]


def test_what_was_said_of_an_episode_is_shown_where_it_stands(model, library, qtbot):
    row = model.row(7)
    change(library, [row.id], Change(note="seen again"))
    with qtbot.waitSignal(model.dataChanged) as changed:
        model.look_again([row.id])
    assert changed.args[0].row() == 7
    assert model.row(7).note == "seen again" and model.row(6).note != "seen again"


def test_a_database_that_does_not_answer_is_said_and_the_list_stays(jobs, qtbot, tmp_path):
    said = []
    jobs.failed.connect(said.append)
    library = Library(tmp_path)
    fill(library.database, 5)
    model = EpisodeModel(jobs, jobs)
    model.ask(ListQuery(), library.database)
    qtbot.waitUntil(lambda: model.rowCount() == 5)
    library.close()
    (tmp_path / "library.db").write_bytes(b"no database at all")
    model.ask(ListQuery(EpisodeFilter(text="cube")))
    qtbot.waitUntil(lambda: bool(said))
    assert "damaged" in str(said[0]) and model.rowCount() == 5
    library.close()

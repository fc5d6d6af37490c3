"""Library screen under real clicks and keys: find, watch, label, trim, delete, undo."""

import shutil
from pathlib import Path

import pytest
from library_pieces import REAL, ROWS, library, settle
from PySide6.QtCore import QDate, QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from window_hands import click

from gui.library.presenter import LibraryPresenter
from gui.library.view import LibraryView
from gui.runtime.jobs import Jobs
from storage.episodes.episode import Episode
from storage.library import Library
from storage.queries import episode


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """The folder of a library of 53 episodes, closed: made once, for every test to copy."""
    folder = tmp_path_factory.mktemp("filled")
    library(folder).close()
    return folder


@pytest.fixture
def place(filled, qapp, qtbot, tmp_path):
    """The screen over a library of its own, shown, with nothing selected and every row listed."""
    shutil.copytree(filled, tmp_path / "library")
    opened = Library(tmp_path / "library")
    jobs = Jobs()
    presenter = LibraryPresenter(opened, jobs)
    view = LibraryView(presenter)
    view.resize(1180, 744)
    view.show()
    view.enter()
    settle(qtbot, presenter)
    yield view
    settle(qtbot, presenter)
    view.detail.player.close_film()
    view.close()
    jobs.close()
    opened.close()
    view.deleteLater()
    presenter.deleteLater()
    qapp.sendPostedEvents()


def press_row(place, number: int, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    index = place.presenter.model.index(number, 0)
    place.list.scrollTo(index)
    QTest.mouseClick(place.list.viewport(), Qt.MouseButton.LeftButton, modifier, place.list.visualRect(index).center())


def shown_row(place):
    row = place.presenter.row
    assert row is not None
    return episode(place.presenter.library.database, row.id)


def test_everything_is_listed_the_newest_first(place):
    assert place.presenter.model.rowCount() == ROWS + REAL
    assert place.presenter.model.row(0).instruction == f"put the blue cube {REAL - 1} in the bowl"
    assert place.footer.count.text() == f"{ROWS + REAL} episodes"
    assert place.right.currentWidget() is place.statistics


def test_search_finds_beginnings_of_words_as_they_are_typed(place, qtbot):
    QTest.keyClicks(place.filters.search, "blu cu gra")
    settle(qtbot, place.presenter)
    found = [place.presenter.model.row(i) for i in range(place.presenter.model.rowCount())]
    assert found and all("blue cube" in row.instruction for row in found)
    assert {row.operator for row in found} == {"Grace"}
    QTest.keyClicks(place.filters.search, " nothing like it")
    settle(qtbot, place.presenter)
    assert place.presenter.model.rowCount() == 0 and place.nothing.isVisible()


def test_conditions_narrow_the_list_and_show_all_takes_them_back(place, qtbot):
    click(place.filters.toggle)
    operator = place.filters.conditions.choices["operator"]
    operator.setCurrentIndex(operator.findData("Ada"))
    result = place.filters.conditions.choices["success"]
    result.setCurrentIndex(result.findData("failure"))
    settle(qtbot, place.presenter)
    rows = [place.presenter.model.row(i) for i in range(place.presenter.model.rowCount())]
    assert rows and {(row.operator, row.success) for row in rows} == {("Ada", False)}
    assert place.filters.toggle.text() == "Filter (2)"
    click(place.filters.clear)
    click(place.filters.toggle)
    settle(qtbot, place.presenter)
    assert place.presenter.model.rowCount() == ROWS + REAL


def test_days_are_chosen_from_to_and_never_the_wrong_way_round(place, qtbot):
    click(place.filters.toggle)
    conditions = place.filters.conditions
    recorded, days = conditions.choices["recorded"], conditions.days
    assert not days.isVisible()
    recorded.setCurrentIndex(recorded.findText("From … to …"))
    settle(qtbot, place.presenter)
    assert days.isVisible() and place.presenter.model.rowCount() == REAL  # of the last weeks
    days.first.setDate(QDate(2024, 12, 31))
    days.last.setDate(QDate(2025, 1, 2))
    settle(qtbot, place.presenter)
    assert place.presenter.model.rowCount() == ROWS
    days.first.setDate(QDate(2025, 6, 1))
    settle(qtbot, place.presenter)
    assert days.last.date() == QDate(2025, 6, 1) and place.presenter.model.rowCount() == 0
    click(place.filters.clear)
    settle(qtbot, place.presenter)
    assert place.presenter.model.rowCount() == ROWS + REAL and not days.isVisible()


def test_the_order_can_be_chosen(place, qtbot):
    place.filters.order.setCurrentText("Longest first")
    settle(qtbot, place.presenter)
    lengths = [place.presenter.model.row(i).duration_s for i in range(ROWS + REAL)]
    assert lengths == sorted(lengths, reverse=True)
    place.filters.order.setCurrentText("Newest first")


def test_all_views_show_exactly_the_frame_that_is_asked_for(place, qtbot):
    press_row(place, 1)
    settle(qtbot, place.presenter)
    player, film = place.detail.player.player, place.detail.player.film
    assert film is not None and len(film.names) == 2
    for frame in (0, 40, 7, 6, 5, 29):
        player.go_to(frame)
        qtbot.waitUntil(lambda frame=frame: film.shown_frame == frame, timeout=5000)
        for view, picture in enumerate(player.grid.pictures):
            # tests.storage.recordings.picture: the position of the bar encodes the number.
            bar = int(picture.rgb[32].sum(axis=-1).astype(int).argmax())
            assert abs(bar - (4 * (frame + view)) % 96) <= 8, (frame, view)
            background = int(picture.rgb[2, (bar + 40) % 96, 0])
            assert background == pytest.approx(40 + 5 * ((frame + view) % 30), abs=4)
        assert player.grid.pictures[0].drawing is not None


def test_the_keyboard_steps_the_film_and_trims_it(place, qtbot):
    press_row(place, 0)
    settle(qtbot, place.presenter)
    player = place.detail.player.player
    player.go_to(10)
    place.take_key(Qt.Key.Key_Right, True)
    place.take_key(Qt.Key.Key_Right, False)
    assert player.frame == 11
    place.take_key(Qt.Key.Key_BracketLeft, True)
    settle(qtbot, place.presenter)
    row, moments = shown_row(place), place.presenter.review.moments
    assert row.trim_start_s == pytest.approx(moments[11]) and row.trim_end_s == pytest.approx(row.duration_s)
    assert Episode(place.presenter.library.episode_folder(row.id)).span[0] == pytest.approx(moments[11])
    click(place.detail.player.untrim)
    settle(qtbot, place.presenter)
    assert shown_row(place).trim_start_s == 0.0


def test_a_handle_is_dragged_and_the_files_stay_as_they_are(place, qtbot):
    press_row(place, 2)
    settle(qtbot, place.presenter)
    timeline, review = place.detail.player.timeline, place.presenter.review
    film = place.presenter.library.episode_folder(place.presenter.row.id) / "view-0.mp4"
    before = film.read_bytes()
    at = lambda frame: QPoint(round(timeline.place_of(frame)), round(timeline.band().top()) + 2)  # noqa: E731
    last = timeline.maximum()
    qtbot.mousePress(timeline, Qt.MouseButton.LeftButton, pos=at(last))
    qtbot.mouseMove(timeline, at(30))
    qtbot.waitUntil(lambda: timeline.span == (0, 30))
    qtbot.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=at(30))
    settle(qtbot, place.presenter)
    assert shown_row(place).trim_end_s == pytest.approx(review.moments[30])
    assert film.read_bytes() == before
    place.presenter.edits.undo()
    settle(qtbot, place.presenter)
    assert shown_row(place).trim_end_s == pytest.approx(shown_row(place).duration_s)
    assert timeline.span == (0, last)


def test_labels_are_stored_in_the_list_and_in_the_episode(place, qtbot):
    press_row(place, 1)
    settle(qtbot, place.presenter)
    labels = place.detail.labels
    click(labels.results[0])
    click(labels.excluded)
    labels.tags.setText("shelf, left hand ")
    QTest.keyClick(labels.tags, Qt.Key.Key_Return)
    labels.note.setPlainText("the lamp was off")
    labels.task.setEditText("  put the  blue cube away")
    QTest.keyClick(labels.task.lineEdit(), Qt.Key.Key_Return)
    identity = place.presenter.row.id
    press_row(place, 0)  # unsaved text is stored when another episode is opened
    settle(qtbot, place.presenter)
    row = episode(place.presenter.library.database, identity)
    said = Episode(place.presenter.library.episode_folder(identity)).labels
    for labels in (row, said):
        assert labels.success is True and labels.excluded and labels.note == "the lamp was off"
        assert labels.instruction == "put the blue cube away"
        assert set(labels.tags) == {"shelf", "left hand"}
    for _ in range(5):
        place.presenter.edits.undo()
        settle(qtbot, place.presenter)
    row = episode(place.presenter.library.database, identity)
    assert (row.success, row.excluded, row.note, row.tags) == (False, False, "note 1", ("shelf",))


def test_after_a_delete_the_next_one_is_open_and_the_list_stays_where_it_was(place, qtbot):
    press_row(place, 40)
    settle(qtbot, place.presenter)
    following, scrolled = place.presenter.model.row(41).id, place.list.verticalScrollBar().value()
    assert scrolled > 0
    place.take_key(Qt.Key.Key_Delete, True)
    settle(qtbot, place.presenter)
    assert place.presenter.row.id == following
    moved = place.list.verticalScrollBar().value() - scrolled
    assert abs(moved) < place.list.rowHeight(0)  # a little, where the line with "Undo" takes room from the list
    place.activateWindow()
    qtbot.waitUntil(place.isActiveWindow, timeout=10_000)
    QTest.keyClick(place.windowHandle(), Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    settle(qtbot, place.presenter)
    assert place.presenter.model.rowCount() == ROWS + REAL
    assert place.presenter.row.id == following and place.presenter.ranges == ((41, 41),)


def test_what_is_said_is_never_said_of_an_episode_that_is_not_shown(place, qtbot):
    press_row(place, 3)
    settle(qtbot, place.presenter)
    assert place.presenter.row is not None and place.right.currentWidget() is place.detail
    place.filters.search.setText("note 1")  # the open one is not among them, and no other one opens instead
    settle(qtbot, place.presenter)
    assert place.presenter.model.rowCount() == 1
    assert place.presenter.selected == 0 and place.presenter.row is None
    assert place.right.currentWidget() is place.statistics
    place.take_key(Qt.Key.Key_Delete, True)
    place.presenter.delete()
    settle(qtbot, place.presenter)
    click(place.filters.clear)
    settle(qtbot, place.presenter)
    assert place.presenter.model.rowCount() == ROWS + REAL


def test_several_episodes_are_deleted_and_brought_back(place, qtbot):
    press_row(place, 4)
    press_row(place, 6, Qt.KeyboardModifier.ShiftModifier)
    settle(qtbot, place.presenter)
    gone = {place.presenter.model.row(i).id for i in (4, 5, 6)}
    assert place.detail.heading.text() == "3 episodes selected"
    click(place.detail.delete)
    settle(qtbot, place.presenter)
    listed = {place.presenter.model.row(i).id for i in range(place.presenter.model.rowCount())}
    assert len(listed) == ROWS + REAL - 3 and not listed & gone
    assert place.footer.done.text() == "3 episodes put into the trash."
    click(place.footer.undo)
    settle(qtbot, place.presenter)
    assert place.presenter.model.rowCount() == ROWS + REAL


def test_the_trash_is_emptied_only_after_a_question(place, qtbot):
    press_row(place, ROWS + REAL - 1)
    settle(qtbot, place.presenter)
    identity = place.presenter.row.id
    place.take_key(Qt.Key.Key_Delete, True)
    settle(qtbot, place.presenter)
    click(place.footer.trash)
    settle(qtbot, place.presenter)
    assert place.presenter.model.rowCount() == 1 and place.presenter.model.row(0).id == identity
    click(place.footer.empty)
    assert place.footer.question.text().startswith("Remove 1 episode with all pictures?")
    click(place.footer.keep)
    assert place.presenter.model.rowCount() == 1
    press_row(place, 0)
    settle(qtbot, place.presenter)
    click(place.detail.back)
    settle(qtbot, place.presenter)
    assert place.presenter.model.rowCount() == 0
    click(place.footer.trash)
    settle(qtbot, place.presenter)
    assert place.presenter.model.rowCount() == ROWS + REAL


def test_the_curves_follow_the_film_and_lead_it(place, qtbot):
    press_row(place, 0)
    settle(qtbot, place.presenter)
    detail = place.detail
    QTest.mouseClick(
        detail.tabs, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, detail.tabs.tabRect(1).center()
    )
    detail.player.player.go_to(20)
    assert detail.curves.cursors[0].value() == pytest.approx(place.presenter.review.moments[20])
    assert [len(group) for group in detail.curves.curves] == [3, 7, 1, 1]
    box = detail.curves.plots[2].getViewBox()
    at = box.mapViewToScene(QPointF(float(place.presenter.review.moments[33]), 50.0))
    QTest.mouseClick(
        detail.curves.board.viewport(), Qt.MouseButton.LeftButton, pos=detail.curves.board.mapFromScene(at)
    )
    assert detail.player.player.frame == 33
    detail.tabs.setCurrentIndex(0)


def test_an_episode_without_its_folder_says_so(place, qtbot):
    press_row(place, 10)
    settle(qtbot, place.presenter)
    assert "is gone" in place.detail.problem.words.text()
    assert not place.detail.rehearse.isEnabled()


def test_statistics_count_what_is_there(place, qtbot):
    settle(qtbot, place.presenter)
    every = place.statistics.statistics
    assert sum(each.episodes for each in every) == ROWS + REAL
    assert place.statistics.summary.text().startswith(f"{ROWS + REAL} episodes")
    assert place.statistics.workspace.litres > 0


def test_rehearse_this_carries_instruction_and_folder(place, qtbot):
    press_row(place, 0)
    settle(qtbot, place.presenter)
    with qtbot.waitSignal(place.presenter.rehearse_asked) as asked:
        click(place.detail.rehearse)
    assert asked.args[0] == f"put the blue cube {REAL - 1} in the bowl"
    assert Episode(Path(asked.args[1])).id == place.presenter.row.id

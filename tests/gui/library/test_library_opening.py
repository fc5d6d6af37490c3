"""Start of the Library screen: an unusable folder, an empty library, a damaged video."""

import pytest
from library_pieces import settle
from PySide6.QtCore import QEvent
from window_hands import click

from gui.library.screen import LibraryScreen
from gui.runtime.jobs import Jobs
from gui.runtime.open_library import OpenLibrary
from tests.storage.recordings import keep_one


@pytest.fixture
def opening(qapp, qtbot, tmp_path):
    """The screen, shown, over a folder's path that is taken by a file."""
    (tmp_path / "library").write_text("in the way")
    jobs = Jobs()
    owner = OpenLibrary(jobs, lambda: tmp_path / "library", jobs)
    screen = LibraryScreen(owner, jobs)
    screen.resize(1180, 744)
    screen.show()
    screen.enter()
    yield screen, tmp_path / "library", owner
    screen.leave()
    if screen.view is not None:
        screen.view.detail.player.close_film()
    screen.close()
    jobs.close()
    owner.close()
    screen.deleteLater()
    jobs.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_what_is_in_the_way_is_said_and_it_is_tried_again(opening, qtbot):
    screen, folder, _ = opening
    qtbot.waitUntil(screen.again.isVisible, timeout=30_000)
    assert str(folder) in screen.words.text() and screen.view is None
    folder.unlink()
    click(screen.again)
    qtbot.waitUntil(lambda: screen.view is not None, timeout=30_000)
    qtbot.waitUntil(screen.view.record.isVisible, timeout=10_000)
    with qtbot.waitSignal(screen.record_asked):
        click(screen.view.record)
    assert (folder / "library.db").exists()


def test_a_damaged_film_is_said_and_the_rest_can_be_seen(opening, qtbot):
    screen, folder, owner = opening
    qtbot.waitUntil(screen.again.isVisible, timeout=30_000)
    folder.unlink()
    click(screen.again)
    qtbot.waitUntil(lambda: screen.view is not None, timeout=30_000)
    good, bad = keep_one(owner.library, 0.6), keep_one(owner.library, 0.6)
    film = owner.library.episode_folder(bad) / "view-0.mp4"
    film.write_bytes(film.read_bytes()[:1000])
    screen.enter()
    view = screen.view
    qtbot.waitUntil(lambda: view.presenter.model.rowCount() == 2, timeout=10_000)
    assert not view.record.isVisible()
    view.list.choose({bad})
    settle(qtbot, view.presenter)
    qtbot.waitUntil(lambda: "cannot be played" in view.detail.problem.words.text(), timeout=10_000)
    assert str(film) in view.detail.problem.words.text()
    view.list.choose({good})
    settle(qtbot, view.presenter)
    qtbot.waitUntil(lambda: view.detail.player.film.shown_frame == 0, timeout=10_000)
    assert not view.detail.problem.isVisible()


def test_an_emptied_trash_takes_the_files_with_it(opening, qtbot):
    screen, folder, owner = opening
    qtbot.waitUntil(screen.again.isVisible, timeout=30_000)
    folder.unlink()
    click(screen.again)
    qtbot.waitUntil(lambda: screen.view is not None, timeout=30_000)
    kept, gone = keep_one(owner.library, 0.3), keep_one(owner.library, 0.3)
    screen.enter()
    view = screen.view
    qtbot.waitUntil(lambda: view.presenter.model.rowCount() == 2, timeout=10_000)
    view.list.choose({gone})
    settle(qtbot, view.presenter)
    click(view.detail.delete)
    settle(qtbot, view.presenter)
    assert owner.library.episode_folder(gone).exists()
    click(view.footer.trash)
    settle(qtbot, view.presenter)
    click(view.footer.empty)
    click(view.footer.remove)
    settle(qtbot, view.presenter)
    assert view.footer.done.text() == "1 episode removed for ever." and not view.footer.undo.isVisible()
    assert not owner.library.episode_folder(gone).exists() and owner.library.episode_folder(kept).exists()
    click(view.footer.trash)
    settle(qtbot, view.presenter)
    assert [view.presenter.model.row(i).id for i in range(view.presenter.model.rowCount())] == [kept]

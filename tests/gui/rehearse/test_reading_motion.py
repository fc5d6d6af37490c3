"""*Read the motion* in the library: with a model that takes videos, in a cancellable job, reported at its end."""

import pytest
from library_pieces import settle
from window_hands import click

from gui.library.presenter import LibraryPresenter
from gui.library.view import LibraryView
from gui.runtime.jobs import Jobs
from model.checkpoints.default_weights import EMBEDDED_FOLDER
from model.generation.untrained import tiny_pipeline
from storage.library import Library
from tests.storage.recordings import keep_one

LONG = 120_000  # ms: a model process loads torch


@pytest.fixture
def place(qapp, qtbot, tmp_path):
    """The screen over a library with one open episode of two cameras."""
    library, jobs = Library(tmp_path / "library"), Jobs()
    keep_one(library, 1.0)
    presenter = LibraryPresenter(library, jobs)
    view = LibraryView(presenter)
    view.resize(1180, 744)
    view.show()
    view.enter()
    settle(qtbot, presenter)
    view.list.choose_row(0)
    qtbot.waitUntil(lambda: presenter.review is not None, timeout=30_000)
    yield view
    presenter.labelling.cancel()
    qtbot.waitUntil(lambda: not presenter.labelling.running, timeout=LONG)
    settle(qtbot, presenter)
    view.detail.player.close_film()
    view.close()
    jobs.close()
    library.close()
    view.deleteLater()
    presenter.deleteLater()
    qapp.sendPostedEvents()


def offered_again(place) -> None:
    """Reopen the episode, so that the action is offered again."""
    place.presenter.labelling.changed.emit()


@pytest.mark.timeout(300)
def test_the_motion_is_read_by_a_model_that_knows_videos_and_what_came_of_it_is_told(place, qtbot, monkeypatch):
    detail, labelling = place.detail, place.presenter.labelling
    assert labelling.model.folder == EMBEDDED_FOLDER and detail.label.isVisible()
    monkeypatch.setattr("model.checkpoints.description.embedded_weights", lambda: None)  # a small one is enough here
    offered_again(place)
    assert labelling.model is None and not detail.label.isVisible()
    models = place.presenter.library.folder / "models"
    tiny_pipeline(rehearsal_mode="joint", guidance_scale=1.0).save_pretrained(models / "tiny")
    offered_again(place)
    assert detail.label.isVisible() and "home posture" in detail.label.toolTip()

    click(detail.label)
    qtbot.waitUntil(lambda: detail.label.text() == "Cancel reading", timeout=30_000)
    assert labelling.running and detail.label_bar.isVisible()
    click(detail.label)
    qtbot.waitUntil(lambda: not labelling.running, timeout=LONG)
    assert "Cancelled" in detail.labelling.text() and detail.label.text() == "Read the motion"
    assert place.presenter.model.rowCount() == 1

    click(detail.label)
    qtbot.waitUntil(lambda: not labelling.running and "Cancelled" not in labelling.words, timeout=LONG)
    settle(qtbot, place.presenter)
    # This model is untrained: what it cannot read is reported and not stored, as `keep` ensures.
    kept = place.presenter.model.rowCount() - 1
    assert detail.labelling.isVisible()
    assert ("could not be read: Nothing could be read" in detail.labelling.text()) == (kept == 0)
    assert detail.labelling.text().startswith(f"{kept} episode")

"""Library screen in the whole program: empty, opened by its tab, and an episode replayed on the Rehearse screen."""

import pytest
from window_hands import click

from gui.rehearse.steps import Step
from storage.library import Library
from tests.storage.recordings import keep_one


@pytest.mark.timeout(180)
def test_an_empty_library_leads_to_recording_and_an_episode_to_a_rehearsal(fresh_virtual_program, qtbot):
    program, folder = fresh_virtual_program, fresh_virtual_program.session.settings.library_folder
    shell, screen = program.shell, program.shell.screens["library"]

    click(shell.tabs["library"])
    qtbot.waitUntil(lambda: screen.view is not None, timeout=60_000)
    qtbot.waitUntil(screen.view.record.isVisible, timeout=20_000)
    click(screen.view.record)
    assert shell.current is shell.screens["record"]

    with Library(folder) as library:
        identity = keep_one(library, 1.0)
    click(shell.tabs["library"])
    model = screen.view.presenter.model
    qtbot.waitUntil(lambda: model.rowCount() == 1, timeout=20_000)
    screen.view.list.choose_row(0)
    qtbot.waitUntil(screen.view.detail.rehearse.isEnabled, timeout=20_000)
    click(screen.view.detail.rehearse)
    assert shell.current is shell.screens["rehearse"]
    assert shell.current.ask_bar.path.endswith(str(identity))
    qtbot.waitUntil(lambda: program.rehearse.step is Step.WATCH or bool(program.rehearse.problem), timeout=60_000)
    assert program.rehearse.step is Step.WATCH, program.rehearse.problem
    assert program.rehearse.shown.proposal.instruction == "pick up the red cube"

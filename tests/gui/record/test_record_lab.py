"""Record screen over the embedded lab, arm and cameras included: guided by hand, and shown by the demonstrator."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from window_hands import click, key, make_ready, until_ripe

from gui.record.presenter import BY_HAND, DEMONSTRATOR
from robot.state import ArmState
from storage.episodes.episode import Episode
from storage.queries import episode
from workflows.recording.facts import RecordState

PICTURE_PX = (160, 120)
TASK = "reach the red cube"
HAND_GUIDING_MODE = 2


def at_the_screen(program, qtbot, source: str):
    """Open the Record screen with a task and a teacher, and nothing left of the previous attempt."""
    presenter = program.record
    program.shell.show_screen("record")
    qtbot.waitUntil(lambda: presenter.recorder is not None and not presenter.busy, timeout=60_000)
    if presenter.state is RecordState.REVIEW:
        until_ripe(program.shell.screens["record"].state_card.discard)
        key(program.shell, Qt.Key.Key_Delete)
        qtbot.waitUntil(lambda: presenter.state is RecordState.RESET and not presenter.busy, timeout=30_000)
    presenter.choose_task(TASK)
    presenter.choose_countdown(0)
    presenter.choose_source(source)
    return program.shell.screens["record"]


@pytest.mark.timeout(300)
def test_the_arm_is_guided_by_hand_while_it_is_recorded(fresh_program, qtbot):
    program, presenter = fresh_program, fresh_program.record

    make_ready(program, qtbot)
    screen = at_the_screen(program, qtbot, BY_HAND)
    qtbot.waitUntil(screen.teach_card.guide.isEnabled, timeout=60_000)
    assert "Page ↑" in screen.teach_card.guide_words.text()  # in the lab keys are the hand
    click(screen.teach_card.guide)
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.HAND_GUIDING, timeout=60_000)
    qtbot.waitUntil(screen.state_card.start.isEnabled, timeout=60_000)
    click(screen.state_card.start)
    qtbot.waitUntil(lambda: presenter.state is RecordState.RECORDING and not presenter.busy, timeout=60_000)
    before = program.connection.status.position.copy()
    key(program.shell, Qt.Key.Key_Left, release=False)
    far = np.deg2rad(3.0)
    qtbot.waitUntil(lambda: np.abs(program.connection.status.position - before).max() > far, timeout=60_000)
    key(program.shell, Qt.Key.Key_Left, press=False)
    assert program.connection.arm_state is ArmState.HAND_GUIDING
    qtbot.waitUntil(screen.state_card.start.isEnabled, timeout=60_000)
    key(program.shell, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: presenter.state is RecordState.REVIEW and not presenter.busy, timeout=60_000)
    assert not presenter.problem
    qtbot.waitUntil(lambda: presenter.pictures.film is not None, timeout=60_000)
    assert screen.player.playing  # the review plays at once
    until_ripe(screen.state_card.failure)
    key(program.shell, Qt.Key.Key_N)
    qtbot.waitUntil(lambda: presenter.state is RecordState.RESET and not presenter.busy, timeout=60_000)
    until_ripe(screen.state_card.bench)
    key(program.shell, Qt.Key.Key_B)  # another bench; hand guiding ends, since the arm drives home
    qtbot.waitUntil(lambda: not presenter.busy, timeout=60_000)
    assert presenter.state is RecordState.READY, presenter.problem
    library = program.screens.library.library
    kept = presenter.recorder.kept[-1].id
    row = episode(library.database, kept)
    assert (row.success, row.source, row.instruction) == (False, BY_HAND, TASK)
    samples = Episode(library.episode_folder(kept)).samples
    assert HAND_GUIDING_MODE in samples["mode"]
    assert np.ptp(samples["position"], axis=0).max() > np.deg2rad(2.0)


@pytest.mark.timeout(300)
def test_two_demonstrations_are_recorded_by_one_press(fresh_program, qtbot):
    program, presenter = fresh_program, fresh_program.record
    seen: list[str] = []

    make_ready(program, qtbot)
    screen = at_the_screen(program, qtbot, DEMONSTRATOR)
    had = len(presenter.recorder.kept)
    screen.teach_card.count.setValue(2)
    qtbot.waitUntil(screen.teach_card.demonstrate.isEnabled, timeout=60_000)
    seen.clear()
    presenter.changed.connect(lambda: seen.append(screen.state_card.banner.name.text()))
    click(screen.teach_card.demonstrate)
    qtbot.waitUntil(lambda: not presenter.busy, timeout=120_000)
    assert len(presenter.recorder.kept) - had >= 2, presenter.problem
    assert {"Preparing the bench", "Recording"} <= set(seen)
    library = program.screens.library.library
    first, second = presenter.recorder.kept[-2:]
    for kept in (first, second):
        row = episode(library.database, kept.id)
        assert row.success and row.source == DEMONSTRATOR and row.note  # the reason given by the lab's judge
        assert min(view.frames for view in Episode(library.episode_folder(kept.id)).facts.views) > 10
    qtbot.waitUntil(lambda: presenter.kept_today >= 2, timeout=30_000)
    starts = [Episode(library.episode_folder(kept.id)).samples["position"] for kept in (first, second)]
    assert np.abs(starts[0][-1] - starts[1][-1]).max() > 0.01  # another bench, another path

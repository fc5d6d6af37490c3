"""Record screen over the embedded lab, arm and cameras included: guided by hand, and shown by the demonstrator."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from window_hands import click, key, until_ripe, with_a_ready_arm

from gui.record.presenter import BY_HAND, DEMONSTRATOR
from robot.state import ArmState
from storage.episodes.episode import Episode
from storage.queries import episode
from workflows.recording.facts import RecordState
from workflows.settings import LabSettings, ProgramSettings, save

TASK = "reach the red cube"
HAND_GUIDING_MODE = 2


@pytest.fixture(autouse=True)
def small_pictures(tmp_path):
    """Small images from the lab, so that a busy machine keeps up."""
    save(ProgramSettings(lab=LabSettings(picture_px=(160, 120))), tmp_path / "settings.json")


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


def until_or_stopped(program, qtbot, so) -> None:
    """Wait for a condition; ends early where a busy machine stopped the arm, since it can then not come true."""
    stopped = (ArmState.STOPPED, ArmState.NOT_READY)
    qtbot.waitUntil(lambda: so() or program.connection.arm_state in stopped, timeout=60_000)
    assert so(), program.record.problem or program.record.trouble


@pytest.mark.timeout(300)
def test_the_arm_is_guided_by_hand_while_it_is_recorded(fresh_program, qtbot):
    program, presenter = fresh_program, fresh_program.record

    def act() -> None:
        screen = at_the_screen(program, qtbot, BY_HAND)
        until_or_stopped(program, qtbot, screen.teach_card.guide.isEnabled)
        assert "Page ↑" in screen.teach_card.guide_words.text()  # in the lab keys replace the hand
        click(screen.teach_card.guide)
        until_or_stopped(program, qtbot, lambda: program.connection.arm_state is ArmState.HAND_GUIDING)
        until_or_stopped(program, qtbot, screen.state_card.start.isEnabled)
        click(screen.state_card.start)
        until_or_stopped(program, qtbot, lambda: presenter.state is RecordState.RECORDING and not presenter.busy)
        before = program.connection.status.position.copy()
        key(program.shell, Qt.Key.Key_Left, release=False)
        until_or_stopped(
            program, qtbot, lambda: np.abs(program.connection.status.position - before).max() > np.deg2rad(3.0)
        )
        key(program.shell, Qt.Key.Key_Left, press=False)
        assert program.connection.arm_state is ArmState.HAND_GUIDING
        until_or_stopped(program, qtbot, screen.state_card.start.isEnabled)
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

    with_a_ready_arm(program, qtbot, act)
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

    def act() -> None:
        screen = at_the_screen(program, qtbot, DEMONSTRATOR)
        had = len(presenter.recorder.kept)
        screen.teach_card.count.setValue(2)
        until_or_stopped(program, qtbot, screen.teach_card.demonstrate.isEnabled)
        seen.clear()
        presenter.changed.connect(lambda: seen.append(screen.state_card.banner.name.text()))
        click(screen.teach_card.demonstrate)
        qtbot.waitUntil(lambda: not presenter.busy, timeout=120_000)
        assert len(presenter.recorder.kept) - had >= 2, presenter.problem

    with_a_ready_arm(program, qtbot, act)
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

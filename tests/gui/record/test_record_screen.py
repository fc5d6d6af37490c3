"""Record screen with real clicks and keys, a real library and real videos; cameras and arm are scripted."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from record_pieces import Arm, Camera
from window_hands import click, key, make_ready, until_ripe

from gui.arm.hand_control import ArmControlPresenter, Direction
from gui.arm.panel import ArmPanel
from gui.arm.presenter import ArmPresenter
from gui.live.presenter import LivePresenter
from gui.live.views import LiveViews
from gui.record.presenter import BY_HAND, BY_KEYS, DEMONSTRATOR, RecordPresenter
from gui.record.screen import RecordScreen
from gui.runtime.connection import Connection
from gui.runtime.jobs import Jobs
from gui.runtime.messages import Messages
from gui.runtime.open_library import OpenLibrary
from gui.shell import Shell
from gui.shell_presenter import ShellPresenter
from gui.stop_key import StopKey
from gui.widgets.theme import Theme
from storage.episodes.episode import Episode
from storage.queries import page
from workflows.recording.facts import RecordState
from workflows.recording.recorder import Recorder
from workflows.session import Session
from workflows.settings import ProgramSettings

PICTURE_PX = (160, 120)
TASK = "pick up the red cube"
SECOND = 1000


class Desk:
    """The Record screen in a window, and its user."""

    def __init__(self, app: QApplication, folder):
        self.cameras, self.arm = [Camera("left"), Camera("right")], Arm(simulated=True)
        self.session = Session(ProgramSettings(operator="Kim"))
        self.jobs, self.messages = Jobs(), Messages()
        self.connection = Connection(self.session, self.jobs)
        self.connection.opened = True  # with what the test supplies
        arm, control = ArmPresenter(self.connection, self.jobs), ArmControlPresenter(self.connection, self.jobs)
        self.library = OpenLibrary(self.jobs, lambda: folder)
        self.presenter = RecordPresenter(
            self.connection, control, self.library, self.jobs, recorder_for=self._recorder_for
        )
        self.screen = RecordScreen(self.presenter, arm)
        live = LiveViews(LivePresenter(self.connection))
        shell = ShellPresenter(self.connection, self.messages)
        theme = Theme(app, "light")
        self.window = Shell(shell, live, ArmPanel(arm), theme)
        self.window.add_screen("record", self.screen, "record")
        theme.dress(self.window)
        self.keys = StopKey(app, lambda: self.connection.may_move, self.window.take_key)
        self.window.show_screen("record")
        self.window.show()

    def _recorder_for(self, session, library) -> Recorder:
        return Recorder(library, self.cameras, self.arm, least_free=0)

    @property
    def state(self) -> RecordState:
        return self.presenter.state

    def close(self) -> None:
        self.keys.close()
        self.window.close()
        self.presenter.close()
        self.connection.close()
        self.jobs.close()
        self.library.close()


@pytest.fixture(scope="module")
def desk(qapp, tmp_path_factory):
    desk = Desk(qapp, tmp_path_factory.mktemp("library"))
    yield desk
    desk.close()
    desk.window.deleteLater()
    qapp.sendPostedEvents()
    qapp.processEvents()


@pytest.fixture
def ready(desk, qtbot):
    """The screen at its beginning: a task, hand above the keys, nothing recorded and no countdown."""
    qtbot.waitUntil(lambda: desk.presenter.recorder is not None and not desk.presenter.busy, timeout=30 * SECOND)
    desk.window.activateWindow()
    qtbot.waitUntil(desk.window.isActiveWindow, timeout=10 * SECOND)
    desk.presenter.choose_task(TASK)
    desk.presenter.choose_countdown(0)
    desk.presenter.choose_source(BY_KEYS)
    qtbot.waitUntil(lambda: desk.screen.state_card.start.isEnabled(), timeout=10 * SECOND)
    return desk


def rows(desk):
    return page(desk.library.library.database).rows


def reach(desk, qtbot, state: RecordState) -> None:
    qtbot.waitUntil(lambda: desk.state is state and not desk.presenter.busy, timeout=30 * SECOND)


def record(desk, qtbot) -> None:
    """Record by the button, until there is a video to review."""
    click(desk.screen.state_card.start)
    reach(desk, qtbot, RecordState.RECORDING)
    qtbot.waitUntil(lambda: all(view.frames >= 6 for view in desk.presenter.recorder.figures.views), timeout=20_000)
    qtbot.waitUntil(lambda: desk.screen.state_card.start.isEnabled(), timeout=10_000)
    click(desk.screen.state_card.start)
    reach(desk, qtbot, RecordState.REVIEW)
    qtbot.waitUntil(lambda: desk.presenter.pictures.film is not None, timeout=20_000)
    qtbot.waitUntil(lambda: desk.screen.state_card.success.isVisible(), timeout=10_000)


def test_without_a_task_it_says_what_is_missing(desk, qtbot):
    qtbot.waitUntil(lambda: desk.presenter.recorder is not None, timeout=30 * SECOND)
    desk.presenter.choose_task("")
    qtbot.waitUntil(lambda: "in a few words" in desk.screen.state_card.words.text(), timeout=10 * SECOND)
    assert not desk.screen.state_card.start.isEnabled()


def test_a_task_is_typed_with_other_words_for_it(desk, qtbot):
    qtbot.waitUntil(lambda: desk.presenter.recorder is not None, timeout=30 * SECOND)
    card = desk.screen.task_card
    card.line.setFocus()
    card.line.selectAll()
    QTest.keyClicks(card.line, "push the  blue ball")
    QTest.keyClick(card.line, Qt.Key.Key_Return)
    assert desk.presenter.instruction == "push the blue ball"
    card.paraphrases.setFocus()
    QTest.keyClicks(card.paraphrases, "move the blue ball; shove the blue ball;")
    QTest.keyClick(card.paraphrases, Qt.Key.Key_Return)
    assert desk.presenter.paraphrases == ("move the blue ball", "shove the blue ball")


def test_an_instruction_of_ten_kilobytes_is_said_to_be_too_long_and_not_cut_off(ready, qtbot):
    card, pasted = ready.screen.task_card, "pick up the red cube " * 500
    card.line.setFocus()
    card.line.selectAll()
    card.line.insert(pasted)
    QTest.keyClick(card.line, Qt.Key.Key_Return)
    assert ready.presenter.instruction == pasted.strip()
    qtbot.waitUntil(lambda: ready.screen.state_card.start.isEnabled(), timeout=10 * SECOND)
    click(ready.screen.state_card.start)
    qtbot.waitUntil(lambda: "too long" in ready.screen.state_card.problem.words.text(), timeout=10 * SECOND)
    qtbot.waitUntil(lambda: not ready.presenter.busy, timeout=10 * SECOND)
    assert ready.state in (RecordState.READY, RecordState.RESET) and not rows(ready)


def test_a_recording_is_seen_looked_at_and_kept_by_the_buttons(ready, qtbot):
    card = ready.screen.state_card
    assert "(R)" in card.start.text() and card.banner.name.text() == "Ready"
    record(ready, qtbot)
    assert card.banner.name.text() == "Look at it" and ready.screen.player.playing  # it plays at once
    film = ready.presenter.pictures.film
    assert film.names == ("left", "right") and len(film) >= 2
    assert "pictures a second" in ready.screen.figures_card.facts.findChildren(type(card.words))[3].text()
    card.note.setText("slowly")
    click(card.success)
    reach(ready, qtbot, RecordState.RESET)
    (row,) = [each for each in rows(ready) if each.instruction == TASK]
    assert (row.success, row.note, row.operator, row.source) == (True, "slowly", "Kim", "jog")
    qtbot.waitUntil(lambda: ready.presenter.kept_today == 1, timeout=10 * SECOND)
    assert TASK in ready.presenter.tasks.suggestions


def test_everything_has_its_key(ready, qtbot):
    before = len(rows(ready))
    key(ready.window, Qt.Key.Key_R)
    reach(ready, qtbot, RecordState.RECORDING)
    qtbot.wait(300)
    key(ready.window, Qt.Key.Key_R)
    reach(ready, qtbot, RecordState.REVIEW)
    card = ready.screen.state_card
    key(ready.window, Qt.Key.Key_Y)  # before a user can have looked at it
    qtbot.wait(100)
    assert ready.state is RecordState.REVIEW and len(rows(ready)) == before
    until_ripe(card.discard)
    key(ready.window, Qt.Key.Key_Delete)
    reach(ready, qtbot, RecordState.RESET)
    assert len(rows(ready)) == before
    until_ripe(card.bench)
    key(ready.window, Qt.Key.Key_B)
    reach(ready, qtbot, RecordState.READY)
    key(ready.window, Qt.Key.Key_R)
    reach(ready, qtbot, RecordState.RECORDING)
    qtbot.wait(300)
    key(ready.window, Qt.Key.Key_R)
    reach(ready, qtbot, RecordState.REVIEW)
    until_ripe(card.failure)
    key(ready.window, Qt.Key.Key_N)
    reach(ready, qtbot, RecordState.RESET)
    assert len(rows(ready)) == before + 1 and rows(ready)[0].success is False
    key(ready.window, Qt.Key.Key_R)  # the next one at once
    reach(ready, qtbot, RecordState.RECORDING)
    key(ready.window, Qt.Key.Key_R)
    reach(ready, qtbot, RecordState.REVIEW)
    until_ripe(card.success)
    key(ready.window, Qt.Key.Key_Y)
    reach(ready, qtbot, RecordState.RESET)
    assert rows(ready)[0].success is True


def test_after_presses_of_the_mouse_the_keys_still_judge_and_one_leads_to_the_note(ready, qtbot):
    record(ready, qtbot)
    note = ready.screen.state_card.note
    assert not note.hasFocus()  # hiding the pressed button must not move the keyboard focus here
    key(ready.window, Qt.Key.Key_T)
    qtbot.waitUntil(note.hasFocus, timeout=10 * SECOND)
    QTest.keyClicks(note, "yes")
    QTest.keyClick(note, Qt.Key.Key_Return)
    until_ripe(ready.screen.state_card.failure)
    key(ready.window, Qt.Key.Key_N)
    reach(ready, qtbot, RecordState.RESET)
    assert (rows(ready)[0].success, rows(ready)[0].note) == (False, "yes")


def test_keys_do_nothing_while_a_note_is_typed(ready, qtbot):
    record(ready, qtbot)
    note = ready.screen.state_card.note
    note.setFocus()
    qtbot.waitUntil(note.hasFocus, timeout=10 * SECOND)
    for code in (Qt.Key.Key_Y, Qt.Key.Key_N, Qt.Key.Key_R):
        key(ready.window, code)
    assert note.text() == "ynr" and ready.state is RecordState.REVIEW
    click(ready.screen.state_card.discard)
    reach(ready, qtbot, RecordState.RESET)


def test_a_countdown_is_shown_and_can_be_taken_back(ready, qtbot):
    ready.presenter.choose_countdown(5)
    card = ready.screen.state_card
    click(card.start)
    qtbot.waitUntil(lambda: ready.state is RecordState.COUNTDOWN, timeout=10 * SECOND)
    qtbot.waitUntil(lambda: card.banner.time.text() in ("1", "2", "3", "4", "5"), timeout=10 * SECOND)
    qtbot.waitUntil(lambda: "Cancel" in card.start.text(), timeout=10 * SECOND)
    click(card.start)
    qtbot.waitUntil(lambda: not ready.presenter.busy, timeout=10 * SECOND)
    assert ready.state in (RecordState.READY, RecordState.RESET) and not ready.presenter.problem


def test_stop_during_a_countdown_begins_nothing(ready, qtbot):
    ready.presenter.choose_countdown(5)
    click(ready.screen.state_card.start)
    qtbot.waitUntil(lambda: ready.state is RecordState.COUNTDOWN, timeout=10 * SECOND)
    ready.connection.stop_pressed.emit()  # there is no arm to stop here
    qtbot.waitUntil(lambda: not ready.presenter.busy, timeout=10 * SECOND)
    assert ready.state in (RecordState.READY, RecordState.RESET)


@pytest.mark.parametrize("broken", ["camera", "arm"])
def test_a_fault_ends_it_is_said_and_what_is_there_can_be_kept(ready, qtbot, broken):
    click(ready.screen.state_card.start)
    reach(ready, qtbot, RecordState.RECORDING)
    qtbot.wait(300)
    culprit = ready.cameras[1] if broken == "camera" else ready.arm
    culprit.fault = "It is not connected. Check its cable."
    reach(ready, qtbot, RecordState.REVIEW)
    culprit.fault = ""
    card = ready.screen.state_card
    qtbot.waitUntil(lambda: card.problem.isVisible() and card.failure.isEnabled(), timeout=10 * SECOND)
    assert card.problem.words.text() == "It is not connected. Check its cable."
    before = len(rows(ready))
    click(card.failure)
    reach(ready, qtbot, RecordState.RESET)
    assert len(rows(ready)) == before + 1
    newest = Episode(ready.library.library.episode_folder(rows(ready)[0].id))
    assert newest.facts.views[0].frames > 0


def test_nothing_begins_while_a_camera_is_not_well_and_the_reason_stands_there(ready, qtbot):
    ready.cameras[0].fault = "The camera left is not connected. Check its cable."
    card = ready.screen.state_card
    qtbot.waitUntil(lambda: not card.start.isEnabled(), timeout=10 * SECOND)
    assert "camera left is not connected" in card.words.text()
    ready.cameras[0].fault = ""
    qtbot.waitUntil(lambda: card.start.isEnabled(), timeout=10 * SECOND)


def test_who_shows_it_can_be_chosen_and_the_demonstrator_needs_a_ready_arm(ready, qtbot):
    teach = ready.screen.teach_card
    for index, source in enumerate((BY_HAND, BY_KEYS, DEMONSTRATOR)):
        click(teach.choice.button(index))
        assert ready.presenter.source == source and teach.pages.currentIndex() == index
    teach.count.setValue(7)
    assert teach.demonstrate.text() == "Record 7 demonstrations" and not teach.demonstrate.isEnabled()
    assert not ready.screen.state_card.start.isVisible()
    click(teach.choice.button(0))


def test_what_is_recorded_of_the_lab_goes_through_arm_and_cameras(fresh_program, qtbot):
    """Run the whole program once: the arm jogged by a key of the Record screen, Stop ends and keeps the recording."""
    program = fresh_program
    screen, presenter = program.shell.screens["record"], program.record

    make_ready(program, qtbot)
    program.shell.show_screen("record")
    qtbot.waitUntil(lambda: presenter.recorder is not None and not presenter.busy, timeout=30 * SECOND)
    if presenter.state is RecordState.REVIEW:  # of the attempt before
        until_ripe(screen.state_card.discard)
        key(program.shell, Qt.Key.Key_Delete)
        qtbot.waitUntil(lambda: presenter.state is RecordState.RESET, timeout=20 * SECOND)
    presenter.choose_task(TASK)
    presenter.choose_countdown(0)
    presenter.choose_source(BY_KEYS)
    qtbot.waitUntil(screen.state_card.start.isEnabled, timeout=60_000)
    assert screen.state_card.start.isEnabled()
    key(program.shell, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: presenter.state is RecordState.RECORDING and not presenter.busy, timeout=20 * SECOND)
    before = program.connection.status.position.copy()
    until_ripe(screen.teach_card.pads.buttons[Direction(2, 1)])
    key(program.shell, Qt.Key.Key_PageUp, release=False)
    qtbot.waitUntil(lambda: abs(program.connection.status.position - before).max() > 0.02, timeout=10 * SECOND)
    key(program.shell, Qt.Key.Key_Space)
    key(program.shell, Qt.Key.Key_PageUp, press=False)
    qtbot.waitUntil(lambda: presenter.state is RecordState.REVIEW, timeout=10 * SECOND)
    assert presenter.problem.startswith("The arm was stopped.")
    qtbot.waitUntil(lambda: not presenter.busy, timeout=20 * SECOND)
    until_ripe(screen.state_card.success)
    key(program.shell, Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: presenter.state is RecordState.RESET and not presenter.busy, timeout=20 * SECOND)
    library = program.screens.library.library
    episode = Episode(library.episode_folder(presenter.recorder.kept[-1].id))
    assert episode.trajectory is not None and np.ptp(episode.samples["position"], axis=0).max() > 0.02
    assert (episode.samples["mode"] >= 0).all() and [view.calibration is not None for view in episode.views] == [
        True
    ] * 2
    assert min(view.frames for view in episode.facts.views) > 0

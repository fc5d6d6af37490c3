"""Motion drawn by clicks into the images, and run only while a button is held."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from rehearse_hands import Hands
from window_hands import click

from foundation import xarm7
from gui.rehearse.steps import Step

PICTURE_PX, TASK_OF_LAB = (160, 120), "reach the red cube"
OVER, BESIDE = (0.42, 0.12), (0.45, -0.1)  # m on the table


@pytest.fixture
def hands(fresh_program, qtbot):
    hands = Hands(fresh_program, qtbot)
    fresh_program.shell.resize(960, 640)  # the less there is to paint, the better a busy machine keeps up
    fresh_program.shell.show_screen("rehearse")
    yield hands
    if hands.screen.drawing.active:
        click(hands.screen.drawing.panel.back)
    hands.begin()


def click_on_table(hands, view: int, place: tuple[float, float]) -> None:
    """Click where this camera sees a position on the table."""
    picture = hands.screen.player.grid.pictures[view]
    camera = next(c for c in hands.presenter.overlay.cameras.values() if c.name == picture.name)
    height, width = picture.rgb.shape[:2]
    scale = min(picture.width() / width, picture.height() / height)
    border = np.array([picture.width() - scale * width, picture.height() - scale * height]) / 2
    x, y = (camera.project(np.array([*place, 0.0])) + 0.5) * scale + border
    QTest.mouseClick(picture, Qt.MouseButton.LeftButton, pos=QPoint(round(x), round(y)))


def draw(hands) -> None:
    """Draw two points, and one that is undone."""
    screen = hands.screen
    hands.until(lambda: len(screen.player.grid.pictures) == 2 and screen.player.grid.pictures[1].rgb is not None)
    hands.until(lambda: screen.ask_page.draw.isEnabled())
    click(screen.ask_page.draw)
    drawing, panel = screen.drawing, screen.drawing.panel
    assert panel.isVisible() and not panel.apply.isEnabled()
    panel.height_mm.setFocus()
    panel.height_mm.selectAll()
    QTest.keyClicks(panel.height_mm, "200")
    click_on_table(hands, 0, OVER)
    click_on_table(hands, 1, OVER)
    click(panel.undo)
    panel.gripper.setFocus()
    QTest.keyClick(panel.gripper, Qt.Key.Key_Down)
    click_on_table(hands, 1, BESIDE)
    assert [point.openness for point in drawing.points] == [1.0, 0.0]
    for point, (x, y) in zip(drawing.points, (OVER, BESIDE), strict=True):
        assert point.position == pytest.approx((x, y, 0.2), abs=0.012)  # a pixel of these images is some millimetres
    hands.until(lambda: all(len(p.drawing.path) > 2 for p in screen.player.grid.pictures if p.drawing is not None))


def shown(hands) -> None:
    draw(hands)
    click(hands.screen.drawing.panel.apply)
    hands.until(lambda: not hands.presenter.busy and hands.step in (Step.WATCH, Step.ASK), 60)
    assert hands.step is Step.WATCH, hands.presenter.problem


def test_a_drawn_motion_runs_only_while_the_button_is_held(hands):
    screen, presenter = hands.screen, hands.presenter
    page = screen.running_page
    shown(hands)
    proposal, plan = presenter.shown.proposal, presenter.shown.plan
    assert (proposal.source, proposal.instruction) == ("drawn", "a drawn motion") and plan.executable
    end = xarm7.forward(plan.motion.position[-1])[:3, 3]
    assert end == pytest.approx((*BESIDE, 0.2), abs=0.015)
    hands.approve()
    hold = screen.approved_page.hold
    QTest.mouseClick(hold, Qt.MouseButton.LeftButton, pos=QPoint(8, hold.height() // 2))
    hands.until(lambda: presenter.hold_to_run)
    hands.start(50, hold=True)
    moved_and_rested(hands, page)
    assert 0.0 < presenter.rehearsal.current_run.progress < 1.0


def moved_and_rested(hands, page) -> None:
    """Held: it moves. Let go: it stands, though the motion is not at its end."""
    presenter, connection = hands.presenter, hands.program.connection
    before = presenter.shown.plan.motion.position[0]
    assert page.hold is hands.screen.approved_page.run and page.hold.text() == "Hold to move" and page.hold.is_held

    def far() -> bool:
        return bool(np.abs(connection.robot.status.position - before).max() > 0.03)

    hands.until(far)
    QTest.mouseRelease(page.hold, Qt.MouseButton.LeftButton)
    hands.until(lambda: presenter.paused)
    hands.qtbot.wait(100)  # until what is known of the arm is of after that
    hands.until(lambda: np.abs(connection.robot.status.velocity).max() < 2e-3, 5)  # rad/s: at rest
    rests = connection.robot.status.position.copy()
    hands.qtbot.wait(700)
    assert hands.step is Step.RUNNING
    assert np.abs(connection.robot.status.position - rests).max() < 2e-3
    assert "Hold the button" in page.heading.text()

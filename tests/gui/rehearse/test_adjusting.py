"""Waypoints moved by the mouse in 3-D or by numbers; what is shown meanwhile is not yet what is approved."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from gui.rehearse.waypoint_editing import WaypointPanel
from gui.view3d.panel import ScenePanel, pixel_of, point_under


@pytest.fixture
def panel(qtbot):
    panel = WaypointPanel()
    qtbot.addWidget(panel)
    panel.show()
    return panel


def test_numbers_make_an_edit_once_something_was_moved(panel, qtbot):
    panel.begin(5, 1.2)
    assert not panel.apply.isEnabled() and "frame 6, at 1.2 s" in panel.words.text()
    panel.offsets[2].setValue(40)
    panel.turn.setValue(-90)
    panel.gripper.setCurrentText("closed")
    with qtbot.waitSignal(panel.applied) as applied:
        QTest.mouseClick(panel.apply, Qt.MouseButton.LeftButton)
    edit = applied.args[0]
    assert (edit.frame, edit.offset, edit.openness) == (5, (0.0, 0.0, 0.04), 0.0)
    assert edit.turn == pytest.approx(-np.pi / 2)
    panel.begin(6, 1.5)  # another waypoint begins unmoved
    assert panel.edit.offset == (0.0, 0.0, 0.0) and not panel.apply.isEnabled()


def test_the_first_moment_cannot_be_moved(panel):
    panel.begin(0, 0.0)
    panel.offsets[0].setValue(10)
    assert not panel.apply.isEnabled() and "begins where the arm stands" in panel.words.text()


def test_a_dragged_point_stays_under_the_pointer(qtbot):
    view = ScenePanel()
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show()
    view.show_handle(np.array([0.4, 0.0, 0.2]))
    size, projection, looking = view._eye()
    at = pixel_of(np.array([0.4, 0.0, 0.2]), size, projection, looking)
    start, end = QPoint(*np.rint(at).astype(int)), QPoint(*np.rint(at + np.array([60, -40])).astype(int))
    before = view.viewMatrix()
    with qtbot.waitSignal(view.dragged) as dragged:
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
        QTest.mouseMove(view, end)
        qtbot.wait(20)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=end)
    point = dragged.args[0]
    np.testing.assert_allclose(pixel_of(point, size, projection, looking), [end.x(), end.y()], atol=1e-3)
    assert np.linalg.norm(point - [0.4, 0.0, 0.2]) > 0.05
    assert view.viewMatrix() == before  # the view has not turned
    np.testing.assert_allclose(point_under(QPointF(*at), point, size, projection, looking), [0.4, 0.0, 0.2], atol=0.02)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(5, 290))  # beside it the view turns as ever
    QTest.mouseMove(view, QPoint(60, 280))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(60, 280))
    np.testing.assert_allclose(view.handle.point, point)

"""Editing one waypoint of the motion on display: dragged in 3-D, clicked in an image, or entered in numbers."""

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QWidget

from gui.player.player import Player
from gui.rehearse.presenter import RehearsePresenter
from gui.view3d.panel import ScenePanel
from gui.widgets.basics import Button, column, label, row
from gui.widgets.theme import space
from workflows.proposals.drawn_motion import point_at_height
from workflows.proposals.waypoint_edit import FARTHEST, EditError, WaypointEdit, edited

_GRIPPER = {"as it is": None, "open": 1.0, "closed": 0.0}


class WaypointPanel(QWidget):
    """Number fields of an edit; `applied` carries the WaypointEdit, `changed`: other numbers, `closed`: cancelled."""

    applied = Signal(object)
    changed = Signal()
    closed = Signal()

    def __init__(self):
        super().__init__()
        self.frame = 0
        self.words = label("", "muted", wrap=True)
        self.offsets = tuple(self._box(f"{axis} in mm", -1000 * FARTHEST, 1000 * FARTHEST, " mm") for axis in "XYZ")
        self.turn = self._box("Turn in degrees", -180.0, 180.0, "°")
        self.gripper = QComboBox()
        self.gripper.addItems(list(_GRIPPER))
        self.gripper.setAccessibleName("Gripper")
        self.gripper.currentIndexChanged.connect(lambda: self._changed())
        self.apply = Button("Check this motion", "primary", icon_name="check", on=self._apply)
        self.apply.setToolTip("Plan the changed motion and check all of it again. It needs an approval of its own")
        self.back = Button("Back", "quiet", on=self.closed.emit)
        numbers = row(gap=0.3)
        for name, box in zip(("X", "Y", "Z"), self.offsets, strict=True):
            numbers.addWidget(label(name, "muted"))
            numbers.addWidget(box)
        numbers.addStretch(1)
        more = row(label("Turn", "muted"), self.turn, label("Gripper", "muted"), self.gripper, None, gap=0.3)
        self.setLayout(column(self.words, numbers, more, None, row(self.back, None, self.apply), gap=0.3))

    @property
    def edit(self) -> WaypointEdit:
        """The edit that the fields describe."""
        x, y, z = (box.value() / 1000.0 for box in self.offsets)
        turn = float(np.deg2rad(self.turn.value()))
        return WaypointEdit(self.frame, (x, y, z), turn, _GRIPPER[self.gripper.currentText()])

    def begin(self, frame: int, moment: float) -> None:
        """Reset the fields for another waypoint."""
        self.frame = frame
        at = f"frame {frame + 1}, at {moment:.1f} s"
        say = "The motion begins where the arm stands. Choose a later moment on the timeline to move it."
        moving = "Drag the white ball in 3-D, click into a picture, or give numbers. The timeline chooses the moment."
        self.words.setText(say if frame == 0 else f"Moving {at}. {moving}")
        for box in (*self.offsets, self.turn):
            box.blockSignals(True)
            box.setValue(0.0)
            box.blockSignals(False)
        self.gripper.setCurrentIndex(0)
        self._changed()

    def show_offset(self, offset: np.ndarray) -> None:
        """Show the offset (3,) m of the waypoint after dragging."""
        for box, value in zip(self.offsets, 1000.0 * offset, strict=True):
            box.blockSignals(True)
            box.setValue(float(value))
            box.blockSignals(False)
        self._changed()

    def _box(self, name: str, low: float, high: float, unit: str) -> QDoubleSpinBox:
        box = QDoubleSpinBox()
        box.setRange(low, high)
        box.setDecimals(0)
        box.setSingleStep(5.0)
        box.setSuffix(unit)
        box.lineEdit().setTextMargins(space(0.4), 0, 0, 0)  # not covered by the style sheet's padding
        box.setAccessibleName(name)
        box.valueChanged.connect(lambda: self._changed())
        return box

    def _changed(self) -> None:
        moved = any(box.value() for box in (*self.offsets, self.turn)) or self.gripper.currentIndex() > 0
        self.apply.setEnabled(self.frame > 0 and bool(moved))
        self.changed.emit()

    def _apply(self) -> None:
        self.applied.emit(self.edit)


class WaypointEditing(QObject):
    """Edits the waypoint of the frame on display. `ended`: another page is requested."""

    ended = Signal()

    def __init__(self, presenter: RehearsePresenter, player: Player, scene: ScenePanel, parent: QObject):
        super().__init__(parent)
        self.panel, self.active = WaypointPanel(), False
        self._presenter, self._player, self._scene = presenter, player, scene
        self.panel.closed.connect(self._give_up)
        self.panel.applied.connect(presenter.edit)
        self.panel.changed.connect(self._show)
        scene.dragged.connect(self._moved_to)
        player.frame_changed.connect(self._take)
        player.grid.clicked.connect(self._clicked)

    def begin(self) -> None:
        """Start with the waypoint of the frame on display."""
        self.active = True
        self._player.pause()
        self._take(self._player.frame)

    def end(self) -> None:
        """Stop editing."""
        self.active = False
        self._scene.show_handle(None)

    # --- helpers ---

    def _give_up(self) -> None:
        """Discard the edit."""
        shown = self._presenter.shown
        self.end()
        if shown is not None:
            self._scene.show_path(shown.path)
        self.ended.emit()

    def _take(self, frame: int) -> None:
        shown = self._presenter.shown
        if self.active and shown is not None:
            self.panel.begin(frame, float(shown.film.moments[frame] - shown.film.moments[0]))

    def _waypoint(self) -> np.ndarray | None:
        """Return the waypoint's unedited position (3,) m."""
        shown = self._presenter.shown
        if not self.active or shown is None or shown.plan.frame_moments[-1] <= shown.plan.frame_moments[0]:
            return None
        return shown.plan.intended.base_from_tool[self.panel.frame, :3, 3]

    def _moved_to(self, point: np.ndarray) -> None:
        was = self._waypoint()
        if was is not None:
            self.panel.show_offset(point - was)

    def _clicked(self, name: str, x: float, y: float) -> None:
        """Move the waypoint to the clicked position, at its unedited height."""
        was, shown = self._waypoint(), self._presenter.shown
        if was is None or shown is None or self.panel.frame == 0:
            return
        view = shown.film.names.index(name)
        proposal = shown.proposal
        cameras = proposal.scene.cameras if proposal.rgb is None else proposal.cameras
        height, width = shown.film.picture(view, self.panel.frame).shape[:2]
        place = point_at_height(cameras[view].resized(width, height), np.array([x, y]), float(was[2]))
        if place is not None:
            self._moved_to(place)

    def _show(self) -> None:
        """Show the edited path, not yet checked."""
        shown = self._presenter.shown
        if not self.active or shown is None:
            return
        way, edit = shown.plan.intended, self.panel.edit
        try:
            way = edited(way, edit)
        except EditError:
            self._scene.show_handle(None)
        else:
            self._scene.show_handle(way.base_from_tool[edit.frame, :3, 3])
        self._scene.show_path(way.base_from_tool)

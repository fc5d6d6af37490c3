"""Set up screen: simulated lab or real arm, cameras, workspace, speed, library, and the checklist."""

import numpy as np
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QRadioButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from gui.arm.presenter import ArmPresenter
from gui.live.presenter import LivePresenter
from gui.setup.camera_tiles import CamerasCard
from gui.setup.checklist import Checklist
from gui.setup.control_box_card import ControlBoxCard
from gui.setup.control_box_presenter import ControlBoxPresenter
from gui.setup.library_card import LibraryCard
from gui.setup.presenter import SetupPresenter
from gui.view3d.view import SceneView
from gui.widgets.basics import Card, form, label, row
from gui.widgets.theme import space
from robot.limiter import LimiterSettings
from robot.workspace import FARTHEST
from workflows.settings import REAL, SIMULATED

_SEEN = 3e-3  # rad, and share of the gripper's opening: smaller changes are invisible in the small view


class SetupScreen(QWidget):
    """View of SetupPresenter. `further` is the name of the screen that follows."""

    title = "Set up"
    shows_live_views = False

    def __init__(
        self,
        presenter: SetupPresenter,
        arm: ArmPresenter,
        box: ControlBoxPresenter,
        live: LivePresenter,
        further: str = "",
    ):
        super().__init__()
        self.arm, self.speed = ArmCard(presenter), SpeedCard(presenter)
        self.cameras = CamerasCard(presenter, live)
        self.workspace = WorkspaceCard(presenter)
        self.library = LibraryCard(presenter)
        self.box = ControlBoxCard(box)
        self.checklist = Checklist(presenter, arm, box, further)
        self.checklist.setFixedWidth(space(22))
        inside, scroll = QWidget(), QScrollArea()
        grid = QGridLayout(inside)
        grid.setContentsMargins(space(1), space(1), space(0.4), space(1))
        grid.setSpacing(space(0.8))
        grid.addWidget(self.arm, 0, 0)
        grid.addWidget(self.speed, 1, 0)
        grid.addWidget(self.library, 2, 0)
        grid.addWidget(self.workspace, 0, 1, 3, 1)
        grid.addWidget(self.cameras, 3, 0, 1, 2)
        grid.addWidget(self.box, 4, 0, 1, 2)
        grid.setColumnStretch(0, 4)
        grid.setColumnStretch(1, 5)
        grid.setRowStretch(2, 1)
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        right = QVBoxLayout()
        right.setContentsMargins(space(0.4), space(1), space(1), space(1))
        right.addWidget(self.checklist)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(scroll, 1)
        layout.addLayout(right)


class ArmCard(Card):
    """Choice of the arm: the simulated one, or a real one by its address."""

    def __init__(self, presenter: SetupPresenter):
        super().__init__("Arm")
        self._presenter = presenter
        self.simulated, self.real = QRadioButton("Simulated lab"), QRadioButton("Real xArm 7")
        group = QButtonGroup(self)
        for button in (self.simulated, self.real):
            group.addButton(button)
        self.simulated.toggled.connect(lambda on: presenter.edit("arm", kind=SIMULATED if on else REAL))
        self.cameras = spin_box(2, 4, "", lambda value: presenter.edit("lab", cameras=value))
        self.bench = spin_box(0, 999_999, "", lambda value: presenter.edit("lab", seed=value))
        self.address = QLineEdit()
        self.address.setPlaceholderText("192.168.1.200")
        self.address.textEdited.connect(lambda text: presenter.edit("arm", address=text))
        self.gripper = QCheckBox("xArm gripper is mounted")
        self.gripper.toggled.connect(lambda on: presenter.edit("arm", gripper=on))
        self._lab, self._real = QWidget(), QWidget()
        self._lab.setLayout(form(("Cameras", self.cameras), ("Bench number", self.bench)))
        self._real.setLayout(form(("Address", self.address)))
        self.note = label("", "small", wrap=True)
        self.body.addLayout(row(self.simulated, self.real, None, gap=1.2))
        for part in (self._lab, self._real, self.gripper, self.note):
            self.body.addWidget(part)
        self.body.addStretch(1)
        presenter.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        draft, simulated = self._presenter.draft, self._presenter.simulated
        with _quietly(self.simulated, self.real, self.cameras, self.bench, self.gripper):
            (self.simulated if simulated else self.real).setChecked(True)
            self.cameras.setValue(draft.lab.cameras)
            self.bench.setValue(draft.lab.seed)
            self.gripper.setChecked(draft.arm.gripper)
        if self.address.text() != draft.arm.address:
            self.address.setText(draft.arm.address)
        self._lab.setVisible(simulated)
        self._real.setVisible(not simulated)
        self.note.setText(
            "Nothing real moves. Each bench number gives other things on the bench."
            if simulated
            else "The address stands on the control box. Keep the red emergency button within reach."
        )


class SpeedCard(Card):
    """Speed limits of the arm."""

    def __init__(self, presenter: SetupPresenter):
        super().__init__("Speed limits")
        self._presenter = presenter
        self.tool = spin_box(10, 1000, " mm/s", lambda value: presenter.edit("speed", tcp_mm_s=float(value)))
        self.joints = spin_box(5, 180, " °/s", lambda value: presenter.edit("speed", joints_deg_s=float(value)))
        self.note = label("", "small", wrap=True)
        self.body.addLayout(form(("Tool", self.tool), ("Joints", self.joints)))
        self.body.addWidget(self.note)
        self.body.addStretch(1)
        presenter.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        speed = self._presenter.draft.speed
        with _quietly(self.tool, self.joints):
            self.tool.setValue(round(speed.tcp_mm_s))
            self.joints.setValue(round(speed.joints_deg_s))
        fast = speed.tcp_mm_s > 250
        self.note.setText(
            "Faster than 250 mm/s nobody may stand within reach of the arm."
            if fast
            else "250 mm/s is the reduced speed for people nearby. The program keeps it; it is no safety function."
        )


class WorkspaceCard(Card):
    """Box the arm may move in, in numbers and in 3-D."""

    def __init__(self, presenter: SetupPresenter):
        super().__init__("Workspace", "The arm and the gripper stay inside this box.")
        self._presenter = presenter
        self._shown: np.ndarray | None = None
        self.view = SceneView()
        self.view.setMinimumHeight(space(13))
        # Its size hint is ignored, so that everything fits without scrolling.
        self.view.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.view.setCameraPosition(distance=2.5)
        self.body.addWidget(self.view, 1)
        self.low = [self._box(axis, "low") for axis in range(3)]
        self.high = [self._box(axis, "high") for axis in range(3)]
        grid = QGridLayout()
        grid.setHorizontalSpacing(space(0.5))
        grid.setVerticalSpacing(space(0.3))
        for axis, name in enumerate(("X  back, front", "Y  right, left", "Z  bottom, top")):
            grid.addWidget(label(name, "muted"), axis, 0)
            grid.addWidget(self.low[axis], axis, 1)
            grid.addWidget(self.high[axis], axis, 2)
            for corner, box in (("least", self.low[axis]), ("greatest", self.high[axis])):
                box.setAccessibleName(f"{corner} {name[0]} of the workspace")
        self.body.addLayout(grid)
        self.in_force = label("", "small", wrap=True, name="workspace in force")
        self.body.addWidget(self.in_force)
        presenter.changed.connect(self._show)
        presenter.connection.pulled.connect(self._show_arm)
        self._show()

    def _box(self, axis: int, corner: str) -> QSpinBox:
        def edit(value_mm: int) -> None:
            values = list(getattr(self._presenter.draft.workspace, corner))
            values[axis] = value_mm / 1000.0
            self._presenter.edit("workspace", **{corner: tuple(values)})

        box = spin_box(round(-1000 * FARTHEST), round(1000 * FARTHEST), " mm", edit)
        box.setSingleStep(10)
        return box

    def _show(self) -> None:
        workspace = self._presenter.draft.workspace
        for boxes, values in ((self.low, workspace.low), (self.high, workspace.high)):
            with _quietly(*boxes):
                for box, value in zip(boxes, values, strict=True):
                    box.setValue(round(1000 * value))
        self.view.show_workspace(np.array(workspace.low), np.array(workspace.high))
        connection = self._presenter.connection
        self.in_force.setText(in_force_words(None if connection.robot is None else connection.robot.limits))
        self.view.show_cameras(tuple(connection.session.cameras.values()) if connection.opened else ())

    def _show_arm(self) -> None:
        status = self._presenter.connection.status
        if not self.isVisible() or status is None:
            return
        shown = np.append(status.position, status.openness or 0.0)
        if self._shown is None or not np.abs(shown - self._shown).max() < _SEEN:  # rendering is expensive
            self._shown = shown
            self.view.show_arm(status.position, float(shown[-1]))


def in_force_words(limits: LimiterSettings | None) -> str:
    """Return the box and speed that the robot process enforces, whatever the fields above contain."""
    if limits is None:
        return ""
    low, high = limits.workspace.low, limits.workspace.high
    sides = (f"{name} {1000 * a:.0f} to {1000 * b:.0f}" for name, a, b in zip("XYZ", low, high, strict=True))
    return f"In force now: {', '.join(sides)} mm, {1000 * limits.tcp_speed:.0f} mm/s."


def spin_box(low: int, high: int, unit: str, on) -> QSpinBox:
    """Return a spin box with a unit; `on` is called with each change by the user."""
    box = QSpinBox(minimum=low, maximum=high)
    box.setSuffix(unit)
    box.setKeyboardTracking(False)
    box.lineEdit().setTextMargins(space(0.4), 0, 0, 0)  # not covered by the style sheet's padding
    box.valueChanged.connect(on)
    return box


class _quietly:  # noqa: N801 - reads as the statement it is
    """Context manager that blocks the signals of `widgets`, so that changes inside do not count as the user's."""

    def __init__(self, *widgets: QWidget):
        self._widgets = widgets

    def __enter__(self) -> None:
        for widget in self._widgets:
            widget.blockSignals(True)

    def __exit__(self, *_: object) -> None:
        for widget in self._widgets:
            widget.blockSignals(False)

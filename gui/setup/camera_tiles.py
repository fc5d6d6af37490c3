"""Camera tiles of the set-up: live thumbnail, name, and selection; a camera is identified by unplugging it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from gui.live.presenter import LivePresenter
from gui.live.views import LivePicture
from gui.setup.presenter import CameraRow, SetupPresenter
from gui.widgets.basics import Button, Card, label, row
from gui.widgets.theme import look, space


class CameraTile(QWidget):
    """Tile of one camera."""

    def __init__(self, camera: CameraRow, presenter: SetupPresenter):
        super().__init__()
        self.camera = camera
        self.setFixedWidth(space(12))
        self.picture = LivePicture(camera.name if presenter.simulated else "")
        self.picture.setFixedSize(space(12), space(9))
        self.picture.show_words(
            "Choose it and press Save and connect to see it" if not camera.chosen else "Not connected"
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(space(0.25))
        layout.addWidget(self.picture)
        if not presenter.simulated:
            layout.addLayout(self._choice(presenter))
        self.found = label("This one was unplugged", "chip-accent")
        self.found.setVisible(presenter.unplugged == camera.identity)
        layout.addWidget(self.found)
        place = label(_place(camera), "small")
        place.setToolTip(_whole_place(camera))
        layout.addWidget(place)
        layout.addStretch(1)

    def _choice(self, presenter: SetupPresenter) -> QHBoxLayout:
        camera = self.camera
        use, name = QCheckBox(), QLineEdit(camera.name)
        use.setChecked(camera.chosen)
        use.setToolTip("Use this camera")
        use.setAccessibleName(f"Use camera {camera.name}")
        name.setEnabled(camera.chosen)
        name.setAccessibleName("Name of the camera")
        use.toggled.connect(lambda on: presenter.choose_camera(camera.identity, name.text().strip() or camera.name, on))
        name.editingFinished.connect(lambda: presenter.rename_camera(camera.identity, name.text()))
        self.use, self.name = use, name
        return row(use, name, gap=0.3)


def _whole_place(camera: CameraRow) -> str:
    """Return what the line below the image is too narrow for, '' when it is complete."""
    kind, _, rest = camera.identity.partition(":")
    return f"At USB port {rest}" if kind == "usb" else "" if kind in ("lab", "realsense") else camera.identity


def _place(camera: CameraRow) -> str:
    kind, _, rest = camera.identity.partition(":")
    words = {"realsense": f"RealSense {rest}", "usb": "USB camera", "lab": "in the simulated lab"}.get(kind, rest)
    text = words if camera.present or kind not in ("realsense", "usb") else f"{words}, not plugged in"
    return text if len(text) < 30 else f"{text[:28]}…"


class CamerasCard(Card):
    """View of SetupPresenter.cameras."""

    def __init__(self, presenter: SetupPresenter, live: LivePresenter):
        super().__init__("Cameras")
        self._presenter, self._live = presenter, live
        self._shown: tuple = ()
        self.tiles: dict[str, CameraTile] = {}
        self.look = Button("Look for cameras", icon_name="refresh", on=presenter.look_for_cameras)
        self.identify = Button("Which is which?", icon_name="plug", on=presenter.identify)
        self.identify.setToolTip("Press, then pull the cable of one camera: its picture is marked")
        self.address = QLineEdit()
        self.address.setPlaceholderText("rtsp://… or http://… of a network camera")
        self.add = Button("Add", icon_name="plus", on=self._add)
        self.hint = label("", "muted", wrap=True)
        holder = QWidget()
        self._row = QHBoxLayout(holder)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(space(0.7))
        self._row.setAlignment(Qt.AlignmentFlag.AlignLeft)
        scroll = QScrollArea()
        scroll.setWidget(holder)
        scroll.setWidgetResizable(True)
        scroll.setFixedHeight(space(10.6 if presenter.simulated else 12.5))
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        head = row(self.hint, self.identify, self.look)
        head.setStretch(0, 1)
        self.body.addLayout(head)
        self._scroll = scroll
        self.body.addWidget(scroll)
        self._network = QWidget()
        self._network.setLayout(row(self.address, self.add))
        self.body.addWidget(self._network)
        presenter.changed.connect(self._show)
        presenter.identifying_changed.connect(self._show)
        live.cameras_changed.connect(self._show)  # images arrive before the arm is connected
        live.refreshed.connect(self._refresh)
        self._show()

    def _add(self) -> None:
        self._presenter.add_address(self.address.text())
        self.address.clear()

    def _show(self) -> None:
        presenter = self._presenter
        cameras = tuple(presenter.cameras())
        self.look.setVisible(not presenter.simulated)
        self.look.setEnabled(not presenter.looking)
        self._network.setVisible(not presenter.simulated)
        self._scroll.setVisible(bool(cameras) or presenter.connection.opening)
        self.identify.setEnabled(bool(cameras))
        self.identify.setText("Give up" if presenter.identifying else "Which is which?")
        self.hint.setText(self._hint(cameras))
        look(self.hint, "" if presenter.identifying else "muted")
        shown = (cameras, presenter.simulated, presenter.unplugged)
        if shown != self._shown:
            self._shown = shown
            self._rebuild(cameras)

    def _hint(self, cameras: tuple[CameraRow, ...]) -> str:
        presenter = self._presenter
        if presenter.identifying and not presenter.watching:
            return "A moment …"
        if presenter.identifying:
            return "Now pull the cable of one camera, and see which picture is marked."
        if presenter.unplugged:
            return "Plug it in again: it comes back by itself."
        if presenter.simulated:
            return "The simulated lab brings its own, already calibrated."
        if presenter.looking:
            return "Looking for cameras …"
        return "Choose at least two that see the bench." if cameras else "No camera is plugged in."

    def _rebuild(self, cameras: tuple[CameraRow, ...]) -> None:
        for tile in self.tiles.values():
            self._row.removeWidget(tile)
            tile.setParent(None)
            tile.deleteLater()
        self.tiles = {camera.identity: CameraTile(camera, self._presenter) for camera in cameras}
        for tile in self.tiles.values():
            self._row.addWidget(tile)

    def _refresh(self) -> None:
        if self.isVisible():
            for camera in self._live.cameras():
                if camera.identity in self.tiles:
                    self.tiles[camera.identity].picture.show_camera(camera)

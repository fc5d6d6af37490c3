"""Live camera views, in a column or side by side, whichever makes them largest."""

import time
from collections import deque

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from gui.live.presenter import LiveCamera, LivePresenter
from gui.pictures.camera_view import Picture
from gui.pictures.view_grid import best_columns
from gui.widgets.basics import label
from gui.widgets.theme import space

_KEPT = 600


class LivePicture(Picture):
    """Camera image that is dimmed as soon as it is not live; records when it was painted."""

    def __init__(self, name: str):
        super().__init__(name)
        self.camera: LiveCamera | None = None
        self.painted: deque[float] = deque(maxlen=_KEPT)  # s monotonic
        self.painted_live = False  # a live frame has been on the screen

    def show_camera(self, camera: LiveCamera) -> None:
        """Show the newest frame and its note."""
        old, self.camera = self.camera, camera
        if camera.rgb is None:
            self.show_rgb(None)
            self.show_words("Waiting for the first picture")
        elif old is None or old.rgb is not camera.rgb:
            self.show_rgb(camera.rgb)
        self.show_drawing(camera.drawing)
        self.show_note(camera.note, camera.colour)
        place = camera.place
        self.show_light(place.light, place.short, "\n".join(filter(None, (camera.advice, place.sentence))))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        camera = self.camera
        if camera is None or camera.rgb is None:
            return
        self.painted.append(time.monotonic())
        self.painted_live = self.painted_live or camera.live
        if camera.colour == "danger":
            with QPainter(self) as painter:
                self._cover(painter, camera)

    def _cover(self, painter: QPainter, camera: LiveCamera) -> None:
        """Dim the image, so that it cannot be mistaken for a live one."""
        painter.fillRect(self.rect(), QColor(0, 0, 0, 120))
        painter.setPen(QColor("white"))
        words = f"{camera.note.partition(' · ')[0].capitalize()}\n{camera.advice}"
        inside = self.rect().adjusted(space(1), space(1), -space(1), -space(1))
        painter.drawText(inside, int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap), words)


class LiveViews(QWidget):
    """One LivePicture per camera in use, by identity in `pictures`."""

    def __init__(self, presenter: LivePresenter):
        super().__init__()
        self._presenter = presenter
        self.pictures: dict[str, LivePicture] = {}
        self._nothing = label("", "muted", wrap=True)
        self._nothing.setParent(self)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(space(7))
        presenter.cameras_changed.connect(self._rebuild)
        presenter.refreshed.connect(self._refresh)
        self._rebuild()

    @property
    def empty_text(self) -> QLabel:
        return self._nothing

    def sizeHint(self) -> QSize:
        return QSize(320, 480)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _rebuild(self) -> None:
        for picture in self.pictures.values():
            picture.setParent(None)
            picture.deleteLater()
        self.pictures = {}
        for identity in self._presenter.identities:
            picture = LivePicture(self._presenter.name(identity))
            picture.setParent(self)
            picture.setMinimumSize(1, 1)
            picture.setObjectName(f"live {identity}")
            picture.show()
            self.pictures[identity] = picture
        self._arrange()

    def _refresh(self) -> None:
        opening = self._presenter.opening
        self._nothing.setText("Connecting the cameras" if opening else "No camera is in use. Choose some in Set up.")
        if not self.isVisible():
            return
        for camera in self._presenter.cameras():
            if camera.identity in self.pictures:
                self.pictures[camera.identity].show_camera(camera)

    def _arrange(self) -> None:
        """Arrange the images in the number of columns that makes 4:3 images largest."""
        count, gap = len(self.pictures), space(0.4)
        self._nothing.setGeometry(self.rect())
        self._nothing.setVisible(count == 0)
        if count == 0:
            return
        columns = best_columns(count, self.width(), self.height(), gap)
        width, rows = (self.width() - gap * (columns - 1)) / columns, -(-count // columns)
        height = min(0.75 * width, (self.height() - gap * (rows - 1)) / rows)
        for i, picture in enumerate(self.pictures.values()):
            left, top = i % columns * (width + gap), i // columns * (height + gap)
            narrow = min(width, height * 4 / 3)
            picture.setGeometry(QRect(round(left + (width - narrow) / 2), round(top), round(narrow), round(height)))

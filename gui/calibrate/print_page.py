"""Print page: tag family, sizes, paper, and the length measured with the ruler."""

from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QFileDialog, QSizePolicy, QWidget

from cameras.calibration.board import PRINTABLE_FAMILIES, TagBoard, tag_cells
from gui.calibrate.guide import GuidePage
from gui.calibrate.presenter import CalibratePresenter
from gui.calibrate.steps import CalibrateStep
from gui.widgets.basics import Button, form, label
from gui.widgets.theme import colours, em
from workflows.calibration.tag_boards import gripper_board
from workflows.settings import TagSettings

_PAPERS = ("A4", "Letter", "A3")


class BoardPicture(QWidget):
    """Preview of the board on paper, with its dimensions."""

    def __init__(self):
        super().__init__()
        self._board: TagBoard | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(480, 480)

    def show_board(self, board: TagBoard) -> None:
        if board != self._board:
            self._board = board
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, board, c = QPainter(self), self._board, colours()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if board is None:
            return
        wide, high = (side + 3 * board.gap for side in board.size)
        scale = min(0.72 * self.width() / wide, 0.72 * self.height() / high)
        paper = QRectF(0, 0, wide * scale, high * scale)
        paper.moveCenter(QPointF(self.width() / 2, self.height() / 2))
        painter.setPen(QPen(c.q("faint"), 1.0, Qt.PenStyle.DashLine))
        painter.fillRect(paper, QColor("white"))
        painter.drawRect(paper)
        for number, corners in board.corners.items():
            left, top = corners[0, 0], corners[0, 1]
            place = QPointF(paper.center().x() + left * scale, paper.center().y() - top * scale)
            _draw_tag(painter, tag_cells(board.family, number), place, board.tag_size * scale)
        painter.setPen(c.q("muted"))
        below = QRectF(0, paper.bottom() + 0.4 * em(), self.width(), 1.6 * em())
        words = f"{1000 * wide:.0f} x {1000 * high:.0f} mm, black squares of {1000 * board.tag_size:g} mm"
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, words)
        painter.end()


def _draw_tag(painter: QPainter, cells, place: QPointF, size: float) -> None:
    cell = size / len(cells)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for i, line in enumerate(cells):
        for j, black in enumerate(line):
            if black:
                left, top = round(place.x() + j * cell), round(place.y() + i * cell)
                right, bottom = round(place.x() + (j + 1) * cell), round(place.y() + (i + 1) * cell)
                painter.fillRect(left, top, right - left, bottom - top, QColor("black"))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)


class PrintPage(GuidePage):
    """Page to write the PDF, and to enter the size of the printout."""

    def __init__(self, presenter: CalibratePresenter, picture: BoardPicture):
        super().__init__("Print the tags", presenter.connection.clock)
        self._presenter, self._picture = presenter, picture
        choose = presenter.choose_tags
        self.family, self.paper = QComboBox(), QComboBox()
        self.family.addItems([*PRINTABLE_FAMILIES][::-1])
        self.paper.addItems(_PAPERS)
        self.family.textActivated.connect(lambda text: choose(family=text))
        self.paper.textActivated.connect(lambda text: choose(paper=text))
        self.board = size_box(lambda value: choose(board_tag_mm=value))
        self.bench = size_box(lambda value: choose(bench_tag_mm=value))
        self.grid = size_box(lambda value: choose(grid_tag_mm=value))
        self.measured = size_box(lambda value: choose(measured_mm=value), low=90.0, high=110.0)
        self.measured.setToolTip("If the printer did not keep the size, its true size is used")
        fields = (("Tag family", self.family), ("Paper", self.paper), ("Tags on the gripper", self.board))
        more = (
            ("Tags on the bench", self.bench),
            ("Tags of the grid", self.grid),
            ("The ruler measures", self.measured),
        )
        self.middle.addLayout(form(*fields, *more))
        self.where = label("", "small", wrap=True)
        self.middle.addWidget(self.where)
        self.save = Button("Save the PDF…", icon_name="down", on=self._save)
        self.below.addWidget(self.save)
        self.main.clicked.connect(lambda: presenter.go_to(CalibrateStep.LENSES))

    def refresh(self) -> None:
        presenter, tags = self._presenter, self._presenter.tags
        self.say("Print the tags", self._words(), presenter.problem)
        self._show_tags(tags)
        printed = presenter.printed
        self.where.setText("" if printed is None else f"Written to {printed}. Print it at 100 % and check both rulers.")
        self.save.setEnabled(not presenter.busy)
        first = printed is None and not presenter.simulated
        self.save.show_as("primary" if first else "")
        self.main.show_as("" if first else "primary")
        self.offer("I have the tags: go on" if first else "Go on", "right", enabled=not presenter.busy)

    def write(self, file: Path) -> None:
        """Write the PDF to `file`, as the save dialog does."""
        self._presenter.print_to(file.with_suffix(".pdf"))

    def _words(self) -> str:
        if self._presenter.simulated:
            return "The simulated lab has its tags already: go on. For a real arm, save the PDF and print it at 100 %."
        return (
            "One sheet is for the gripper, one for the bench, one for lenses. Print them at 100 %, check the rulers, "
            "and glue them to something flat and stiff. What you have already need not be printed again."
        )

    def _show_tags(self, tags: TagSettings) -> None:
        self.family.setCurrentText(tags.family)
        self.paper.setCurrentText(tags.paper)
        pairs = ((self.board, tags.board_tag_mm), (self.bench, tags.bench_tag_mm), (self.grid, tags.grid_tag_mm))
        for box, value in (*pairs, (self.measured, tags.measured_mm)):
            if not box.hasFocus() and box.value() != value:
                blocked = box.blockSignals(True)
                box.setValue(value)
                box.blockSignals(blocked)
        self._picture.show_board(gripper_board(tags))

    def _save(self) -> None:
        # Qt's own dialog: it is a window of this program, so Space and Stop work in it too.
        path, _ = QFileDialog.getSaveFileName(
            self,
            "Where to save the tags",
            str(Path.home() / "calibration-tags.pdf"),
            "PDF (*.pdf)",
            options=QFileDialog.Option.DontUseNativeDialog,
        )
        if path:
            self.write(Path(path))


def size_box(on, *, low: float = 10.0, high: float = 200.0) -> QDoubleSpinBox:
    """Return a spin box for a length in mm; `on` is called when the input is complete."""
    box = QDoubleSpinBox()
    box.setRange(low, high)
    box.setDecimals(1)
    box.setSingleStep(0.1)
    box.setSuffix(" mm")
    box.setKeyboardTracking(False)
    box.valueChanged.connect(on)
    return box

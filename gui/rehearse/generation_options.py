"""Options for the model, folded away behind one button: model, mode, cameras, steps, candidates and seed."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QSpinBox, QWidget

from gui.widgets.basics import Button, column, label, row
from model.checkpoints.description import JOINT, POLICY, ModelDescription, describe
from model.errors import WeightsError
from workflows.proposals.model_source import GenerationSettings

_MODES = {JOINT: "Video and motion", POLICY: "Motion only (quick)"}
_MOST_CANDIDATES, _MOST_STEPS, _MOST_SEED, _MOST_PARTS = 8, 200, 2**31 - 1, 20


class GenerationOptions(QWidget):
    """Form with defaults; `changed` is emitted at every change, then read `asking` and `folder`."""

    changed = Signal()

    def __init__(self):
        super().__init__()
        self.model, self.mode = QComboBox(), QComboBox()
        self.candidates, self.steps, self.seed = QSpinBox(), QSpinBox(), QSpinBox()
        self.choose = Button("Other…", "quiet", on=self._choose, tip="A model from another folder")
        self.parts = QSpinBox()
        self.parts.setRange(1, _MOST_PARTS)
        self.parts.setAccessibleName("Parts")
        self.parts.setSpecialValueText("all at once")
        self.parts.setToolTip("Do it in so many parts, and look at the bench and ask again before each")
        self.problem = label("", "small", wrap=True)
        self.cameras: dict[str, QCheckBox] = {}
        self._models: list[ModelDescription] = []
        self._others: list[ModelDescription] = []  # selected from other folders
        self._camera_row = row(gap=0.3)
        named = (("Model", self.model), ("Mode", self.mode), ("Candidates", self.candidates), ("Steps", self.steps))
        for name, widget in (*named, ("Seed", self.seed)):
            widget.setAccessibleName(name)
        self.candidates.setRange(1, _MOST_CANDIDATES)
        self.candidates.setToolTip("So many motions are imagined; the best comes first, and you choose")
        self.steps.setRange(0, _MOST_STEPS)
        self.steps.setToolTip("Steps of denoising: more take longer")
        self.seed.setRange(-1, _MOST_SEED)
        self.seed.setSpecialValueText("random")
        self.seed.setValue(-1)
        self.seed.setToolTip("The same seed, model and scene give the same motion again")
        first = row(label("Model", "muted"), self.model, self.choose, label("Mode", "muted"), self.mode, gap=0.4)
        second = row(label("Candidates", "muted"), self.candidates, label("Steps", "muted"), self.steps, gap=0.4)
        for part in (label("Seed", "muted"), self.seed, label("Cameras", "muted")):
            second.addWidget(part)
        second.addLayout(self._camera_row)
        second.addStretch(1)
        third = row(label("In parts", "muted"), self.parts, None, gap=0.4)
        self._of_model = (QWidget(), QWidget())
        for widget, line in zip(self._of_model, (first, second), strict=True):
            widget.setLayout(line)
        first.addStretch(1)
        self.setLayout(column(*self._of_model, third, self.problem, gap=0.3))
        self.problem.hide()
        self.model.currentIndexChanged.connect(lambda: self._model_chosen())
        self.mode.currentIndexChanged.connect(lambda: self.changed.emit())
        for box in (self.candidates, self.steps, self.seed, self.parts):
            box.valueChanged.connect(lambda: self.changed.emit())

    @property
    def description(self) -> ModelDescription | None:
        """Selected model."""
        return self.model.currentData()

    @property
    def folder(self) -> Path | None:
        return None if self.description is None else self.description.folder

    @property
    def asking(self) -> GenerationSettings:
        chosen = tuple(name for name, box in self.cameras.items() if box.isChecked())
        return GenerationSettings(
            mode=self.mode.currentData(),
            candidates=self.candidates.value(),
            steps=self.steps.value() or None,
            seed=None if self.seed.value() < 0 else self.seed.value(),
            cameras=() if len(chosen) == len(self.cameras) else chosen,
        )

    def show_for(self, model: bool) -> None:
        """Show or hide the options that apply to models only."""
        for widget in self._of_model:
            widget.setVisible(model)

    def show_models(self, models: Sequence[ModelDescription]) -> None:
        """Set the available models; the selected one is kept where possible."""
        every = [*models, *(each for each in self._others if each not in models)]
        if every == self._models:
            return
        chosen = self.folder
        self._models = every
        self.model.blockSignals(True)
        self.model.clear()
        for each in every:
            self.model.addItem(each.name, each)
            self.model.setItemData(self.model.count() - 1, str(each.folder), 3)  # ToolTipRole
        at = next((i for i, each in enumerate(every) if each.folder == chosen), 0)
        self.model.setCurrentIndex(at)
        self.model.blockSignals(False)
        self._model_chosen()

    def show_cameras(self, names: Sequence[str]) -> None:
        """Set the calibrated cameras; at least two of them stay selected."""
        if list(self.cameras) == list(names):
            return
        for box in self.cameras.values():
            self._camera_row.removeWidget(box)
            box.deleteLater()
        self.cameras = {}
        for name in names:
            box = QCheckBox(name)
            box.setChecked(True)
            box.toggled.connect(lambda checked, name=name: self._camera_toggled(name, checked))
            self.cameras[name] = box
            self._camera_row.addWidget(box)
        self.changed.emit()

    # --- helpers ---

    def _model_chosen(self) -> None:
        """Show the modes and the default steps of the selected model."""
        description = self.description
        self.mode.blockSignals(True)
        self.mode.clear()
        for mode in () if description is None else description.modes:
            self.mode.addItem(_MODES[mode], mode)
        self.mode.setEnabled(self.mode.count() > 1)
        self.mode.setToolTip("" if self.mode.count() > 1 else "This model imagines no video")
        self.mode.blockSignals(False)
        self.steps.setSpecialValueText("default" if description is None else f"{description.steps} (the model's)")
        self.changed.emit()

    def _camera_toggled(self, name: str, checked: bool) -> None:
        if not checked and sum(box.isChecked() for box in self.cameras.values()) < 2:
            self.cameras[name].setChecked(True)  # a 3-D motion needs two views
            return
        self.changed.emit()

    def _choose(self) -> None:
        # Qt's own dialog: it is a window of this program, so Space and Stop work in it too.
        path = QFileDialog.getExistingDirectory(
            self, "A model's folder", "", QFileDialog.Option.ShowDirsOnly | QFileDialog.Option.DontUseNativeDialog
        )
        if path:
            self.choose_folder(Path(path))

    def choose_folder(self, folder: Path) -> None:
        """Select a model from any folder; when it is invalid, the error is shown here."""
        try:
            found = describe(folder)
        except WeightsError as error:
            self.problem.setText(str(error))
            self.problem.show()
            return
        self.problem.hide()
        self._others = [*(each for each in self._others if each.folder != folder), found]
        self.show_models([each for each in self._models if each.folder != folder])
        self.model.setCurrentIndex(next(i for i, each in enumerate(self._models) if each.folder == folder))

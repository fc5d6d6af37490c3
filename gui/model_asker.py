"""The model as the window asks it: which weights, how, and what it imagines meanwhile."""

from pathlib import Path

from model.client import ModelProcess, Progress
from model.default_weights import embedded_weights
from model.description import ModelDescription, known_models
from workflows.model_source import Asking, ModelSource


class ModelAsker:
    """Owns the model's process, which starts with the first question and is ended by `close`.

    `preview` is what the video may become, while a question is being answered; None before and between.
    """

    def __init__(self):
        weights = embedded_weights()
        self._process = None if weights is None else ModelProcess(weights)
        self.asking = Asking()
        self.preview: Progress | None = None

    @property
    def available(self) -> bool:
        """Whether there are weights to ask."""
        return self._process is not None

    @property
    def folder(self) -> Path | None:
        return None if self._process is None else self._process.folder

    def models(self, library: Path) -> list[ModelDescription]:
        """The models there are to choose from."""
        return known_models(library / "models")

    def use(self, folder: Path | None, asking: Asking) -> None:
        """From the next question on; another model takes the place of the one before in the same process."""
        self.asking = asking
        if folder is None:
            return
        if self._process is None:
            self._process = ModelProcess(folder)
        self._process.folder = folder

    def source(self) -> ModelSource:
        """For the next question, asked as is chosen now."""
        assert self._process is not None
        self.preview = None
        return ModelSource(self._process, self.asking, self._show_preview)

    @property
    def process(self) -> ModelProcess | None:
        return self._process

    def close(self) -> None:
        """End the process; waits."""
        if self._process is not None:
            self._process.close()

    def _show_preview(self, progress: Progress) -> None:
        self.preview = progress  # the window looks thirty times a second

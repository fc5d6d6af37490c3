"""Interactive client of the model: weights, generation settings, and the preview of what it is generating."""

from dataclasses import replace
from pathlib import Path

from foundation.trajectory import Trajectory
from model.checkpoints.default_weights import embedded_weights
from model.checkpoints.description import ModelDescription, describe, known_models
from model.errors import WeightsError
from model.service.client import ModelProcess, Progress
from workflows.proposals.model_source import GenerationSettings, ModelSource
from workflows.proposals.what_if import WhatIfSource


class ModelClient:
    """Owns the model's process, which starts with the first request and is ended by `close`.

    `preview` is the intermediate video while a request is being answered; None before and in between.
    """

    def __init__(self):
        weights = embedded_weights()
        self._process = None if weights is None else ModelProcess(weights)
        self.asking = GenerationSettings()
        self.preview: Progress | None = None
        self._described: ModelDescription | None = None

    @property
    def available(self) -> bool:
        """Whether there are weights to use."""
        return self._process is not None

    @property
    def folder(self) -> Path | None:
        return None if self._process is None else self._process.folder

    def models(self, library: Path) -> list[ModelDescription]:
        """Return the available models."""
        return known_models(library / "models")

    def use(self, folder: Path | None, asking: GenerationSettings) -> None:
        """Set model and settings from the next request on; a new model replaces the old one in the same process."""
        self.asking = asking
        if folder is None:
            return
        if self._process is None:
            self._process = ModelProcess(folder)
        self._process.folder = folder

    def source(self) -> ModelSource:
        """Return the source for the next request, with the present settings."""
        assert self._process is not None
        self.preview = None
        return ModelSource(self._process, self.asking, self._show_preview)

    @property
    def imagines(self) -> bool:
        """Whether the selected model generates videos."""
        folder = self.folder
        if folder is None:
            return False
        if self._described is None or self._described.folder != folder:
            try:
                self._described = describe(folder)
            except WeightsError:
                return False  # a request to it reports the fault
        return self._described.imagines

    def what_if(self, trajectory: Trajectory, begun_from: str) -> WhatIfSource:
        """Return the source for a video of a given motion."""
        assert self._process is not None
        self.preview = None
        asking = replace(self.asking, candidates=1)
        return WhatIfSource(self._process, trajectory, asking, begun_from=begun_from, on_preview=self._show_preview)

    @property
    def process(self) -> ModelProcess | None:
        return self._process

    def close(self) -> None:
        """End the process; blocks."""
        if self._process is not None:
            self._process.close()

    def _show_preview(self, progress: Progress) -> None:
        self.preview = progress  # the window polls it thirty times a second

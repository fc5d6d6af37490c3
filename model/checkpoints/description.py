"""Description of a model's folder, read without loading its weights (no torch here)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.checkpoints.default_weights import embedded_weights
from model.errors import WeightsError

JOINT, POLICY = "joint", "policy"
_NAMES = {"embedded": "Embedded (comes with the program)"}


@dataclass(frozen=True)
class ModelDescription:
    """Metadata of a selectable model: number of sampling `steps`, `frames`, and seconds between them.

    `imagines`: True when it generates videos and not only motions.
    """

    name: str
    folder: Path
    steps: int
    frames: int
    frame_period_s: float
    imagines: bool

    @property
    def modes(self) -> tuple[str, ...]:
        """Supported generation modes, the preferred one first: every model can generate the motion alone."""
        return (JOINT, POLICY) if self.imagines else (POLICY,)


def describe(folder: Path) -> ModelDescription:
    """Read the folder's model_index.json; WeightsError when it holds no pipeline of this program."""
    try:
        values = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        if values["_class_name"] != "ActionImagesPipeline":
            raise ValueError("another kind of pipeline")
        return _described(folder, values)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"There is no model of this program in {folder}. Choose another folder.") from error


def known_models(models: Path) -> list[ModelDescription]:
    """List the embedded model, then those in the library's folder `models`, by name."""
    own = embedded_weights()
    folders = [] if own is None else [own]
    if models.is_dir():
        folders += sorted(index.parent for index in models.glob("*/model_index.json"))
    found = []
    for folder in folders:
        try:
            found.append(describe(folder))
        except WeightsError:
            continue  # skip folders that hold no model
    return found


def _described(folder: Path, values: Mapping[str, Any]) -> ModelDescription:
    return ModelDescription(
        _NAMES.get(folder.name, folder.name),
        folder,
        int(values["num_inference_steps"]),
        int(values["num_frames"]),
        float(values["frame_period_s"]),
        bool(values.get("knows_video", True)),
    )

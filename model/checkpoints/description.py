"""What a model's folder says of itself, read without loading its weights (no torch here)."""

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
    """A model to choose: `steps` it takes, `frames` and seconds between them.

    `imagines`: whether it knows videos and not only motions.
    """

    name: str
    folder: Path
    steps: int
    frames: int
    frame_period_s: float
    imagines: bool

    @property
    def modes(self) -> tuple[str, ...]:
        """In which an instruction can be asked, the first where there is something to be watched: every model can say
        the motion alone."""
        return (JOINT, POLICY) if self.imagines else (POLICY,)


def describe(folder: Path) -> ModelDescription:
    """What the folder's model_index.json says. Raises WeightsError when there is no pipeline of this program in it."""
    try:
        values = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        if values["_class_name"] != "ActionImagesPipeline":
            raise ValueError("another kind of pipeline")
        return _described(folder, values)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"There is no model of this program in {folder}. Choose another folder.") from error


def known_models(models: Path) -> list[ModelDescription]:
    """The model that comes with the program, then those in the library's folder `models`, by name."""
    own = embedded_weights()
    folders = [] if own is None else [own]
    if models.is_dir():
        folders += sorted(index.parent for index in models.glob("*/model_index.json"))
    found = []
    for folder in folders:
        try:
            found.append(describe(folder))
        except WeightsError:
            continue  # a folder that is no model is nothing to choose
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

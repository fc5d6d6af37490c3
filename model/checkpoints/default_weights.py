"""Weights shipped with the program (no torch here)."""

import os
from pathlib import Path

EMBEDDED = "embedded"
EMBEDDED_FOLDER = Path(__file__).parent.parent / "weights" / "embedded"


def embedded_weights() -> Path | None:
    """Return the embedded model's folder; None where the program is installed without its weights."""
    return EMBEDDED_FOLDER if (EMBEDDED_FOLDER / "model_index.json").is_file() else None


def model_folder(name: str | os.PathLike[str]) -> Path:
    """Return the folder of a model by its name: "embedded" is the one shipped with the program, others are folders."""
    return EMBEDDED_FOLDER if os.fspath(name) == EMBEDDED else Path(name)

"""The weights that come with the program (no torch here)."""

from pathlib import Path

EMBEDDED_FOLDER = Path(__file__).parent / "weights" / "embedded"


def embedded_weights() -> Path | None:
    """The embedded model's folder; None where the program came without its weights."""
    return EMBEDDED_FOLDER if (EMBEDDED_FOLDER / "model_index.json").is_file() else None

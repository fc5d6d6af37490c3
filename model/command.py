"""`rehearse model import | fetch | check`, and the arguments of `train-embedded` (workflows/embedded/train.py)."""

import argparse
import sys
from pathlib import Path
from typing import Any

from model.checkpoints.default_weights import EMBEDDED_FOLDER


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands and their arguments."""
    commands = parser.add_subparsers(dest="model_command", metavar="COMMAND", required=True)

    def add(name: str, help_: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help_, description=help_)
        command.add_argument("--json", action="store_true", help="print one JSON object on standard output")
        return command

    import_ = add(
        "import", "Make a model's folder of published weights: Action Images' .ckpt, or a Wan model's folder."
    )
    import_.add_argument("path", type=Path, help="the .ckpt, or the folder into which the model was downloaded")
    import_.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="the folder to make")
    import_.add_argument("--backbone", type=Path, metavar="FOLDER", help="Wan2.2-TI2V-5B, for a .ckpt's other parts")
    import_.add_argument("--heads", type=int, help="attention heads, where the file does not tell them")
    _add_dtype(import_)

    fetch = add("fetch", "Download a published model: action-images, wan2.2-ti2v-5b, or OWNER/NAME of the hub.")
    fetch.add_argument("name", help="which one")
    fetch.add_argument("--to", type=Path, metavar="FOLDER", help="the folder to make (default: in the library)")
    _add_dtype(fetch)

    check = add("check", "Compare a model's files with the sums in its manifest.")
    check.add_argument("folder", type=Path)

    _add_training(add("train-embedded", "Make the embedded model from nothing: clips, lessons, weights."))


def _add_training(train: argparse.ArgumentParser) -> None:
    train.add_argument("--folder", type=Path, required=True, help="for clips, checkpoints and the log; goes on there")
    train.add_argument("--curriculum", type=Path, metavar="FILE.toml", help="default: the program's own")
    train.add_argument("--to", type=Path, default=EMBEDDED_FOLDER, metavar="FOLDER", help="where the weights go")
    train.add_argument("--minutes", type=float, help="export and stop after so long; the same command goes on later")
    train.add_argument("--processes", type=int, default=1, help="that make the clips (default 1)")
    train.add_argument("--note", default="", help="a sentence for the model card")
    train.add_argument("--precision", choices=("auto", "bf16", "fp32"), default="auto")


def run(parsed: argparse.Namespace, models: Path) -> tuple[dict[str, Any], str]:
    """Run a sub-command; return its result and the same as text. `models`: folder of the fetched models."""
    return {"import": _import, "fetch": _fetch, "check": _check}[parsed.model_command](parsed, models)


def _import(parsed: argparse.Namespace, models: Path) -> tuple[dict[str, Any], str]:
    from model.checkpoints.importing import DTYPES, import_model

    heads = {"num_attention_heads": parsed.heads} if parsed.heads else {}
    made = import_model(
        parsed.path, parsed.to, backbone=parsed.backbone, dtype=DTYPES[parsed.dtype], report=_Told(), **heads
    )
    return made.as_dict(), made.as_text()


def _fetch(parsed: argparse.Namespace, models: Path) -> tuple[dict[str, Any], str]:
    from model.checkpoints.fetching import fetch_model
    from model.checkpoints.importing import DTYPES

    folder = parsed.to or models / parsed.name.replace("/", "--")
    made = fetch_model(parsed.name, folder, dtype=DTYPES[parsed.dtype], report=_Told())
    return made.as_dict(), made.as_text()


def _check(parsed: argparse.Namespace, models: Path) -> tuple[dict[str, Any], str]:
    from model.checkpoints import manifest
    from model.errors import ModelError

    found = manifest.check(parsed.folder, contents=True)
    if found is None:
        raise ModelError(f"{parsed.folder} has no manifest, so nothing can be compared. Import the model to get one.")
    answer = {
        "folder": str(parsed.folder),
        "files": len(found.files),
        "bytes": found.total_bytes,
        "source": found.source,
    }
    return answer, f"{len(found.files)} files, {found.total_bytes / 1e9:.2f} GB: all as they were imported."


def _add_dtype(parser: argparse.ArgumentParser) -> None:
    kinds = ("keep", "bfloat16", "float16", "float32")
    parser.add_argument("--dtype", choices=kinds, default="keep", help="how converted values are stored")


class _Told:
    """Progress on standard error: a line when the activity changes, and at every tenth."""

    def __init__(self) -> None:
        self._last: tuple[str, int] | None = None

    def __call__(self, what: str, share: float) -> None:
        now = (what, int(10 * share))
        if now != self._last:
            self._last = now
            sys.stderr.write(f"{what} {100 * share:.0f} %\n")
            sys.stderr.flush()

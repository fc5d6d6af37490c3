"""Export of the trained embedded model as a pipeline folder: 16-bit weights, a manifest, and a model card."""

import copy
import json
import os
import platform
import shutil
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from model.checkpoints import manifest
from model.embedded.curriculum import Curriculum
from model.errors import ModelError
from model.training.checkpoints import checkpoints
from model.training.metrics import read_metrics

_LIBRARIES = ("torch", "diffusers", "transformers", "numpy", "mujoco")
_CURVE = 60  # points of each lesson's curves in the record


def export(pipeline: Any, folder: Path, record: Mapping[str, Any]) -> Path:
    """Write the pipeline into `folder`, replacing its content.

    Weights in bfloat16, the codec in float16 (its few numbers determine how precisely a motion can be decoded), a
    manifest, training.json and README.md (the model card). ModelError when writing fails; the old content then stays.
    """
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        _halved(pipeline).save_pretrained(part, safe_serialization=True)
        (part / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        (part / "README.md").write_text(model_card(record), encoding="utf-8")
        _write_manifest(part, str(record.get("command", "")))
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
    except OSError as error:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise ModelError(f"The model cannot be written to {folder}: {error.strerror}. Make room, or choose another "
                         "folder; the checkpoints are still there.") from error  # fmt: skip
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return folder


def record_of(
    curriculum: Curriculum, folder: Path, command: str, data: Mapping[str, Any], note: str = ""
) -> dict[str, Any]:
    """Return a training run's record: command, curriculum, data, versions, each lesson's steps and curves."""
    lessons = {}
    names = ["reading", *(lesson.name for lesson in curriculum.lessons)]
    runs = {name: folder / f"{number}-{name}" for number, name in enumerate(names)} | {"painting": folder / "painting"}
    for name, run in runs.items():
        if not checkpoints(run):
            continue
        lines = read_metrics(run)
        thinned = lines[:: max(1, len(lines) // _CURVE)]
        lessons[name] = {"steps": int(checkpoints(run)[-1].name.rpartition("-")[2]), "curves": _columns(thinned)}
    versions = {name: metadata.version(name) for name in _LIBRARIES}
    return {
        "command": command,
        "note": note,
        "curriculum": curriculum.to_dict(),
        "data": dict(data),
        "versions": {"python": platform.python_version(), **versions},
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "lessons": lessons,
    }


def model_card(record: Mapping[str, Any]) -> str:
    """Format the model card in Markdown from the record."""
    lessons = "\n".join(
        f"| {name} | {one['steps']} | {_last(one['curves'], 'x0_error')} |" for name, one in record["lessons"].items()
    )
    data = ", ".join(f"{name}: {value}" for name, value in record["data"].items())
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return f"""# The embedded model of Rehearse

A world-action model (Action Images, arXiv 2604.06168) of a few million parameters for the embedded lab: from two or
three pictures and an instruction it imagines the arm's motion as action images, and how the bench will look. It knows
the simulated lab's things and tasks only; it is no policy for a real arm.

Made by `{record["command"]}`. Everything that decided about it (curriculum, seeds, data, versions, curves) is in
training.json. {record["note"]}

- Data: {data}
- Versions: {versions}
- Machine: {record["machine"]}
- Taught modes: {_taught(record)}

| lesson | steps | last error of the clean action from noise alone (1 = knows nothing) |
|---|---|---|
{lessons}

Training seeds are below 100,000; what `rehearse evaluate` reports is measured on seeds from 200,000, with wordings,
pairs of colour and shape, rigs and environments kept apart.
"""


def _taught(record: Mapping[str, Any]) -> str:
    """List the modes of the lessons that were trained; generations in other modes are meaningless."""
    lessons = [one for one in record["curriculum"]["lessons"] if one["name"] in record["lessons"]]
    modes = sorted({mode for one in lessons for mode in one["modes"]})
    return ", ".join(modes) + ("" if "joint" in modes else "; not yet taught: videos, so only ask for policies")


def _halved(pipeline: Any) -> Any:
    """Return a copy of the pipeline in 16 bits."""
    half = copy.deepcopy(pipeline)
    half.vae.register_to_config(_name_or_path="")  # a folder of the machine that trained it
    small = torch.bfloat16
    parts = {"transformer": small, "text_encoder": small, "frame_decoder": small, "vae": torch.float16}
    for name, dtype in parts.items():
        part = getattr(half, name, None)
        for parameter in () if part is None else part.parameters():
            parameter.data = parameter.data.to(dtype)  # diffusers' own `to` warns of layers that compute in 32 bits
    return half


def _write_manifest(folder: Path, source: str) -> None:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    sums = manifest.listed(folder, ((path, path.stat().st_size, manifest.file_digest(path)) for path in files))
    text = manifest.Manifest(source, sums).to_json()
    (folder / manifest.NAME).write_text(text + "\n", encoding="utf-8")


def _columns(lines: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Return the metrics as columns, rounded to four significant digits."""
    names = sorted({name for line in lines for name in line})
    return {name: [float(f"{line[name]:.4g}") for line in lines if name in line] for name in names}


def _last(curves: Mapping[str, list[float]], part: str) -> str:
    values = [values[-1] for name, values in curves.items() if name.endswith(part) and "action" in name and values]
    return f"{min(values):.3f}" if values else ""

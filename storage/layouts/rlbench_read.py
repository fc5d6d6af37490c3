"""Reader of RLBench data as prepared for Action Images: a folder per task, variation and episode.

`<task>/variation<N>/variation_descriptions.pkl`, `.../episodes/episode<N>/{actions.npy, view<K>/rgb/video.mp4,
view<K>/camera_params.json}`. Actions are at the simulator's rate, the videos show every fourth of them.
"""

import json
import re
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from textwrap import shorten
from tokenize import TokenError
from typing import Any

import numpy as np

from storage.atomic_files import read_json
from storage.episodes.documents import Calibration, Labels, Lens, NewEpisode, ViewSpec
from storage.episodes.samples import SAMPLE
from storage.errors import DamagedFileError, RecordingError
from storage.layouts.interface import ImportedEpisode
from storage.layouts.text_pickle import read_texts
from storage.video.reader import VideoReader

STEP = 0.05
"""s between actions: CoppeliaSim's usual step, which the data do not state."""

STRIDE = 4
_FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])  # RLBench's cameras have x left and y up; ours x right and y down
_MOST_ACTIONS = 100_000
_MADE = "1970-01-01T00:00:00+00:00"


class RLBenchReader:
    """See `interface.LayoutReader`."""

    name = "rlbench"

    def recognises(self, folder: Path) -> bool:
        return next(folder.glob("*/variation*/episodes/episode*"), None) is not None

    def episodes(self, folder: Path) -> Iterator[ImportedEpisode]:
        found = sorted(folder.glob("*/variation*/episodes/episode*"), key=_in_order)
        if not found:
            raise DamagedFileError(f"There are no RLBench episodes in {folder} (task/variation/episodes/episode).")
        for path in found:
            yield _episode(path)


def _in_order(path: Path) -> list[Any]:
    """Return a key for natural order: 2 before 10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", str(path))]


def _episode(folder: Path) -> ImportedEpisode:
    texts = read_texts(folder.parent.parent / "variation_descriptions.pkl")
    actions = _actions(folder / "actions.npy")
    paths = sorted(folder.glob("view*/rgb/video.mp4"), key=_in_order)
    if not paths:
        raise DamagedFileError(f"The episode {folder} has no films.")
    views = tuple(_view(path) for path in paths)
    samples = np.zeros(len(actions), SAMPLE)
    for name in ("position", "velocity", "effort", "commanded", "commanded_openness"):
        samples[name] = np.nan
    for name in ("mode", "state", "error", "warning"):
        samples[name] = -1
    samples["time"] = STEP * np.arange(len(actions))
    samples["tool"], samples["openness"] = actions[:, :7], actions[:, 7]
    try:
        new = NewEpisode(texts[0], views, source="import", simulated=True, paraphrases=tuple(texts[1:]))
    except RecordingError as error:
        raise DamagedFileError(f"The episode {folder}: {error}") from error
    films = tuple(partial(_film, path, len(actions)) for path in paths)
    return ImportedEpisode(new, Labels(new.instruction, success=True, paraphrases=new.paraphrases), films, samples)


def _actions(path: Path) -> np.ndarray:
    """Read rows (n, 8): x y z qx qy qz qw openness, in m and the simulator's world frame."""
    try:
        # Memory-mapped: the header's claim is compared with the file's length before any memory is allocated.
        actions = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError, SyntaxError, TokenError) as error:
        why = shorten(str(error), 120)  # may contain the whole file
        raise DamagedFileError(f"The file {path} cannot be read as an array: {why}.") from error
    if actions.ndim != 2 or actions.shape[1] != 8 or not 0 < len(actions) <= _MOST_ACTIONS:
        raise DamagedFileError(f"The file {path} holds {actions.shape}, not one row of 8 for each action.")
    if not np.issubdtype(actions.dtype, np.floating) or not np.isfinite(actions).all():
        raise DamagedFileError(f"The file {path} holds values that are not finite numbers.")
    actions = actions.astype(float)
    length = np.linalg.norm(actions[:, 3:7], axis=1, keepdims=True)
    if (np.abs(length - 1.0) > 1e-2).any() or ((actions[:, 7] < 0) | (actions[:, 7] > 1)).any():
        raise DamagedFileError(f"The file {path} holds no poses with openness (x y z qx qy qz qw openness).")
    actions[:, 3:7] /= length
    return actions


def _view(path: Path) -> ViewSpec:
    name = path.parent.parent.name
    with VideoReader(path) as film:
        height, width = film.frame(0).shape[:2] if len(film) else (0, 0)
    if not height:
        raise DamagedFileError(f"The film {path} has no frames.")
    parameters = path.parent.parent / "camera_params.json"
    values = read_json(parameters)
    try:
        first = values[min(values)]
        K, place = np.array(first["intrinsics"], float), np.array(first["extrinsics"], float)
        if K.shape != (3, 3) or place.shape != (4, 4) or not (np.isfinite(K).all() and np.isfinite(place).all()):
            raise ValueError("the matrices have another shape or are not finite")
        calibration = _calibration(K, place, width, height)
        calibration.camera(name)  # raises for an invalid camera
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise DamagedFileError(f"The file {parameters} describes no camera: {error}.") from error
    return ViewSpec(f"rlbench:{name}", name, width, height, 1.0 / (STEP * STRIDE), calibration.lens, calibration)


def _calibration(K: np.ndarray, place: np.ndarray, width: int, height: int) -> Calibration:
    K = K.copy()
    K[0, 0], K[1, 1] = abs(K[0, 0]), abs(K[1, 1])  # negative with RLBench's axes
    pose = place @ _FLIP
    left, _, right = np.linalg.svd(pose[:3, :3])
    if np.abs(left @ right - pose[:3, :3]).max() > 1e-3:
        raise ValueError("the extrinsics are no rigid transform")
    pose[:3, :3] = left @ right
    nested: Any = [tuple(tuple(float(v) for v in row) for row in matrix) for matrix in (K, pose)]
    lens = Lens(width, height, nested[0])
    identity = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(nested))
    return Calibration(str(identity), _MADE, "imported", lens, nested[1])


def _film(path: Path, actions: int) -> Iterator[tuple[float, np.ndarray]]:
    """Yield the frames with their times: frame k shows action 4 k; frames after the last action are dropped."""
    with VideoReader(path) as film:
        for number in range(min(len(film), -(-actions // STRIDE))):
            yield STEP * STRIDE * number, film.frame(number)

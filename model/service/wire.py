"""Serialization of requests and results between the program and its model process (no torch here)."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from foundation.camera import Camera
from foundation.errors import ProcessError
from foundation.trajectory import Scene, Trajectory, View
from model.action_images.decoding import Decoded
from model.generation.candidate_selection import Verdict
from model.generation.result import Generated

_BIG = ("rgb", "action")  # of a result: hundreds of megabytes, passed through shared memory


def scene_message(scene: Scene) -> dict[str, Any]:
    """Convert a scene to plain values; `scene_from` reads it."""
    views = [{"camera": v.camera.to_dict(), "rgb": v.rgb, "captured": v.captured} for v in scene.views]
    names = ("base_from_tool", "openness", "joints")
    return {"views": views, **{name: getattr(scene, name) for name in names}}


def scene_from(values: Mapping[str, Any]) -> Scene:
    views = tuple(View(Camera.from_dict(v["camera"]), v["rgb"], v["captured"]) for v in values["views"])
    return Scene(views, values["base_from_tool"], values["openness"], values["joints"])


def trajectory_message(trajectory: Trajectory | None) -> dict[str, Any] | None:
    """Convert a trajectory to plain values; `trajectory_from` reads it."""
    if trajectory is None:
        return None
    names = ("times", "base_from_tool", "openness")
    return {name: getattr(trajectory, name) for name in names}


def trajectory_from(values: Mapping[str, Any] | None) -> Trajectory | None:
    return None if values is None else Trajectory(**values)


def result_message(result: Generated) -> tuple[dict[str, Any], int]:
    """Convert a result to plain values, and the descriptor of the memory with its videos, which the caller closes."""
    arrays = {name: getattr(result, name) for name in _BIG if getattr(result, name) is not None}
    places, descriptor = share_arrays(arrays)
    values = {
        "mode": result.mode,
        "times": result.times,
        "cameras": [camera.to_dict() for camera in result.cameras],
        "arrays": places,
        "decoded": None if result.decoded is None else [_decoded_message(d) for d in result.decoded],
        "verdicts": None if result.verdicts is None else [asdict(verdict) for verdict in result.verdicts],
        "seeds": list(result.seeds),
    }
    return values, descriptor


def result_from(values: Mapping[str, Any], descriptor: int) -> Generated:
    """Rebuild the result of `result_message`; videos are read-only views of shared memory. Closes the descriptor."""
    arrays = take_arrays(values["arrays"], descriptor)
    decoded, verdicts = values["decoded"], values["verdicts"]
    return Generated(
        mode=values["mode"],
        times=values["times"],
        cameras=tuple(Camera.from_dict(camera) for camera in values["cameras"]),
        rgb=arrays.get("rgb"),
        action=arrays.get("action"),
        decoded=None if decoded is None else [_decoded_from(d) for d in decoded],
        verdicts=None if verdicts is None else [Verdict(**v) for v in verdicts],
        seeds=list(values["seeds"]),
    )


def share_arrays(arrays: Mapping[str, np.ndarray]) -> tuple[list[dict[str, Any]], int]:
    """Copy arrays consecutively into anonymous memory; return the placement of each, and the descriptor."""
    places: list[dict[str, Any]] = []
    descriptor = os.memfd_create("rehearse-result", os.MFD_CLOEXEC)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            for name, array in arrays.items():
                at = file.tell()
                file.write(np.ascontiguousarray(array).data)
                places.append({"name": name, "at": at, "dtype": array.dtype.str, "shape": list(array.shape)})
    except BaseException:
        os.close(descriptor)
        raise
    return places, descriptor


def take_arrays(places: list[dict[str, Any]], descriptor: int) -> dict[str, np.ndarray]:
    """Map the arrays of `share_arrays` read-only; the memory lives as long as they do. Closes the descriptor."""
    try:
        size = os.fstat(descriptor).st_size
        if not places:
            return {}
        memory = np.memmap(f"/proc/self/fd/{descriptor}", np.uint8, "r", shape=(size,))
    except OSError as error:
        raise ProcessError("The model's result could not be received. Ask again.") from error
    finally:
        os.close(descriptor)
    arrays = {}
    for place in places:
        dtype, shape = np.dtype(place["dtype"]), tuple(place["shape"])
        length = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        part = memory[place["at"] : place["at"] + length]
        arrays[place["name"]] = np.asarray(part).view(dtype).reshape(shape)
    return arrays


def _decoded_message(decoded: Decoded) -> dict[str, Any]:
    arrays = {name: getattr(decoded, name) for name in ("valid", "confidence", "residual_px", "reasons")}
    return {"trajectory": trajectory_message(decoded.trajectory), **arrays}


def _decoded_from(values: Mapping[str, Any]) -> Decoded:
    trajectory = trajectory_from(values["trajectory"])
    assert trajectory is not None
    return Decoded(**{**values, "trajectory": trajectory})

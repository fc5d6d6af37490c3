"""The model process (`--role=model`): holds the weights and serves generation requests sequentially.

It may be killed at any time, because no state outlives a request. A thread listens to the parent, so that a
cancellation is noticed between two steps, and the parent's end at once, even during a computation. After an idle
timeout the process ends, which releases all of its memory; the client restarts it.

Messages from the parent: first the settings {device, threads, memory_limit, idle_s}, then {do: "load" | "warm" |
"generate" | "cancel", id, ...}. To the parent, each with its id: {step, preview}, then one of {answer}, {result} with a
descriptor, {error}, {cancelled}; {idle} before the process ends by itself.
"""

import logging
import os
import queue
import resource
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from foundation.camera import camera_at
from foundation.errors import KnownError
from foundation.log import SHOWN
from foundation.messages import Channel, ChannelClosed
from foundation.poses import pose
from foundation.redaction import keep_out
from foundation.trajectory import Scene, View
from model.checkpoints.memory_estimate import available_memory
from model.errors import GenerationCancelled, ModelError, ModelMemoryError
from model.generation.result import Pictures, Step
from model.service.wire import result_message, scene_from, trajectory_from

_log = logging.getLogger(__name__)

IDLE_S = 900.0
_PATIENCE_S = 60.0  # timeout for a parent that is too busy to read
_PREVIEW_SHARE = 0.25  # maximum fraction of the time spent on previews
_PREVIEW_SIDE = 256  # px, maximum: a preview is small on the screen
_OUT_OF_MEMORY = ("allocate memory", "bad_alloc", "out of memory", "Cannot allocate")


def run(channel: Channel) -> None:
    """Serve until the parent ends, or until no request has arrived for `idle_s` seconds."""
    settings = channel.receive(10.0)
    inbox = _Inbox(channel)
    inbox.start()
    channel.send({"ready": {"pid": os.getpid()}})
    server = _Server(channel, inbox, settings)
    idle = float(settings.get("idle_s") or IDLE_S)
    try:
        while True:
            try:
                request = inbox.requests.get(timeout=idle)
            except queue.Empty:
                _log.info("nobody has asked for anything for %.0f s: the memory is given back", idle)
                channel.send({"idle": True})
                return
            server.answer(request)
    finally:
        inbox.serving = False


class _Inbox(threading.Thread):
    """Receiver that runs while the main thread computes: requests are queued, cancellations noted at once."""

    def __init__(self, channel: Channel):
        super().__init__(name="model-inbox", daemon=True)
        self._channel = channel
        self.requests: queue.Queue[dict[str, Any]] = queue.Queue()
        self.cancelled: set[int] = set()
        self.serving = True

    def run(self) -> None:
        while True:
            try:
                message = self._channel.receive()
            except ChannelClosed:
                # The parent has ended, or wants this process to end. There is nothing to clean up, and a step of a
                # large model takes too long to wait for.
                if self.serving:
                    os._exit(0)
                return
            if message.get("do") == "cancel":
                self.cancelled.add(int(message["id"]))
            else:
                self.requests.put(message)


class _Server:
    """Executes requests; keeps the pipeline of the last folder."""

    def __init__(self, channel: Channel, inbox: _Inbox, settings: dict[str, Any]):
        self._channel, self._inbox = channel, inbox
        self._device, self._threads = settings.get("device"), settings.get("threads")
        self._memory_limit = settings.get("memory_limit")
        self._number = 0  # of the request being answered
        self._folder: Path | None = None
        self._pipeline: Any = None

    def answer(self, request: dict[str, Any]) -> None:
        """Execute a request; known errors are returned as messages, a bug ends the process."""
        self._number = number = int(request["id"])
        keep_out(str(request.get("instruction", "")))
        began = time.monotonic()
        try:
            if number in self._inbox.cancelled:
                raise GenerationCancelled("Cancelled.")
            {"load": self._load, "warm": self._warm, "generate": self._generate}[request["do"]](number, request)
            _log.info("%s: done after %.1f s", request["do"], time.monotonic() - began)
        except GenerationCancelled:
            self._channel.send({"id": number, "cancelled": True})
        except ChannelClosed:
            raise
        except KnownError as error:
            _log.warning("%s: %s", request["do"], error, extra=SHOWN)
            self._channel.send({"id": number, "error": str(error)})
        except (MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            self._give_back()
            self._channel.send({"id": number, "error": str(_no_memory())})
        finally:
            self._inbox.cancelled.discard(number)

    def _load(self, number: int, request: dict[str, Any]) -> None:
        pipeline = self._loaded(Path(request["folder"]))
        config = {name: value for name, value in pipeline.config.items() if isinstance(value, int | float | str | bool)}
        self._channel.send({"id": number, "answer": {"device": str(pipeline.device), "config": config}})

    def _loaded(self, folder: Path) -> Any:
        import torch

        from model.generation.loading import best_device, load_pipeline

        if (self._device or best_device()) == "cpu":
            _limit_memory(self._memory_limit)
        if self._pipeline is None or self._folder != folder:
            torch.set_num_threads(int(self._threads or max(1, (os.cpu_count() or 2) - 1)))
            self._pipeline = None  # two models at once would exceed the estimated memory
            self._pipeline = load_pipeline(folder, self._device)
            self._folder = folder
            _log.info("model %s is loaded on %s", folder, self._pipeline.device)
            self._watch(self._pipeline)
        return self._pipeline

    def _watch(self, pipeline: Any) -> None:
        """Check for a cancellation also before each pass of a large network.

        Videos are decoded latent frame by latent frame, and guidance passes the transformer twice, so that a
        cancellation need not wait for a whole preview or step.
        """
        import torch

        def look(*_: Any) -> None:
            if self._number in self._inbox.cancelled:
                raise GenerationCancelled("Cancelled.")

        for network in (pipeline.transformer, *(getattr(pipeline.vae, side, None) for side in ("encoder", "decoder"))):
            if isinstance(network, torch.nn.Module):
                network.register_forward_pre_hook(look)

    def _warm(self, number: int, request: dict[str, Any]) -> None:
        """Run and discard one step: the first is slower than the others, and should not delay the operator."""
        pipeline = self._loaded(Path(request["folder"]))
        start = time.monotonic()
        pipeline("warm up", _some_scene(), "joint", num_inference_steps=1, seed=0, on_step=self._going_on(number))
        self._channel.send({"id": number, "answer": {"seconds": time.monotonic() - start}})

    def _generate(self, number: int, request: dict[str, Any]) -> None:
        pipeline = self._loaded(Path(request["folder"]))
        result = pipeline(
            request["instruction"],
            scene_from(request["scene"]),
            request["mode"],
            trajectory_from(request["trajectory"]),
            request["videos"],
            on_step=_Steps(self._channel, self._inbox, number, bool(request["previews"])),
            **request["options"],
        )
        values, descriptor = result_message(result)
        try:
            self._channel.send({"id": number, "result": values}, descriptors=[descriptor], timeout=_PATIENCE_S)
        finally:
            os.close(descriptor)

    def _going_on(self, number: int):
        return lambda step: number not in self._inbox.cancelled

    def _give_back(self) -> None:
        """Release the memory that a failed request has left in the allocators."""
        import gc

        import torch

        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


class _Steps:
    """Reports every step to the parent, with previews rate-limited by their cost."""

    def __init__(self, channel: Channel, inbox: _Inbox, number: int, previews: bool):
        self._channel, self._inbox, self._number, self._previews = channel, inbox, number, previews
        self._cost, self._shown = 0.0, -np.inf

    def __call__(self, step: Step) -> bool:
        if self._number in self._inbox.cancelled:
            return False
        message: dict[str, Any] = {"id": self._number, "step": [step.done, step.total, step.stage], "preview": None}
        now = time.monotonic()
        if self._previews and 0 < step.done < step.total and now - self._shown >= self._cost / _PREVIEW_SHARE:
            message["preview"] = _small(step.preview())
            self._shown = time.monotonic()
            self._cost = self._shown - now
        self._channel.send(message, timeout=_PATIENCE_S)
        return self._number not in self._inbox.cancelled


def _limit_memory(limit: int | None) -> None:
    """Limit this process to the available memory: beyond it, allocations fail with an error.

    Otherwise the system would kill a process of its choice, which may be the window. Only when the model runs on the
    CPU: a GPU's driver reserves far more addresses than it takes memory.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    own = psutil.Process().memory_info().data
    resource.setrlimit(resource.RLIMIT_DATA, (limit or available_memory() + own, hard))


def _small(pictures: Pictures) -> dict[str, np.ndarray | None]:
    """Subsample the first candidate's videos to preview size: (V, T, H, W, 3)."""

    def thinned(videos: np.ndarray | None) -> np.ndarray | None:
        if videos is None:
            return None
        stride = -(-max(videos.shape[3:5]) // _PREVIEW_SIDE)
        return np.ascontiguousarray(videos[0, :, :, ::stride, ::stride])

    return {"rgb": thinned(pictures.rgb), "action": thinned(pictures.action)}


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or any(words in str(error) for words in _OUT_OF_MEMORY)


def _no_memory() -> ModelError:
    return ModelMemoryError(
        "There was not enough memory for this. Ask for fewer candidates or smaller pictures, or close other programs "
        f"({available_memory() / 1e9:.1f} GB are free)."
    )


def _some_scene() -> Scene:
    """Return a scene of two cameras that look at an empty table."""
    grey = np.full((64, 64, 3), 128, np.uint8)
    places = {"left": (0.9, 0.6, 0.7), "right": (0.9, -0.6, 0.7)}
    views = tuple(View(camera_at(name, 64, 64, 0.8, at, (0.4, 0.0, 0.1)), grey, 0.0) for name, at in places.items())
    down = np.diag([1.0, -1.0, -1.0])
    return Scene(views, pose(down, np.array([0.4, 0.0, 0.2])), 1.0)

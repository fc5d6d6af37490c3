"""Client of the model process: starts it on demand, serialises requests, cancels, and restarts it when it has ended."""

import contextlib
import itertools
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foundation.errors import ProcessError
from foundation.messages import ChannelClosed
from foundation.processes import RoleProcess
from foundation.trajectory import Scene, Trajectory
from model.errors import GenerationCancelled, ModelError
from model.generation.result import Generated
from model.service.wire import result_from, scene_message, trajectory_message

_LOOK_EVERY = 0.02  # s, polling interval for cancellations
_START_WITHIN = 60.0  # s


@dataclass(frozen=True, eq=False)
class Progress:
    """Progress of a running generation: `done` of `total`, in stage "action", "video", "both" or "fit".

    `rgb`, `action` (V, T, H, W, 3) uint8: estimate of the first candidate, subsampled; None between previews.
    """

    done: int
    total: int
    stage: str
    rgb: np.ndarray | None = None
    action: np.ndarray | None = None


class ModelProcess:
    """A model in its own process; a context manager. The process is started on the first request.

    Requests from several threads are served in turn. Raises ModelError and ProcessError.

    Args:
        folder: The pipeline's folder.
        device: "cpu", "cuda", or None for the best available.
        threads: CPU threads, by default one less than the CPU has.
        memory_limit: Maximum memory of the process in bytes (for a CPU: with a GPU, more addresses are reserved than
            memory).
        idle_s: Time after which an unused process ends and releases its memory.
    """

    def __init__(
        self,
        folder: Path,
        *,
        device: str | None = None,
        threads: int | None = None,
        memory_limit: int | None = None,
        idle_s: float | None = None,
    ):
        self.folder = folder
        self._settings = {"device": device, "threads": threads, "memory_limit": memory_limit, "idle_s": idle_s}
        self._process: RoleProcess | None = None
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    @property
    def pid(self) -> int | None:
        """PID of the process, None when it is not running."""
        process = self._process
        return process.pid if process is not None and process.running else None

    def load(self, *, warm: bool = False, cancelled: Callable[[], bool] = lambda: False) -> dict[str, Any]:
        """Load the weights ahead of the first generation; return {"device", "config"} of the pipeline.

        `warm` also runs one step and discards it, because the first is the slowest.
        """
        answer = self._ask({"do": "load"}, cancelled)
        if warm:
            answer["warm_s"] = self._ask({"do": "warm"}, cancelled)["seconds"]
        return answer

    def generate(
        self,
        instruction: str,
        scene: Scene,
        mode: str = "joint",
        trajectory: Trajectory | None = None,
        videos: np.ndarray | None = None,
        *,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        cancelled: Callable[[], bool] = lambda: False,
        previews: bool = True,
        **options: Any,
    ) -> Generated:
        """Run ActionImagesPipeline's call in the process, forwarding `options` (num_candidates, seed, ...).

        Blocks; `on_progress` is called in this thread. When `cancelled` becomes true, the process stops after the
        current step, and GenerationCancelled is raised here.
        """
        request = {
            "do": "generate",
            "instruction": instruction,
            "scene": scene_message(scene),
            "mode": mode,
            "trajectory": trajectory_message(trajectory),
            "videos": videos,
            "previews": previews,
            "options": options,
        }
        return self._ask(request, cancelled, on_progress)

    def give_back(self) -> None:
        """End the process to release its memory; the next request restarts it."""
        with self._lock:
            self._end()

    def close(self) -> None:
        """End the process, also during a request of another thread, which gets a ProcessError."""
        process = self._process
        if process is not None:
            process.channel.close()
        self.give_back()

    def __enter__(self) -> "ModelProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(
        self,
        request: dict[str, Any],
        cancelled: Callable[[], bool],
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Any:
        while not self._lock.acquire(timeout=_LOOK_EVERY):
            if cancelled():
                raise GenerationCancelled("Cancelled.")
        try:
            request = {**request, "id": next(self._numbers), "folder": str(self.folder)}
            process = self._sent(request)
            try:
                return self._answer(process, request["id"], cancelled, on_progress)
            except _EndedIdle:
                # It ended by itself just when the request was sent: nothing has started yet.
                self._end()
                return self._answer(self._sent(request), request["id"], cancelled, on_progress)
        except ChannelClosed:
            raise self._ended() from None
        except BaseException as error:
            if not isinstance(error, ModelError):
                self._end()  # its remaining messages would be mistaken for the next request's
            raise
        finally:
            self._lock.release()

    def _sent(self, request: dict[str, Any]) -> RoleProcess:
        """Send the request, starting the process if necessary; return the process."""
        if self._process is not None and self._process.running:
            with contextlib.suppress(ChannelClosed):
                self._process.channel.send(request, timeout=30.0)
                return self._process
        self._end()
        self._process = RoleProcess("model", self._settings, timeout=_START_WITHIN)
        self._process.channel.send(request, timeout=30.0)
        return self._process

    def _answer(
        self,
        process: RoleProcess,
        number: int,
        cancelled: Callable[[], bool],
        on_progress: Callable[[Progress], None],
    ) -> Any:
        taken_back = False
        while True:
            if not taken_back and cancelled():
                process.channel.send({"do": "cancel", "id": number})
                taken_back = True
            try:
                message = process.channel.receive(_LOOK_EVERY)
            except TimeoutError:
                continue
            if message.get("idle"):
                raise _EndedIdle
            if message.get("id") != number:
                continue
            if "step" in message:
                on_progress(Progress(*message["step"], **(message["preview"] or {})))
            elif "error" in message:
                raise ModelError(str(message["error"]))
            elif "cancelled" in message:
                raise GenerationCancelled("Cancelled.")
            elif "result" in message:
                *stale, descriptor = process.channel.take_descriptors()  # stale: of an answer nobody waited for
                for each in stale:
                    os.close(each)
                return result_from(message["result"], descriptor)
            else:
                return message["answer"]

    def _ended(self) -> ProcessError:
        """Return an error that explains how the process ended; the next request starts another."""
        code = self._end()
        if code == -signal.SIGKILL:
            why = "was ended by the system, most likely because the memory was full. Ask for less, or close programs"
        else:
            why = f"ended unexpectedly (exit code {code}). It starts again with the next request"
        return ProcessError(f"The model process {why}.")

    def _end(self) -> int | None:
        """Close the process; return its exit code, negative signal number when ended by a signal."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.close()
        return process.exit_code


class _EndedIdle(Exception):
    """The process ended itself to release its memory."""

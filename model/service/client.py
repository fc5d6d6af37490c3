"""The model process from outside: started when needed, asked in turn, cancelled, and started again when it has gone."""

import contextlib
import itertools
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

_LOOK_EVERY = 0.02  # s, for cancellations
_START_WITHIN = 60.0  # s


@dataclass(frozen=True, eq=False)
class Progress:
    """A step of a running generation: `done` of `total`, working on "action", "video", "both" or "fit".

    `rgb`, `action` (V, T, H, W, 3) uint8: what the first candidate may become, thinned out; None between previews.
    """

    done: int
    total: int
    stage: str
    rgb: np.ndarray | None = None
    action: np.ndarray | None = None


class ModelProcess:
    """A model in a process of its own; a context manager. Nothing is started before the first request.

    `folder`: the pipeline's; `device`: "cpu", "cuda", or the best there is; `threads` of the processor, by default one
    less than it has; `memory_limit` bytes that the process may take at most (for a processor: with a GPU, more
    addresses are taken than memory); `idle_s` after which an unused process ends and gives back its memory.
    Requests of several threads are served in turn. Raises ModelError and ProcessError.
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
        """Of the process, None while there is none."""
        process = self._process
        return process.pid if process is not None and process.running else None

    def load(self, *, warm: bool = False, cancelled: Callable[[], bool] = lambda: False) -> dict[str, Any]:
        """Load the weights, so that the next generation begins at once; {"device", "config"} of the pipeline.

        `warm` also takes one step for nothing, because the first is the slowest.
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
        """As ActionImagesPipeline's call, whose `options` (num_candidates, seed, ...) are passed on.

        Blocks; `on_progress` is called in this thread. When `cancelled` becomes true, the process stops after the step
        it is in, and GenerationCancelled is raised here.
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
        """End the process, and with it give back its memory; the next request starts it again."""
        with self._lock:
            self._end()

    def close(self) -> None:
        """End the process, also in the middle of a request of another thread, which gets a ProcessError."""
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
                # It ended by itself just when it was asked: nothing has begun yet.
                self._end()
                return self._answer(self._sent(request), request["id"], cancelled, on_progress)
        except ChannelClosed:
            raise self._ended() from None
        except BaseException as error:
            if not isinstance(error, ModelError):
                self._end()  # what it may still send would be taken for the next request's
            raise
        finally:
            self._lock.release()

    def _sent(self, request: dict[str, Any]) -> RoleProcess:
        """The process, running and having got the request."""
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
                (descriptor,) = process.channel.take_descriptors()
                return result_from(message["result"], descriptor)
            else:
                return message["answer"]

    def _ended(self) -> ProcessError:
        """A sentence for the way in which the process has ended; the next request starts another."""
        code = self._end()
        if code == -signal.SIGKILL:
            why = "was ended by the system, most likely because the memory was full. Ask for less, or close programs"
        else:
            why = f"ended unexpectedly (exit code {code}). It starts again with the next request"
        return ProcessError(f"The model process {why}.")

    def _end(self) -> int | None:
        """The exit code, or the signal that ended it as a negative number."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.close()
        return process.exit_code


class _EndedIdle(Exception):
    """The process gave back its memory."""

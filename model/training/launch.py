"""Launcher of several processes that train together.

On CPUs two processes with one thread each are faster than one with two (in a pilot, by half, and far steadier).
"""

import os
import socket
import subprocess
import time
from collections.abc import Sequence

from model.errors import ModelError


def launch(command: Sequence[str], processes: int, *, timeout: float | None = None) -> None:
    """Run `command` in `processes` processes on this machine, and wait for all.

    Each gets its rank in RANK, LOCAL_RANK and WORLD_SIZE, as expected by torch.distributed and accelerate. When one
    fails, the others are killed: they would wait for it for ever. ModelError with its exit code then, and after
    `timeout` s.
    """
    port = _free_port()
    together = [subprocess.Popen(command, env=_environment(rank, processes, port)) for rank in range(processes)]
    began = time.monotonic()
    try:
        while None in (codes := [process.poll() for process in together]):
            if failed := [code for code in codes if code]:
                raise ModelError(f"A training process ended with code {failed[0]}. Training can go on from its last "
                                 "checkpoint.")  # fmt: skip
            if timeout is not None and time.monotonic() - began > timeout:
                raise ModelError(f"The training did not end within {timeout:.0f} s and was stopped.")
            time.sleep(0.05)
        if any(process.returncode for process in together):
            raise ModelError("A training process failed. Training can go on from its last checkpoint.")
    finally:
        for process in together:
            if process.poll() is None:
                process.kill()
            process.wait()


def _environment(rank: int, processes: int, port: int) -> dict[str, str]:
    return os.environ | {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

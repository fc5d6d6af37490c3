"""The program's own processes: the program started again in a role, tied to its parent by one socket.

The socket ties the child's lifetime to its parent: when the parent ends, also by kill -9, the child reads end of file
and shuts down in its own manner (the robot process stops the arm first). No signal is relied upon, and nothing is
forked after Qt or torch.
"""

import logging
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from foundation.errors import ProcessError
from foundation.messages import Channel, ChannelClosed, channel_pair

_log = logging.getLogger(__name__)

_MAIN = Path(__file__).resolve().parent.parent / "main.py"


def command(role: str, descriptor: int) -> list[str]:
    """Return the command that starts this program in a role; a frozen bundle has no interpreter of its own."""
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, str(_MAIN)]
    return [*program, f"--role={role}", f"--channel={descriptor}"]


class RoleProcess:
    """Child process in a role (`robot`, `lab`, ...), and the channel to it.

    The child's first message must be {"ready": ...} or {"error": message}; `ready` holds the former's value.
    Raises ProcessError, within `timeout` s, when the child ends or reports an error instead.
    """

    def __init__(self, role: str, settings: dict[str, Any] | None = None, *, timeout: float = 30.0):
        self.role = role
        self.channel, theirs = channel_pair()
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "LP_NUM_THREADS": "1"}
        with theirs:
            # Standard output is reserved for the command's own result (`--json`), so a child writes to standard error.
            self._process = subprocess.Popen(
                command(role, theirs.fileno()),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=sys.__stderr__ if sys.__stderr__ else None,
                env=environment,
            )
        try:
            self.channel.send(settings or {})
            self.ready = self._first_answer(timeout)
            _log.info("%s process %d is ready", role, self.pid)
        except BaseException:
            self.close()
            raise

    def _first_answer(self, timeout: float) -> Any:
        try:
            answer = self.channel.receive(timeout)
        except TimeoutError:
            raise ProcessError(f"The {self.role} process did not start within {timeout:.0f} s. Try again.") from None
        except ChannelClosed:
            code = self._process.wait(timeout)
            raise ProcessError(f"The {self.role} process ended at its start (exit code {code}).") from None
        if "error" in answer:
            raise ProcessError(str(answer["error"]))
        return answer["ready"]

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Exit code: None while running, negative signal number when ended by a signal."""
        return self._process.poll()

    def close(self, timeout: float = 5.0) -> None:
        """Close the channel and wait; a child still running after `timeout` s is killed."""
        self.channel.close()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _log.info("%s process %d has ended with %d", self.role, self.pid, self._process.returncode)

    def __enter__(self) -> "RoleProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def inherited_channel(descriptor: int) -> Channel:
    """Return the child's end of the channel."""
    return Channel(socket.socket(fileno=descriptor))

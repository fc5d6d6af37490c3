"""Rules for every test: nothing is left behind, and randomness is reproducible."""

import gc
import os
import socket
import threading
import time
from pathlib import Path

import hypothesis
import psutil
import pytest
import tqdm

tqdm.tqdm.monitor_interval = 0  # the thread of progress bars stays for good once a bar has taken ten seconds

hypothesis.settings.register_profile(
    "rehearse",
    deadline=None,  # tests never depend on wall-clock time
    derandomize=True,
    max_examples=int(os.environ.get("REHEARSE_EXAMPLES", "50")),
    print_blob=True,
)
hypothesis.settings.load_profile("rehearse")


def _living() -> tuple[set[threading.Thread], set[int], set[str]]:
    shared_memory = {path.name for path in Path("/dev/shm").iterdir()} if Path("/dev/shm").is_dir() else set()
    children = {child.pid for child in psutil.Process().children(recursive=True)}
    return set(threading.enumerate()), children, shared_memory


@pytest.fixture(scope="session", autouse=True)
def logs_of_their_own(tmp_path_factory):
    """The program's log is not the person's during the tests; its processes inherit that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """Fail a test that leaves a thread, a child process or shared memory (two seconds' grace for the ending)."""
    before, timeout = _living(), socket.getdefaulttimeout()
    yield
    socket.setdefaulttimeout(timeout)  # the arm's SDK sets one for the whole process, occasionally from a thread
    deadline = time.monotonic() + 2.0
    while True:
        left = [now - then for now, then in zip(_living(), before, strict=True)]
        if not any(left) or time.monotonic() > deadline:
            break
        gc.collect()
        time.sleep(0.02)
    threads, processes, shared_memory = left
    assert not threads, f"threads left behind: {sorted(thread.name for thread in threads)}"
    assert not processes, f"processes left behind: {sorted(processes)}"
    assert not {name for name in shared_memory if "rehearse" in name}, f"shared memory left behind: {shared_memory}"


@pytest.fixture(scope="session", autouse=True)
def log_of_their_own(tmp_path_factory):
    """Redirection of the logs: no process of a test writes into the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield

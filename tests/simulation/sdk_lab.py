"""Simulated arm on TCP with the maker's own, unmodified SDK connected to it, for the tests that need both."""

import contextlib
import logging
import os
import socket
import tempfile
import threading
import time

import numpy as np

from simulation.controller.controller import TICK, Controller
from simulation.controller.plant import IdealArm
from simulation.controller.server import ControllerServer, free_loopback_address
from simulation.controller.settings import Settings

_home = tempfile.TemporaryDirectory(prefix="sdk-home-")


def _import_sdk():
    """Import the SDK without its side effects: a log folder in the home folder, a timeout on every later socket."""
    home, timeout = os.environ.get("HOME"), socket.getdefaulttimeout()
    os.environ["HOME"] = _home.name
    try:
        from xarm.core.config.x_config import XCONF
        from xarm.wrapper import XArmAPI
    finally:
        socket.setdefaulttimeout(timeout)
        if home is not None:
            os.environ["HOME"] = home
    for name in list(logging.root.manager.loggerDict):
        if "xarm" in name.lower():
            logging.getLogger(name).setLevel(logging.CRITICAL)
    return XCONF, XArmAPI


XCONF, XArmAPI = _import_sdk()


class RunningArm:
    """Controller, ideal plant and server, ticking in real time in a thread of its own."""

    def __init__(self, q: np.ndarray | None = None, **options):
        self.plant = IdealArm() if q is None else IdealArm(q)
        options.setdefault("settings", Settings())
        self.controller = Controller(self.plant, **options)
        self.server = ControllerServer(self.controller, free_loopback_address())
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="owner")

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping.is_set():
            self.server.advance()
            self.plant.step(TICK)
            due = max(due + TICK, time.monotonic() - 0.05)
            self._stopping.wait(max(0.0, due - time.monotonic()))

    def __enter__(self) -> "RunningArm":
        self.server.start()
        self._thread.start()
        return self

    def __exit__(self, *exception) -> None:
        self._stopping.set()
        self._thread.join()
        self.server.close()

    @property
    def address(self) -> str:
        return self.server.address

    def wait_until(self, condition, seconds: float = 5.0) -> bool:
        """Return whether the condition, evaluated under the lock, has come true within the time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self.server.lock:
                if condition():
                    return True
            time.sleep(0.005)
        return False


def connect(arm: RunningArm, **options):
    """Return a connected SDK object; the port override is restored at once."""
    api = XArmAPI(arm.address, is_radian=True, do_not_open=True, forbid_uds=True, **options)
    with _override(arm.server.port):
        api.connect()
    return api


def reconnect(api, arm: RunningArm) -> None:
    with _override(arm.server.port):
        api.connect()


@contextlib.contextmanager
def _override(port: int):
    before, timeout = XCONF.SocketConf.TCP_CONTROL_PORT, socket.getdefaulttimeout()
    XCONF.SocketConf.TCP_CONTROL_PORT = port
    try:
        yield
    finally:
        XCONF.SocketConf.TCP_CONTROL_PORT = before
        socket.setdefaulttimeout(timeout)


@contextlib.contextmanager
def sdk_threads_end(seconds: float = 10.0):
    """Wait at the end for the threads that the SDK started meanwhile; it leaves them running for a second or so."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + seconds
    for thread in set(threading.enumerate()) - before:
        thread.join(max(0.0, deadline - time.monotonic()))
        assert not thread.is_alive(), f"the thread {thread.name} is left over"


def make_ready(api, mode: int = 0) -> None:
    """Run the maker's start sequence, up to where the SDK itself has seen the mode."""
    api.clean_error()
    api.clean_warn()
    api.motion_enable(True)
    api.set_mode(mode)
    api.set_state(0)
    deadline = time.monotonic() + 5
    while (api.mode != mode or api.state not in (1, 2)) and time.monotonic() < deadline:
        time.sleep(0.01)


def sdk_report(port: int):
    """Return the SDK's own structure for the frames of a report port, in radians."""
    from xarm.x3.report import ReportDataStructure

    return ReportDataStructure.create(port, is_radian=True)

"""Simulated arm behind real sockets, advanced in real time by a thread of its own."""

import threading
import time

import numpy as np

from simulation.controller.controller import TICK, Controller
from simulation.controller.plant import IdealArm
from simulation.controller.protocol import Register
from simulation.controller.server import ControllerServer, free_loopback_address
from simulation.controller.settings import gripper_settings

PORT = 15020


class TcpArm:
    """`controller` and its `log` are touched under `server.lock` by their own threads; tests only read them."""

    def __init__(self):
        self.plant = IdealArm()
        self.controller = Controller(self.plant, settings=gripper_settings())
        self.address, self.port = free_loopback_address(PORT), PORT
        self.server = ControllerServer(self.controller, self.address, self.port)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._advance, name="tcp-arm", daemon=True)

    def __enter__(self) -> "TcpArm":
        self.server.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.server.close()

    def _advance(self) -> None:
        next_tick = time.monotonic()
        while not self._ended.is_set():
            self.server.advance()
            self.plant.step(TICK)
            next_tick = max(next_tick + TICK, time.monotonic() - 0.1)
            time.sleep(max(0.0, next_tick - time.monotonic()))

    @property
    def faults(self):
        return self.controller.faults

    @property
    def measured(self) -> np.ndarray:
        return self.plant.measure().position

    def count(self, register: Register, first: int | None = None) -> int:
        with self.server.lock:
            return self.controller.log.count(register, first)

    def targets(self) -> list:
        with self.server.lock:
            return self.controller.log.received(Register.SERVO_JOINTS)

    def stops(self) -> list:
        with self.server.lock:
            return self.controller.log.stops()


def wait_until(true, seconds: float = 10.0) -> None:
    """Wait until `true()`; fails after a generous deadline, never a measurement."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)

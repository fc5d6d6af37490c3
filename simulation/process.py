"""Lab process (`--role=lab`): world and controller in real time, the cameras, and the channel to the parent.

Threads: physics and controller (this one is paced), the controller's server, the cameras, and the conversation with the
parent, which sets faults, queries the ground truth and applies hand forces. When the parent exits, all end.
"""

import contextlib
import os
import secrets
import sys
import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np

from foundation.messages import Channel, ChannelClosed
from foundation.shared_frame_ring import FramePublisher
from simulation.bench.judging import judge
from simulation.bench.scene import SceneSpec
from simulation.bench.tasks import task_from_instruction
from simulation.bench.world import World
from simulation.controller.controller import TICK
from simulation.controller.server import DEFAULT_PORT, ControllerServer, free_loopback_address
from simulation.errors import SimulationError
from simulation.lab import Lab
from simulation.pictures.camera_feed import CameraFeed

_LONGEST_DEBT = 0.25  # s: a machine that is further behind lets virtual time fall back instead of catching up
_ADDRESS = "127.0.0.1"


def run(channel: Channel) -> None:
    """Serve until the parent exits; the first message holds the settings, see `simulation.client.LabProcess`."""
    settings = channel.receive(10.0)
    with contextlib.suppress(OSError):  # a real arm does not slow down on a busy machine; may be denied
        os.nice(-5)
    lab = Lab(SceneSpec.from_dict(settings["scene"]))
    with contextlib.ExitStack() as stack:
        server = _serve_controller(lab, settings)
        stack.callback(server.close)
        publisher = FramePublisher(f"rehearse-lab-{os.getpid()}-{secrets.token_hex(4)}")
        stack.callback(publisher.close)
        running = _RunningLab(lab, server, publisher, depth=bool(settings.get("depth", False)))
        stack.callback(running.close)
        running.start()
        channel.send(
            {
                "ready": {
                    "address": server.address,
                    "port": server.port,
                    "frames": publisher.address,
                    "cameras": [spec.name for spec in lab.scene.cameras],
                }
            }
        )
        _converse(channel, running)


def _serve_controller(lab: Lab, settings: dict[str, Any]) -> ControllerServer:
    """Serve on the given address; else on 127.0.0.1, or when that is taken, on another loopback address."""
    port = int(settings.get("port") or DEFAULT_PORT)
    wanted = settings.get("address")
    server = ControllerServer(lab.controller, str(wanted or _ADDRESS), port)
    try:
        server.start()
    except SimulationError:
        if wanted:
            raise
        server = ControllerServer(lab.controller, free_loopback_address(port), port)
        server.start()
    return server


class _RunningLab:
    """Lab with its threads; the parent's requests arrive as method calls from the conversation's thread."""

    def __init__(self, lab: Lab, server: ControllerServer, publisher: FramePublisher, *, depth: bool):
        self.lab, self.server = lab, server
        self._world_lock = threading.Lock()
        self._moment = time.monotonic()
        self._start = lab.world.truth()
        self.feed = CameraFeed(lab.world, lab.scene.cameras, self._snapshot, publisher, depth=depth)
        self._stopping = threading.Event()
        self._lost = 0.0
        self._thread = threading.Thread(target=self._run, name="physics", daemon=True)
        self.failure: BaseException | None = None

    def start(self) -> None:
        self._thread.start()
        if self.lab.scene.cameras:
            self.feed.start()

    def close(self) -> None:
        self._stopping.set()
        self.feed.close()
        if self._thread.ident is not None:
            self._thread.join()

    def check(self) -> None:
        """Raise the exception that ended one of the threads, if any."""
        for failure in (self.failure, self.feed.failure):
            if failure is not None:
                raise failure

    def _run(self) -> None:
        sys.setswitchinterval(0.001)
        try:
            next_tick = time.monotonic()
            while not self._stopping.is_set():
                self._tick()
                next_tick += TICK
                now = time.monotonic()
                if now - next_tick > _LONGEST_DEBT:
                    self._lost += now - next_tick
                    next_tick = now
                elif now < next_tick:
                    time.sleep(next_tick - now)
        except BaseException as error:
            self.failure = error
            raise

    def _tick(self) -> None:
        self.server.advance()
        with self._world_lock:
            self.lab.world.step(TICK)
            self._moment = time.monotonic()

    def _snapshot(self) -> tuple[np.ndarray, float]:
        with self._world_lock:
            return self.lab.world.snapshot(), self._moment

    # Requests of the parent, by name

    def truth(self) -> dict[str, Any]:
        """Return the true poses (4, 4) by name, the held objects, and the state of the arm."""
        with self._world_lock:
            truth = self.lab.world.truth()
        return {name: getattr(truth, name) for name in truth.__slots__} | {"held": sorted(truth.held)}

    def judge(self, instruction: str) -> dict[str, Any]:
        """Judge whether the instruction was carried out since `begin`."""
        task = task_from_instruction(instruction, self.lab.scene)
        with self._world_lock:
            verdict = judge(task, self._start, self.lab.world.truth())
        return {"success": verdict.success, "reason": verdict.reason}

    def begin(self) -> None:
        """Judge tasks against the present state from now on."""
        with self._world_lock:
            self._start = self.lab.world.truth()

    def set_scene(self, scene: dict[str, Any]) -> None:
        """Replace the bench in front of the same arm and cameras; tasks are judged against it from now on."""
        world = World(replace(SceneSpec.from_dict(scene), cameras=self.lab.scene.cameras))

        def exchange() -> World:
            with self.server.lock, self._world_lock:
                self.lab.change_bench(world)
                self._start = world.truth()
                self._moment = time.monotonic()
            return world

        if self.lab.scene.cameras:
            self.feed.change(exchange)
        else:
            exchange()

    def pull_tool(self, force: np.ndarray) -> None:
        """Pull at the tool with (3,) N, as a hand would; zeros let go."""
        with self._world_lock:
            self.lab.world.pull_tool(np.array(force, float))

    def controller_fault(self, **faults: Any) -> None:
        """Set fields of `Faults`, or call its methods: raise_error=31, drop_connections=True."""
        self.lab.controller.faults.apply(faults)

    def camera_fault(self, camera: str, **faults: Any) -> None:
        """Set fields of `CameraFaults` of one camera."""
        if camera not in [spec.name for spec in self.lab.scene.cameras]:
            raise SimulationError(f"The lab has no camera {camera}.")
        for name, value in faults.items():
            if name not in ("frozen", "slow", "vanished"):
                raise SimulationError(f"A simulated camera has no fault {name}.")
            setattr(self.feed.faults(camera), name, value)

    def commands(self, register: int | None = None, since: float = 0.0) -> list[dict[str, Any]]:
        """Return what the controller received after `since` (s, monotonic), optionally of one register."""
        log = self.lab.controller.log
        with self.server.lock:
            received = list(log) if register is None else log.received(register)
        return [
            {"time": r.time, "register": r.register, "client": str(r.client), "params": r.params}
            for r in received
            if r.time > since
        ]

    def figures(self) -> dict[str, float]:
        """Return how the lab keeps up: virtual s, s lost on a slow machine, frames not taken."""
        return {"time": self.lab.time, "lost": self._lost, "late_pictures": self.feed.late}


_REQUESTS = (
    *("truth", "judge", "begin", "set_scene", "pull_tool"),
    *("controller_fault", "camera_fault", "commands", "figures"),
)


def _converse(channel: Channel, running: _RunningLab) -> None:
    """Answer the parent until it exits, and check that the threads are alive."""
    while True:
        try:
            request = channel.receive(0.5)
        except TimeoutError:
            running.check()
            continue
        except ChannelClosed:
            return
        try:
            if request.get("do") not in _REQUESTS:
                raise SimulationError(f"The lab does not know how to {request.get('do')}.")
            channel.send({"answer": getattr(running, request["do"])(**request.get("with", {}))})
        except SimulationError as error:
            channel.send({"error": str(error)})

"""Real-time camera feed of the lab: images of the present state, published as real cameras would deliver them."""

import heapq
import itertools
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from foundation.shared_frame_ring import FramePublisher, FrameStream, StreamInfo
from simulation.bench.camera_spec import CameraSpec
from simulation.bench.world import World
from simulation.errors import SimulationError
from simulation.pictures.rendering import Picture, SceneRenderer

_DRAWING = 0.7  # of its thread's time the feed may spend on drawing; a machine that also has a window needs the rest
_TRIED = 6  # rounds of images at most, of which the fastest gives the drawing time


@dataclass
class CameraFaults:
    """Faults of one camera.

    `frozen` repeats one image as new frames, `slow` multiplies the frame interval, `vanished` unplugs the camera.
    """

    frozen: bool = False
    slow: float = 1.0
    vanished: bool = False


@dataclass
class _Station:
    """Schedule entry of one camera; `fps` is the rate that it delivers of its spec's rate."""

    spec: CameraSpec
    fps: float
    due: float = 0.0
    stream: FrameStream | None = None
    faults: CameraFaults = field(default_factory=CameraFaults)
    last: Picture | None = None


class CameraFeed:
    """Thread that renders every camera when it is due, and delivers each frame after its camera's delay.

    Each frame shows the state when its drawing began, so cameras that are due together differ by the 20 ms that
    drawing takes, like cameras without a common trigger, and no frame is older than it must be. On a machine that
    draws too slowly for the cameras' rate, the cameras get and report a lower one. `snapshot()` returns the world's
    coordinates and the time (s, monotonic) they belong to. An exception that ends the thread is kept in `failure`.
    """

    def __init__(
        self,
        world: World,
        cameras: tuple[CameraSpec, ...],
        snapshot: Callable[[], tuple[np.ndarray, float]],
        publisher: FramePublisher,
        *,
        depth: bool = False,
    ):
        self._renderer = SceneRenderer(world)
        self._snapshot, self._publisher, self._depth = snapshot, publisher, depth
        self._stations = {spec.name: _Station(spec, spec.fps) for spec in cameras}
        self._waiting: list[tuple[float, int, _Station, Picture, float]] = []  # delivery, order, what, capture time
        self._order = itertools.count()
        self._stopping, self._paced = threading.Event(), threading.Event()
        self._changes: queue.SimpleQueue[tuple[Callable[[], World], threading.Event]] = queue.SimpleQueue()
        self.failure: BaseException | None = None
        self.late = 0  # frames not taken because the machine was too slow
        self._thread = threading.Thread(target=self._run, name="camera-feed", daemon=True)

    def start(self) -> None:
        """Start the thread and return when the cameras can be opened; an error until then is kept in `failure`."""
        self._thread.start()
        self._paced.wait()

    def _pace(self) -> None:
        """Announce the cameras at their rate or at the rate that this machine can draw.

        The fastest of a few rounds counts: the first images take long because they set everything up.
        """
        wished, most = max(station.fps for station in self._stations.values()), 1.0
        for _ in range(_TRIED):
            most = max(most, float(int(_DRAWING / self._drawing_time())))
            if most >= wished:
                break
        for station in self._stations.values():
            station.fps = min(station.fps, most)
            station.stream = self._publisher.add(self._info(station))
            station.due = time.monotonic()
        self._paced.set()

    def _drawing_time(self) -> float:
        """Return the seconds that one image of each camera takes."""
        began = time.perf_counter()
        for station in self._stations.values():
            self._renderer.render(station.spec, depth=self._depth)
        return time.perf_counter() - began

    def faults(self, camera: str) -> CameraFaults:
        """Return the faults of one camera, to be set at any time; raises KeyError for an unknown camera."""
        return self._stations[camera].faults

    def change(self, exchange: Callable[[], World]) -> None:
        """Show another world with the same cameras, and wait for the exchange.

        `exchange` is called between two images and returns the world that `snapshot` describes from then on. Raises
        SimulationError when the camera thread has ended.
        """
        done = threading.Event()
        self._changes.put((exchange, done))
        while not done.wait(0.1):
            if not self._thread.is_alive():
                raise SimulationError("The lab's cameras have ended. Start the lab again.")

    def close(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _info(self, station: _Station) -> StreamInfo:
        spec = station.spec
        details = {
            "fps": station.fps,
            "delay": spec.delay,
            "stamped_late": spec.stamped_late,
            "K": np.array(spec.K).tolist(),
            "distortion": list(spec.distortion),
            "base_from_camera": np.array(spec.base_from_camera).tolist(),
            "calibration": "simulated truth",
        }
        return StreamInfo(spec.name, spec.width, spec.height, self._depth, details)

    def _run(self) -> None:
        try:
            self._pace()
            while not self._stopping.is_set():
                self._do_changes()
                self._take_pictures()
                self._deliver()
                self._stopping.wait(max(0.0, self._next_moment() - time.monotonic()))
        except BaseException as error:
            self.failure = error
            raise
        finally:
            self._paced.set()
            self._renderer.close()

    def _do_changes(self) -> None:
        while not self._changes.empty():
            exchange, done = self._changes.get()
            world = exchange()
            self._renderer.close()
            self._renderer = SceneRenderer(world)
            for station in self._stations.values():
                station.last = None
            done.set()

    def _next_moment(self) -> float:
        dues = [station.due for station in self._stations.values()]
        return min([*dues, *(delivery for delivery, *_ in self._waiting[:1])])

    def _take_pictures(self) -> None:
        now = time.monotonic()
        due = [station for station in self._stations.values() if station.due <= now]
        for station in due:
            station.due += station.faults.slow / station.fps
            while station.due <= now:
                station.due += station.faults.slow / station.fps
                self.late += 1
            coordinates, captured = self._snapshot()
            picture = self._expose(station, coordinates)
            if picture is not None:
                delivery = captured + station.spec.delay
                heapq.heappush(self._waiting, (delivery, next(self._order), station, picture, captured))
            self._deliver()

    def _expose(self, station: _Station, coordinates: np.ndarray) -> Picture | None:
        self._plug(station)
        if station.stream is None:
            return None
        if not station.faults.frozen or station.last is None:
            self._renderer.update(coordinates)
            station.last = self._renderer.render(station.spec, depth=self._depth)
        return station.last

    def _plug(self, station: _Station) -> None:
        if station.faults.vanished and station.stream is not None:
            self._publisher.remove(station.spec.name)
            station.stream = None
        elif not station.faults.vanished and station.stream is None:
            station.stream = self._publisher.add(self._info(station))

    def _deliver(self) -> None:
        now = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            _, _, station, picture, captured = heapq.heappop(self._waiting)
            if station.stream is not None:
                depth_mm = None if picture.depth is None else np.round(picture.depth * 1000).astype(np.uint16)
                station.stream.write(picture.rgb, captured + station.spec.stamped_late, depth_mm)

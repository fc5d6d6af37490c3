"""Continuous capture from one camera in a thread: newest frame, state of the camera, and queues for recorders."""

import logging
import queue
import threading

from cameras.drivers.driver import CameraDriver
from cameras.errors import CameraError, CameraGone, StaleFrame
from cameras.frame import Frame
from cameras.health import Figures, Health, State
from foundation.clocks import Clock, SystemClock
from foundation.deadlines import PRODUCTION, Deadlines

_log = logging.getLogger(__name__)

READ_TIMEOUT = 0.2
REOPEN_AFTER = 5.0
"""s of silence after which the connection is made anew; an unplugged USB camera is often only silent."""

BACK_OFF = (0.25, 0.5, 1.0, 2.0, 4.0)
"""s between attempts to open; the last one for ever."""

_CLOSE_TIMEOUT = 20.0

_ADVICE = {
    State.OPENING: "is still starting. Wait a moment.",
    State.SLOW: "sends too few pictures. Check its light (exposure time), its cable and the load of this computer.",
    State.FROZEN: "repeats one and the same picture. Unplug it and plug it in again.",
    State.STALLED: "has stopped sending pictures. Check its cable.",
    State.GONE: "is not connected. Check its cable.",
    State.CLOSED: "has been switched off.",
    State.LIVE: "sends its pictures too late. Check its connection and the load of this computer.",
}


class Subscription:
    """Queue of every frame of one camera, for a recorder: bounded, counting the frames that did not fit."""

    def __init__(self, maxsize: int):
        self._frames: queue.Queue[Frame] = queue.Queue(maxsize)
        self._dropped = 0
        self._closed = threading.Event()

    @property
    def dropped(self) -> int:
        """Frames that arrived while the queue was full; newer ones are dropped, so that the kept ones have no gaps."""
        return self._dropped

    def offer(self, frame: Frame) -> None:
        if self._closed.is_set():
            return
        try:
            self._frames.put_nowait(frame)
        except queue.Full:
            self._dropped += 1

    def get(self, timeout: float) -> Frame | None:
        """Return the oldest frame not yet taken; None if none arrived within `timeout` s."""
        try:
            return self._frames.get(timeout=timeout)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Stop accepting frames; those in the queue can still be taken."""
        self._closed.set()


class Capture:
    """Owner of a driver and of the one thread that uses it, from construction to `close`.

    A camera that fails is opened again for ever, ever less often; nothing needs to be restarted after a replug.
    All methods may be called from any thread and none waits for the camera, except `next_frame` and `close`.
    """

    def __init__(self, driver: CameraDriver, *, clock: Clock = SystemClock(), deadlines: Deadlines = PRODUCTION):
        self._driver, self._clock, self.deadlines = driver, clock, deadlines
        self._health = Health(deadlines)
        self._changed = threading.Condition()
        self._subscriptions: list[Subscription] = []
        self._stopping = threading.Event()
        self._said: tuple[State, str | None] | None = None  # in the log
        self._thread = threading.Thread(target=self._run, name=f"camera {driver.identity}", daemon=True)
        self._thread.start()

    @property
    def driver(self) -> CameraDriver:
        """Driver, for its identity, size, frame rate and intrinsics; only the capture may read from it."""
        return self._driver

    @property
    def state(self) -> State:
        with self._changed:
            return self._health.state(self._clock.now())

    @property
    def figures(self) -> Figures:
        with self._changed:
            return self._health.figures(self._clock.now())

    @property
    def newest(self) -> Frame | None:
        """Newest frame regardless of its age, for display only; use `latest` for everything else."""
        with self._changed:
            return self._health.newest

    def latest(self, max_age: float | None = None) -> Frame:
        """Return the newest frame. Raises StaleFrame when the camera is frozen or the frame older than `max_age` s, the
        deadline `frame_age` by default."""
        oldest = self.deadlines.frame_age if max_age is None else max_age
        with self._changed:
            now = self._clock.now()
            frame, state = self._health.newest, self._health.state(now)
        if frame is None or now - frame.captured > oldest or state in (State.FROZEN, State.GONE, State.CLOSED):
            raise self._stale(frame, state, now)
        return frame

    def next_frame(self, timeout: float) -> Frame:
        """Wait for a frame that arrives after this call. Raises StaleFrame if none does within `timeout` s."""
        with self._changed:
            before = self._health.newest
            self._changed.wait_for(lambda: self._health.newest is not before or self._stopping.is_set(), timeout)
            frame, now = self._health.newest, self._clock.now()
            if frame is None or frame is before:
                raise self._stale(frame, self._health.state(now), now)
        return frame

    def _stale(self, frame: Frame | None, state: State, now: float) -> StaleFrame:
        age = "" if frame is None else f" Its last picture is {1000 * (now - frame.captured):.0f} ms old."
        return StaleFrame(f"The camera {self._driver.name} {_ADVICE[state]}{age}")

    def subscribe(self, maxsize: int) -> Subscription:
        """Return a queue of every frame from now on, until the subscription or the capture is closed."""
        subscription = Subscription(maxsize)
        with self._changed:
            self._subscriptions.append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        subscription.close()
        with self._changed:
            self._subscriptions.remove(subscription)

    def close(self) -> None:
        """End the thread and release the camera; waits as long as the driver blocks.

        Raises CameraError for a driver that never returns; closing twice is harmless.
        """
        self._stopping.set()
        self._thread.join(_CLOSE_TIMEOUT)
        if self._thread.is_alive():
            raise CameraError(f"The camera {self._driver.name} does not let go. Unplug it, then restart the program.")

    def __enter__(self) -> "Capture":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        attempt = 0
        try:
            while not self._stopping.is_set():
                received_before = self._health.newest
                try:
                    self._stream()
                except CameraError as error:
                    with self._changed:
                        self._health.failed(error)
                    self._say()
                finally:
                    self._driver.close()
                attempt = 0 if self._health.newest is not received_before else attempt + 1
                self._stopping.wait(BACK_OFF[min(attempt, len(BACK_OFF) - 1)])
        finally:
            # Also after a fault of our own: the camera must not appear live.
            with self._changed:
                self._health.closed()
                for subscription in self._subscriptions:
                    subscription.close()
                self._changed.notify_all()
            self._say()

    def _say(self) -> None:
        """Keep in the log what has changed. A camera that is gone is opened again for ever, and says so once."""
        figures = self.figures
        said = (figures.state, figures.last_error if figures.state is State.GONE else None)
        if said != self._said and figures.state is not State.OPENING:
            self._said = said
            name, why = self._driver.name, f": {said[1]}" if said[1] else ""
            _log.info("camera %s (%s) is %s%s", name, self._driver.identity, figures.state, why)

    def _stream(self) -> None:
        self._driver.open()
        heard = self._clock.now()
        with self._changed:
            self._health.opened(heard, self._driver.fps)
        while not self._stopping.is_set():
            frame = self._driver.read(READ_TIMEOUT)
            now = self._clock.now()
            if frame is not None:
                heard = now
                self._take(frame, now)
            elif now - heard > REOPEN_AFTER:
                raise CameraGone(f"The camera {self._driver.name} sends no pictures. Check its cable.")
            self._say()

    def _take(self, frame: Frame, now: float) -> None:
        with self._changed:
            frame = self._health.received(frame, now)
            for subscription in self._subscriptions:
                subscription.offer(frame)
            self._changed.notify_all()

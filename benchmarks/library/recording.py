"""Recording of four cameras of 640x480 at 30 Hz and an arm at 100 Hz into one episode, through real shared memory."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil

from benchmarks.checks import Check, say
from cameras.capture import Capture
from cameras.drivers.simulated import SimulatedCamera
from foundation import xarm7
from foundation.shared_frame_ring import FramePublisher, StreamInfo
from storage.episodes.documents import NewEpisode, ViewSpec
from storage.episodes.episode import Episode
from storage.episodes.samples import ArmSample
from storage.library import Library

VIEWS, WIDTH, HEIGHT, FPS = 4, 640, 480, 30
_PICTURES = 30
ROOT = Path(__file__).parents[2]


def checks(folder: Path, seconds: float) -> list[Check]:
    """Record for `seconds` and keep; measure drops, load, synchrony and the time of keeping."""
    address = f"rehearse-benchmark-{time.monotonic_ns()}"
    feed = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.library.recording", address], cwd=ROOT, stdin=subprocess.PIPE, text=True
    )
    captures: dict[str, Capture] = {}
    try:
        for view in range(VIEWS):
            captures[f"view{view}"] = Capture(SimulatedCamera(address, f"view{view}"))
        deadline = time.monotonic() + 60
        while any(capture.newest is None for capture in captures.values()) and time.monotonic() < deadline:
            time.sleep(0.05)
        with Library(folder) as library:
            return _record(library, captures, seconds)
    finally:
        for capture in captures.values():
            capture.close()
        feed.communicate("stop\n")


def _record(library: Library, captures: dict[str, Capture], seconds: float) -> list[Check]:
    sources = {name: capture.subscribe(64) for name, capture in captures.items()}
    views = tuple(ViewSpec(f"lab:{name}", name, WIDTH, HEIGHT, float(FPS)) for name in sources)
    say(f"recording {VIEWS} cameras for {seconds:.0f} s")
    cpu, start = sum(psutil.Process().cpu_times()[:2]), time.monotonic()
    writer = library.record(NewEpisode("benchmark", views), sources, least_free=0)
    number = 0
    while (now := time.monotonic()) < start + seconds:
        if now >= start + number / 100:
            writer.add_sample(ArmSample(now, position=xarm7.HOME, openness=1.0))
            number += 1
        time.sleep(max(min(start + number / 100 - time.monotonic(), 0.01), 0))
    used = sum(psutil.Process().cpu_times()[:2]) - cpu
    stopped = time.monotonic()
    identity = library.keep(writer)
    kept = time.monotonic() - stopped
    for name, capture in captures.items():
        capture.unsubscribe(sources[name])
    episode = Episode(library.episode_folder(identity))
    samples = episode.samples["time"]
    gaps = np.concatenate([np.abs(samples[_nearest(samples, f["time"])] - f["time"]) for f in episode.frames])
    dropped = sum(view.dropped for view in episode.facts.views)
    return [
        Check("record_drops", dropped + sum(source.dropped for source in sources.values()), "frames", "= 0"),
        Check("record_fps", sum(len(f) for f in episode.frames) / VIEWS / seconds, "1/s", ""),
        Check("encoder_cpu_share", used / seconds, "cores", ""),
        Check("record_mbit_s", 8e-6 * episode.facts.size_bytes / seconds, "Mbit/s", ""),
        Check("sync_jitter_p50_ms", 1000 * float(np.percentile(gaps, 50)), "ms", ""),
        Check("sync_jitter_p99_ms", 1000 * float(np.percentile(gaps, 99)), "ms", ""),
        Check("keep_s", kept, "s", "<= 1"),
    ]


def _nearest(times: np.ndarray, at: np.ndarray) -> np.ndarray:
    after = np.clip(np.searchsorted(times, at), 1, len(times) - 1)
    return np.where(times[after] - at < at - times[after - 1], after, after - 1)


def _pictures() -> list[np.ndarray]:
    """Render a scene with soft shades, some moving objects, and sensor noise."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    shade = 90 + 50 * np.sin(columns / 90) + 40 * np.cos(rows / 70)
    pictures = []
    for number in range(_PICTURES):
        rgb = np.repeat(shade[..., None], 3, axis=2)
        angle = 2 * np.pi * number / _PICTURES
        for thing, colour in enumerate([(200, 40, 40), (40, 160, 60), (60, 80, 200)]):
            x, y = WIDTH / 2 + 150 * np.cos(angle + 2 * thing), HEIGHT / 2 + 100 * np.sin(angle + 2 * thing)
            rgb[(np.abs(columns - x) < 30) & (np.abs(rows - y) < 30)] = colour
        pictures.append(np.clip(rgb + random.normal(0, 2, rgb.shape), 0, 255).astype(np.uint8))
    return pictures


def _publish(address: str) -> None:
    """Run the cameras' process: publish until its standard input gets a line or ends."""
    pictures, stop = _pictures(), threading.Event()
    publisher = FramePublisher(address)
    streams = [publisher.add(StreamInfo(f"view{v}", WIDTH, HEIGHT, False, {"fps": FPS})) for v in range(VIEWS)]
    threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
    start, number = time.monotonic(), 0
    while not stop.is_set():
        for view, stream in enumerate(streams):
            stream.write(pictures[(number + 7 * view) % _PICTURES], time.monotonic())
        number += 1
        time.sleep(max(start + number / FPS - time.monotonic(), 0))
    publisher.close()


if __name__ == "__main__":
    _publish(sys.argv[1])

"""Process to be killed: repeats one operation on a library, and prints its progress to standard output.

python -m benchmarks.library.victim record|keep|open FOLDER
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from foundation import xarm7
from foundation.clocks import Clock, SystemClock, VirtualClock
from storage.episodes.documents import NewEpisode, ViewSpec
from storage.episodes.frame_source import FrameQueue
from storage.episodes.samples import ArmSample
from storage.episodes.writer import EpisodeWriter
from storage.library import Library

WIDTH, HEIGHT, FPS, SAMPLE_RATE = 96, 64, 30, 100
VIEWS = tuple(ViewSpec(f"usb:{i}", f"camera {i}", WIDTH, HEIGHT, float(FPS)) for i in range(2))


@dataclass(frozen=True, eq=False)
class Picture:
    number: int
    captured: float
    rgb: np.ndarray


class Feed:
    """Recording with two small cameras and an arm, fed with what is due at its clock's time."""

    def __init__(self, library: Library, clock: Clock):
        self._clock = clock
        self._sources = {view.name: FrameQueue() for view in VIEWS}
        self.writer: EpisodeWriter = library.record(
            NewEpisode("pick up the cube", VIEWS), self._sources, clock=clock, least_free=0
        )
        self._start = clock.now()
        self.frames = self.samples = 0

    def give(self) -> float:
        """Feed what is due; return s since the start."""
        now = self._clock.now()
        if now - self._start >= self.frames / FPS:
            rgb = np.full((HEIGHT, WIDTH, 3), self.frames % 200, np.uint8)
            rgb[:, self.frames % WIDTH] = 255
            for source in self._sources.values():
                source.offer(Picture(self.frames, now, rgb))
            self.frames += 1
        if now - self._start >= self.samples / SAMPLE_RATE:
            self.writer.add_sample(ArmSample(now, position=xarm7.HOME, openness=1.0))
            self.samples += 1
        return now - self._start


def record(library: Library) -> None:
    """Record in real time, for ever; print "<elapsed s> <sample count>" whenever a sample was taken."""
    feed = Feed(library, SystemClock())
    say("recording", feed.writer.id)
    said = 0
    while True:
        elapsed = feed.give()
        if feed.samples > said:
            said = feed.samples
            say(f"{elapsed:.6f} {said}")
        time.sleep(0.001)


def keep(library: Library) -> None:
    """Keep short recordings, for ever; print each id when it was kept."""
    say("ready")
    while True:
        clock = VirtualClock(100.0)
        feed = Feed(library, clock)
        for _ in range(30):
            clock.advance(0.01)
            feed.give()
        say(library.keep(feed.writer))


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    say("opening")
    with Library(Path(sys.argv[2])) as opened:
        {"record": record, "keep": keep, "open": lambda _: say("open")}[sys.argv[1]](opened)

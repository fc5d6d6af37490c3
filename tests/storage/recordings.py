"""Recordings made in virtual time: images that can be told apart, and an arm with a known path."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from foundation import xarm7
from foundation.clocks import VirtualClock
from foundation.poses import look_at
from storage.episodes.documents import Calibration, Lens, NewEpisode, ViewSpec
from storage.episodes.frame_source import FrameQueue
from storage.episodes.samples import ArmSample
from storage.episodes.writer import EpisodeWriter
from storage.library import Library

WIDTH, HEIGHT, FPS = 96, 64, 30.0


@dataclass(frozen=True, eq=False)
class Picture:
    number: int
    captured: float
    rgb: np.ndarray


def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Draw a grey bar whose position encodes the number, on a background whose brightness encodes it too."""
    rgb = np.full((height, width, 3), 40 + 5 * (number % 30), np.uint8)
    rgb[:, (4 * number) % width : (4 * number) % width + 8] = 255
    return rgb


def joints(time: float) -> np.ndarray:
    """Return the arm's joints at `time` s: a slow, smooth path."""
    return xarm7.HOME + 0.2 * np.sin(time) * np.array([1, 0.5, 0, 0.5, 0, 0, 0])


def lens(width: int = WIDTH, height: int = HEIGHT, distortion: tuple[float, ...] = ()) -> Lens:
    return Lens(width, height, ((80.0, 0, (width - 1) / 2), (0, 80.0, (height - 1) / 2), (0, 0, 1.0)), distortion)


def calibration(number: int = 0, distortion: tuple[float, ...] = ()) -> Calibration:
    place = look_at(np.array([1.2, 0.5 - number, 0.6]), np.array([0.3, 0.0, 0.2]))
    identity = f"00000000-0000-4000-8000-{number:012d}"
    rows = tuple(tuple(float(value) for value in row) for row in place)
    return Calibration(identity, "2026-01-02T03:04:05+00:00", "measured", lens(distortion=distortion), rows)  # type: ignore[arg-type]


def new_episode(views: int = 2, instruction: str = "pick up the red cube", **more) -> NewEpisode:
    specs = tuple(
        ViewSpec(f"usb:{i}", f"Kamera {i}/🎥", WIDTH, HEIGHT, FPS, lens(), calibration(i)) for i in range(views)
    )
    return NewEpisode(instruction, specs, operator=more.pop("operator", "Ada"), source="jog", **more)


class Recording:
    """Recording in virtual time; `run` advances it, and images and samples with it."""

    def __init__(self, library: Library, new: NewEpisode | None = None, least_free: int = 0):
        self.clock = VirtualClock(100.0)
        self.new = new or new_episode()
        self.sources = {view.name: FrameQueue(10_000) for view in self.new.views}
        self.writer: EpisodeWriter = library.record(self.new, self.sources, clock=self.clock, least_free=least_free)
        self.frames = self.samples = 0

    def run(self, seconds: float) -> "Recording":
        end = self.clock.now() + seconds
        while self.clock.now() < end - 1e-9:
            self.clock.advance(0.01)
            elapsed = self.clock.now() - 100.0
            if elapsed * FPS >= self.frames:
                for view, source in enumerate(self.sources.values()):
                    source.offer(Picture(self.frames, self.clock.now(), picture(self.frames + view)))
                self.frames += 1
            openness = 1.0 if elapsed < 0.5 else 0.2
            self.writer.add_sample(ArmSample(self.clock.now(), position=joints(elapsed), openness=openness, mode=1))
            self.samples += 1
        return self


def keep_one(folder_or_library: Path | Library, seconds: float = 1.0, **said):
    """Keep an episode in a library and return its id."""
    new = said.pop("new", None)
    if isinstance(folder_or_library, Library):
        return folder_or_library.keep(Recording(folder_or_library, new).run(seconds).writer, **said)
    with Library(folder_or_library) as library:
        return library.keep(Recording(library, new).run(seconds).writer, **said)

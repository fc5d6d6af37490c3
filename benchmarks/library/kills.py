"""kill -9 at random times, with real processes, and what remains afterwards."""

import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.checks import Check, say
from storage import queries
from storage.episodes.episode import Episode
from storage.library import Library

_AGAIN_EVERY = 5  # kills, one of which is followed by another one during recovery
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Kill:
    """Loss of one kill: ms of video of the worse camera, samples of the arm, and kept episodes."""

    video_ms: float
    samples: int
    episodes: int


def victim(what: str, folder: Path) -> subprocess.Popen:
    """Start a process that does `what` to the library in `folder` (see `benchmarks.library.victim`)."""
    command = [sys.executable, "-m", "benchmarks.library.victim", what, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def killed(process: subprocess.Popen, after: float) -> list[str]:
    """Return what a process had printed when it was killed, `after` s from when its library was open."""
    assert process.stdout is not None
    assert process.stdout.readline() == "opening\n"
    second = process.stdout.readline()
    time.sleep(after)
    process.kill()
    said = [second, *process.stdout.readlines()]
    process.stdout.close()
    process.wait()
    return [line.strip() for line in said if line.endswith("\n")]


def killed_opening(folder: Path, after: float) -> None:
    """Kill a process that is opening the library, `after` s from its start."""
    process = victim("open", folder)
    assert process.stdout is not None
    assert process.stdout.readline() == "opening\n"
    time.sleep(after)
    process.kill()
    process.stdout.close()
    process.wait()


def kill_recording(folder: Path, after: float, again: float | None = None) -> Kill:
    """Kill a recording, open the library again, decode everything, and count the loss.

    `again`: kill also a first opening, that many s from its start, while it recovers what the first kill left.
    """
    with Library(folder) as library:
        before = set(queries.episode_ids(library.database))
    said = killed(victim("record", folder), after)
    elapsed, samples = said[-1].split() if len(said) > 1 else ("0", "0")
    if again is not None:
        killed_opening(folder, again)
    with Library(folder) as library:
        now = set(queries.episode_ids(library.database))
        new = now - before
        if not new:
            return Kill(1000 * float(elapsed), int(samples), len(before - now))
        episode = Episode(library.episode_folder(new.pop()))
        ends = []
        for view, frames in enumerate(episode.frames):
            if not len(frames):  # killed before its first fragment was whole
                ends.append(0.0)
                continue
            with episode.film(view) as film:
                shown = film.frames(np.arange(len(film)))
            ends.append(float(frames["time"][len(shown) - 1]))
        lost = 1000 * max(float(elapsed) - min(ends), 0.0)
        return Kill(lost, max(int(samples) - len(episode.samples), 0), len(before - now))


def kill_keeping(folder: Path, after: float) -> int:
    """Kill a process that keeps one episode after another; return how many kept ones are lost or unreadable."""
    said = killed(victim("keep", folder), after)[1:]
    with Library(folder) as library:
        lost = len({uuid.UUID(line) for line in said} - set(queries.episode_ids(library.database)))
        for line in said:
            episode = Episode(library.episode_folder(uuid.UUID(line)))
            lost += [len(f) for f in episode.frames] != [view.frames for view in episode.facts.views]
    return lost


def checks(recordings: int, keepings: int) -> list[Check]:
    """Run the full number of kills."""
    random = np.random.default_rng(7)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        kills = []
        for number in range(recordings):
            say(f"kill {number + 1} of {recordings} while recording")
            again = None if number % _AGAIN_EVERY else float(random.uniform(0.0, 0.5))
            kills.append(kill_recording(folder, float(random.uniform(0.0, 3.0)), again))
        lost = sum(kill.episodes for kill in kills)
        for number in range(keepings):
            say(f"kill {number + 1} of {keepings} while keeping")
            lost += kill_keeping(folder, float(random.uniform(0.0, 0.8)))
    return [
        Check("kills_lost_episodes", lost, "", "= 0"),
        Check("kill_video_loss_max_ms", max(kill.video_ms for kill in kills), "ms", "<= 600"),
        Check("kill_video_loss_p50_ms", float(np.median([kill.video_ms for kill in kills])), "ms", ""),
        Check("kill_samples_lost_max", max(kill.samples for kill in kills), "", "<= 2"),
    ]

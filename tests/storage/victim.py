"""A process to be killed: does one thing to a library, again and again, and says on standard output how far it is."""

import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from recordings import Picture, Recording, joints, new_episode, picture  # noqa: E402

from storage.frame_source import FrameQueue  # noqa: E402
from storage.library import Library  # noqa: E402
from storage.samples import ArmSample  # noqa: E402


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def record(library: Library) -> None:
    """Record in real time, for ever; says "<frame number> <sample count>" after each was taken."""
    new = new_episode(2)
    sources = {view.name: FrameQueue() for view in new.views}
    writer = library.record(new, sources, least_free=0)
    start, frames, samples = time.monotonic(), 0, 0
    say("recording", writer.id)
    while True:
        now = time.monotonic()
        if now - start >= frames / 30:
            for view, source in enumerate(sources.values()):
                source.offer(Picture(frames, now, picture(frames + view)))
            frames += 1
        if now - start >= samples / 100:
            writer.add_sample(ArmSample(now, position=joints(now - start), openness=1.0))
            samples += 1
            say(f"{now - start:.6f} {samples}")
        time.sleep(0.001)


def keep(library: Library) -> None:
    """Keep short recordings, for ever; says each id when it was kept."""
    say("ready")
    while True:
        say(library.keep(Recording(library).run(0.3).writer))


if __name__ == "__main__":
    np.seterr(all="raise")
    say("opening")
    with Library(Path(sys.argv[2])) as opened:
        {"record": record, "keep": keep, "open": lambda _: say("open")}[sys.argv[1]](opened)

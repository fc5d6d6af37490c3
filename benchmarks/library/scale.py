"""Library with any number of episodes, rows only: for figures of the library's lists."""

import uuid
from datetime import UTC, datetime, timedelta

import numpy as np

from storage.database.database import Database
from storage.episodes.documents import Facts, FoundQuality, Labels, NewEpisode, Started, ViewFacts, ViewSpec
from storage.episodes.rows import add_episodes

_VERBS = ("pick up", "push", "place", "open", "close", "grab", "lift", "turn")
_COLOURS = ("red", "green", "blue", "yellow", "orange", "purple", "white", "black")
_THINGS = ("cube", "cylinder", "ball", "box", "drawer", "bowl", "lid", "bottle")
_PEOPLE = ("Ada", "Grace", "Emmy", "Lise", "Chien-Shiung", "Zoë")
_WORDS = ("slow", "grasp", "slipped", "table", "moved", "light", "again", "lamp", "retry", "clean", "edge", "left")


def fill(database: Database, episodes: int, seed: int = 0) -> None:
    """Add that many episodes, distributed like two years of work."""
    random = np.random.default_rng(seed)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    for first in range(0, episodes, 2000):
        numbers = range(first, min(first + 2000, episodes))
        batch = [_episode(random, start + timedelta(minutes=10 * number)) for number in numbers]
        with database.writing() as session:
            add_episodes(session, batch)


def _episode(random: np.random.Generator, at: datetime) -> tuple[Facts, Labels]:
    pick = lambda names: names[random.integers(len(names))]  # noqa: E731
    instruction = f"{pick(_VERBS)} the {pick(_COLOURS)} {pick(_THINGS)}"
    views = tuple(ViewSpec(f"usb:{i}", f"camera {i}", 640, 480, 30.0) for i in range(2))
    duration = float(random.uniform(4, 40))
    started = Started(
        str(uuid.UUID(bytes=random.bytes(16), version=4)),
        0.0,
        at.isoformat(),
        NewEpisode(instruction, views, operator=pick(_PEOPLE), source=pick(("jog", "hand-guiding", "demonstrator"))),
    )
    films = tuple(ViewFacts(f"view-{i}.mp4", int(30 * duration), 0, 0, 0.0, duration) for i in range(2))
    idle = FoundQuality("idle", 1, 0.5, "The arm stands still for half of the time.")
    findings = (idle,) if random.random() < 0.1 else ()
    facts = Facts(started, duration, films, int(100 * duration), int(1e6 * duration), findings=findings)
    note = " ".join(pick(_WORDS) for _ in range(int(random.integers(0, 12))))
    tags = tuple({f"{pick(_COLOURS)} day" for _ in range(int(random.integers(0, 3)))})
    return facts, Labels(instruction, bool(random.random() < 0.8), note, tags)

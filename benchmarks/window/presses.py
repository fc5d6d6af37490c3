"""Benchmark of wrong presses: random clicks and keys on the Rehearse screen, at a person's rates, in all its states.

A press is wrong when it starts motion or stores an outcome although it hit something else, or a button that had been
unchanged in its place for less than 0.8 s, or was aimed at something else. See `press_trial.py`.
"""

import tempfile
from collections import Counter
from typing import Any

from benchmarks.checks import Check, say
from benchmarks.window.virtual_screen import virtual_screen
from foundation.processes import RoleProcess

_AT_ONCE = 100  # presses per window; then another one, of the next size
_SIZES = ((1024, 700), (1280, 800), (1920, 1080))
_WITHIN = 900.0  # s
_FIRST_SEED = 7000


def checks(count: int) -> list[Check]:
    """Make `count` presses, with a new window for each hundred, so that results are reported in between."""
    found = counted(count)
    return [
        Check("wrong_presses", len(found["wrong"]), f"of {count}", "= 0"),
        Check("presses_that_counted", sum(found["acts"].values()), f"of {count}", ""),
    ]


def counted(count: int) -> dict[str, Any]:
    """Return `wrong` as sentences, and the counts `acts` and `states`."""
    wrong: list[str] = []
    acts: Counter[str] = Counter()
    states: Counter[str] = Counter()
    with virtual_screen():
        for number, begun in enumerate(range(0, count, _AT_ONCE)):
            few = min(_AT_ONCE, count - begun)
            figures = trial(few, _FIRST_SEED + number, _SIZES[number % len(_SIZES)])
            wrong += figures["wrong"]
            acts.update(figures["acts"])
            states.update(figures["states"])
            say(f"{begun + few} of {count} presses, {len(wrong)} wrong, {dict(acts)}")
    for each in wrong:
        say(f"wrong: {each}")
    return {"wrong": wrong, "acts": dict(acts), "states": dict(states)}


def trial(count: int, seed: int, size: tuple[int, int]) -> dict[str, Any]:
    """Run a trial in a window of its own process."""
    with tempfile.TemporaryDirectory(prefix="rehearse-presses-") as folder:
        settings = {"folder": folder, "count": count, "seed": seed, "size": size}
        with RoleProcess("presses", settings, timeout=_WITHIN) as process:
            return dict(process.ready)

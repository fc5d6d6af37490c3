"""Reliability guarantees about crashes, corrupted data, invalid presses and unintended motion, counted in full.

The tests run a sample of each. The whole takes hours, so it is resumable part by part: with `--resume FILE` each part's
figures are kept there as soon as they are known, and finished parts are not measured again.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks.checks import Check, say
from benchmarks.library import import_mutations, kills
from benchmarks.motion import freezes, random_commands, takeovers
from benchmarks.window import presses

Part = Callable[[bool], list[Check]]

PARTS: dict[str, Part] = {
    "kills": lambda quick: kills.checks(10 if quick else 100, 5 if quick else 50),
    "imports": lambda quick: import_mutations.checks(1_000 if quick else 10_000),
    "presses": lambda quick: presses.checks(100 if quick else 1_000),
    "commands": lambda quick: random_commands.checks(10_000 if quick else 100_000),
    "freezes": lambda quick: freezes.checks(2 if quick else 20),
    "takeovers": lambda quick: takeovers.checks(1 if quick else 10),
    "control box": lambda quick: takeovers.settings_checks(1 if quick else 3),
}


def measure(quick: bool, resume: Path | None = None) -> list[Check]:
    """Run every part that `resume` does not hold yet, and return them with those that it holds."""
    known = _read(resume, quick)
    for name, part in PARTS.items():
        if name not in known:
            say(f"reliability: {name}")
            known[name] = [asdict(check) for check in part(quick)]
            if resume is not None:
                resume.write_text(json.dumps({"quick": quick, "parts": known}, indent=2), encoding="utf-8")
    return [Check(**values) for name in PARTS for values in known[name]]


def _read(file: Path | None, quick: bool) -> dict[str, list[dict]]:
    """Read the parts in the file; none where there is no file, or one of other counts."""
    if file is None or not file.exists():
        return {}
    kept = json.loads(file.read_text(encoding="utf-8"))
    return dict(kept["parts"]) if kept["quick"] == quick else {}

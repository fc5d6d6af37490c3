"""Walkthrough of the whole program with real presses: `rehearse benchmark walkthrough`.

It goes from a first start to a stored outcome, once in each theme. With `--pictures FOLDER` a screenshot of every step
is kept for inspection.
"""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.checks import Check, say
from benchmarks.window.virtual_screen import virtual_screen
from foundation.processes import RoleProcess

_WITHIN = 1500.0  # s
_INSTRUCTION = "reach the red cube"


def measure(quick: bool, pictures: Path | None = None) -> list[Check]:
    """Run every check of this benchmark; `quick` uses only the light theme; `pictures`: folder for screenshots."""
    checks = []
    for appearance in ("light",) if quick else ("light", "dark"):
        say(f"the whole way, {appearance}")
        figures = walked(appearance, pictures / appearance if pictures else None)
        say(f"{figures}")
        checks += [
            Check(f"steps_{appearance}", len(figures["steps"]), "", ">= 20"),
            Check(f"calibration_held_out_mm_{appearance}", figures["held_out_mm"], "mm", "<= 3"),
            Check(f"demonstrations_{appearance}", figures["demonstrations"], "", "= 5"),
            Check(f"found_in_history_{appearance}", float(figures["found_in_history"]), "", "= 1"),
            Check(f"walk_s_{appearance}", figures["seconds"], "s", ""),
        ]
    return checks


def walked(
    appearance: str,
    pictures: Path | None = None,
    *,
    demonstrations: int = 5,
    calibrate: bool = True,
    source: str = "model",
) -> dict[str, Any]:
    """Run one walkthrough on a virtual screen, in a process with settings and a library of its own.

    See walkthrough_process.py.
    """
    with virtual_screen(), tempfile.TemporaryDirectory(prefix="rehearse-walk-") as folder:
        settings = {
            "folder": folder,
            "appearance": appearance,
            "pictures": str(pictures) if pictures else "",
            "instruction": _INSTRUCTION,
            "demonstrations": demonstrations,
            "calibrate": calibrate,
            "source": source,
        }
        with RoleProcess("walkthrough", settings, timeout=_WITHIN) as process:
            return dict(process.ready)

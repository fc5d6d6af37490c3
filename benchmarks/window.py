"""The window as a person has it, on a virtual screen of its own: `rehearse benchmark window`."""

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.checks import Check, say
from benchmarks.rehearsal import measure_rehearsal
from benchmarks.virtual_screen import virtual_screen
from foundation.processes import RoleProcess

_WITHIN = 240.0  # s


def measure(quick: bool) -> list[Check]:
    """Every check of this benchmark; `quick` watches for a shorter time and takes a tenth of the counts."""
    with virtual_screen():
        checks = shell_checks(5.0 if quick else 20.0)
    return checks + measure_rehearsal(quick)


def shell_checks(seconds: float) -> list[Check]:
    """The window around the screens: quick to start, smooth while the arm moves, never held up.

    The window is started twice; the first start only fills the caches, since the goal is for a warm one. `window_fps`
    counts how often each live view was painted in a second, of the slowest view; the stall is the longest time
    between two turns of the event loop, while the arm is jogged and while its controller hangs.
    """
    window_figures(0.5)
    figures = window_figures(seconds)
    assert not figures["torch"], "the window must not load torch"
    say(
        f"stall while moving {1000 * figures['stall_moving_s']:.0f} ms, hanging {1000 * figures['stall_hanging_s']:.0f}"
    )
    stall = max(figures["stall_moving_s"], figures["stall_hanging_s"])
    return [
        Check("start_to_live_frame_s", figures["start_to_live_frame_s"], "s", "<= 3"),
        Check("window_fps", min(figures["fps"]), "1/s", ">= 25"),
        Check("gui_stall_max_ms", 1000 * stall, "ms", "<= 100"),
    ]


def window_figures(seconds: float) -> dict[str, Any]:
    """Run the window in a process of its own for about `seconds` of jogging."""
    say("the window: start, jog, a controller that hangs")
    with tempfile.TemporaryDirectory(prefix="rehearse-window-") as folder:
        settings = {"settings_file": str(Path(folder) / "settings.json"), "logs": str(Path(folder) / "logs")}
        settings |= {"seconds": seconds, "began": time.monotonic()}
        with RoleProcess("window", settings, timeout=_WITHIN) as window:
            return dict(window.ready)

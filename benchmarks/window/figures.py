"""Benchmark of the window on a virtual screen of its own: `rehearse benchmark window`."""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.checks import Check, say
from benchmarks.motion.planning import measure_rehearsal
from benchmarks.window.virtual_screen import virtual_screen
from foundation.processes import RoleProcess

_WITHIN = 240.0  # s


def measure(quick: bool) -> list[Check]:
    """Run every check of this benchmark; `quick` measures for a shorter time and with a tenth of the counts."""
    with virtual_screen():
        shell = shell_figures(5.0 if quick else 20.0)
        tour = tour_figures(60.0 if quick else 600.0)
    return window_checks(shell, tour) + measure_rehearsal(quick)


def window_checks(shell: dict[str, Any], tour: dict[str, Any]) -> list[Check]:
    """Check that the window starts quickly, is smooth while the arm moves, and is never blocked.

    `window_fps` is the frame rate of the slowest live view. `gui_stall_max_ms` is the longest time between two turns of
    the event loop: while the arm is jogged, while its controller hangs, and on the tour of every screen beside a busy
    core; `gui_work_max_ms` is the GUI thread's CPU time in such a stretch of the tour. `unasked_stops` counts the stops
    of the arm on the tour, where Stop is never pressed.
    """
    stall = max(shell["stall_moving_s"], shell["stall_hanging_s"], tour["stall_s"])
    return [
        Check("start_to_live_frame_s", shell["start_to_live_frame_s"], "s", "<= 3"),
        Check("window_fps", min(shell["fps"]), "1/s", ">= 25"),
        Check("gui_stall_max_ms", 1000 * stall, "ms", "<= 100"),
        Check("gui_work_max_ms", 1000 * tour["work_s"], "ms", ""),
        Check("unasked_stops", len(tour["stops"]), "", "= 0"),
    ]


def shell_figures(seconds: float) -> dict[str, Any]:
    """Measure the second of two starts; the first one only fills the caches, since the goal is for a warm start."""
    window_figures(0.5)
    figures = window_figures(seconds)
    assert not figures["torch"], "the window must not load torch"
    say(
        f"stall while moving {1000 * figures['stall_moving_s']:.0f} ms, hanging {1000 * figures['stall_hanging_s']:.0f}"
    )
    return figures


def tour_figures(seconds: float) -> dict[str, Any]:
    """Tour every screen for this time, at least once, beside a program that keeps a core busy."""
    say("the window: through every screen while the arm moves, one core busy")
    with busy_core():
        tour = window_figures(seconds, touring=True)
    stall, work = 1000 * tour["stall_s"], 1000 * tour["work_s"]
    say(f"{tour['rounds']} times through: {len(tour['stops'])} stops, held up {stall:.0f} ms, at work {work:.0f}")
    for each in tour["longest"][:10]:
        say(f"at work {1000 * each['work']:.0f} ms of {1000 * each['wall']:.0f}: {each['during']}")
    for sentence in tour["stops"]:
        say(f"stopped: {sentence}")
    return tour


def window_figures(seconds: float, *, touring: bool = False) -> dict[str, Any]:
    """Run the window in a process of its own for about `seconds`, jogging or touring all screens."""
    if not touring:
        say("the window: start, jog, a controller that hangs")
    with tempfile.TemporaryDirectory(prefix="rehearse-window-") as folder:
        settings = {name: str(Path(folder) / name) for name in ("settings_file", "logs", "library")}
        settings |= {"seconds": seconds, "began": time.monotonic(), "touring": touring}
        with RoleProcess("window", settings, timeout=_WITHIN + 2.0 * seconds) as window:
            return dict(window.ready)


@contextlib.contextmanager
def busy_core() -> Iterator[None]:
    """Keep one core busy with another program of normal priority."""
    spinning = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        spinning.kill()
        spinning.wait()

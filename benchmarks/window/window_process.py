"""Benchmark process of the window (`--role=window`): the program runs as usual and is measured for a while.

The first message contains: `settings_file`, `logs`, `seconds` to measure, `began` (s, monotonic), the time at which the
process was requested, and optionally `generating` or `touring`, the activity to measure, with its `library`. All
actions are real, by the presenters that the buttons call.
"""

import sys
import time
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer
from PySide6.QtWidgets import QApplication

from foundation.errors import ProcessError
from foundation.messages import Channel
from gui.app import Program, application
from gui.arm.hand_control import Direction
from gui.rehearse.ask_bar import MODEL
from gui.rehearse.steps import Step
from gui.runtime.stall_monitor import StallMonitor
from robot.state import ArmState
from workflows.proposals.model_source import GenerationSettings

_READY_WITHIN = 60.0  # s
_ANSWERED_WITHIN = 240.0  # s: on a busy machine the weights load slowly
_CANDIDATES = 4  # per request, so that the model is busy for a while
_TRYING = 10.0  # timeout as a multiple of the measured time, for requests that fail because the machine is busy


def run(channel: Channel) -> None:
    """Measure, send {"ready": figures}, end. Raises ProcessError when the window does not start."""
    settings = channel.receive(10.0)
    app = application()
    library = Path(settings["library"]) if settings.get("library") else None
    program = Program(app, Path(settings["settings_file"]), Path(settings["logs"]), library)
    try:
        if settings.get("touring"):
            figures = _while_touring(app, program, float(settings["seconds"]))
        elif settings.get("generating"):
            figures = {"generating_fps": _while_generating(app, program, float(settings["seconds"]))}
        else:
            figures = _measure(app, program, float(settings["began"]), float(settings["seconds"]))
    finally:
        program.shell.close()
        program.close()
    channel.send({"ready": figures})


def _measure(app: QApplication, program: Program, began: float, seconds: float) -> dict[str, Any]:
    program.start()
    wait(app, lambda: bool(views_of(program)) and all(view.painted_live for view in views_of(program)))
    figures: dict[str, Any] = {"start_to_live_frame_s": time.monotonic() - began, "torch": "torch" in sys.modules}
    _make_ready(app, program)
    program.shell.show_screen("arm")
    beat = StallMonitor()
    pause(app, 1.0)
    beat.begin()
    pictures = list(program.shell.live.pictures.values())
    start = time.monotonic()
    _jog_to_and_fro(app, program, seconds)
    passed = time.monotonic() - start
    painted = [sum(moment >= start for moment in picture.painted) / passed for picture in pictures]
    figures |= {"fps": painted, "stall_moving_s": beat.longest}
    assert program.session.lab is not None
    beat.begin()
    program.session.lab.controller_fault(hang=True)
    program.control.gripper(0.5)
    program.connection.stop()
    pause(app, 6.0)
    figures["stall_hanging_s"] = beat.longest
    program.session.lab.controller_fault(hang=False)
    return figures


def _while_touring(app: QApplication, program: Program, seconds: float) -> dict[str, Any]:
    """Measure stalls and stops of the arm on a tour of every screen."""
    from benchmarks.window.window_tour import Tour

    program.start()
    wait(app, lambda: bool(views_of(program)) and all(view.painted_live for view in views_of(program)))
    return Tour(program).go(seconds)


class Frames(QObject):
    """Counts the window's repaints: all changes since the last one are painted together."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.UpdateRequest
        return False


def _while_generating(app: QApplication, program: Program, seconds: float) -> float:
    """Return the window's frame rate while the model generates continuously beside the live cameras.

    Only successful requests count: one that fails at once blocks nothing.
    """
    program.start()
    wait(app, lambda: bool(views_of(program)) and all(view.painted_live for view in views_of(program)))
    program.shell.show_screen("rehearse")
    presenter = program.rehearse
    wait(app, lambda: presenter.can_ask)
    presenter.use(None, GenerationSettings(candidates=_CANDIDATES), 1)
    _answered(app, program)  # the first one also loads the weights
    frames, passed, drawn = Frames(), 0.0, 0
    program.shell.installEventFilter(frames)
    deadline = time.monotonic() + _TRYING * seconds + _READY_WITHIN
    while passed < seconds:
        if time.monotonic() > deadline:
            raise ProcessError("The model's answers did not come in time. Try again on a machine with less to do.")
        began, before = time.monotonic(), frames.count
        if _answered(app, program):
            passed += time.monotonic() - began
            drawn += frames.count - before
    program.shell.removeEventFilter(frames)
    return drawn / passed


def _answered(app: QApplication, program: Program) -> bool:
    """Request a motion from the model once more and return whether it succeeded."""
    presenter = program.rehearse
    if presenter.step is Step.WATCH:
        presenter.reject("")
        wait(app, lambda: not presenter.busy)
    wait(app, lambda: presenter.can_ask)
    presenter.ask("reach the red cube", MODEL)
    wait(app, lambda: not presenter.busy, _ANSWERED_WITHIN)
    return presenter.step is Step.WATCH


def views_of(program: Program) -> list:
    """Return the camera images of the first screen."""
    return [tile.picture for tile in program.shell.screens["set up"].cameras.tiles.values()]


def _make_ready(app: QApplication, program: Program) -> None:
    def done() -> bool:
        if program.connection.arm_state is ArmState.HOLDING:
            return True
        program.arm.recover()
        return False

    wait(app, done)


def _jog_to_and_fro(app: QApplication, program: Program, seconds: float) -> None:
    ends, sign = time.monotonic() + seconds, 1
    while time.monotonic() < ends:
        direction = Direction(1, sign)
        program.control.press(direction)
        pause(app, 1.0)
        program.control.release(direction)
        pause(app, 0.4)
        sign = -sign


def pause(app: QApplication, seconds: float) -> None:
    """Run the event loop for this time, as in `app.exec()`."""
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def wait(app: QApplication, so, within: float = _READY_WITHIN) -> None:
    """Run the event loop until `so()`. Raises ProcessError when it takes longer than `within` s."""
    deadline = time.monotonic() + within
    while not so():
        if time.monotonic() > deadline:
            raise ProcessError("The window did not come to life. Look into its log.")
        pause(app, 0.02)

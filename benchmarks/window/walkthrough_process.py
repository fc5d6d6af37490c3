"""Process of the walkthrough: the whole program with real presses, to a stored outcome (`--role=walkthrough`).

The first message contains: `folder` for settings, logs and library, all empty at first; `appearance` "light" or "dark";
`pictures`, a folder for a screenshot of every step, or ""; `instruction`; `demonstrations`, the number to record;
`calibrate`, whether the cameras are calibrated first; `source` of the motion.
"""

import contextlib
import time
from pathlib import Path
from typing import Any

from benchmarks.window.ui_driver import UiDriver
from benchmarks.window.walkthrough_calibration import calibrate
from benchmarks.window.window_process import views_of
from foundation.errors import ProcessError
from foundation.messages import Channel
from gui.app import Program, application
from gui.rehearse.steps import Step

_TRIES = 12


def run(channel: Channel) -> None:
    """Walk, send {"ready": figures}, end. Raises ProcessError where a step cannot be done."""
    asked = channel.receive(10.0)
    folder = Path(asked["folder"])
    app = application()
    program = Program(app, folder / "settings.json", folder / "logs", folder / "library")
    try:
        figures = walk(UiDriver(program, Path(asked["pictures"]) if asked["pictures"] else None), asked)
    finally:
        program.shell.close()
        program.close()
    channel.send({"ready": figures})


def walk(person: UiDriver, asked: dict[str, Any]) -> dict[str, Any]:
    """Walk through every step and return the results."""
    began = time.monotonic()
    taken: dict[str, float] = {}

    @contextlib.contextmanager
    def timed(name: str):
        start = time.monotonic()
        yield
        taken[name] = round(time.monotonic() - start, 1)

    with timed("set up"):
        set_up(person, asked["appearance"])
    held_out_mm = None
    if asked["calibrate"]:
        with timed("calibrate"):
            held_out_mm = calibrate(person)
    kept = 0
    if asked["demonstrations"]:
        with timed("record"):
            kept = record(person, asked["instruction"], asked["demonstrations"])
    with timed("rehearse"):
        outcome = rehearse(person, asked["instruction"], asked["source"])
    with timed("history"):
        found = history(person, asked["instruction"])
    return {
        "steps": person.steps,
        "seconds": round(time.monotonic() - began, 1),
        "stages_s": taken,
        "held_out_mm": held_out_mm,
        "demonstrations": kept,
        "success": outcome,
        "found_in_history": found,
    }


def set_up(person: UiDriver, appearance: str) -> None:
    """Choose the theme on the first start, then press the checklist's button until all checks pass."""
    program, shell = person.program, person.shell
    program.start()
    shell.activateWindow()
    person.until(lambda: bool(views_of(program)) and all(v.painted_live for v in views_of(program)), "live pictures")
    for _ in range(3):
        if program.theme.appearance != appearance:
            person.press(shell.appearance)
    person.wait(0.5)
    person.look("first-start")
    person.make_ready(shell.screens["set up"].checklist.next)
    person.wait(0.3)
    person.look("set-up-done")


def record(person: UiDriver, instruction: str, count: int) -> int:
    """Record `count` demonstrations by the lab's demonstrator and return how many were kept."""
    presenter, screen = person.program.record, person.open("record")
    person.until(lambda: presenter.recorder is not None and not presenter.busy, "the library is open")
    person.wait(0.3)
    person.look("record")
    person.type(screen.task_card.line, instruction, enter=True)
    teach, card = screen.teach_card, screen.state_card
    person.press(teach.choice.button(2))
    kept = 0
    for _ in range(_TRIES):
        person.type(teach.count.lineEdit(), str(count - kept), enter=True)
        person.make_ready(card.arm.step)
        if not person.can_press(teach.demonstrate):
            person.wait(0.3)
            continue
        person.look("record-ready") if not kept else None
        person.press(teach.demonstrate)
        person.until(lambda: "Recording" in card.banner.name.text() or not presenter.busy, "it is recorded")
        person.wait(1.0)
        person.look("recording") if not kept else None
        person.until(lambda: not presenter.busy, "the demonstrations are recorded", 60.0 * count)
        kept = 0 if presenter.recorder is None else len(presenter.recorder.kept)
        if kept >= count:
            break
    person.wait(0.5)
    person.look("recorded")
    library = person.open("library")
    person.until(
        lambda: library.view is not None and library.view.presenter.model.rowCount() >= kept, "the library lists them"
    )
    person.wait(1.5)
    person.look("library")
    return kept


def rehearse(person: UiDriver, instruction: str, source: str) -> bool:
    """Ask, watch, approve, run, and store the outcome; return whether the lab's checker reports success."""
    presenter, screen = person.program.rehearse, person.open("rehearse")
    page = screen.approved_page
    person.until(lambda: presenter.can_ask, "an instruction can be given")
    person.wait(1.0)
    person.look("rehearse")
    _ask(person, instruction, source)
    watch(person)
    for _ in range(_TRIES):
        if presenter.step is Step.WATCH and not presenter.busy:
            person.press(screen.decide_page.approve)
        person.until(lambda: not presenter.busy, "it is approved")
        if presenter.step is Step.APPROVED:
            person.wait(0.3)
            person.look("approved") if "approved" not in person.steps else None
            person.press_until(page.ready, lambda: presenter.can_run or presenter.step is not Step.APPROVED, "ready")
        if presenter.step is Step.APPROVED and presenter.can_run:
            person.press(page.speeds.button(25))
            person.press(page.run)
            person.until(lambda: presenter.step is not Step.APPROVED or bool(presenter.problem), "it runs")
        if presenter.step in (Step.RUNNING, Step.OUTCOME):
            break
    return outcome(person)


def _ask(person: UiDriver, instruction: str, source: str) -> None:
    """Request motions until one can be approved, as a person would. Raises ProcessError when none can."""
    presenter, screen = person.program.rehearse, person.shell.screens["rehearse"]
    bar = screen.ask_bar
    person.type(bar.instruction, instruction)
    person.choose(bar.source, source)
    person.look("asked")
    for _ in range(_TRIES):
        person.press(bar.show_me)
        person.until(lambda: presenter.step is Step.WORKING or not presenter.busy, "it is worked out")
        person.wait(0.4)
        if presenter.step is Step.WORKING and "working" not in person.steps:
            person.look("working")
        person.until(lambda: not presenter.busy, "a motion is there")
        if presenter.can_approve:
            return
        if presenter.step is Step.WATCH and "refused" not in person.steps:
            person.wait(0.3)
            person.look("refused")
    raise ProcessError(f"No motion for “{instruction}” could be approved: {presenter.problem or 'see the findings'}")


def watch(person: UiDriver) -> None:
    """Watch the video to its end."""
    presenter = person.program.rehearse
    person.wait(0.5)
    person.look("watching")
    person.until(lambda: presenter.watched, "the film was seen to its end")
    person.wait(0.3)
    person.look("watched")


def outcome(person: UiDriver) -> bool:
    """Wait until the arm has moved and stands still, then store the verdict of the lab's checker and return it."""
    presenter, screen = person.program.rehearse, person.shell.screens["rehearse"]
    person.until(lambda: presenter.step is Step.OUTCOME or presenter.frame_now >= 3, "the arm moves")
    person.look("running")
    for _ in range(_TRIES):
        person.until(lambda: presenter.step is Step.OUTCOME or presenter.paused, "the motion is over", 180.0)
        if presenter.step is Step.OUTCOME:
            break
        person.press(screen.presses.run)
        person.until(lambda: not presenter.paused, "it goes on")
    person.until(lambda: not presenter.busy and presenter.verdict is not None, "the lab has looked")
    page, verdict = screen.outcome_page, presenter.verdict
    assert verdict is not None
    person.type(page.note, "as shown" if verdict.success else verdict.reason[:80])
    person.wait(0.3)
    person.look("outcome")
    person.press(page.success if verdict.success else page.failure)
    person.until(lambda: presenter.step is Step.SAVED and not presenter.busy, "the outcome is stored")
    person.wait(0.3)
    person.look("stored")
    return bool(verdict.success)


def history(person: UiDriver, instruction: str) -> bool:
    """Return whether the history contains the newest rehearsal, with its outcome."""
    screen, stored = person.open("history"), person.program.rehearse.rehearsal
    person.until(lambda: screen.view is not None and bool(screen.view.presenter.rows), "the history is listed")
    person.wait(0.3)
    person.look("history")
    view = screen.view
    view.list.setFocus()
    view.list.setCurrentRow(0)
    person.until(lambda: view.presenter.review is not None and not view.presenter.busy, "the rehearsal is opened")
    person.wait(1.5)
    person.look("history-opened")
    row, outcome_ = view.presenter.row, stored.outcome
    if row is None or stored.proposal is None or outcome_ is None:
        return False
    same = str(row.id) == stored.proposal.id and row.instruction == instruction
    return same and row.success == outcome_.success

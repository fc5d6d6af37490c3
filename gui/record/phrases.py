"""Texts of the Record screen, in plain language, s, GB and ms."""

import math

from gui.record.presenter import BY_HAND, DEMONSTRATOR, RecordPresenter
from robot.state import ArmState
from workflows.recording.facts import RecordFigures, RecordState

_NAMES = {
    RecordState.READY: ("Ready", "note-success"),
    RecordState.COUNTDOWN: ("Get ready", "note-warning"),
    RecordState.RECORDING: ("Recording", "note-danger"),
    RecordState.REVIEW: ("Look at it", "note-accent"),
    RecordState.RESET: ("Put the bench back", "note-warning"),
}
SOURCE_NAMES = {BY_HAND: "By hand", "jog": "By keys, gamepad, SpaceMouse", DEMONSTRATOR: "Demonstrator"}


def state_words(p: RecordPresenter) -> tuple[str, str, str]:
    """Return the label of the state, the time beside it, and the style of the background."""
    state = p.state
    if state not in (RecordState.READY, RecordState.RESET):
        return _NAMES[state][0], _time(p), _NAMES[state][1]
    if p.busy:
        return ("Preparing the bench" if p.demonstrating else "A moment"), "", "note-accent"
    if p.trouble:
        return "Not ready", "", "note-warning"
    if state is RecordState.RESET and p.simulated:
        return "Ready for the next", "", "note-success"
    return _NAMES[state][0], "", _NAMES[state][1]


def next_words(p: RecordPresenter) -> str:
    """Return what to do in the current state."""
    state = p.state
    if p.demonstrating:
        return f"{p.progress[0]}. Each on a new bench; Stop ends it."
    if state is RecordState.RECORDING:
        return "Show the whole task, then end the recording. Stop (Space) ends it too, and keeps it."
    if state is RecordState.REVIEW:
        if p.recorder is not None and p.recorder.incomplete:
            return "This is not a whole recording. Look at it: discard it and do it again, or keep what there is."
        return "Did the arm do the whole task? Keep it either way, or discard it and do it again."
    if state is RecordState.COUNTDOWN:
        return "The recording begins by itself."
    if p.trouble:
        return "" if p.trouble == p.problem else p.trouble  # already shown above
    if state is RecordState.RESET:
        how = "Ask for a new bench" if p.simulated else "Put everything back, a little differently each time"
        return f"{how}, or start the next one at once."
    if p.source == BY_HAND and p.connection.arm_state is not ArmState.HAND_GUIDING:
        return "Start hand guiding below, then record."
    return "Start the recording, then show the task."


def figures_words(p: RecordPresenter) -> dict[str, str]:
    """Return the figures of the current or last recording."""
    figures = None if p.recorder is None else p.recorder.figures
    facts = {"Kept today": f"{p.kept_today} of this task"}
    if figures is None:
        return facts
    for view in figures.views:
        lost = f", {view.dropped + view.late} lost" if view.dropped + view.late else ""
        facts[view.name] = f"{view.fps:.0f} pictures a second{lost}"
    facts["Cameras apart"] = "unknown" if math.isnan(figures.sync_ms) else f"{figures.sync_ms:.0f} ms"
    facts["Arm"] = f"{figures.samples} measurements"
    facts["Disk left"] = disk_words(figures)
    return facts


def disk_words(figures: RecordFigures) -> str:
    free = f"{figures.free_bytes / 1e9:.0f} GB"
    if math.isinf(figures.minutes_left):
        return free
    hours = figures.minutes_left / 60.0
    return f"{free}, about {hours:.0f} h" if hours >= 2 else f"{free}, about {figures.minutes_left:.0f} min"


def empty_words(p: RecordPresenter) -> str:
    """Return the text that is shown instead of images."""
    if p.connection.opening:
        return "Connecting the cameras"
    return "Loading the recording" if p.state is RecordState.REVIEW else "No camera is in use. Choose some in Set up."


def _time(p: RecordPresenter) -> str:
    recorder = p.recorder
    if recorder is None:
        return ""
    if p.state is RecordState.COUNTDOWN:
        return f"{math.ceil(recorder.countdown_s)}"
    figures = recorder.figures if p.state in (RecordState.RECORDING, RecordState.REVIEW) else None
    if figures is None:
        return ""
    minutes, seconds = divmod(figures.elapsed_s, 60.0)
    return f"{int(minutes)}:{seconds:04.1f}"

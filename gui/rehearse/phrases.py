"""Texts of the Rehearse screen at each step, in plain language, seconds and mm."""

import time

from gui.arm.phrases import STATES, STEPS
from gui.rehearse.presenter import RehearsePresenter
from gui.rehearse.steps import Step
from robot.state import ArmState

# What the arm may do now: sentence, colour and icon.
_SAFE = ("Nothing moves before you approve.", "success", "check")
_SAFETY = {
    Step.APPROVED: ("Nothing moves before you press Run.", "warning", "warning"),
    Step.RUNNING: ("The arm moves. Stop it with Space or the Stop button.", "danger", "warning"),
    Step.OUTCOME: ("The arm stands. Nothing moves before you approve again.", "success", "check"),
}
SLOW_PCT = 25
_STRIP = {Step.APPROVED: 3, Step.RUNNING: 3, Step.OUTCOME: 4, Step.SAVED: 5}


def safety(p: RehearsePresenter) -> tuple[str, str, str]:
    """Return a sentence on what may move now, its colour and icon."""
    if p.step is Step.RUNNING and p.paused:
        go_on = "while you hold the button “Hold to move”" if p.held_run else "when you press Continue"
        return (f"Paused. It goes on only {go_on}.", "warning", "pause")
    return _SAFETY.get(p.step, _SAFE)


def strip_step(p: RehearsePresenter) -> int:
    """Return the index of the current step of the step bar, from 0; 5 when all are done."""
    return (2 if p.watched else 1) if p.step is Step.WATCH else _STRIP.get(p.step, 0)


def ask_words(p: RehearsePresenter) -> str:
    """Return what to do first."""
    if p.connection.opening:
        return "A moment: the cameras and the arm are being connected."
    if p.connection.status is None:
        return "The arm is not connected. Connect it on the Set up screen."
    begin = "The motion was rejected, and that is stored. " if p.rejected else ""
    return f"{begin}Type it above, or choose one of these. You will see the motion as a film first."


def no_picture_words(p: RehearsePresenter) -> str:
    """Return the text that is shown while there are no camera images."""
    return "The cameras are being connected." if p.connection.opening else "No calibrated camera is connected."


def elapsed_words(p: RehearsePresenter) -> str:
    """Return how long the operator has been waiting."""
    return f"{max(0.0, time.monotonic() - p.asked_at):.0f} s so far"


def findings_words(p: RehearsePresenter) -> str:
    """Return the text that is shown before there are findings."""
    return (
        "When there is a motion, everything that speaks against it stands here: what the arm cannot reach, where it "
        "would touch something, how sure the pictures are."
    )


def decide_words(p: RehearsePresenter) -> str:
    plan = p.rehearsal.plan
    part = "" if p.parts is None else f"Part {p.parts.number} of at most {p.parts.most}. "
    if part and plan is not None and plan.executable:
        return f"{part}Is this what you want?"
    if plan is not None and not plan.executable:
        return "This motion cannot be approved. The reasons stand on the left."
    if not p.watched:
        return "Watch it to its end: is this what you want?"
    return "Is this what you want?"


def motion_words(p: RehearsePresenter) -> dict[str, str]:
    """Return the facts about the motion by name."""
    shown = p.shown
    return {} if shown is None or not shown.plan.executable else shown.facts


def run_words(p: RehearsePresenter, share: float) -> dict[str, str]:
    """Return what Run would do at this share of the planned speed."""
    plan = p.rehearsal.plan
    if plan is None:
        return {}
    state, _, meaning = STATES[p.connection.arm_state]
    ready = p.connection.arm_state is ArmState.HOLDING
    approval = f"for this motion only, once, within {_clock(p.approval_left)}"
    if p.cover is not None:
        approval = f"covers further parts: {p.cover.allowance.words}"
    return {
        "Takes": f"{plan.motion.duration / share:.0f} s at this speed",
        "Arm": "ready" if ready else f"{state.lower()}. {meaning}",
        "Approval": approval,
    }


def speed_words(p: RehearsePresenter, pct: int) -> str:
    """Return advice on this speed."""
    good = p.memory.good_speed
    if good is not None:
        known = f"{100 * good:.0f} %"
        return f"It went well at {known} before" if pct <= 100 * good + 1e-6 else f"It was never tried above {known}"
    return "Recommended for the first time" if pct == SLOW_PCT else "Only after you saw it run slowly"


def press_words(p: RehearsePresenter, pct: int) -> tuple[str, str]:
    """Return label and icon of the button that moves the arm; a button that is held keeps its label."""
    held = p.held_run if p.step is Step.RUNNING else p.hold_to_run and p.step is Step.APPROVED
    if held:
        return "Hold to move", "hand"
    if p.step is Step.RUNNING:
        return ("Continue" if p.paused else "Moving"), "play"
    return (f"Run at {pct} %" if p.step is Step.APPROVED else "Run"), "play"


def approved_words(p: RehearsePresenter) -> str:
    if p.hold_to_run:
        return "Approved. Keep clear of the arm, then hold the button “Hold to move”."
    return "Approved. Keep clear of the arm, then run it."


def running_words(p: RehearsePresenter) -> str:
    if not p.paused:
        return "The arm is moving."
    return "Hold the button: the arm moves only then." if p.held_run else "Paused. The arm holds still."


def ready_words(p: RehearsePresenter) -> str:
    """Return the label of the recovery button, '' when the arm is ready."""
    step = p.next_recovery
    return "" if step is None else STEPS[step][0]


def tracking_words(p: RehearsePresenter) -> dict[str, str]:
    """Return the progress of the run."""
    run, plan, tracking = p.rehearsal.current_run, p.rehearsal.plan, p.rehearsal.tracking
    if run is None or plan is None:
        return {}
    known = tracking is not None and len(tracking) > 0
    moment = float(tracking.moments[-1]) if tracking is not None and known else 0.0
    left = max(0.0, plan.motion.duration - moment) / run.speed
    facts = {"Speed": f"{100 * run.speed:.0f} % of the planned one, {left:.0f} s to go"}
    if tracking is not None and known:
        errors = tracking.error_mm
        facts["Off the plan"] = f"{errors[-1]:.1f} mm now, {errors.max():.1f} mm at most"
    return facts


def outcome_heading(p: RehearsePresenter) -> str:
    if not p.rests:
        return "The arm is coming to rest."
    return "The motion ended early. Did it work all the same?" if p.ended_early else "The motion is over. Did it work?"


def outcome_words(p: RehearsePresenter) -> dict[str, str]:
    """Return the facts about the finished run."""
    run, tracking = p.rehearsal.current_run, p.rehearsal.tracking
    facts = {}
    if run is not None and run.fault:
        facts["Ended"] = f"at {100 * run.progress:.0f} % of the way. {run.fault}"
    if tracking is not None:
        off = tracking.off_the_plan
        if off is not None:
            facts["Off the plan"] = f"{off.p95_mm:.1f} mm or less for 95 % of the way, {off.most_mm:.1f} mm at most"
    if p.verdict is not None:
        facts["The lab says"] = f"{'done' if p.verdict.success else 'not done'}. {p.verdict.reason}"
    return facts


def saved_heading(p: RehearsePresenter) -> str:
    outcome = p.rehearsal.outcome
    if outcome is None:
        return ""
    return "Stored as a success." if outcome.success else "Stored as a failure."


def saved_words(p: RehearsePresenter) -> str:
    """Return where the rehearsal is stored."""
    folder = p.rehearsal.folder
    return "" if folder is None else f"Pictures, plan, what was measured and your note: {folder}"


def _clock(seconds: float) -> str:
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02d} minutes"

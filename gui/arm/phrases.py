"""Texts for the arm's states and recovery steps, for technicians."""

from robot.control.recovery import RecoveryStep
from robot.state import ArmState

# State: (label, style of the chip, what it means for a person beside the arm)
STATES: dict[ArmState, tuple[str, str, str]] = {
    ArmState.DISCONNECTED: ("Not connected", "chip", "The program has no connection to the arm."),
    ArmState.ERROR: ("Error", "chip-danger", "The arm stands and its motors are off until the error is cleared."),
    ArmState.STOPPED: ("Stopped", "chip-warning", "The arm stands. It moves again only after you make it ready."),
    ArmState.NOT_ENABLED: ("Motors off", "chip", "The arm cannot move before you switch its motors on."),
    ArmState.NOT_READY: ("Not ready", "chip", "The motors are on. The arm moves only after you make it ready."),
    ArmState.PREPARING: ("Getting ready", "chip-accent", "A moment: the arm changes its mode."),
    ArmState.HOLDING: ("Ready", "chip-success", "The arm holds still and waits for you."),
    ArmState.FOLLOWING: ("Moving", "chip-accent", "The arm carries out a motion."),
    ArmState.PAUSED: ("Paused", "chip-warning", "The arm holds in the middle of a motion."),
    ArmState.JOGGING: ("Moving by hand control", "chip-accent", "The arm moves as long as you hold a button or key."),
    ArmState.HAND_GUIDING: ("Hand guiding", "chip-accent", "The arm gives way: move it with your hands."),
    ArmState.STOPPING: ("Coming to a stop", "chip-warning", "The arm slows down to a stop."),
}

# Step: (label of its button, why it is needed)
STEPS: dict[RecoveryStep, tuple[str, str]] = {
    RecoveryStep.REMOVE_CAUSE: ("Remove the cause", "Look at the arm and put right what the error says."),
    RecoveryStep.CLEAR_ERROR: ("Clear the error", "The controller forgets the error. The arm does not move."),
    RecoveryStep.ENABLE: ("Switch the motors on", "The brakes open and the arm holds itself. It does not move."),
    RecoveryStep.MAKE_READY: ("Make ready", "From now on the arm may move when you ask it to."),
}


def hand_words(guiding: bool, simulated: bool) -> str:
    """Return the instruction for hand guiding; the simulated arm is guided with keys."""
    if simulated:
        keys = "the arrow keys, Page ↑ and Page ↓"
        if guiding:
            return f"Hold {keys}: in the lab they are your hand."
        return f"The arm then gives way, and {keys} pull at it like a hand."
    if guiding:
        return "Move the arm with your hands. It keeps its own weight."
    return "Hold the arm before you press: it then gives way to your hands."

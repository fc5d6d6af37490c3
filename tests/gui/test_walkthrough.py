"""The whole program by real presses, shorter than `rehearse benchmark walkthrough`: from set up to the history."""

import pytest

from benchmarks.window.walkthrough import walked

STEPS = {
    "first-start",
    "set-up-done",
    "record",
    "record-ready",
    "recorded",
    "library",
    "rehearse",
    "asked",
    "watching",
    "watched",
    "approved",
    "outcome",
    "stored",
    "history",
    "history-opened",
}


@pytest.mark.alone  # the program as a person has it, deadlines too
@pytest.mark.timeout(600)
def test_from_set_up_over_a_recording_and_an_instruction_to_an_outcome_in_the_history(tmp_path):
    figures = walked("dark", tmp_path, demonstrations=1, calibrate=False, source="demonstrator")
    assert set(figures["steps"]) >= STEPS  # others, like "working", only where they last long enough to be seen
    assert figures["demonstrations"] == 1
    assert figures["found_in_history"] is True
    pictures = sorted(path.name for path in tmp_path.glob("*.png"))
    assert len(pictures) == len(figures["steps"]) and pictures[0] == "01-first-start.png"

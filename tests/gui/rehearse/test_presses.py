"""Random presses at human rates: a sample of `rehearse benchmark reliability`'s wrong presses."""

import pytest

from benchmarks.window.presses import trial


@pytest.mark.timeout(600)
def test_no_press_sets_the_arm_going_or_judges_it_that_was_not_meant_to():
    figures = trial(80, 11, (1024, 700))
    assert figures["wrong"] == []
    assert sum(figures["acts"].values()) > 0 and len(figures["states"]) >= 3  # and some do, in several states

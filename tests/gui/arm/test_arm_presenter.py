"""Warnings of the arm's panel."""

from dataclasses import replace

import pytest

from gui.arm.presenter import warning_words


@pytest.mark.parametrize(
    ("values", "later", "expected"),
    [
        ({}, 0.2, ""),
        ({"warning": 11}, 0.2, "queue of commands"),
        ({"warning": 11, "stop_fault": "The stop button does not reach the arm."}, 0.2, "stop button"),
        ({"stop_fault": "The stop button does not reach the arm."}, 3.0, "Nothing has been heard of the arm for 3 s"),
    ],
    ids=["well", "a warning of the controller's", "Stop before it", "silence before everything"],
)
def test_the_gravest_is_said(arm_status, values, later, expected):
    words = warning_words(replace(arm_status, **values), arm_status.received + later)
    assert expected in words and bool(words) == bool(expected)

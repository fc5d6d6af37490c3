"""Tracking error of a run: one definition for all callers, however long the arm stood meanwhile."""

import numpy as np
import pytest

from workflows.rehearsal.tracking import Tracking

SECONDS, EVERY = 4.0, 0.01


def tracking(moments: np.ndarray, off_mm: np.ndarray) -> Tracking:
    """Return samples at these moments of the plan, `off_mm` beside it."""
    count = len(moments)
    intended = np.column_stack([moments, np.zeros(count), np.zeros(count)])
    actual = intended + np.column_stack([np.zeros(count), off_mm / 1000.0, np.zeros(count)])
    return Tracking(np.arange(count) * EVERY, moments, np.zeros((count, 7)), intended, actual, np.ones(count))


def error_at(moments: np.ndarray) -> np.ndarray:
    """Return an error of 2 mm, and 6 mm over the last quarter."""
    return np.where(moments < 0.75 * SECONDS, 2.0, 6.0)


def test_a_rest_on_the_way_changes_nothing():
    moments = np.arange(0.0, SECONDS, EVERY)
    rested = np.concatenate([np.zeros(3000), moments, np.full(500, moments[-1])])
    going, resting = (tracking(each, error_at(each)).off_the_plan for each in (moments, rested))
    assert going is not None and going == resting
    assert (going.median_mm, going.p95_mm, going.most_mm) == (
        pytest.approx(2.0),
        pytest.approx(6.0),
        pytest.approx(6.0),
    )


def test_at_a_moment_at_which_the_arm_stood_the_largest_error_counts():
    moments = np.array([0.0, 1.0, 1.0, 1.0, 2.0])
    found = tracking(moments, np.array([0.0, 1.0, 5.0, 1.0, 0.0]))
    assert found.error_mm_at(np.array([1.0, 1.5])) == pytest.approx([5.0, 2.5])


def test_where_nothing_was_measured_nothing_is_said():
    found = tracking(np.arange(1.0, 2.0, EVERY), np.ones(100))
    assert np.isnan(found.error_mm_at(np.array([0.5, 2.5]))).all()
    assert tracking(np.zeros(0), np.zeros(0)).off_the_plan is None

import numpy as np
import pytest

from cameras.timestamps import ClockOffset, FrameNumbers, monotonic_minus_system


def arrivals(seed: int, duration: float, drift: float = 0.0):
    """Return device and arrival times at 30 Hz: device clock 1000 s behind, delays of 4 ms plus 8 ms on average."""
    random = np.random.default_rng(seed)
    captured = 5000 + np.arange(0, duration, 1 / 30)
    device = (captured - 5000) * (1 + drift) + 4000
    return captured, device, captured + 0.004 + random.exponential(0.008, len(captured))


def test_jitter_of_arrivals_does_not_reach_the_capture_times():
    offset = ClockOffset()
    captured, device, arrived = arrivals(1, 60)
    estimate = np.array([offset.to_machine(d, a) for d, a in zip(device, arrived, strict=True)])
    assert np.std(arrived - captured) > 0.006
    settled = estimate[60:] - captured[60:]
    assert np.std(settled) < 0.0005
    assert settled.mean() == pytest.approx(0.004, abs=0.0005)  # the shortest delay cannot be observed from here
    assert (estimate <= arrived).all()


@pytest.mark.parametrize("drift", [50e-6, -50e-6])
def test_clocks_that_drift_apart_are_followed(drift):
    offset = ClockOffset()
    captured, device, arrived = arrivals(2, 1800, drift)
    estimate = np.array([offset.to_machine(d, a) for d, a in zip(device, arrived, strict=True)])
    assert np.abs(estimate[60:] - captured[60:] - 0.004).max() < 0.002


def test_a_device_clock_that_begins_anew_is_followed_at_once():
    offset = ClockOffset()
    for device, arrival in [(100.0, 10.0), (100.1, 10.1), (0.0, 10.2), (0.1, 10.31)]:
        assert offset.to_machine(device, arrival) == pytest.approx(arrival, abs=0.011)
    assert offset.to_machine(0.2, 10.45) == pytest.approx(10.4)


def test_time_of_day_and_monotonic_time_are_joined_the_same_way_twice():
    assert monotonic_minus_system() == pytest.approx(monotonic_minus_system(), abs=0.005)


def test_holes_in_time_become_holes_in_the_numbers():
    numbers = FrameNumbers()
    random = np.random.default_rng(3)
    times = np.arange(200) / 30
    kept = np.ones(200, bool)
    kept[[50, 80, 81, 82, 150]] = False
    given = [numbers.next(t + random.normal(0, 0.002)) for t in times[kept]]
    assert given == list(np.flatnonzero(kept) + 1)


def test_a_longer_exposure_is_not_every_second_frame_lost():
    numbers = FrameNumbers()
    times = np.concatenate([np.arange(60) / 30, 2 + np.arange(60) / 15])
    given = [numbers.next(t) for t in times]
    assert given[-1] - given[-40] == 39
    assert given[-1] - 120 <= 8

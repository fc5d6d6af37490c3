"""Health rules in virtual time, frame by frame."""

import numpy as np
import pytest

from cameras.errors import CameraGone
from cameras.frame import Frame
from cameras.health import Health, State
from foundation.clocks import VirtualClock
from foundation.deadlines import PRODUCTION

PERIOD = 1 / 30


class Feed:
    """Camera at 30 Hz in virtual time; each image is new unless specified otherwise."""

    def __init__(self, fps: float | None = 30.0):
        self.clock = VirtualClock(100.0)
        self.health = Health()
        self.health.opened(self.clock.now(), fps)
        self.noise = np.random.default_rng(1)
        self.number = 0
        self.picture = self.noise.integers(0, 256, (24, 32, 3), np.uint8)

    def frames(self, count: int, *, period: float = PERIOD, repeat: bool = False, skip: int = 0, late: float = 0.0):
        for _ in range(count):
            self.clock.advance(period)
            self.number += 1 + skip
            if not repeat:
                self.picture = self.noise.integers(0, 256, (24, 32, 3), np.uint8)
            frame = Frame("usb:1", self.number, self.clock.now() - late, self.picture.copy())
            self.health.received(frame, self.clock.now())
        return self.state

    def until(self, state: State, *, limit: int = 100, **how) -> float:
        """Return the s from now until `state` is reached, checked after every frame."""
        start = self.clock.now()
        for _ in range(limit):
            if self.frames(1, **how) == state:
                return self.clock.now() - start
        raise AssertionError(f"{state} was not seen")

    @property
    def state(self) -> State:
        return self.health.state(self.clock.now())

    @property
    def figures(self):
        return self.health.figures(self.clock.now())


def test_a_camera_at_its_rate_is_live_and_stays_so():
    feed = Feed()
    assert feed.state == State.OPENING
    assert all(feed.frames(1) == State.LIVE for _ in range(300))
    assert feed.figures.fps == pytest.approx(30, abs=0.5)
    assert (feed.figures.received, feed.figures.dropped) == (300, 0)


def test_jitter_of_a_network_is_not_slowness():
    feed = Feed()
    feed.frames(60)
    for _ in range(20):
        for period in (0.15, 0.005, 0.005, 0.005, 0.002):
            assert feed.frames(1, period=period) == State.LIVE


@pytest.mark.parametrize("fps", [30, 15, 10])
def test_a_frozen_camera_is_seen_within_500_ms(fps):
    feed = Feed(fps)
    feed.frames(40, period=1 / fps)
    assert 0.4 <= feed.until(State.FROZEN, period=1 / fps, repeat=True) <= 0.5
    assert feed.frames(1, period=1 / fps) == State.LIVE


def test_short_repeats_are_not_a_freeze():
    feed = Feed()
    for _ in range(30):
        assert feed.frames(1) == State.LIVE
        assert feed.frames(11, repeat=True) == State.LIVE


def test_a_silent_camera_is_stalled_after_500_ms_and_not_before():
    feed = Feed()
    feed.frames(30)
    feed.clock.advance(0.499)
    assert feed.state in (State.LIVE, State.SLOW)
    feed.clock.advance(0.001)
    assert feed.state == State.STALLED
    assert feed.frames(1) == State.SLOW
    assert feed.frames(20) == State.LIVE


@pytest.mark.parametrize("fps", [2, 5, 8, 12])
def test_a_camera_that_becomes_slow_is_seen_within_500_ms(fps):
    feed = Feed()
    feed.frames(90)
    start = feed.clock.now()
    arrivals = start + np.arange(1, 10) / fps
    while feed.state == State.LIVE:
        feed.clock.advance(0.01)
        if feed.clock.now() >= arrivals[0] - 1e-9:
            arrivals = arrivals[1:]
            feed.frames(1, period=0.0)
    assert feed.state == State.SLOW
    assert feed.clock.now() - start <= 0.5


def test_a_camera_that_does_not_say_its_rate_is_measured_against_its_own_best():
    feed = Feed(fps=None)
    assert all(feed.frames(1, period=1 / 8) == State.LIVE for _ in range(30))
    feed = Feed(fps=None)
    feed.frames(90)
    feed.until(State.SLOW, period=1 / 8)


def test_dim_light_that_halves_the_rate_is_not_slowness():
    feed = Feed()
    feed.frames(60)
    assert all(feed.frames(1, period=2 * PERIOD) == State.LIVE for _ in range(60))


def test_gaps_in_the_camera_s_counter_are_dropped_frames():
    feed = Feed()
    feed.frames(10)
    feed.frames(1, skip=3)
    feed.frames(2, skip=1)
    assert feed.figures.dropped == 5
    feed.number = 0  # the camera restarted its counter
    feed.frames(5)
    assert feed.figures.dropped == 5


def test_gone_until_opened_again_and_live_with_the_first_frames():
    feed = Feed()
    feed.frames(30)
    feed.health.failed(CameraGone("The cable is out."))
    assert feed.state == State.GONE
    assert feed.figures.last_error == "The cable is out."
    feed.clock.advance(7)
    feed.health.opened(feed.clock.now(), 30.0)
    assert feed.state == State.OPENING
    assert feed.frames(1, repeat=True) == State.LIVE  # the old image again, but only once
    assert feed.figures.failures == 1
    feed.health.closed()
    assert feed.state == State.CLOSED


def test_a_camera_that_opens_and_sends_nothing_is_stalled_not_opening_for_ever():
    feed = Feed()
    feed.clock.advance(PRODUCTION.first_frame)
    assert feed.state == State.STALLED


def test_a_frame_from_the_future_is_taken_for_now():
    feed = Feed()
    feed.frames(1, late=-5.0)
    assert feed.figures.age == 0.0
    feed.frames(1, late=0.08)
    assert feed.figures.age == pytest.approx(0.08)


def test_the_rate_of_a_silent_camera_falls():
    feed = Feed()
    feed.frames(90)
    feed.clock.advance(1.0)
    assert 14 < feed.figures.fps < 16
    feed.clock.advance(2.0)
    assert feed.figures.fps == 0

"""Unsynchronised cameras in virtual time: each one's frames are fresh, whether or not all are at once."""

import contextlib
from collections.abc import Iterator, Mapping

import pytest
from scripted_camera import ScriptedCamera, picture, wait_until

from cameras.capture import Capture
from cameras.errors import StaleFrame
from cameras.frame import Frame
from cameras.synchronized_capture import synchronized_frames
from foundation.clocks import VirtualClock
from foundation.deadlines import PRODUCTION

START = 50.0


class Rig(VirtualClock):
    """Cameras that send by this clock: by name the period, the first time and the delay (s) of their frames."""

    def __init__(self, **cameras: tuple[float, float, float]):
        super().__init__(START)
        self.drivers = {name: ScriptedCamera() for name in cameras}
        self.captures: dict[str, Capture] = {}
        self._cameras, self._sent = cameras, dict.fromkeys(cameras, 0)

    def sleep_until(self, moment: float) -> None:
        super().sleep_until(moment)
        for name, (period, first, delay) in self._cameras.items():
            while (taken := START + first + self._sent[name] * period) + delay <= self.now():
                self._sent[name] += 1
                self.drivers[name].send(self._sent[name], taken, picture(self._sent[name]))
                wait_until(lambda name=name: self.captures[name].figures.received == self._sent[name])


@contextlib.contextmanager
def running(rig: Rig) -> Iterator[Rig]:
    with contextlib.ExitStack() as stack:
        rig.captures = {name: stack.enter_context(Capture(driver, clock=rig)) for name, driver in rig.drivers.items()}
        yield rig


def apart(frames: Mapping[str, Frame]) -> float:
    moments = [frame.captured for frame in frames.values()]
    return max(moments) - min(moments)


def test_cameras_of_five_pictures_a_second_are_enough_though_never_all_fresh_at_once():
    """Simulate the lab's cameras where drawing takes 50 ms each: the first is 150 ms old when the third comes."""
    with running(Rig(left=(0.2, 0.0, 0.05), right=(0.2, 0.05, 0.05), top=(0.2, 0.1, 0.05))) as rig:
        rig.sleep_until(START + 0.93)
        for _ in range(3):
            asked = rig.now()
            found = synchronized_frames(rig.captures, 1.0, rig)
            assert list(found) == ["left", "right", "top"] and apart(found) == pytest.approx(0.1)
            assert all(frame.captured >= asked for frame in found.values())
            assert rig.now() - asked < 0.45
            with pytest.raises(StaleFrame):
                for capture in rig.captures.values():
                    capture.latest()


def test_pictures_too_far_apart_wait_for_closer_ones():
    with running(Rig(left=(0.4, 0.05, 0.01), right=(0.4, 0.35, 0.01))) as rig:
        found = synchronized_frames(rig.captures, 2.0, rig)
        assert [round(frame.captured - START, 2) for frame in found.values()] == [0.45, 0.35]


def test_pictures_that_are_never_together_are_given_in_the_end():
    with running(Rig(left=(0.6, 0.0, 0.01), right=(0.6, 0.3, 0.01))) as rig:
        found = synchronized_frames(rig.captures, 1.0, rig)
        assert apart(found) > PRODUCTION.frame_spread and rig.now() >= START + 1.0


def test_a_picture_that_comes_late_or_from_before_is_none():
    for late in ((0.1, 0.0, 0.15), (9.0, -0.02, 0.01)):
        with running(Rig(left=(0.1, 0.0, 0.01), right=late)) as rig, pytest.raises(StaleFrame, match="Bench camera"):
            synchronized_frames(rig.captures, 1.0, rig)

import logging
import threading

import numpy as np
import pytest
from scripted_camera import ScriptedCamera, picture, wait_until

from cameras import capture as capture_module
from cameras.capture import Capture
from cameras.errors import CameraError, CameraGone, StaleFrame
from cameras.health import State
from foundation.clocks import VirtualClock

pytestmark = pytest.mark.alone


@pytest.fixture
def clock():
    return VirtualClock(50.0)


@pytest.fixture
def driver():
    return ScriptedCamera()


@pytest.fixture
def capture(driver, clock):
    with Capture(driver, clock=clock) as capture:
        yield capture


def received(capture: Capture, count: int) -> None:
    wait_until(lambda: capture.figures.received == count)


def test_latest_is_the_newest_frame_with_its_own_capture_time(capture, driver):
    for number in (7, 8, 9):
        driver.send(number, 49.9 + number / 100, picture(number))
    received(capture, 3)
    frame = capture.latest()
    assert (frame.number, frame.captured) == (9, 49.99)
    assert np.array_equal(frame.rgb, picture(9))


def test_no_frame_older_than_100_ms_is_handed_out(capture, driver, clock):
    with pytest.raises(StaleFrame, match="Bench camera is still starting"):
        capture.latest()
    driver.send(1, 50.0)
    received(capture, 1)
    clock.advance(0.0999)
    assert capture.latest().number == 1
    clock.advance(0.0002)
    with pytest.raises(StaleFrame, match=r"100 ms old"):
        capture.latest()
    assert capture.latest(max_age=0.5).number == 1
    assert capture.newest is not None and capture.newest.number == 1


def test_a_frame_that_arrives_late_is_stale_at_once(capture, driver):
    driver.send(1, 49.85)
    received(capture, 1)
    assert capture.state == State.LIVE
    with pytest.raises(StaleFrame, match="too late"):
        capture.latest()


def test_a_frozen_picture_is_not_handed_out_however_new_its_frames(capture, driver, clock):
    for number in range(1, 15):
        clock.advance(1 / 30)
        driver.send(number, clock.now(), picture(0))
        received(capture, number)
    assert capture.state == State.FROZEN
    with pytest.raises(StaleFrame, match="repeats one and the same picture"):
        capture.latest()
    driver.send(15, clock.now(), picture(1))
    received(capture, 15)
    assert capture.latest().number == 15


def test_every_age_from_random_histories_respects_the_promise(capture, driver, clock):
    random = np.random.default_rng(5)
    for number in range(1, 200):
        clock.advance(float(random.exponential(0.06)))
        captured = clock.now() - float(random.exponential(0.05))
        driver.send(number, captured)
        received(capture, number)
        clock.advance(float(random.exponential(0.03)))
        try:
            frame = capture.latest()
        except StaleFrame:
            assert clock.now() - captured > 0.1
        else:
            assert frame.number == number
            assert clock.now() - frame.captured <= 0.1


def test_next_frame_waits_for_one_that_was_not_there(capture, driver, clock):
    driver.send(1, clock.now())
    received(capture, 1)
    threading.Timer(0.05, driver.send, (2, clock.now())).start()
    assert capture.next_frame(10.0).number == 2
    with pytest.raises(StaleFrame):
        capture.next_frame(0.02)


def test_a_camera_that_fails_is_opened_again_and_again(driver, clock, monkeypatch):
    monkeypatch.setattr(capture_module, "BACK_OFF", (0.01,))
    with Capture(driver, clock=clock) as capture:
        driver.send(1, clock.now())
        received(capture, 1)
        driver.present = False
        driver.fail(CameraGone("The cable is out."))
        wait_until(lambda: capture.figures.failures >= 4)
        assert capture.state == State.GONE
        assert capture.figures.last_error == "Bench camera is not there. Plug it in."
        with pytest.raises(StaleFrame, match="not connected"):
            capture.latest()
        driver.present = True
        driver.send(1, clock.now())
        received(capture, 2)
        assert capture.state == State.LIVE
        assert (driver.opened, capture.figures.dropped) == (2, 0)
    assert driver.closed >= driver.opened


def test_a_silent_camera_is_opened_anew_after_a_while(driver, monkeypatch):
    monkeypatch.setattr(capture_module, "BACK_OFF", (0.01,))
    monkeypatch.setattr(capture_module, "REOPEN_AFTER", 0.1)
    with Capture(driver):
        wait_until(lambda: driver.opened == 3)


def test_a_recorder_gets_every_frame_in_order(capture, driver, clock):
    subscription = capture.subscribe(100)
    for number in range(50):
        driver.send(number, clock.now())
    assert [subscription.get(10.0).number for _ in range(50)] == list(range(50))
    assert subscription.dropped == 0
    assert subscription.get(0.01) is None


def test_a_slow_recorder_loses_frames_counted_and_holds_nobody_up(capture, driver, clock):
    slow, quick = capture.subscribe(3), capture.subscribe(100)
    for number in range(10):
        driver.send(number, clock.now())
    received(capture, 10)
    assert [slow.get(1.0).number for _ in range(3)] == [0, 1, 2]
    assert (slow.dropped, quick.dropped) == (7, 0)
    assert capture.latest().number == 9
    capture.unsubscribe(slow)
    driver.send(10, clock.now())
    received(capture, 11)
    assert slow.get(0.01) is None
    assert slow.dropped == 7


def test_close_ends_everything_while_the_driver_blocks(driver, clock):
    capture = Capture(driver, clock=clock)
    subscription = capture.subscribe(10)
    driver.send(1, clock.now())
    received(capture, 1)
    capture.close()
    capture.close()
    assert capture.state == State.CLOSED
    assert driver.closed == driver.opened == 1
    with pytest.raises(StaleFrame, match="switched off"):
        capture.latest()
    assert subscription.get(0.01).number == 1
    assert subscription.get(0.01) is None


def test_closing_does_not_wait_for_the_next_attempt(driver, clock):
    driver.present = False
    capture = Capture(driver, clock=clock)
    wait_until(lambda: capture.figures.failures)
    capture.close()
    assert capture.state == State.CLOSED


def test_a_driver_that_never_lets_go_is_reported(driver, monkeypatch):
    monkeypatch.setattr(capture_module, "_CLOSE_TIMEOUT", 0.05)
    release = threading.Event()
    driver.open = lambda: release.wait(20)
    capture = Capture(driver)
    with pytest.raises(CameraError, match="does not let go"):
        capture.close()
    release.set()
    monkeypatch.setattr(capture_module, "_CLOSE_TIMEOUT", 10)
    capture.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_after_a_fault_of_our_own_no_frame_counts_as_live(driver, clock):
    def broken(timeout):
        raise ZeroDivisionError

    capture = Capture(driver, clock=clock)
    driver.send(1, clock.now())
    received(capture, 1)
    driver.read = broken
    wait_until(lambda: capture.state == State.CLOSED)
    with pytest.raises(StaleFrame):
        capture.latest(max_age=100)
    assert driver.closed == 1
    capture.close()


def test_the_log_tells_what_changes_and_once(driver, clock, monkeypatch, caplog):
    monkeypatch.setattr(capture_module, "BACK_OFF", (0.01,))
    caplog.set_level(logging.INFO, "cameras.capture")
    with Capture(driver, clock=clock) as capture:
        driver.send(1, 50.0)
        received(capture, 1)
        driver.present = False
        driver.fail(CameraError("Bench camera was unplugged."))
        wait_until(lambda: capture.figures.failures > 5)
        driver.present = True
        wait_until(lambda: driver.opened == 2)
        driver.send(2, 50.0)
        received(capture, 2)
    assert [record.getMessage() for record in caplog.records] == [
        "camera Bench camera (scripted:1) is live",
        "camera Bench camera (scripted:1) is gone: Bench camera was unplugged.",
        "camera Bench camera (scripted:1) is gone: Bench camera is not there. Plug it in.",
        "camera Bench camera (scripted:1) is live",
        "camera Bench camera (scripted:1) is closed",
    ]

"""Messages of a failed check of the cameras' poses, and who may go on all the same."""

from cameras.calibration.drift import Drift
from workflows.calibration.place_check import place_check

GREEN = Drift("green", "The camera stands where it stood.", 0.1, 0.1)
RED = Drift("red", "The camera has moved (6.0 px, 9.0 mm).", 6.0, 9.0)
NAMES = {"usb:1": "left", "usb:2": "right", "usb:3": "front"}


def test_cameras_that_stand_where_they_stood_stop_nothing():
    check = place_check({"usb:1": GREEN, "usb:2": Drift("yellow", "a little", 0.4, 0.6)}, NAMES)
    assert check.failed == () and check.refusal == ""


def test_what_could_not_be_seen_stops_nothing():
    assert place_check({"usb:1": Drift("unknown", "No bench tags.")}, NAMES).refusal == ""


def test_one_camera_that_moved_stops_the_work_by_name():
    check = place_check({"usb:1": GREEN, "usb:2": RED}, NAMES)
    assert check.failed == ("usb:2",)
    assert check.refusal.startswith("The camera right does not stand where it stood when it was calibrated.")


def test_two_cameras_that_moved():
    words = place_check({"usb:1": RED, "usb:3": RED}, NAMES).refusal
    assert words.startswith("The cameras left and front do not stand where they stood when they were calibrated.")


def test_an_acknowledgement_lets_the_work_go_on_and_is_kept():
    check = place_check({"usb:2": RED}, NAMES).acknowledged("Kim")
    assert check.refusal == "" and check.failed == ("usb:2",) and check.acknowledged_by == "Kim"
    assert place_check({"usb:2": RED}, NAMES).acknowledged("").acknowledged_by == "somebody"

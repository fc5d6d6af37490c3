"""What a session says of the parts that are not there."""

import time

import pytest

from cameras.errors import StaleFrame
from workflows.session import Session
from workflows.settings import REAL, ArmSettings, CameraChoice, LabSettings, ProgramSettings

pytestmark = pytest.mark.by_the_clock


def opened(session: Session) -> dict[str, tuple[bool, str]]:
    """The set-up's list after an attempt: by name, whether it is well, and what it says."""
    session.open()
    try:
        return {check.name: (check.ok, check.sentence) for check in session.checks()}
    finally:
        session.close()


def real(*cameras: CameraChoice) -> ProgramSettings:
    """An arm at an address that none can have, so that nothing waits for it."""
    return ProgramSettings(arm=ArmSettings(REAL, "nowhere"), cameras=cameras)


def test_a_camera_that_cannot_be_asked_for_stands_in_the_list():
    checks = opened(Session(real(CameraChoice("nonsense", "front"))))
    assert checks["Arm"] == (
        False,
        "“nowhere” is not an address. Give the control box's four numbers, like 192.168.1.203.",
    )
    ok, sentence = checks["Camera front"]
    assert not ok and "There is no camera nonsense" in sentence


def test_without_cameras_the_list_says_what_to_do():
    assert opened(Session(real()))["Calibration"] == (
        False,
        "two cameras or more are needed: choose them, then save and connect",
    )


def test_what_was_wrong_before_is_forgotten():
    session = Session(real(CameraChoice("nonsense", "front")))
    opened(session)
    assert set(session.problems) == {"arm", "nonsense"}
    session.settings = real()
    opened(session)
    assert set(session.problems) == {"arm"}


def test_cameras_of_few_pictures_a_second_are_enough_for_a_scene():
    """As on a computer that draws the lab slowly: each picture is fresh when it comes, never all of them at once."""
    session = Session(ProgramSettings(lab=LabSettings(200_003, 2, picture_px=(160, 120))))
    session.open()
    try:
        left, right = session.captures
        for name in ("left", "right"):
            session.lab.camera_fault(name, slow=9.0)  # 0.3 s between pictures; those of the two come 0.15 s apart
            time.sleep(0.15)
        subscriptions = [session.captures[identity].subscribe(20) for identity in (left, right)]
        for _ in range(3):
            asked = time.monotonic()
            scene = session.take_scene()
            assert all(view.captured >= asked for view in scene.views)
        newest = [[frame.captured for frame in iter(lambda each=each: each.get(0), None)] for each in subscriptions]
        apart = min(abs(one - other) for one in newest[0] for other in newest[1])
        assert apart > 0.1, "the cameras took their pictures together: nothing was tried"
        session.lab.camera_fault("left", frozen=True)
        time.sleep(2.0)
        with pytest.raises(StaleFrame, match="left"):
            session.take_scene()
    finally:
        session.close()

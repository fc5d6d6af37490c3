"""Messages of a session about missing parts."""

from foundation import log
from workflows.session import Session
from workflows.settings import REAL, ArmSettings, CameraChoice, ProgramSettings


def opened(session: Session) -> dict[str, tuple[bool, str]]:
    """Return the set-up's list after an attempt: by name, whether it is well, and its message."""
    session.open()
    try:
        return {check.name: (check.ok, check.sentence) for check in session.checks()}
    finally:
        session.close()


def real(*cameras: CameraChoice) -> ProgramSettings:
    """Return settings with an arm at an unassignable address, so that there is nothing to wait for."""
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


def test_the_log_tells_what_could_not_be_connected_and_holds_no_password(tmp_path):
    camera = CameraChoice("rtsp://me:secret@/stream", "front")
    with log.running("window", tmp_path):
        opened(Session(real(camera)))
    text = (tmp_path / log.NAME).read_text()
    assert "WARNING workflows.session: not connected, arm: “nowhere” is not an address." in text
    assert "not connected, rtsp://(secret)@" in text and "secret@" not in text.replace("(secret)@", "")

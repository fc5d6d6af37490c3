"""A diagnosis holds what helps, and nothing that is nobody's business."""

import json
import logging
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from foundation import log
from workflows import settings as program_settings
from workflows.cancellation import Cancellation, Cancelled
from workflows.diagnosis import DiagnosisError, Request, as_text, save, save_in_process
from workflows.settings import ArmSettings, CameraChoice, LabSettings, ProgramSettings

ROOT = Path(__file__).parents[2]
NAME, INSTRUCTION, TYPED = "Grace Höpper", "hand the cup to Mr Smith", "put away Zoë's cup"
PASSWORD, TOKEN = "tr0ub4dor&3", "hf_AbCdEfGhIjKlMnOp"
CAMERA = f"rtsp://grace:{PASSWORD}@192.168.1.20/stream?token={TOKEN}"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A person's folders with a secret in every corner."""
    home = tmp_path / "home" / "grace"
    for name, where in (("XDG_CONFIG_HOME", ".config"), ("XDG_STATE_HOME", ".state"), ("XDG_DATA_HOME", ".data")):
        monkeypatch.setenv(name, str(home / where))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USER", "grace")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("CAMERA_PASSWORD", PASSWORD)
    program_settings.save(
        ProgramSettings(
            arm=ArmSettings("real"),
            lab=LabSettings(instruction=TYPED),
            cameras=(CameraChoice(CAMERA, "front"), CameraChoice("realsense:1234", f"{NAME}'s camera")),
            library=str(home / "library"),
            operator=NAME,
            recent_instructions=(INSTRUCTION,),
        )
    )
    return home


@pytest.fixture
def logs(home):
    """As the program leaves them, and lines of an older one that was less careful."""
    folder = log.log_folder()
    with log.running("window", folder):
        logging.getLogger("cameras.x").warning("No pictures come from %s", CAMERA, extra=log.SHOWN)
        logging.getLogger("gui.x").info("%s asked to %s in %s", NAME, INSTRUCTION, home / "library")
    with (folder / log.NAME).open("a") as file:
        file.write(f"older: {CAMERA} {NAME} {INSTRUCTION} {home}/library\n")
    (folder / "crash-20260101-000000-000000.txt").write_text(
        f"in the window\n\nTraceback\n  File \"{home}/rehearse/gui/app.py\"\nKeyError: '{INSTRUCTION}' {CAMERA}\n"
    )
    (folder / "run-123.txt").write_text(f"Fatal in {home}/x.py, password={PASSWORD}\n")
    return folder


def contents(file: Path) -> dict[str, str]:
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


def request(tmp_path: Path, library: Path, **more) -> Request:
    return Request(str(tmp_path / "diagnosis.zip"), str(library), **more)


def test_no_secret_and_no_name_reaches_the_log_or_the_file(home, logs, tmp_path):
    written = (logs / log.NAME).read_text().partition("older:")[0]
    answer = save(request(tmp_path, home / "library"))
    for text in (written, *contents(Path(answer["file"])).values()):
        for secret in (PASSWORD, TOKEN, "grace", NAME, "Höpper", "Smith", INSTRUCTION, TYPED, "Zoë"):
            assert secret not in text
    found = contents(Path(answer["file"]))
    assert "rtsp://(secret)@192.168.1.20" not in json.dumps(json.loads(found["machine.json"]))
    assert "~/library" in found[f"log/{log.NAME}"] and "rtsp://" in found[f"log/{log.NAME}"]


def test_it_holds_what_helps(home, logs, tmp_path):
    told = []
    answer = save(request(tmp_path, home / "library", screens=("1920 x 1080 px",)), lambda *said: told.append(said))
    found = contents(Path(answer["file"]))
    assert (
        list(found)
        == answer["files"]
        == [
            *("README.txt", "doctor.txt", "doctor.json", "machine.json", "settings.json", "library.json"),
            *("crashes/crash-20260101-000000-000000.txt", f"log/{log.NAME}", "crashes/run-123.txt"),
        ]
    )
    assert {each["name"] for each in json.loads(found["doctor.json"])} > {"Python", "packages", "kinematics", "log"}
    machine = json.loads(found["machine.json"])
    assert machine["packages"]["numpy"] and machine["screens"] == ["1920 x 1080 px"] and machine["cores"]
    settings = json.loads(found["settings.json"])
    assert settings["operator"] == f"({len(NAME)} characters)" and len(settings["recent_instructions"]) == 1
    assert settings["cameras"][1]["identity"] == "realsense:1234" and settings["arm"]["kind"] == "real"
    assert settings["cameras"][0]["identity"].startswith("rtsp://(secret)@192.168.1.20/")
    assert "KeyError" in found["crashes/crash-20260101-000000-000000.txt"]
    assert answer["file"] in as_text(answer) and "Left out are pictures" in as_text(answer)
    shares = [share for _, share in told]
    assert shares == sorted(shares) and shares[0] >= 0.0 and shares[-1] < 1.0


def test_a_file_that_is_there_is_refused_and_stays(home, tmp_path):
    asked = request(tmp_path, home)
    Path(asked.file).write_text("mine")
    with pytest.raises(DiagnosisError, match="There is already"):
        save(asked)
    assert Path(asked.file).read_text() == "mine"
    save(request(tmp_path, home, replace=True))  # a person was asked in the dialog
    assert zipfile.is_zipfile(asked.file)
    (tmp_path / "folder.zip").mkdir()
    with pytest.raises(DiagnosisError, match="There is already"):
        save(Request(str(tmp_path / "folder.zip"), str(home), replace=True))


def test_a_place_that_cannot_be_written_is_refused_before_the_work(home):
    told = []
    with pytest.raises(DiagnosisError, match="Choose another place"):
        save(Request("/nowhere/diagnosis.zip", str(home)), lambda *said: told.append(said))
    assert told == []


def test_a_full_disk_gets_a_sentence_and_leaves_nothing(home, tmp_path):
    script = f"""
import resource
from foundation.errors import KnownError
from workflows.diagnosis import Request, save
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
try:
    save(Request({str(tmp_path / "diagnosis.zip")!r}, "/nowhere"))
except KnownError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "cannot be written: File too large. Choose another place." in done.stdout
    assert not list(tmp_path.glob("diagnosis*"))


def test_it_is_made_beside_the_window_and_can_be_cancelled(home, logs, tmp_path):
    told, token = [], Cancellation()
    answer = save_in_process(request(tmp_path, home), lambda *said: told.append(said), token)
    assert zipfile.is_zipfile(answer["file"]) and told
    with pytest.raises(DiagnosisError, match="There is already"):
        save_in_process(request(tmp_path, home), lambda *said: None, token)
    Path(answer["file"]).unlink()
    with pytest.raises(Cancelled):
        save_in_process(request(tmp_path, home), lambda *said: token.cancel(), token)
    assert not list(tmp_path.glob("diagnosis*"))

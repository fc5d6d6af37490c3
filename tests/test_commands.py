"""Headless commands as a user types them: exit codes, one JSON object on standard output, messages."""

import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import psutil

from foundation.version import version

ROOT = Path(__file__).parent.parent


def rehearse(*arguments: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "main.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout)


def test_wrong_usage_is_2_and_says_how():
    for arguments in (("dance",), ("demonstrate",), ("benchmark", "nothing")):
        done = rehearse(*arguments)
        assert done.returncode == 2 and done.stdout == "" and "usage" in done.stderr


def test_version_is_that_of_the_project():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    done = rehearse("--version")
    assert done.returncode == 0 and done.stdout == f"rehearse {declared}\n"


def test_version_without_an_installation_is_that_of_the_sources(monkeypatch):
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    installed = version()
    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert version() == installed


def test_without_a_screen_the_window_says_so():
    screenless = {name: value for name, value in os.environ.items() if name not in _SCREEN}
    done = subprocess.run([sys.executable, "main.py"], cwd=ROOT, env=screenless, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("There is no screen here")


_SCREEN = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def test_known_errors_are_1_and_one_sentence():
    done = rehearse("demonstrate", "make coffee")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith('The lab does not understand "make coffee"') and "Traceback" not in done.stderr


def test_demonstrate_prints_one_json_object_and_writes_the_video(tmp_path):
    film = tmp_path / "film.mp4"
    done = rehearse("demonstrate", "pick up the red cube", "--seed", "100003", "--json", "--video", str(film))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["success"] is True
    assert film.stat().st_size > 20_000


def test_a_video_that_cannot_be_written_gets_a_sentence():
    done = rehearse("demonstrate", "pick up the red cube", "--video", "/nowhere/film.mp4")
    assert done.returncode == 1 and "cannot be written" in done.stderr and "Traceback" not in done.stderr


def test_doctor_names_every_finding():
    done = rehearse("doctor", "--json")
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert findings["Rehearse"]["sentence"] == version()
    assert findings["kinematics"]["ok"] and findings["simulated cameras"]["ok"], done.stdout
    assert done.returncode == (0 if all(f["ok"] or not f["needed"] for f in findings.values()) else 1)


def test_simulate_says_how_to_reach_it_and_ends_with_ctrl_c():
    command = [sys.executable, "main.py", "simulate", "--json"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    )
    assert process.stdout is not None and process.stderr is not None
    description = json.loads(process.stdout.readline())
    assert description["cameras"] == ["left", "right"] and description["address"].startswith("127.")
    children = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130 and "Traceback" not in errors
    assert not [child for child in children if child.is_running()]


def test_simulate_refuses_a_port_that_is_none():
    done = rehearse("simulate", "--port", "70000")
    assert done.returncode == 1 and "no port 70000" in done.stderr


def test_the_log_keeps_what_was_asked_and_how_it_ended_without_what_was_typed(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    done = rehearse("demonstrate", "give Mr Smith's cup away", "--video", "rtsp://me:secret@host/x")
    assert done.returncode == 1 and "Mr Smith" in done.stderr
    text = (tmp_path / "rehearse" / "log" / "rehearse.log").read_text()
    assert "command line: rehearse demonstrate '(24 characters)' --video" in text and "exit code 1" in text
    assert "The lab does not understand" in text
    assert "Smith" not in text and "secret@" not in text and "me:" not in text


def test_doctor_writes_a_diagnosis_once(tmp_path):
    file = tmp_path / "diagnosis.zip"
    done = rehearse("doctor", "--report", str(file), "--json", "--library", str(tmp_path / "library"))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == answer["files"] and "doctor.txt" in answer["files"]
    again = rehearse("doctor", "--report", str(file))
    assert again.returncode == 1 and again.stderr.startswith("There is already") and "Traceback" not in again.stderr

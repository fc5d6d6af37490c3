"""Crash logs: kept, reported once at the next start, also of runs that ended without a message."""

import subprocess
import sys
import threading
from pathlib import Path

from foundation.errors import KnownError
from gui.runtime.crash import CrashHooks, CrashLog

ROOT = Path(__file__).parents[3]


def test_a_bug_is_written_stops_the_arm_and_is_told_once(tmp_path):
    log, seen = CrashLog(tmp_path), []
    hooks = CrashHooks(log, lambda: seen.append("stop"), seen.append, seen.append)
    try:
        thread = threading.Thread(target=lambda: {}["missing"], name="worker")
        thread.start()
        thread.join()
    finally:
        hooks.remove()
        log.close()
    stop, path = seen
    assert stop == "stop" and "KeyError" in path.read_text() and "worker" in path.read_text()
    second = CrashLog(tmp_path)
    assert second.unseen == [path]
    second.mark_seen()
    second.close()
    third = CrashLog(tmp_path)
    assert third.unseen == []
    third.close()
    assert len(list(tmp_path.iterdir())) == 1  # the log itself is kept


def test_a_known_error_is_no_crash(tmp_path):
    log, seen = CrashLog(tmp_path), []
    hooks = CrashHooks(log, lambda: seen.append("stop"), seen.append, seen.append)
    try:
        sys.excepthook(KnownError, error := KnownError("The cable is out."), None)
    finally:
        hooks.remove()
        log.close()
    assert seen == [error] and not list(tmp_path.iterdir())


def test_a_process_that_dies_outright_is_told_of_with_its_last_words(tmp_path):
    script = f"""
import ctypes, pathlib
from gui.runtime.crash import CrashLog
log = CrashLog(pathlib.Path({str(tmp_path)!r}))
ctypes.string_at(0)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode < 0
    log = CrashLog(tmp_path)
    assert len(log.unseen) == 1 and "Segmentation fault" in log.unseen[0].read_text()
    log.close()


def test_a_program_that_ends_well_leaves_nothing(tmp_path):
    CrashLog(tmp_path).close()
    assert not list(tmp_path.iterdir())

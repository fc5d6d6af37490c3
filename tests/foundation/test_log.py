"""The log: one file of many processes, rotated, bounded, and never in anybody's way."""

import logging
import queue
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from foundation import log
from foundation.log import FILES, LARGEST, NAME, SHOWN, LogFiles, LogQueue, LogWriter, RateLimit

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \d+\.\d{6} \w+\[\d+\] [A-Z]+ [\w.]+: .+")


def files_in(folder: Path) -> list[Path]:
    """The oldest first."""
    names = [NAME, *(f"{NAME}.{number}" for number in range(1, 20))]
    return [path for name in reversed(names) if (path := folder / name).exists()]


def kept(folder: Path) -> list[str]:
    """Every line, the oldest first."""
    return [line for path in files_in(folder) for line in path.read_text(encoding="utf-8").splitlines()]


def record(message: str, monotonic: float = 0.0, name: str = "robot", level: int = logging.INFO) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": message, "name": name, "levelno": level, "monotonic": monotonic})


def test_a_record_has_both_clocks_process_level_and_name(tmp_path):
    with log.running("window", tmp_path):
        logging.getLogger("gui.anything").info("a press: %s", "Approve")
        logging.getLogger("somebody.else").info("not of interest")
        logging.getLogger("somebody.else").warning("of interest")
    lines = kept(tmp_path)
    assert all(LINE.fullmatch(line) for line in lines), lines
    words = [line.partition("] ")[2] for line in lines]
    assert words[0].startswith("INFO foundation.log: begins: Rehearse") and words[-1] == "INFO foundation.log: ends"
    assert words[1:-1] == ["INFO gui.anything: a press: Approve", "WARNING somebody.else: of interest"]
    assert " window[" in lines[0]
    moments = [float(line.split()[1]) for line in lines]
    assert moments == sorted(moments)


def test_traces_are_indented_and_control_characters_are_no_lines(tmp_path):
    with log.running("window", tmp_path):
        try:
            raise ValueError("a\nb")
        except ValueError:
            logging.getLogger("gui.x").exception("it broke")
        logging.getLogger("gui.x").info("camera \x1b[31m\r2026-01-01T00:00:00.000Z forged")
    lines = kept(tmp_path)
    assert [line for line in lines if not LINE.fullmatch(line) and not line.startswith("    ")] == []
    assert "    ValueError: a" in lines and "    b" in lines
    assert any(r"camera \x1b[31m\x0d2026" in line for line in lines)


def test_what_nobody_caught_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)
    with pytest.raises(ZeroDivisionError), log.running("command", tmp_path):
        thread = threading.Thread(target=lambda: {}["missing"], name="worker")
        thread.start()
        thread.join()
        raise ZeroDivisionError
    text = "\n".join(kept(tmp_path))
    assert "CRITICAL foundation.log: not caught in worker" in text and "    KeyError: 'missing'" in text
    assert "ends by something not caught" in text and "    ZeroDivisionError" in text


def test_at_most_ten_files_of_two_megabytes_are_kept(tmp_path):
    files = LogFiles(tmp_path)
    for number in range(1, 240):
        assert files.write(f"{number:06d} ".ljust(100_000, "x"))
    paths = files_in(tmp_path)
    assert len(paths) == FILES and all(path.stat().st_size <= LARGEST for path in paths)
    numbers = [int(line[:6]) for line in kept(tmp_path)]
    assert numbers == list(range(numbers[0], 240)) and len(numbers) >= (FILES - 1) * LARGEST // 100_001


WRITE_MANY = """
import sys
from pathlib import Path
from foundation.log import LogFiles
files = LogFiles(Path(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(3000):
    assert files.write(f"{sys.argv[1]} {number} ".ljust(1000, sys.argv[1]))
"""


def test_processes_at_once_lose_and_corrupt_nothing(tmp_path):
    """Nine megabytes: the file is changed under the hands of all of them several times."""
    command = [sys.executable, "-c", WRITE_MANY]
    writers = [
        subprocess.Popen([*command, who, tmp_path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for who in "abc"
    ]
    for writer in writers:
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    for writer in writers:  # all at once
        writer.communicate("\n")
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    lines = kept(tmp_path)
    for who in "abc":
        assert [int(line.split()[1]) for line in lines if line[0] == who] == list(range(3000))
    assert all(set(line.partition(" ")[2]) <= set("0123456789 " + line[0]) and len(line) == 1000 for line in lines)
    sizes = [path.stat().st_size for path in files_in(tmp_path)]
    assert len(sizes) == 5 and max(sizes) <= LARGEST


def test_a_process_that_halts_with_the_lock_keeps_nobody_from_writing(tmp_path):
    import fcntl

    files = LogFiles(tmp_path)
    assert files.write("before")
    with (tmp_path / f"{NAME}.lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert files.write("meanwhile")
    assert kept(tmp_path) == ["before", "meanwhile"]


FULL_DISK = """
import logging, resource, sys
from pathlib import Path
from foundation import log
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
with log.running("window", Path(sys.argv[1])):
    for number in range(400):
        logging.getLogger("gui.x").info("word " * (number % 7 + 20))
"""


def test_a_full_disk_raises_nothing_and_leaves_whole_lines(tmp_path):
    done = subprocess.run([sys.executable, "-c", FULL_DISK, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    text = (tmp_path / NAME).read_text()
    assert text.endswith("\n") and len(text) <= 20_000
    assert all(LINE.fullmatch(line.rstrip()) for line in text.splitlines())


def test_what_was_lost_is_said_when_there_is_room_again(tmp_path):
    place = tmp_path / "logs"
    place.write_text("a file where the folder should be")
    writer = LogWriter("window", LogFiles(place))
    for number in range(3):
        writer._write(record(f"lost {number}"))
    place.unlink()
    writer._write(record("kept"))
    first, second = kept(place)
    assert "WARNING foundation.log: 3 records were lost" in first and second.endswith("robot: kept")


@pytest.mark.parametrize("what", ["folder is a file", "file is a folder", "folder cannot be made"])
def test_a_place_that_cannot_be_written_raises_nothing(tmp_path, what, capfd):
    folder = tmp_path / "logs"
    if what == "folder is a file":
        folder.write_text("")
    elif what == "file is a folder":
        (folder / NAME).mkdir(parents=True)
    else:
        folder = Path("/proc/nowhere")
    with log.running("window", folder):
        logging.getLogger("gui.x").warning("a word", extra=SHOWN)
    assert "Error" not in capfd.readouterr().err


def test_the_queue_never_waits_but_drops_and_counts():
    records: queue.Queue = queue.Queue(2)
    handler = LogQueue(records)
    for number in range(5):
        handler.handle(record(f"number {number}"))
    assert handler.dropped == 3 and [records.get().msg for _ in range(2)] == ["number 0", "number 1"]


def test_what_found_the_queue_full_is_said(tmp_path):
    writer = LogWriter("robot", LogFiles(tmp_path), queued=2)
    for number in range(5):
        writer.handler.handle(record(f"number {number}"))
    writer.start()
    writer.close()
    assert "3 records were lost" in kept(tmp_path)[0] and kept(tmp_path)[-1].endswith("number 1")


def test_ending_does_not_wait_for_a_disk_that_hangs(tmp_path, monkeypatch):
    monkeypatch.setattr(log, "_CLOSE_WITHIN", 0.01)
    hangs, goes_on = threading.Event(), threading.Event()

    class Hanging(LogFiles):
        def write(self, line: str) -> bool:
            hangs.set()
            return goes_on.wait(30.0)

    writer = LogWriter("robot", Hanging(tmp_path), queued=1)
    writer.start()
    writer.handler.handle(record("first"))
    assert hangs.wait(10.0)
    for _ in range(3):
        writer.handler.handle(record("more"))
    writer.close()
    assert writer.handler.dropped == 2
    goes_on.set()


def test_a_fault_that_flaps_fills_no_file():
    limit = RateLimit()
    told = [each for tick in range(1000) for each in limit.passed(record(f"C{tick} of 1f3a{tick:04d}", tick / 100))]
    assert 18 <= sum("similar" not in each.msg for each in told) <= 20  # in ten seconds
    left_out = [int(each.msg.split()[0]) for each in told if "similar left out, the last: C" in each.msg]
    assert left_out and sum(left_out) + len(told) - len(left_out) + int(limit.left_out()[0].msg.split()[0]) == 1000


def test_what_is_left_out_is_counted_also_when_nothing_follows():
    limit = RateLimit()
    for _ in range(15):
        limit.passed(record("again", 1.0))
    (summary,) = limit.left_out()
    assert summary.msg == "5 similar left out, the last: again" and limit.left_out() == []


def test_one_flood_keeps_nothing_else_out():
    limit = RateLimit()
    for _ in range(50):
        limit.passed(record("flood", 1.0))
    for said in ("something else", "and another"):
        assert [each.msg for each in limit.passed(record(said, 1.0))] == [said]
    assert len(limit.passed(record("flood", 1.0, name="another module"))) == 1


def test_very_many_kinds_take_no_more_memory():
    limit = RateLimit()
    for number in range(3000):
        limit.passed(record("".join(chr(97 + int(digit)) for digit in str(number)), 1.0))
    assert len(limit._kinds) <= log._KINDS


def test_a_huge_record_is_cut(tmp_path):
    with log.running("window", tmp_path):
        logging.getLogger("gui.x").info("x" * 5_000_000)
    assert max(map(len, kept(tmp_path))) < log.LONGEST + 200


def test_standard_error_shows_warnings_alone_and_not_what_is_shown_elsewhere():
    script = """
import logging, sys
from pathlib import Path
from foundation import log
log.to_standard_error()
with log.running("command", Path(sys.argv[1])):
    logging.getLogger("robot.x").info("quiet")
    logging.getLogger("robot.x").warning("loud")
    logging.getLogger("robot.x").error("in a banner", extra=log.SHOWN)
"""
    done = subprocess.run([sys.executable, "-c", script, "/proc/nowhere"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == ""
    assert done.stderr.rstrip().endswith("robot.x: loud") and done.stderr.count("\n") == 1

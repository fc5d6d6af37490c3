"""A diagnosis to send: one zip file with all that helps whoever looks after the program, and no more than that.

The window has it made in a process of its own (`--role=diagnosis`): to list RealSense cameras, or to try the graphics
driver, may hold a whole process up, and the arm's heart beats in the window's.
"""

import contextlib
import importlib.metadata
import io
import json
import os
import platform
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from foundation import log
from foundation.clocks import utc_now
from foundation.errors import KnownError
from foundation.messages import Channel, ChannelClosed
from foundation.processes import RoleProcess
from foundation.redaction import redacted
from foundation.version import version
from workflows import doctor
from workflows import settings as program_settings
from workflows.cancellation import Cancellation, Report, silently

CONTENTS = (
    "what the doctor found, the versions of the program and of what it stands on, the settings, the logs, the crash "
    "logs, and how much there is in the library"
)
LEFT_OUT = "pictures, videos, instructions, people's names, passwords and keys"
_README = f"""A diagnosis of Rehearse, made {{when}}.

In it: {CONTENTS}.
Left out: {LEFT_OUT}. Cameras stand in it under the names that were given to them.

doctor.txt, doctor.json   what works on the computer, and what does not
machine.json              versions, processor, graphics, screens, packages
settings.json             as saved; of what people typed only how long it is
library.json              counts and sizes
log/                      rehearse.log is the newest; times are UTC and the computer's monotonic clock
crashes/                  what was kept when the program failed
"""


class DiagnosisError(KnownError):
    """The diagnosis cannot be written."""


@dataclass(frozen=True)
class Request:
    """Where to write it, and what about. `replace`: a person has said that the file may be written over. `screens`: as
    the window knows them. `settings` and `logs` None mean this user's."""

    file: str
    library: str
    replace: bool = False
    screens: tuple[str, ...] = ()
    settings: str | None = None
    logs: str | None = None


def save(request: Request, report: Report = silently) -> dict[str, Any]:
    """Write the diagnosis; it takes some ten seconds.

    Returns:
        `file`, its `bytes`, the names of the `files` in it, and what it `contains` as a sentence.

    Raises:
        DiagnosisError: There is such a file already, or it cannot be written. Nothing is left behind then.
    """
    file = Path(request.file).absolute()
    _require_place(file, replace=request.replace)
    parts = _parts(request, report)
    report("Writing the file", 0.95)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    part = file.with_name(f"{file.name}.part")
    try:
        part.write_bytes(data.getvalue())
        part.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise DiagnosisError(f"{file} cannot be written: {error.strerror}. Choose another place.") from error
    contains = f"It holds {CONTENTS}. Left out are {LEFT_OUT}."
    return {"file": str(file), "bytes": file.stat().st_size, "files": list(parts), "contains": contains}


def as_text(answer: dict[str, Any]) -> str:
    """Say where it is and what is in it."""
    return f"The diagnosis is saved as {answer['file']} ({answer['bytes'] / 1000:.0f} kB). {answer['contains']}"


def save_in_process(request: Request, report: Report, token: Cancellation) -> dict[str, Any]:
    """Do the same as `save` in a process of its own, which is ended when the person cancels."""
    process = RoleProcess("diagnosis", asdict(request))
    try:
        while True:
            token.raise_if_cancelled()
            try:
                message = process.channel.receive(0.1)
            except TimeoutError:
                continue
            except ChannelClosed:
                raise DiagnosisError("The diagnosis has ended before it was done. Try again.") from None
            if "error" in message:
                raise DiagnosisError(str(message["error"]))
            if "answer" in message:
                return message["answer"]
            report(message["words"], message["share"])
    finally:
        process.close(timeout=0.5)


def run(channel: Channel) -> None:
    """Serve as the process behind `save_in_process`."""
    values = channel.receive(10.0)
    request = Request(**{**values, "screens": tuple(values["screens"])})
    channel.send({"ready": None})
    os.nice(10)  # whatever the arm and its window do comes first
    answer = save(request, lambda words, share: channel.send({"words": words, "share": share}))
    channel.send({"answer": answer})


def _require_place(file: Path, *, replace: bool) -> None:
    """Refuse before the work begins."""
    if file.exists() and not (replace and file.is_file()):
        raise DiagnosisError(f"There is already {file}. Choose another name for the diagnosis.")
    if not os.access(file.parent, os.W_OK | os.X_OK):
        raise DiagnosisError(f"Nothing can be written in {file.parent}. Choose another place for the diagnosis.")


def _parts(request: Request, report: Report) -> dict[str, str]:
    """Return the archive's files by their names in it."""
    settings, damaged = program_settings.load(None if request.settings is None else Path(request.settings))
    findings = doctor.examine(lambda what, share: report(f"Looking at {what}", 0.7 * share))
    report("Counting what is in the library", 0.7)
    from storage.library_counts import counted  # the database's library loads for a while

    counts = counted(Path(request.library))
    parts = {
        "README.txt": _README.format(when=f"{utc_now():%Y-%m-%d %H:%M} UTC"),
        "doctor.txt": redacted(doctor.as_text(findings)),
        "doctor.json": _json([vars(finding) for finding in findings]),
        "machine.json": _json(_machine(request.screens)),
        "settings.json": _json(_settings(settings) | {"problem": damaged or ""}),
        "library.json": _json(counts),
    }
    logs = Path(request.logs) if request.logs is not None else log.log_folder()
    rotated = [path for path in logs.glob(f"{log.NAME}*") if path.suffix != ".lock"]
    files = sorted([*rotated, *logs.glob("crash-*.txt"), *logs.glob("run-*.txt")])
    for number, path in enumerate(files):
        report("Reading the logs", 0.75 + 0.2 * number / len(files))
        with contextlib.suppress(OSError):  # rotated away, or seen, meanwhile
            folder = "log" if path.name.startswith(log.NAME) else "crashes"
            parts[f"{folder}/{path.name}"] = redacted(path.read_text(encoding="utf-8", errors="replace"))
    return parts


def _settings(settings: program_settings.ProgramSettings) -> dict[str, Any]:
    """Return the settings; of what people typed only the length."""
    values = asdict(settings)
    values["operator"] = _length(settings.operator)
    values["recent_instructions"] = [_length(each) for each in settings.recent_instructions]
    values["lab"]["instruction"] = _length(settings.lab.instruction)
    return values


def _length(text: str) -> str:
    return f"({len(text)} characters)"


def _machine(screens: tuple[str, ...]) -> dict[str, Any]:
    """Describe the computer, without its name and its user's."""
    packages = {each.name: each.version for each in importlib.metadata.distributions()}
    drm = Path("/sys/class/drm")
    return {
        "program": version(),
        "python": platform.python_version(),
        "system": _first_line("/etc/os-release", lambda line: line.startswith("PRETTY_NAME"))
        .partition("=")[2]
        .strip('"'),
        "kernel": f"{platform.system()} {platform.release()} {platform.version()}",
        "processor": _first_line("/proc/cpuinfo", lambda line: line.startswith("model name")).partition(":")[2].strip(),
        "cores": os.cpu_count(),
        "memory": _first_line("/proc/meminfo", lambda line: line.startswith("MemTotal")),
        "gpus": {
            card.name: [_first_line(card / "device" / each) for each in ("vendor", "device")]
            for card in sorted(drm.glob("card[0-9]*"))
            if (card / "device" / "vendor").exists()
        },
        "screens": list(screens)
        or [f"{port.parent.name}: {_first_line(port)}" for port in sorted(drm.glob("*/modes")) if _first_line(port)],
        "desktop": {name: os.environ.get(name, "") for name in ("XDG_SESSION_TYPE", "XDG_CURRENT_DESKTOP", "LANG")},
        "now": {"utc": utc_now().isoformat(timespec="milliseconds"), "monotonic_s": time.monotonic()},
        "packages": dict(sorted(packages.items())),
    }


def _first_line(path: str | Path, wanted: Callable[[str], object] = bool) -> str:
    """Return the first wanted line, '' where there is none or no such file."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return next((line.strip() for line in text.splitlines() if wanted(line)), "")


def _json(values: Any) -> str:
    return json.dumps(_clean(values), indent=2, ensure_ascii=False, default=str)


def _clean(values: Any) -> Any:
    """Redacted value by value: in the whole text a credential could end where a quotation mark does."""
    if isinstance(values, dict):
        return {str(key): _clean(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [_clean(value) for value in values]
    return redacted(values) if isinstance(values, str) else values

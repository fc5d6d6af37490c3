"""Self-test of this machine: what works, and what to do about what does not."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from foundation.log import log_folder
from foundation.version import version
from workflows.cancellation import Report, silently

_LEAST_DISK_GB = 10  # enough for a library of some hundred demonstrations, and the weights


@dataclass(frozen=True)
class Finding:
    """Result of one check; `needed`: the program is of no use when it fails."""

    name: str
    ok: bool
    sentence: str
    needed: bool = True


def examine(report: Report = silently) -> list[Finding]:
    """Run all checks, independently of each other: one failure hides no other."""
    looks: list[Callable[[], Finding]] = [
        program,
        python,
        packages,
        kinematics,
        rendering,
        controller_sdk,
        loopback_ports,
        realsense,
        usb_cameras,
        memory,
        disk,
        log_file,
        accelerator,
        display,
    ]
    found = []
    for number, look in enumerate(looks):
        report(look.__name__.replace("_", " "), number / len(looks))
        found.append(look())
    return found


def as_text(findings: list[Finding]) -> str:
    """Format the findings one per line, with a mark that makes those that need action stand out."""
    marks = {(True, True): "ok     ", (True, False): "ok     ", (False, True): "MISSING", (False, False): "without"}
    return "\n".join(f"{marks[f.ok, f.needed]}  {f.name}: {f.sentence}" for f in findings)


def program() -> Finding:
    return Finding("Rehearse", True, version())


def python() -> Finding:
    fine = sys.version_info >= (3, 11)
    return Finding("Python", fine, platform.python_version() + ("" if fine else ": install 3.11 or newer"))


def packages() -> Finding:
    if not _installed("rehearse"):
        return Finding("packages", False, "the program is not installed in this environment: run make setup")
    wrong = []
    for line in importlib.metadata.requires("rehearse") or []:
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        if not _installed(requirement.name):
            wrong.append(f"{requirement.name} is missing")
        elif not requirement.specifier.contains(importlib.metadata.version(requirement.name), prereleases=True):
            wrong.append(f"{requirement} is wanted, {importlib.metadata.version(requirement.name)} is there")
    return Finding("packages", not wrong, "; ".join(wrong) + ": run make setup" if wrong else "all there")


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def kinematics() -> Finding:
    """Check the arm's kinematics for consistency: forward, inverse and forward again."""
    from foundation import xarm7
    from foundation.poses import distance

    wanted = xarm7.forward(xarm7.HOME + 0.2)
    q = xarm7.inverse(wanted, xarm7.HOME)
    error_mm = float("inf") if q is None else 1000 * float(distance(xarm7.forward(q), wanted)[0])
    return Finding("kinematics", error_mm < 0.01, f"there and back within {error_mm:.1g} mm")


def rendering() -> Finding:
    """Try to render in a separate process: a broken graphics driver may crash the process that tries it."""
    script = "from simulation.pictures.rendering import try_rendering; print(try_rendering())"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parent.parent,
    )
    if done.returncode == 0:
        return Finding("simulated cameras", True, f"drawn through {done.stdout.strip()}")
    last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
    return Finding("simulated cameras", False, f"{last} Try: apt-get install libegl1 libosmesa6", needed=False)


def controller_sdk() -> Finding:
    found = importlib.util.find_spec("xarm") is not None
    version = importlib.metadata.version("xarm-python-sdk") if found else "missing: run make setup"
    home = Path.home()
    if found and not os.access(home, os.W_OK):
        return Finding("arm SDK", False, f"{home} cannot be written, and the arm's SDK keeps its log there: set HOME")
    return Finding("arm SDK", found, version)


def loopback_ports() -> Finding:
    """Check that the SDK's fixed report ports are free: a service there would shadow the simulated arm on 127.0.0.1."""
    taken = []
    for port in (30001, 30002, 30003):
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                taken.append(port)
    if taken:
        return Finding("simulated arm", True, f"ports {taken} are in use: it takes another 127.x address")
    return Finding("simulated arm", True, "ports free")


def realsense() -> Finding:
    try:
        from cameras.drivers.realsense_devices import list_realsense
    except ImportError as error:  # raised by pyrealsense2 itself: libusb is missing
        return Finding("RealSense cameras", False, f"{error}. Try: apt-get install libusb-1.0-0", needed=False)
    names = [camera.name for camera in list_realsense()]
    return Finding("RealSense cameras", bool(names), ", ".join(names) or "none connected", needed=False)


def usb_cameras() -> Finding:
    from cameras.drivers.usb import list_usb

    cameras = list_usb()
    return Finding("USB cameras", bool(cameras), ", ".join(c.name for c in cameras) or "none connected", needed=False)


def memory() -> Finding:
    import psutil

    total_gb = psutil.virtual_memory().total / 1e9
    return Finding("memory", total_gb >= 4, f"{total_gb:.0f} GB" + ("" if total_gb >= 4 else ": 4 GB are needed"))


def disk() -> Finding:
    free_gb = shutil.disk_usage(tempfile.gettempdir() if not Path.home().exists() else Path.home()).free / 1e9
    fine = free_gb >= _LEAST_DISK_GB
    return Finding(
        "disk", fine, f"{free_gb:.0f} GB free" + ("" if fine else f": {_LEAST_DISK_GB} GB are advised"), False
    )


def log_file() -> Finding:
    folder = log_folder()
    kept = next((each for each in (folder, *folder.parents) if each.is_dir()), folder)
    fine = os.access(kept, os.W_OK | os.X_OK)
    return Finding("log", fine, f"kept in {folder}" if fine else f"{kept} cannot be written: nothing is kept", False)


def accelerator() -> Finding:
    name = ""
    if shutil.which("nvidia-smi"):
        query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
        name = subprocess.run(query, capture_output=True, text=True, check=False).stdout.strip().replace("\n", "; ")
    return Finding(
        "NVIDIA GPU", bool(name), name or "none: the small embedded model runs on the processor", needed=False
    )


def display() -> Finding:
    shown = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    return Finding("display", bool(shown), shown or "none: headless commands only", needed=False)

"""Creates `.venv` from the lock files, and installs the system packages. Needs only a plain Python 3.11 to 3.13.

Called by `make setup`, before every `make run` and `make check`: returns at once when nothing has changed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "packaging" / "requirements.lock"
TORCH_CPU, TORCH_CUDA = LOCK.with_name("torch-cpu.lock"), LOCK.with_name("torch-cuda.lock")
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
INPUTS = [LOCK, TORCH_CPU, TORCH_CUDA, ROOT / "pyproject.toml", Path(__file__)]


def main() -> None:
    if not (3, 11) <= sys.version_info < (3, 14):
        sys.exit(
            f"Rehearse needs Python 3.11, 3.12 or 3.13, this is {sys.version.split()[0]}. "
            "Install one and name it: make setup PYTHON=python3.12"
        )
    see_to_system_packages()
    stamp, wanted = VENV / "rehearse-setup", fingerprint()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    if not (VENV / "bin" / "python").exists():
        say("making .venv")
        run(sys.executable, "-m", "venv", str(VENV), hint="On Debian and Ubuntu: apt-get install python3-venv")
    install_torch()
    say("installing the locked packages")
    install(LOCK)
    pip("install", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    pip("check")
    stamp.write_text(wanted)
    say("ready: make run, make check")


def see_to_system_packages() -> None:
    """Install missing packages if permitted, else name them in one line and continue: much works without them."""
    if not shutil.which("dpkg-query"):
        return
    listed = (ROOT / "packaging" / "debian-packages.txt").read_text().splitlines()
    wanted = [line.strip() for line in listed if line.strip() and not line.startswith("#")]
    query = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted]
    known = subprocess.run(query, capture_output=True, text=True, check=False).stdout.split("\n")
    missing = [name for name in wanted if f"{name} installed" not in known]
    if not missing:
        return
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing]
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    allowed = not as_root or (shutil.which("sudo") and succeeds("sudo", "-n", "true"))
    if allowed and shutil.which("apt-get"):
        say(f"installing system packages: {' '.join(missing)}")
        subprocess.run([*as_root, "apt-get", "update", "-q"], check=False, stdout=subprocess.DEVNULL)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        if (
            subprocess.run([*as_root, *install], env=environment, check=False, stdout=subprocess.DEVNULL).returncode
            == 0
        ):
            return
    print(f"Missing system packages: sudo apt-get install {' '.join(missing)}", file=sys.stderr)


def install_torch() -> None:
    """Install the CUDA build if there is an NVIDIA card, else the CPU build, which is ten times smaller."""
    if shutil.which("nvidia-smi") and succeeds("nvidia-smi"):
        say("installing torch with CUDA")
        install(TORCH_CUDA)
        return
    say("installing torch for the CPU")
    # First from pip's configured index, then from PyTorch's own index of CPU builds.
    for more in ([], ["--extra-index-url", CPU_INDEX]):
        if install(TORCH_CPU, *more, may_fail=True):
            return
    say("the CPU build cannot be had; installing torch with CUDA")
    install(TORCH_CUDA)


def install(lock: Path, *options: str, may_fail: bool = False) -> bool:
    """Install exactly what a lock names, from files with its hashes, and build nothing."""
    exactly = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    return pip("install", *exactly, *options, "-r", str(lock), may_fail=may_fail)


def pip(*arguments: str, may_fail: bool = False) -> bool:
    command = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-q", *arguments]
    if may_fail:
        return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0
    run(*command, hint="Is the network reachable? Then try again; what is installed is kept.")
    return True


def run(*command: str, hint: str) -> None:
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(f"This step of the set-up failed: {' '.join(command)}\n{hint}")


def succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def fingerprint() -> str:
    """Return a digest that changes with the locks, the project's own metadata, this script, or the Python version."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in INPUTS) + sys.version.encode()).hexdigest()


def say(what: str) -> None:
    print(f"setup: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

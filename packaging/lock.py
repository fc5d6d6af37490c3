"""Writes the locks: the exact versions that are tested together, each with the hashes of its files.

    make lock                                   # after a change of pyproject.toml: keeps every version that still fits
    make lock ARGS="--upgrade-package numpy"    # any option of `uv pip compile`

Three files, for Linux on x86_64 (Debian 12, Ubuntu 24.04) and every supported Python:

- requirements.lock  everything but torch and what only its CUDA build needs;
- torch-cuda.lock    torch as PyPI has it, with CUDA, and NVIDIA's libraries;
- torch-cpu.lock     the CPU build, a tenth of that, which only PyTorch's own index has.

The two builds have files of their own because pip can then take the CPU build from any place that has it, a mirror or a
folder of wheels too: the hashes decide. A `uv.lock` would insist on PyTorch's index.
"""

import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging"
UV = "uv==0.13.9"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
CUDA = re.compile(r"torch==|triton==|nvidia-|cuda-")  # what the CPU build does without
HEAD = "# Written by `make lock`, see packaging/lock.py: {what}\n"


def main(options: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        uv = install_uv(Path(folder))
        lock_all(uv, Path(folder), options)
        lock_cpu_build(uv)


def install_uv(folder: Path) -> Path:
    """Install uv beside the project's own environment, which needs it for nothing else."""
    venv.create(folder / "uv", with_pip=True)
    subprocess.run([folder / "uv/bin/python", "-m", "pip", "install", "-q", UV], check=True)
    return folder / "uv/bin/uv"


def lock_all(uv: Path, folder: Path, options: list[str]) -> None:
    """Resolve pyproject.toml with all extras and torch from PyPI, and sort the answer into two locks."""
    base, cuda = PACKAGING / "requirements.lock", PACKAGING / "torch-cuda.lock"
    answer = folder / "all.lock"
    # uv keeps the versions that it finds in its output file.
    answer.write_text("".join(path.read_text() for path in (base, cuda) if path.exists()))
    command = [uv, "pip", "compile", "pyproject.toml", "--all-extras", "--universal", "--generate-hashes"]
    command += ["--no-header", "--only-binary", ":all:", "--quiet"]
    subprocess.run([*command, "-o", answer, *options], cwd=ROOT, check=True)
    entries = re.split(r"^(?=\w)", answer.read_text(), flags=re.MULTILINE)
    needs_cuda = [entry for entry in entries if CUDA.match(entry)]
    base.write_text(
        HEAD.format(what="everything but torch.") + "".join(entry for entry in entries if entry not in needs_cuda)
    )
    cuda.write_text(HEAD.format(what="torch with CUDA.") + "".join(needs_cuda))


def lock_cpu_build(uv: Path) -> None:
    """Lock the CPU build from the maker's index; where that cannot be reached, a lock of the same version stays."""
    lock = PACKAGING / "torch-cpu.lock"
    wanted = re.findall(r"^torch==[\d.]+", (PACKAGING / "torch-cuda.lock").read_text(), re.MULTILINE)[0] + "+cpu"
    command = [uv, "pip", "compile", "-", "--no-deps", "--generate-hashes", "--no-header", "--no-annotate"]
    command += ["--only-binary", ":all:", "--default-index", CPU_INDEX, "--quiet"]
    done = subprocess.run(command, input=wanted, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        lock.write_text(HEAD.format(what="torch for the CPU.") + done.stdout)
    elif wanted not in lock.read_text():
        sys.exit(f"{CPU_INDEX} cannot be reached, and {lock.name} is of another version:\n{done.stderr}")
    else:
        print(f"{CPU_INDEX} cannot be reached; {lock.name} stays as it is.", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])

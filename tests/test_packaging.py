"""What is declared in pyproject.toml is what there is: packages and their data, and locks that satisfy it."""

import importlib.metadata
import itertools
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from house import imports, modules
from packaging.requirements import Requirement
from setuptools import Distribution

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHONS = ("3.11", "3.12", "3.13")
LOCKS = {
    "cpu": ("requirements.lock", "torch-cpu.lock"),
    "cuda": ("requirements.lock", "torch-cuda.lock"),
}


def environment(python: str) -> dict[str, str]:
    """Return the markers of a supported platform, Linux on x86_64, for one version of Python."""
    linux = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"}
    implementation = {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    return {**linux, **implementation, "python_version": python, "python_full_version": f"{python}.0", "extra": ""}


def entries(lock: str) -> list[tuple[Requirement, list[str]]]:
    """Return the requirements of a lock with the hashes of each."""
    text = (ROOT / "packaging" / lock).read_text()
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    split = [line.split(" --hash=") for line in lines if line.strip()]
    return [(Requirement(first), [each.strip() for each in hashes]) for first, *hashes in split]


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def applies(requirement: Requirement, python: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(environment(python))


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("kind", LOCKS)
def test_locks_satisfy_the_project(kind, python):
    locked = {
        plain(requirement.name): next(iter(requirement.specifier)).version
        for lock in LOCKS[kind]
        for requirement, _ in entries(lock)
        if applies(requirement, python)
    }
    declared = itertools.chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    wrong = [
        f"{requirement} is declared, {locked.get(plain(requirement.name), 'nothing')} is locked: make lock"
        for requirement in map(Requirement, declared)
        if applies(requirement, python)
        and not requirement.specifier.contains(locked.get(plain(requirement.name), "0.dev0"), prereleases=True)
    ]
    assert not wrong


@pytest.mark.parametrize("lock", sorted({lock for locks in LOCKS.values() for lock in locks}))
def test_locks_name_one_version_and_its_hashes(lock):
    wrong = [
        str(requirement)
        for requirement, hashes in entries(lock)
        if [each.operator for each in requirement.specifier] != ["=="]
        or not hashes
        or not all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes)
    ]
    assert not wrong


@pytest.mark.parametrize("python", PYTHONS)
def test_both_builds_of_torch_are_of_one_version_and_no_package_is_locked_twice(python):
    found = {
        kind: [r for lock in locks for r, _ in entries(lock) if applies(r, python)] for kind, locks in LOCKS.items()
    }
    for requirements in found.values():
        names = [plain(requirement.name) for requirement in requirements]
        assert len(names) == len(set(names))
    cpu, cuda = ({r.name: str(r.specifier) for r in found[kind]}["torch"] for kind in ("cpu", "cuda"))
    assert cpu == f"{cuda}+cpu"


@pytest.fixture
def distribution(monkeypatch):
    monkeypatch.chdir(ROOT)
    made = Distribution()
    made.parse_config_files(["pyproject.toml"])
    made.include_package_data = False  # only what is declared; else a folder of metadata is written here
    return made


def test_every_imported_library_is_declared():
    """Not only brought along by another: that other may let go of it."""
    known = modules()
    imported = {each.target.split(".")[0] for each in imports(known)} - sys.stdlib_module_names
    ours = {"main", *(name.split(".")[0] for name in known)}
    declared = {plain(Requirement(each).name) for each in PROJECT["dependencies"]}
    found = importlib.metadata.packages_distributions()
    assert not [name for name in imported - ours if declared.isdisjoint(map(plain, [name, *found.get(name, [])]))]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listed.split("\0") if name]


def test_every_package_is_found(distribution):
    folders = {path.parent for path in tracked() if path.name == "__init__.py" and path.parts[0] != "tests"}
    assert sorted(distribution.packages) == sorted(".".join(folder.parts) for folder in folders)


def test_every_data_file_of_a_package_is_found(distribution):
    command = distribution.get_command_obj("build_py")
    command.ensure_finalized()
    found = {Path(folder, name) for _, folder, _, names in command.data_files for name in names}
    tops = {name.split(".")[0] for name in distribution.packages}
    assert found == {path for path in tracked() if path.parts[0] in tops and path.suffix != ".py"}

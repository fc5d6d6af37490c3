"""The arrows between the folders, and what may be imported where."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SIDE_BY_SIDE = {"robot", "cameras", "model", "storage", "simulation"}
ALLOWED = {
    "foundation": set(),
    **{folder: {"foundation"} for folder in SIDE_BY_SIDE},
    "workflows": {"foundation", *SIDE_BY_SIDE},
    "gui": {"foundation", "workflows", *SIDE_BY_SIDE},
    "benchmarks": {"foundation", "workflows", *SIDE_BY_SIDE},
}
FOLDERS = set(ALLOWED)
# A library and the only places that may import it.
ONLY_IN = {
    "PySide6": ("gui/", "main.py"),
    "pyqtgraph": ("gui/",),
    "xarm": ("robot/driver.py",),
    "torch": ("model/", "benchmarks/model"),
    "diffusers": ("model/", "benchmarks/model"),
    "transformers": ("model/",),
    "pyrealsense2": ("cameras/realsense",),
    "sqlalchemy": ("storage/",),
    "pickle": (),
}


def sources() -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level names of everything a file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows(path):
    folder = path.relative_to(ROOT).parts[0]
    sideways = imported(path) & FOLDERS - ALLOWED[folder] - {folder}
    assert not sideways, f"{path.relative_to(ROOT)} must not import {sorted(sideways)}"
    for library, places in ONLY_IN.items():
        if library in imported(path):
            assert path.relative_to(ROOT).as_posix().startswith(places), f"{library} is imported in {path}"


def test_there_is_something_to_check():
    assert len(sources()) > 20
    assert not (ROOT / "packaging" / "__init__.py").exists()  # it would shadow the library of that name


def test_everything_but_the_window_and_the_model_imports_without_qt_and_torch():
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sources()
        if path.relative_to(ROOT).parts[0] not in ("gui", "model")
        and not path.relative_to(ROOT).as_posix().startswith("benchmarks/model")
    ]
    script = f"""
import sys
blocked = {{"PySide6", "torch", "diffusers", "transformers"}}
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in blocked:
            raise ImportError(f"{{name}} must not be imported here")
sys.meta_path.insert(0, Block())
import importlib
for module in {[*modules, "main"]!r}:
    importlib.import_module(module)
assert "xarm" not in sys.modules, "the SDK must be imported only when an arm is connected"
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)

"""Allowed imports between the folders and their subfolders, and of the libraries. One test per rule.

docs/architecture.md gives the reason for each rule.
"""

import ast
import subprocess
import sys
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from house import PICTURE, ROOT, drawing, imports, modules, room

KNOWN = modules()
IMPORTS = list(imports(KNOWN))
MIDDLE = {"robot", "cameras", "model", "storage", "simulation"}
FLOORS = {
    "foundation": set(),
    **{folder: {"foundation"} for folder in MIDDLE},
    "workflows": {"foundation", *MIDDLE},
    "gui": {"foundation", "workflows", *MIDDLE},
    "benchmarks": {"foundation", "workflows", *MIDDLE},
}
# Subfolders of one folder, and the subfolders beside them that each may import. All of them may import the modules
# directly in the folder.
SCREEN = {"widgets", "runtime", "pictures", "player", "view3d", "live"}
ROOMS = {
    "gui": {
        "runtime": set(),
        "widgets": {"runtime"},
        "pictures": {"widgets"},
        "player": {"widgets", "pictures"},
        "view3d": {"widgets", "pictures"},
        "live": {"widgets", "runtime", "pictures", "player", "view3d"},
        "arm": SCREEN,
        "setup": SCREEN | {"arm"},
        "calibrate": SCREEN | {"arm", "setup"},
        "record": SCREEN | {"arm"},
        "rehearse": SCREEN | {"arm"},
        "library": SCREEN,
        "history": SCREEN,
    },
    "workflows": {
        "demonstration": set(),
        "embedded": {"demonstration"},
        "calibration": {"demonstration"},
        "proposals": {"demonstration", "embedded"},
        "recording": {"calibration", "demonstration"},
        "labelling": {"proposals", "recording"},
        "rehearsal": {"proposals", "recording", "demonstration"},
        "evaluation": {"proposals", "demonstration", "embedded"},
    },
    "robot": {
        "controller": set(),
        "planning": set(),
        "approval": {"planning"},
        "control": {"approval", "controller", "planning"},
        "service": {"approval", "control", "controller", "planning"},
    },
    "cameras": {"drivers": set(), "calibration": set()},
    "model": {
        "arm_rendering": set(),
        "action_images": set(),
        "networks": {"action_images", "arm_rendering"},
        "checkpoints": {"networks"},
        "generation": {"action_images", "arm_rendering", "networks", "checkpoints"},
        "service": {"action_images", "checkpoints", "generation"},
        "training": {"generation", "networks"},
        "embedded": {"action_images", "arm_rendering", "networks", "checkpoints", "generation", "training"},
    },
    "storage": {
        "video": set(),
        "database": set(),
        "episodes": {"database", "video"},
        "layouts": {"episodes", "video"},
    },
    "simulation": {"controller": set(), "bench": {"controller"}, "pictures": {"bench"}},
}
# A library, and the only folders that may import it.
ONLY_IN = {
    "PySide6": ("gui", "benchmarks.window"),
    "pyqtgraph": ("gui",),
    "xarm": ("robot.controller.driver",),
    "torch": ("model", "benchmarks.model"),
    "diffusers": ("model", "benchmarks.model"),
    "transformers": ("model",),
    "pyrealsense2": ("cameras.drivers",),
    "sqlalchemy": ("storage",),
    "alembic": ("storage.database",),
    "pickle": (),
}
# From the layers below workflows the window may show values, name types, and use the library's own reading and
# editing (storage). Beyond that it may call functions that only compute; they are in:
COMPUTES = (
    "cameras.calibration",
    "cameras.undistort",
    "model.checkpoints.description",
    "robot.box_check",
    "simulation.bench.tasks",
)
MOST_MODULES = 25


def inside(module: str, places: tuple[str, ...]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def test_floors_import_only_the_floors_below():
    wrong = {
        f"{each.module} imports {each.target}"
        for each in IMPORTS
        if (here := each.module.split(".")[0]) != (there := each.target.split(".")[0])
        and there in FLOORS
        and there not in FLOORS[here]
        and not (there == "gui" and inside(each.module, ("benchmarks.window",)))
    }
    assert not wrong


def test_rooms_import_only_the_rooms_they_stand_on():
    wrong = set()
    for each in IMPORTS:
        if each.target not in KNOWN or each.typing_only:
            continue
        here, there = room(each.module, KNOWN).split("."), room(each.target, KNOWN).split(".")
        beside = here != there and here[0] == there[0] in ROOMS and len(here) == len(there) == 2
        if beside and there[1] not in ROOMS[here[0]][here[1]]:
            wrong.add(f"{each.module} imports {each.target}")
    assert not wrong


def test_every_room_is_in_the_table():
    rooms = {room(module, KNOWN) for module in KNOWN}
    found = {folder: {name.split(".")[1] for name in rooms if name.startswith(f"{folder}.")} for folder in ROOMS}
    assert found == {folder: set(rooms) for folder, rooms in ROOMS.items()}


def test_no_modules_import_each_other_in_a_circle():
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for each in IMPORTS:
        if each.target in KNOWN and not each.typing_only:
            sorter.add(each.module, each.target)
    try:
        sorter.prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None


def test_no_folder_is_too_long_a_list():
    counted = Counter(path.parent for path in KNOWN.values() if path.name != "__init__.py")
    assert {path: count for path, count in counted.items() if count > MOST_MODULES} == {}


def test_every_folder_says_what_lives_there():
    silent = [
        name
        for name, path in KNOWN.items()
        if path.name == "__init__.py" and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    bare = {path.parent for path in KNOWN.values() if not (path.parent / "__init__.py").exists()}
    assert not silent and not bare


def test_large_libraries_stay_in_their_place():
    wrong = {
        f"{each.module} imports {library}"
        for each in IMPORTS
        if (library := each.target.split(".")[0]) in ONLY_IN and not inside(each.module, ONLY_IN[library])
    }
    assert not wrong


def test_the_window_shows_what_lies_below_workflows_and_lets_workflows_do_it():
    below = {
        (each.module, each.name): each.target
        for each in IMPORTS
        if each.module.startswith("gui.") and each.target.split(".")[0] in MIDDLE - {"storage"} and each.name
    }
    does = {
        (module, name)
        for (module, name), target in below.items()
        if not inside(target, COMPUTES) and not is_value(target, name)
    }
    wrong = {
        f"{module}:{node.lineno} calls {node.func.id} of {below[module, node.func.id]}"
        for module in {module for module, _ in does}
        for node in ast.walk(ast.parse(KNOWN[module].read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and (module, node.func.id) in does
    }
    assert not wrong


def is_value(module: str, name: str) -> bool:
    """Return whether the name is a constant, a dataclass, an enumeration or an error there."""
    for node in ast.parse(KNOWN[module].read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return False
        if isinstance(node, ast.ClassDef) and node.name == name:
            bases = tuple(ast.unparse(base) for base in node.bases)
            marked = any("dataclass" in ast.unparse(mark) for mark in node.decorator_list)
            return marked or any(base.endswith(("Enum", "Error", "NamedTuple")) for base in bases)
    return True


def test_everything_but_the_window_and_the_model_imports_without_qt_and_torch():
    headless = [name for name in KNOWN if not inside(name, ("gui", "model", "benchmarks.model", "benchmarks.window"))]
    script = f"""
import sys
blocked = {{"PySide6", "torch", "diffusers", "transformers"}}
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in blocked:
            raise ImportError(f"{{name}} must not be imported here")
sys.meta_path.insert(0, Block())
import importlib
for module in {[*headless, "main"]!r}:
    importlib.import_module(module)
assert "xarm" not in sys.modules, "the SDK must be imported only when an arm is connected"
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_the_picture_of_the_house_is_current():
    assert PICTURE.read_text() == drawing(KNOWN), "draw it anew: python packaging/house.py"


def test_packaging_is_no_package():
    assert not (Path(ROOT) / "packaging" / "__init__.py").exists()  # it would shadow the library of that name

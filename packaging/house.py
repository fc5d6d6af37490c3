"""Import graph of the program, read from the sources: for tests/test_layers.py, and for the architecture diagram.

`python packaging/house.py` regenerates docs/pictures/house.svg.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "pictures" / "house.svg"
FOLDERS = ("gui", "workflows", "robot", "cameras", "model", "storage", "simulation", "foundation", "benchmarks")


@dataclass(frozen=True)
class Import:
    """`name` is imported from `target`, a module of ours or a library; `typing_only`: under `if TYPE_CHECKING`."""

    module: str
    target: str
    name: str | None
    typing_only: bool


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Return every module of the program by its dotted name, packages by their folder's."""
    found = {}
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            found[".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")] = path
    return found


def imports(known: dict[str, Path]) -> Iterator[Import]:
    """Yield every import of the known modules, including those inside functions."""
    for module, path in known.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        typing = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(module, alias.name, None, id(node) in typing)
            elif isinstance(node, ast.ImportFrom):
                if node.level or node.module is None:
                    raise ValueError(f"{path}: imports are absolute here")
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    target, name = (inner, None) if inner in known else (node.module, alias.name)
                    yield Import(module, target, name, id(node) in typing)


def room(module: str, known: dict[str, Path]) -> str:
    """Return the folder of the first or second level that contains a module: "gui", "gui.record"."""
    parts = module.split(".")
    deep = len(parts) > 2 or (len(parts) == 2 and known[module].name == "__init__.py")
    return ".".join(parts[:2]) if deep else parts[0]


def room_arrows(known: dict[str, Path]) -> dict[tuple[str, str], int]:
    """Return the number of imports from one room to another, except those for type checking only."""
    counted: dict[tuple[str, str], int] = defaultdict(int)
    for each in imports(known):
        if each.target in known and not each.typing_only:
            arrow = room(each.module, known), room(each.target, known)
            if arrow[0] != arrow[1]:
                counted[arrow] += 1
    return dict(counted)


# The layers, highest first; every folder with the number of columns it takes in the diagram.
_FLOORS = (
    (("gui", 7), ("benchmarks", 3)),
    (("workflows", 10),),
    (("robot", 2), ("cameras", 2), ("model", 2), ("storage", 2), ("simulation", 2)),
    (("foundation", 10),),
)
_COLUMNS = 10
_COLUMN, _BOX, _STEP, _HEAD, _GAP = 140, 34, 58, 34, 16  # px


def drawing(known: dict[str, Path]) -> str:
    """Return the diagram as SVG: layers of folders, their rooms with the number of modules in each, and the imports.

    Arrows that follow from others are left out (transitive reduction): what imports b may import all that b imports.
    """
    arrows = room_arrows(known)
    parts, y = [], _GAP
    for floor in _FLOORS:
        levels = {folder: _levels(folder, known, arrows) for folder, _ in floor}
        height = _HEAD + _GAP + max(len(rows) for rows in levels.values()) * _STEP
        x = _GAP
        for folder, columns in floor:
            width = columns * _COLUMN - _GAP
            parts.append(_folder(folder, levels[folder], known, arrows, (x, y, width, height)))
            x += columns * _COLUMN
        y += height + _GAP
    width = _COLUMNS * _COLUMN + _GAP
    style = (
        "text{font:13px sans-serif;fill:#1d2733}.small{font-size:11px;fill:#5a6775}.title{font-weight:bold}"
        ".folder{fill:#f4f6f8;stroke:#c5ced8}.room{fill:#fff;stroke:#3b6ea5}.arrow{fill:none;stroke:#8aa4c2}"
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" height="{y}">'
    marker = (
        '<defs><marker id="tip" markerWidth="7" markerHeight="7" refX="6" refY="3" orient="auto">'
        '<path d="M0,0 L6,3 L0,6 z" fill="#8aa4c2"/></marker></defs>'
    )
    ground = f'<rect width="{width}" height="{y}" fill="#fff"/>'
    return "\n".join([head, f"<style>{style}</style>", marker, ground, *parts, "</svg>", ""])


def _levels(folder: str, known: dict[str, Path], arrows: dict[tuple[str, str], int]) -> list[list[str]]:
    """Return the rooms of a folder by level, highest first: each is above all that it imports."""
    rooms = sorted({room(module, known) for module in known if room(module, known).startswith(f"{folder}.")})
    depth: dict[str, int] = {}

    def deep(name: str) -> int:
        if name not in depth:
            depth[name] = 1 + max((deep(b) for a, b in arrows if a == name and b in rooms), default=-1)
        return depth[name]

    highest = max((deep(name) for name in rooms), default=-1)
    return [[name for name in rooms if deep(name) == level] for level in range(highest, -1, -1)]


def _folder(
    folder: str,
    levels: list[list[str]],
    known: dict[str, Path],
    arrows: dict[tuple[str, str], int],
    place: tuple[int, int, int, int],
) -> str:
    x, y, width, height = place
    own = sum(room(module, known) == folder and known[module].name != "__init__.py" for module in known)
    parts = [
        f'<rect class="folder" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>',
        f'<text class="title" x="{x + 12}" y="{y + 22}">{folder}/</text>',
        f'<text class="small" x="{x + 20 + 9 * len(folder)}" y="{y + 22}">{own} modules</text>',
    ]
    boxes: dict[str, tuple[float, float, float]] = {}
    for row, names in enumerate(levels):
        wide = (width - 2 * _GAP) / len(names)
        for column, name in enumerate(names):
            boxes[name] = (x + _GAP + column * wide + 4, y + _HEAD + _GAP / 2 + row * _STEP, wide - 8)
    below = {name: {b for a, b in arrows if a == name and b in boxes} for name in boxes}
    for name, (left, top, wide) in boxes.items():
        for other in sorted(below[name] - {c for b in below[name] for c in _all_below(b, below)}):
            there = boxes[other]
            x1, y1, x2, y2 = left + wide / 2, top + _BOX, there[0] + there[2] / 2, there[1] - 1
            bend = (y2 - y1) / 2
            parts.append(
                f'<path class="arrow" marker-end="url(#tip)" d="M{x1:.0f},{y1:.0f} C{x1:.0f},{y1 + bend:.0f} '
                f'{x2:.0f},{y2 - bend:.0f} {x2:.0f},{y2:.0f}"/>'
            )
    for name, (left, top, wide) in boxes.items():
        count = sum(room(module, known) == name and known[module].name != "__init__.py" for module in known)
        middle = left + wide / 2
        parts += [
            f'<rect class="room" x="{left:.0f}" y="{top:.0f}" width="{wide:.0f}" height="{_BOX}" rx="5"/>',
            f'<text x="{middle:.0f}" y="{top + 15:.0f}" text-anchor="middle">{name.split(".")[1]}</text>',
            f'<text class="small" x="{middle:.0f}" y="{top + 28:.0f}" text-anchor="middle">{count} modules</text>',
        ]
    return "\n".join(parts)


def _all_below(name: str, below: dict[str, set[str]]) -> set[str]:
    return below[name] | {deeper for each in below[name] for deeper in _all_below(each, below)}


if __name__ == "__main__":
    PICTURE.write_text(drawing(modules()), encoding="utf-8")

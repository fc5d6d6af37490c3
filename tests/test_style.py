"""What a script can see of our style beyond ruff: wording, and documents that keep up with the program.

One test a rule; each fails with the list of places.
"""

import ast
import fnmatch
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import ROOT, modules

import main
from benchmarks.checks import NAMES

PROGRAM = [ROOT / "main.py", *sorted((ROOT / "packaging").glob("*.py")), *modules().values()]
README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
# First words of docstrings that describe where they should say what the function does.
DESCRIBING = (
    *("a", "all", "an", "any", "both", "each", "every", "few", "many", "more", "most", "new", "none", "nothing", "one"),
    *("only", "own", "same", "some", "that", "the", "there", "these", "this", "those", "three", "two"),
    *("how", "what", "when", "where", "whether", "which", "while", "who", "whom", "whose", "why"),
    *("after", "also", "are", "as", "at", "before", "between", "by", "for", "from", "if", "in", "is", "it", "its"),
    *("like", "of", "on", "per", "since", "to", "until", "up", "with", "without", "false", "true"),
    *("frames", "lines", "names", "poses", "rows", "seconds", "values"),
)


def place(path: Path, line: int, text: str) -> str:
    return f"{path.relative_to(ROOT)}:{line}: {text}"


def test_docstrings_of_functions_begin_imperatively():
    """Properties are named by what they are, fixtures by what they give."""
    wrong = []
    for path in PROGRAM:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            marks = " ".join(map(ast.unparse, node.decorator_list))
            text = ast.get_docstring(node)
            if text and "property" not in marks and "fixture" not in marks:
                first = text.split()[0].strip("`\".,:;()'").lower()
                if first in DESCRIBING:
                    wrong.append(place(path, node.lineno, f"{node.name}: {text.splitlines()[0]}"))
    assert not wrong, listed(wrong)


def test_a_video_is_called_a_video():
    """A name of the code, in backticks, may be another."""
    wrong = [
        place(path, line, text.strip())
        for path in PROGRAM
        for line, text in prose(path)
        if re.search(r"\bfilms?\b", re.sub(r"`[^`]*`", "", text), re.IGNORECASE)
    ]
    assert not wrong, listed(wrong)


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of docstrings and comments, each with its number."""
    source = path.read_text(encoding="utf-8")
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, documented) and ast.get_docstring(node):
            expression = node.body[0]
            for line in range(expression.lineno, (expression.end_lineno or expression.lineno) + 1):
                yield line, source.splitlines()[line - 1]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


@pytest.fixture(scope="module")
def names() -> set[str]:
    """Every file and folder here, by its path and by each end of it: `storage/layouts/known.py`, `known.py`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    paths = {each for name in listed if name for each in (Path(name), *Path(name).parents)}
    return {"/".join(path.parts[start:]) for path in paths for start in range(len(path.parts))}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_only_files_that_exist(document, names):
    """A Python file may go by the end of its path; anything else is a path where it begins with a folder of ours."""
    wrong = []
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        for word in " ".join(re.findall(r"`([^`]+)`", line)).split():
            ours = "/" in word and word[0] != "." and (ROOT / word.split("/")[0]).is_dir()
            if (ours or word.endswith(".py")) and not fnmatch.filter(names, word.rstrip("/")):
                wrong.append(place(document, number, word))
    assert not wrong, listed(wrong)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document):
    wrong = []
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        for target in re.findall(r"\]\(([^)\s]+)\)", line):
            name, _, heading = target.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            aim = document.parent / name if name else document
            if not aim.exists() or (heading and heading not in anchors(aim)):
                wrong.append(place(document, number, target))
    assert not wrong, listed(wrong)


def anchors(document: Path) -> set[str]:
    """Return the names by which the headings of a document can be linked."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_table_of_commands_in_the_readme_is_complete():
    rows = re.findall(r"^\| `rehearse ([\w-]+)", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(set(rows)) == sorted(main._COMMANDS)


def test_the_readme_names_every_benchmark():
    text = README.read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| `rehearse benchmark NAME` \|(.*)$", text, re.MULTILINE)
    assert sorted(re.findall(r"`([\w-]+)`", row)) == sorted(NAMES)


def listed(places: list[str]) -> str:
    return f"{len(places)}:\n" + "\n".join(places)

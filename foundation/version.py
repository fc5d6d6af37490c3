"""The version of the program, for `rehearse --version`, reports and logs."""

import importlib.metadata
import tomllib
from pathlib import Path


def version() -> str:
    """Return the version of the installed program, or that of the sources where it is not installed."""
    try:
        return importlib.metadata.version("rehearse")
    except importlib.metadata.PackageNotFoundError:
        with (Path(__file__).parent.parent / "pyproject.toml").open("rb") as file:
            return tomllib.load(file)["project"]["version"]

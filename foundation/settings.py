"""Persistent settings: one frozen dataclass in one JSON file, replaced atomically.

A file that cannot be read is never overwritten and never stops the program: it is kept aside, the defaults are used,
and the caller gets a message to show.
"""

import dataclasses
import json
import math
import os
import types
import typing
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from foundation.errors import SettingsError

T = TypeVar("T")


def load(path: Path, kind: type[T]) -> tuple[T, str | None]:
    """Load the settings from the file, or the defaults of the dataclass `kind` when it does not exist.

    The second value is None, or a message for the operator: the file was damaged, and where it is kept.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return kind(), None
    except (OSError, UnicodeDecodeError) as error:
        return kind(), _keep_aside(path, str(error))
    try:
        return from_values(json.loads(text), kind), None
    except (ValueError, RecursionError, SettingsError) as error:
        return kind(), _keep_aside(path, str(error))


def save(path: Path, settings: Any) -> None:
    """Write the settings atomically: after a crash the file is either the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            json.dump(dataclasses.asdict(settings), file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise SettingsError(f"The settings could not be saved to {path}: {error.strerror}. Check the disk.") from error


def from_values(values: Any, kind: type[T]) -> T:
    """Build a dataclass from JSON values, checked field by field; SettingsError names the invalid field.

    Missing fields keep their default; unknown fields are rejected, so that no typing error is silent.
    """
    if not dataclasses.is_dataclass(kind):
        raise TypeError(f"{kind} is not a dataclass")
    if not isinstance(values, dict):
        raise SettingsError(f"{kind.__name__} must be a JSON object, not {type(values).__name__}")
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise SettingsError(f"{kind.__name__} has no field {', '.join(unknown)}; it has {', '.join(hints)}")
    try:
        return kind(**{name: _checked(value, hints[name], name) for name, value in values.items()})
    except (TypeError, ValueError) as error:
        raise SettingsError(str(error)) from error


def _checked(value: Any, hint: Any, name: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_values(value, hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _checked(value, next(a for a in arguments if a is not type(None)), name)
    if origin is tuple and isinstance(value, list):
        members = [arguments[0]] * len(value) if arguments[1:] == (...,) else list(arguments)
        if len(members) != len(value):
            raise SettingsError(f"{name} must have {len(members)} values, not {len(value)}")
        return tuple(_checked(v, a, name) for v, a in zip(value, members, strict=True))
    if origin is dict and isinstance(value, dict):
        return {str(key): _checked(v, arguments[1], name) for key, v in value.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is float and isinstance(value, float) and not math.isfinite(value):
        raise SettingsError(f"{name} must be a finite number")
    if isinstance(hint, type) and type(value) is hint:
        return value
    raise SettingsError(f"{name} must be {getattr(hint, '__name__', hint)}, not {value!r}")


def _keep_aside(path: Path, why: str) -> str:
    kept = path.with_name(f"{path.name}.damaged-{datetime.now().astimezone():%Y%m%d-%H%M%S-%f}")
    try:
        path.replace(kept)
    except OSError as error:
        return f"The settings in {path} cannot be read ({why}) nor moved aside ({error.strerror}): defaults are used."
    return f"The settings in {path} could not be read ({why}). Defaults are used; the file is kept as {kept.name}."

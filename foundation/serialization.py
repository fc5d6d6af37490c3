"""Serialization of frozen dataclasses with arrays to plain JSON values, and back by their type hints."""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from foundation.errors import SettingsError

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """Convert to dictionaries, lists, strings and finite numbers; arrays with their dtype; NaN and inf become None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
    if isinstance(value, np.ndarray):
        return {"array": to_plain(value.tolist()), "dtype": str(value.dtype), "shape": list(value.shape)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} has no plain form")


def from_plain(values: Any, kind: type[T]) -> T:
    """Rebuild the dataclass `kind` from the output of `to_plain`; SettingsError names what does not fit."""
    try:
        return _read(values, kind)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise SettingsError(f"these are not the values of {kind.__name__}: {error}") from error


def _read(values: Any, kind: Any) -> Any:
    if kind is np.ndarray:
        array = np.array(values["array"], dtype=object)
        array[array == None] = np.nan  # noqa: E711 - elementwise
        return array.astype(values["dtype"]).reshape(values["shape"])
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        names = {f.name for f in dataclasses.fields(kind) if f.init}
        if not isinstance(values, dict) or not set(values) <= names:
            raise ValueError(f"unknown fields {sorted(set(values) - names)}")
        return typing.cast(Any, kind)(**{name: _read(each, hints[name]) for name, each in values.items()})
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return None if values is None else _read(values, next(each for each in arguments if each is not type(None)))
    if origin is tuple:
        inner = [arguments[0]] * len(values) if arguments[-1:] == (...,) else list(arguments)
        return tuple(_read(each, one) for each, one in zip(values, inner, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {arguments[0](key): _read(each, arguments[1]) for key, each in values.items()}
    if origin is not None and issubclass(origin, Sequence):
        return [_read(each, arguments[0]) for each in values]
    if kind is float and values is None:
        return float("nan")
    return kind(values)

"""Conversion of dataclasses with arrays to plain values for JSON, and back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from foundation.errors import SettingsError
from foundation.serialization import from_plain, to_plain


@dataclass(frozen=True)
class Inner:
    name: str
    value: float | None = None


@dataclass(frozen=True, eq=False)
class Outer:
    array: np.ndarray
    many: tuple[Inner, ...] = ()
    named: Mapping[str, Inner] = field(default_factory=dict)
    numbered: Mapping[int, np.ndarray] = field(default_factory=dict)
    pair: tuple[int, str] = (0, "")


@pytest.mark.parametrize("dtype", ["float64", "bool", "int64"])
def test_what_is_written_is_read(dtype):
    array = np.array([[0, 1], [1, 0]], dtype)
    outer = Outer(
        array, (Inner("a", 1.5), Inner("b")), {"x": Inner("c", float("nan"))}, {7: np.zeros((0, 2))}, (3, "z")
    )
    again = from_plain(json.loads(json.dumps(to_plain(outer), allow_nan=False)), Outer)
    np.testing.assert_array_equal(again.array, array)
    assert again.array.dtype == array.dtype and again.many == outer.many and again.pair == (3, "z")
    assert again.named["x"].value is None and again.numbered[7].shape == (0, 2)


def test_what_is_not_a_number_comes_back_as_such():
    again = from_plain(to_plain(Outer(np.array([1.0, np.nan]))), Outer)
    np.testing.assert_array_equal(again.array, [1.0, np.nan])


@pytest.mark.parametrize(
    "values", [{}, {"array": 1}, {"array": {"array": [1], "dtype": "float64"}, "other": 1}, [], None]
)
def test_other_values_are_refused(values):
    with pytest.raises(SettingsError, match="Outer"):
        from_plain(values, Outer)


def test_things_without_a_plain_form_are_a_bug():
    with pytest.raises(TypeError):
        to_plain(Inner("a", object()))  # type: ignore[arg-type]

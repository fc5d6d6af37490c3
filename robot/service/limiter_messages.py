"""Conversion of the limiter's settings to plain values, for messages between the processes."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from robot.errors import RobotError
from robot.limiter import LimiterSettings
from robot.workspace import Workspace


def limits_from(values: Mapping[str, Any] | None) -> LimiterSettings:
    """Parse any fields of LimiterSettings, and `workspace` {"low": ..., "high": ...} among them.

    Raises RobotError if they are invalid, or exceed what an arm may have.
    """
    limits = dict(values or {})
    workspace = limits.pop("workspace", None)
    try:
        if workspace is not None:
            limits["workspace"] = Workspace(np.array(workspace["low"]), np.array(workspace["high"]))
        return LimiterSettings(**limits)
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise RobotError(f"The limits of the arm cannot be used: {error}.") from error


def limits_to(limits: LimiterSettings) -> dict[str, Any]:
    """Return the values that `limits_from` parses."""
    values = {field.name: getattr(limits, field.name) for field in dataclasses.fields(limits)}
    box = limits.workspace
    return values | {"workspace": {"low": box.low.tolist(), "high": box.high.tolist()}}

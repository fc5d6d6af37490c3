"""The limiter's settings from plain values, as they travel between the processes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from robot.errors import RobotError
from robot.limiter import LimiterSettings
from robot.workspace import Workspace


def limits_from(values: Mapping[str, Any] | None) -> LimiterSettings:
    """Any fields of LimiterSettings, and `workspace` {"low": ..., "high": ...} among them; RobotError when they are
    no limits."""
    limits = dict(values or {})
    workspace = limits.pop("workspace", None)
    try:
        if workspace is not None:
            limits["workspace"] = Workspace(np.array(workspace["low"]), np.array(workspace["high"]))
        return LimiterSettings(**limits)
    except (TypeError, ValueError, KeyError) as error:
        raise RobotError(f"The limits of the arm cannot be used: {error}.") from error

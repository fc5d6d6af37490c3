"""Commands from the window to the robot loop: every message is validated here before the loop sees any of it.

No message carries a motion and starts it: a plan is staged, and started by its nonce.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from foundation.redaction import keep_out
from robot.approval.multi_segment_approval import SegmentsApproval
from robot.control.jog_step import JogStep
from robot.control.loop import RobotLoop
from robot.control.recovery import RecoveryStep
from robot.errors import RobotError
from robot.planning.plan import LARGEST_PLAN

_LONGEST_TEXT = 2000  # characters
_MOST_PRESSES = 1 << 53
_PLAIN = ("clear_error", "enable", "arm_for_motion", "hand_guide", "release", "pause", "resume")

Action = Callable[[RobotLoop], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Press:
    """Received command: the action, the `stops` known and the time (s) at which it was `given`, and its `identity`.

    The answer is sent under `identity`; None if no answer is expected.
    """

    act: Action
    stops: int
    given: float
    identity: int | None


def press(message: dict[str, Any]) -> Press:
    """Parse a command. Raises RobotError, naming it, for a message that requests nothing the loop can do."""
    try:
        return Press(
            _action(message),
            _count(message.get("stops", -1), -1),
            _number(message.get("given", -math.inf), finite=False),
            identity(message),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise RobotError(f"The command {name(message)} cannot be understood: {error}.") from error


def name(message: dict[str, Any]) -> str:
    """Return the name of the requested command; for other types, the type's name."""
    what = message.get("do")
    return what[:40] if isinstance(what, str) else f"({type(what).__name__})"


def words(message: dict[str, Any]) -> str:
    """Describe a command for the log: without plan and instruction, and of a nonce only the beginning."""
    longest = {"nonce": 6} | dict.fromkeys(("step", "name", "openness", "speed", "hold", "reason"), 100)
    shown = {key: str(value)[: longest[key]] for key, value in message.items() if key in longest and _is_plain(value)}
    return " ".join((name(message), *(f"{key}={value}" for key, value in shown.items())))


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def identity(message: dict[str, Any]) -> int | None:
    """Return the identity for the answer; None if the message has none."""
    value = message.get("id")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def hand(message: dict[str, Any]) -> tuple[int, float, float]:
    """Parse a hold message: number of the press, its start, and the time of sending (s); RobotError if invalid."""
    try:
        number = _count(message["press"], 0)
        return number, _number(message.get("began", math.inf), finite=False), sent(message)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise RobotError(f"The sign of the hand cannot be understood: {error}.") from error


def sent(message: dict[str, Any]) -> float:
    """Return the time at which a message was sent, s; RobotError if it is no number."""
    try:
        return _number(message.get("given", math.inf), finite=False)
    except (TypeError, ValueError, OverflowError) as error:
        raise RobotError(f"The time of a message cannot be understood: {error}.") from error


def _action(message: dict[str, Any]) -> Action:
    what = _text(message["do"])
    match what:
        case "stage":
            plan = _bytes(message["plan"])  # the stage parses it: an invalid plan also replaces the old one
            cover, instruction = _text(message.get("cover", "")), _text(message.get("instruction", ""))
            keep_out(instruction)
            return lambda loop: dataclasses.asdict(loop.stage(plan, cover=cover, instruction=instruction))
        case "allow":
            allowance = _allowance(message["allowance"])
            keep_out(allowance.instruction)
            return lambda loop: loop.allow(allowance)
        case "execute":
            nonce, speed, hold = _text(message["nonce"]), _number(message["speed"]), _truth(message.get("hold", False))
            return lambda loop: loop.execute(nonce, speed, hold=hold)
        case "revoke":
            reason = _text(message["reason"])
            return lambda loop: loop.revoke(reason)
        case "jog":
            twist, tool_frame = _array(message["twist"], (6,)), _truth(message["tool_frame"])
            return lambda loop: loop.jog(twist, tool_frame=tool_frame)
        case "jog_to":
            step = JogStep(_array(message["target"], (4, 4)), _number(message["speed"]), _number(message["turn"]))
            return lambda loop: loop.jog_to(step)
        case "gripper":
            openness = _number(message["openness"])
            return lambda loop: loop.move_gripper(openness)
        case "recover":
            step = RecoveryStep(_text(message["step"]))
            return lambda loop: loop.recover(step)
        case "write_setting":
            name = _text(message["name"])
            return lambda loop: loop.write_setting(name)
        case "restore_setting":
            name = _text(message["name"])
            return lambda loop: loop.restore_setting(name)
        case _ if what in _PLAIN:
            return lambda loop: getattr(loop, what)()
        case _:
            raise ValueError("there is no such command")


def _allowance(values: Any) -> SegmentsApproval:
    if not isinstance(values, dict):
        raise TypeError("an approval of several parts needs named values")
    fields = {field.name for field in dataclasses.fields(SegmentsApproval)}
    if unknown := set(map(str, values)) - fields:
        raise ValueError(f"an approval of several parts has no {', '.join(sorted(unknown))[:60]}")
    low, high = (tuple(_array(values[name], (3,)).tolist()) for name in ("low", "high"))
    numbers = {name: _number(values[name]) for name in ("speed", "seconds") if name in values}
    return SegmentsApproval(_text(values["instruction"]), _count(values["parts"], 0), low, high, **numbers)


def _number(value: Any, *, finite: bool = True) -> float:
    """Return a number, refusing bool and text; with `finite`, neither NaN nor infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"a number is needed, not {type(value).__name__}")
    number = float(value)
    if math.isnan(number) or (finite and math.isinf(number)):
        raise ValueError(f"a finite number is needed, not {number}")
    return number


def _count(value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value < _MOST_PRESSES:
        raise ValueError(f"a whole number from {least} on is needed, not this {type(value).__name__}")
    return int(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise TypeError(f"a text of at most {_LONGEST_TEXT} characters is needed, not {type(value).__name__}")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"yes or no is needed, not {type(value).__name__}")
    return bool(value)


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes) or len(value) > LARGEST_PLAN:
        raise TypeError(f"at most {LARGEST_PLAN} bytes are needed, not {type(value).__name__}")
    return value


def _array(value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return finite numbers of `shape` as float64."""
    if not isinstance(value, np.ndarray | list | tuple):
        raise TypeError(f"numbers are needed, not {type(value).__name__}")
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or array.shape != shape:
        raise TypeError(f"numbers of the shape {shape} are needed, not {array.shape} {array.dtype}")
    array = array.astype(float)
    if not np.isfinite(array).all():
        raise ValueError("finite numbers are needed")
    return array

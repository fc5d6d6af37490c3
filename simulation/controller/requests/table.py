"""Table of the simulated controller's register handlers, and what they share."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulation.controller.protocol import FramingError, Register, Request, Status, unpack_floats

if TYPE_CHECKING:
    from simulation.controller.controller import Controller


LARGEST = 1e6  # limit of any number of the protocol, in its own unit


@dataclass(frozen=True, slots=True)
class Call:
    """One request, its client, the feedback that the client subscribed to (register 254), and its arrival time (s)."""

    request: Request
    client: Hashable
    mask: int
    arrived: float

    @property
    def params(self) -> bytes:
        return self.request.params

    def byte(self, index: int, default: int | None = None) -> int:
        """Return one parameter byte; raises FramingError when it is missing and there is no default."""
        if 0 <= index < len(self.request.params):
            return self.request.params[index]
        if default is None:
            raise FramingError(f"parameter byte {index} is missing")
        return default

    def floats(self, count: int, offset: int = 0, *, infinite: bool = False) -> tuple[float, ...]:
        """Unpack floats; refuses non-numbers and absurd values; with `infinite`, infinity means "keep"."""
        values = unpack_floats(self.request.params, count, offset)
        for value in values:
            if not abs(value) <= LARGEST and not (infinite and value == math.inf):
                raise Refused
        return values


class Refused(Exception):
    """The request is answered with this status; `params` where clients expect a result of fixed length all the same."""

    def __init__(self, status: Status = Status.REFUSED, params: bytes = b""):
        super().__init__(str(status))
        self.status, self.params = status, params


Handler = Callable[["Controller", Call], bytes]
HANDLERS: dict[int, Handler] = {}


def handles(*registers: Register) -> Callable[[Handler], Handler]:
    """Register a handler in the table; it returns the reply's parameters, or raises Refused."""

    def enter(handler: Handler) -> Handler:
        for register in registers:
            HANDLERS[register] = handler
        return handler

    return enter

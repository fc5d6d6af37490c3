"""Log of what a simulated controller received: evidence for tests and safety guarantees."""

import itertools
from collections import Counter, deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from simulation.controller.protocol import Register, unpack_floats

STREAMED = frozenset(
    {
        Register.SERVO_JOINTS,
        Register.SERVO_CARTESIAN,
        Register.SERVO_CARTESIAN_AXIS_ANGLE,
        Register.JOINT_VELOCITY,
        Register.CARTESIAN_VELOCITY,
    }
)
QUERIES = frozenset(
    {
        Register.GET_VERSION,
        Register.GET_SERIAL,
        Register.GET_STATE,
        Register.GET_QUEUE_LENGTH,
        Register.GET_ERROR,
        Register.GET_POSE,
        Register.GET_JOINTS,
        Register.GET_TORQUES,
        Register.GET_POSE_AXIS_ANGLE,
        Register.GET_TRAJECTORY_STATUS,
        Register.BOX_GET_STATE,
    }
)


@dataclass(frozen=True, slots=True)
class Received:
    """One command: `time` s on the caller's clock, and its parameters as received.

    `number` counts everything that was received, queries too.
    """

    number: int
    time: float
    register: int
    client: Hashable
    params: bytes

    @property
    def first(self) -> int:
        """First parameter byte: the state of a set_state, the mode of a set_mode; -1 without parameters."""
        return self.params[0] if self.params else -1

    def floats(self, count: int) -> tuple[float, ...]:
        return unpack_floats(self.params, count)


class CommandLog:
    """Separate logs of commands and streamed targets, so that a stream never evicts commands; queries are only counted.

    Counts are exact for ever; entries are kept up to `commands` and `stream`, and the oldest are evicted first.
    """

    def __init__(self, commands: int = 20_000, stream: int = 20_000):
        self._commands: deque[Received] = deque(maxlen=commands)
        self._stream: deque[Received] = deque(maxlen=stream)
        self._counts: Counter[tuple[int, int]] = Counter()
        self._numbers = itertools.count()

    def add(self, time: float, register: int, client: Hashable, params: bytes) -> None:
        received = Received(next(self._numbers), time, register, client, params)
        self._counts[received.register, received.first] += 1
        if received.register in STREAMED:
            self._stream.append(received)
        elif received.register not in QUERIES:
            self._commands.append(received)

    def count(self, register: int, first: int | None = None) -> int:
        """Count the writes of this register since the start, with this first parameter byte if one is given."""
        if first is not None:
            return self._counts[register, first]
        return sum(n for (known, _), n in self._counts.items() if known == register)

    def received(self, register: int, first: int | None = None) -> list[Received]:
        """Return the kept entries of this register, oldest first."""
        source = self._stream if register in STREAMED else self._commands
        return [entry for entry in source if entry.register == register and first in (None, entry.first)]

    def stops(self) -> list[Received]:
        """Return every kept pause and stop, oldest first."""
        return [e for e in self._commands if e.register == Register.SET_STATE and e.first in (3, 4, 6)]

    def __iter__(self) -> Iterator[Received]:
        return iter(sorted((*self._commands, *self._stream), key=lambda entry: entry.number))

    def clear(self) -> None:
        self._commands.clear()
        self._stream.clear()
        self._counts.clear()

"""Deadlines of everything that a clock watches: heartbeat, reports, answers, frames.

The defaults are production's. No setting, file, argument or environment variable reaches them: they are handed over in
code, where a test that is not about a deadline gives a busy machine more time. The robot process accepts longer ones
for an arm on this machine's loopback only.
"""

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Self


@dataclass(frozen=True)
class Deadlines:
    """Every deadline in s."""

    # Between window and robot process.
    heartbeat: float = 0.2  # silence after which a moving arm begins its stop; busy machines stall for up to 0.11 s
    heartbeat_at_rest: float = 1.0  # the same while the arm stands, with no motion approved
    hold_to_run: float = 0.2  # since the last sign of the hand on the button of a motion that needs it
    jog: float = 0.2  # since the newest velocity of hand control
    command: float = 2.0  # a press that was queued for longer is void; less than `answer`
    answer: float = 3.0
    status: float = 1.0  # after which the window says that the status is old; it comes thirty times a second
    connect: float = 20.0  # three connections after the start of an interpreter
    # Between robot process and controller.
    reply: float = 0.5  # the SDK's own 2 s would keep the loop waiting, and a healthy box answers in 1 ms
    reports: float = 0.3
    ready: float = 2.0
    setting: float = 3.0  # until the box reports a new setting; it does five times a second
    # Cameras.
    frame_age: float = 0.1  # no frame that comes older counts as the present
    frame_spread: float = 0.15  # between the first and the last frame of one synchronized set
    no_frame: float = 0.5  # then the camera is stalled; a fault has to be seen within 500 ms
    same_frame: float = 0.4  # of one and the same image, then it is frozen; leaves three periods at 30 Hz before 500 ms
    frame_rate: float = 0.4  # window in which a camera's rate is measured
    frame_periods: float = 20 / 9  # mean frame time there, in nominal ones, from which it is slow; dim light doubles it
    first_frame: float = 4.0  # network cameras wait for their next key frame
    board_frames: float = 4.0  # for five frames of each camera, of an arm that stands still

    def __post_init__(self):
        wrong = [name for name, value in asdict(self).items() if not (math.isfinite(value) and value > 0)]
        if wrong:
            raise ValueError(f"deadlines must be positive numbers of seconds: {', '.join(wrong)}")

    def times(self, factor: float) -> Self:
        """Return all of them multiplied by `factor`."""
        return replace(self, **{field.name: factor * getattr(self, field.name) for field in fields(self)})

    def longer_than(self, other: "Deadlines") -> tuple[str, ...]:
        """Return the names of those that are longer than the other's."""
        return tuple(name for name, value in asdict(self).items() if value > getattr(other, name))


PRODUCTION = Deadlines()

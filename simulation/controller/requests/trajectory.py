"""Requests about recorded trajectories: record, save, load, play back."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from foundation.arm import Mode
from simulation.controller.core import Event, Task
from simulation.controller.motions import Playback
from simulation.controller.protocol import Feedback, Outcome, Register, Status
from simulation.controller.requests.table import Call, Refused, handles

if TYPE_CHECKING:
    from simulation.controller.controller import Controller


def _name(call: Call) -> str:
    return call.params[:81].split(b"\0")[0].decode("utf-8", "replace")


def _tell(controller: Controller, call: Call, done: bool) -> None:
    outcome = Outcome.DONE if done else Outcome.FAILED
    controller.announce(Event(controller.ticket(call), Feedback.OTHER_END, outcome))


@handles(Register.RECORD)
def record(controller: Controller, call: Call) -> bytes:
    controller.core.recorder.record(bool(call.byte(0)))
    return b""


@handles(Register.SAVE_TRAJECTORY)
def save_trajectory(controller: Controller, call: Call) -> bytes:
    _tell(controller, call, controller.core.recorder.save(_name(call)))
    return b""


@handles(Register.LOAD_TRAJECTORY)
def load_trajectory(controller: Controller, call: Call) -> bytes:
    _tell(controller, call, controller.core.recorder.load(_name(call)))
    return b""


@handles(Register.GET_TRAJECTORY_STATUS)
def get_trajectory_status(controller: Controller, call: Call) -> bytes:
    return bytes((controller.core.recorder.take_status(),))


@handles(Register.PLAY_TRAJECTORY)
def play_trajectory(controller: Controller, call: Call) -> bytes:
    if len(call.params) < 4:
        raise Refused
    times = struct.unpack_from("<i", call.params)[0]
    rate = struct.unpack_from("<i", call.params, 4)[0] if len(call.params) >= 8 else 1
    core = controller.core
    samples = core.recorder.loaded
    if samples is None or rate not in (1, 2, 4):
        raise Refused
    if not core.ready or core.mode != Mode.POSITION or core.queue_length:
        raise Refused(Status.NOT_READY)
    core.mode = int(Mode.PLAYBACK)
    motion = Playback(samples, times if times > 0 else -1, rate)
    core.enqueue(Task(motion, controller.ticket(call), Feedback.OTHER_START, Feedback.OTHER_END))
    return b""

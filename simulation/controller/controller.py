"""Simulated xArm7 controller without sockets, threads or a clock: bytes in, bytes out, one call per cycle.

It answers as the maker's control box does (developer manual; SDK 1.18) and moves a `Plant`. The owner calls
`controller.tick()` and then `plant.step(TICK)`, in real or in virtual time; nothing here is thread-safe.
More permissive or simpler than a real box: the arm stops at points with a blending radius, the safety boundary can be
left again by any inward motion, and the collision thresholds and the gripper's speed are estimates.
"""

import copy
from collections.abc import Callable, Hashable

import numpy as np

import simulation.controller.requests.motion
import simulation.controller.requests.settings
import simulation.controller.requests.state
import simulation.controller.requests.stream
import simulation.controller.requests.tool
import simulation.controller.requests.trajectory  # noqa: F401  (these six fill the table of handlers)
from simulation.controller.core import MOTORS_OFF, Core, Event, Ticket
from simulation.controller.faults import Faults
from simulation.controller.gripper import Gripper
from simulation.controller.kinematics import TICK, ControllerFault
from simulation.controller.log import CommandLog
from simulation.controller.plant import Plant
from simulation.controller.protocol import (
    HEARTBEAT_PROTOCOL,
    STANDARD_PROTOCOL,
    FramingError,
    Request,
    Status,
    decode_request,
    encode_feedback,
    encode_reply,
)
from simulation.controller.report import Face, encode_report
from simulation.controller.requests.table import HANDLERS, Call, Refused
from simulation.controller.settings import Settings
from simulation.controller.tool import BoxIo, ToolBus

__all__ = ["TICK", "Controller"]

GRIPPER_LOST = MOTORS_OFF | {19, 28}  # errors after which the gripper has to be enabled again


class Controller:
    """One xArm7 with its control box and gripper.

    `model` and `firmware` as in the version reply: a model of 1305 or more has the tighter joint ranges, and the SDK
    chooses its requests by the firmware. `settings` are those saved in the box. `self_collision(q)` returns whether
    joints (7,) collide with each other; it is called while register 77 is on (C22).
    """

    def __init__(
        self,
        plant: Plant,
        *,
        firmware: str = "v2.5.0",
        model: str = "XS1305",
        serial: str = "00000001",
        faults: Faults | None = None,
        settings: Settings | None = None,
        self_collision: Callable[[np.ndarray], bool] | None = None,
    ):
        self.plant = plant
        self.firmware, self.model, self.serial = firmware, model, serial
        self.faults = Faults() if faults is None else faults
        self.log = CommandLog()
        self.saved = Settings() if settings is None else settings
        self.settings = copy.deepcopy(self.saved)
        self.core = Core(plant, self.settings, self_collision=self_collision)
        self.gripper = Gripper(plant)
        self.tool = ToolBus(self.gripper)
        self.box = BoxIo()
        self.counter = 0
        self._tasks = 0
        self._masks: dict[Hashable, int] = {}
        self._feedback: dict[Hashable, list[bytes]] = {}

    def power_cycle(self) -> None:
        """Switch off and on again: stopped, brakes closed, the saved settings, all connections gone."""
        self.settings.__dict__.update(copy.deepcopy(self.saved).__dict__)
        self.core.power_on()
        self.core.events.clear()
        self.gripper = Gripper(self.plant)
        self.tool, self.box = ToolBus(self.gripper), BoxIo()
        self._masks.clear()
        self._feedback.clear()

    def change_plant(self, plant: Plant) -> None:
        """Continue with another plant in the same state: the bench was changed, the arm was not."""
        self.plant = self.core.plant = self.gripper.plant = plant

    @property
    def time(self) -> float:
        """Virtual s since the start: the cycles done."""
        return self.core.time

    def tick(self) -> None:
        """Run one cycle of 4 ms: read the plant, advance, command the plant."""
        self._meet_faults()
        self.core.tick()
        self.gripper.tick(self.core.measured.gripper_pulse)
        if self.core.error in GRIPPER_LOST:
            self.gripper.enabled = False
        if self.core.events:
            self._send_events()

    def handle(self, request: bytes, client: Hashable, *, arrived: float | None = None) -> bytes | None:
        """Return the reply to one whole frame from `client`; None for a heartbeat, an invalid frame, and while hanging.

        `arrived`: time of arrival, s on the caller's clock (default: virtual time). A stream's speed is judged by it
        too, so that a stall of this program's machine is not reported as a fault of an evenly sent stream.
        """
        try:
            decoded = decode_request(request)
        except FramingError:
            return None
        if decoded.protocol == HEARTBEAT_PROTOCOL:
            return None
        when = self.time if arrived is None else arrived
        self.log.add(when, decoded.register, client, decoded.params)
        if self.faults.hang or self.faults.dead:
            return None
        if decoded.protocol == STANDARD_PROTOCOL:  # coils and registers of plain Modbus are not simulated
            function = decoded.params[0] if decoded.params else 0
            head = request[:4] + b"\x00\x03" + request[6:7]
            return head + bytes((function | 0x80, 1))
        self._meet_faults()
        return self._answer(decoded, client, when)

    def _answer(self, request: Request, client: Hashable, arrived: float) -> bytes:
        handler = HANDLERS.get(request.register)
        extra, params = Status.OK, b""
        try:
            if handler is None:
                raise Refused
            params = handler(self, Call(request, client, self._masks.get(client, 0), arrived))
        except Refused as refusal:
            extra, params = refusal.status, refusal.params
        except FramingError:
            extra = Status.REFUSED
        except ControllerFault as fault:
            self.core.fail(fault.code)
        return encode_reply(request, self.status | extra, params)

    @property
    def status(self) -> Status:
        """Status byte of every reply."""
        core = self.core
        status = Status.OK
        if core.error:
            status |= Status.ERROR
        if core.warning:
            status |= Status.WARNING
        if not core.ready:
            status |= Status.NOT_READY
        return status

    def report(self, kind: int) -> bytes:
        """Return the frame that port 30000, 30001, 30002 or 30003 sends now."""
        return encode_report(kind, self.face)

    @property
    def face(self) -> Face:
        """The arm's state as reported to clients, injected lies included."""
        return Face(self.core, self.settings, self.faults, self.gripper, self.box, self.firmware, self.counter)

    # Feedback

    def ticket(self, call: Call) -> Ticket:
        """Return the ticket of a queued command, by which its client is notified of its start and end."""
        self._tasks += 1
        return Ticket(call.client, call.request, call.mask, self._tasks)

    def set_feedback(self, client: Hashable, mask: int) -> None:
        self._masks[client] = mask

    def announce(self, event: Event) -> None:
        """Queue the feedback of a command that is done at once."""
        if event.ticket.mask & event.kind:
            self.core.events.append(event)

    def take_feedback(self, client: Hashable) -> list[bytes]:
        """Return the asynchronous frames for this client since the last call."""
        return self._feedback.pop(client, [])

    def has_feedback(self) -> bool:
        return bool(self._feedback)

    def forget(self, client: Hashable) -> None:
        """Remove a client that has disconnected."""
        self._masks.pop(client, None)
        self._feedback.pop(client, None)

    def _send_events(self) -> None:
        microseconds = round(self.time * 1e6)
        for event in self.core.events:
            ticket = event.ticket
            frame = encode_feedback(ticket.request, self.status, event.kind, ticket.task, event.outcome, microseconds)
            self._feedback.setdefault(ticket.client, []).append(frame)
        self.core.events.clear()

    def _meet_faults(self) -> None:
        code = self.faults.take_error()
        if code:
            self.core.fail(code)
        warning = self.faults.take_warning()
        if warning:
            self.core.warning = warning

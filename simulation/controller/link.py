"""Wire client of the embedded lab in virtual time: real bytes to a controller in the same process, no sockets."""

import struct
from collections.abc import Hashable

import numpy as np

from foundation import xarm7
from foundation.arm import ArmStatus, ControllerSettings, JointReading, Mode, Reported, State
from simulation.controller.controller import Controller
from simulation.controller.gripper import ENABLE, GRIPPER_ID, MODE, POSITION, READ, SPEED, TARGET, WRITE
from simulation.controller.protocol import Register, Reply, Status, decode_reply, encode_request, pack_floats
from simulation.controller.report import NORMAL
from simulation.controller.tool import TOOL_HOST
from simulation.errors import SimulationError

ANSWER_TIME = 2.0  # s a client waits for a reply, as the SDK does
GRIPPER_SPEED = 5000  # r/min
_INTERRUPTIONS = (State.PAUSED, State.STOPPED, State.RESET, State.STOPPING)


class VirtualLink:
    """Implementation of `foundation.arm.ArmLink`; `JointReading.read` is the controller's virtual time.

    Raises SimulationError when the controller is silent or gone, has an error, or is not ready for a motion; the
    message names the controller's error code.
    """

    def __init__(self, controller: Controller, client: Hashable = "link"):
        self._controller, self._client = controller, client
        self._transaction = 0
        self._drops = controller.faults.drops
        self._seen, self._interruptions = -1, 0

    def read_joints(self) -> JointReading:
        params = self._ask(Register.GET_JOINTS, b"\x03").params
        values = np.frombuffer(params, "<f4").astype(float)
        if len(values) != 3 * xarm7.JOINTS:
            raise SimulationError("The simulated controller sent joint readings that cannot be read.")
        return JointReading(values[:7], values[7:14], values[14:], self._controller.time)

    def read_status(self) -> ArmStatus:
        """Read the status from a report frame: no register holds the mode."""
        self._reach()
        frame = self._controller.report(NORMAL)
        return ArmStatus(state=frame[4] & 0x0F, mode=frame[4] >> 4, error=frame[89], warning=frame[90])

    def reported(self) -> Reported:
        """Read the state as in the frames of port 30003; each call takes the place of one frame."""
        state, mode = self._controller.face.state, self._controller.core.mode
        self._interruptions += state != self._seen and state in _INTERRUPTIONS
        self._seen = state
        return Reported(state, mode, self._interruptions)

    def read_settings(self) -> ControllerSettings | None:
        self._reach()
        settings = self._controller.settings
        return ControllerSettings(
            tcp_offset=_metres(settings.tcp_offset),
            world_offset=_metres(settings.world_offset),
            gravity=tuple(settings.gravity),
            payload=(settings.load[0], *(part / 1000.0 for part in settings.load[1:])),
            collision_sensitivity=settings.collision_sensitivity,
            reduced=settings.reduced,
            fence=settings.fence,
            joint_ranges=tuple(zip(settings.reduced_ranges[::2], settings.reduced_ranges[1::2], strict=True))
            if settings.reduced
            else (),
        )

    def write_setting(self, name: str, value: tuple[float, ...]) -> None:
        match name:
            case "tcp_offset" | "world_offset":
                register = Register.SET_TCP_OFFSET if name == "tcp_offset" else Register.SET_WORLD_OFFSET
                self._set(register, pack_floats([*(1000.0 * part for part in value[:3]), *value[3:]]))
            case "gravity":
                self._set(Register.SET_GRAVITY, pack_floats(value))
            case "payload":
                self._set(Register.SET_LOAD, pack_floats([value[0], *(1000.0 * part for part in value[1:])]))
            case "collision_sensitivity":
                self._set(Register.SET_COLLISION_SENSITIVITY, bytes((int(value[0]),)))
            case _:
                raise SimulationError(f"The simulated controller's {name} cannot be set.")

    def servo_joints(self, position: np.ndarray) -> None:
        self._move(Register.SERVO_JOINTS, pack_floats([*position.tolist(), 0.0, 0.0, 0.0]))

    def cartesian_velocity(self, twist: np.ndarray, *, tool_frame: bool, duration: float) -> None:
        values = [*(twist[:3] * 1000.0).tolist(), *twist[3:].tolist()]
        params = pack_floats(values) + bytes((int(tool_frame),)) + struct.pack("<f", duration)
        self._move(Register.CARTESIAN_VELOCITY, params)

    def stop(self) -> None:
        """Stop the arm; a pending error is ignored, because the arm then stands, or is stopping, already."""
        self._ask(Register.SET_STATE, b"\x04")

    def set_mode(self, mode: Mode) -> None:
        self._set(Register.SET_MODE, bytes((mode, 0)))

    def set_ready(self) -> None:
        self._set(Register.SET_STATE, b"\x00")

    def clear_error(self) -> None:
        self._set(Register.CLEAR_ERROR)
        self._set(Register.CLEAR_WARNING)

    def enable(self) -> None:
        self._set(Register.ENABLE_MOTION, b"\x08\x01")

    def enable_gripper(self) -> None:
        for address, value in ((ENABLE, 1), (MODE, 0), (SPEED, GRIPPER_SPEED)):
            self._write_gripper(address, struct.pack(">H", value))

    def move_gripper(self, pulse: float) -> None:
        self._write_gripper(TARGET, struct.pack(">i", round(pulse)))

    def read_gripper(self) -> float:
        answer = self._bus(struct.pack(">BBHH", GRIPPER_ID, READ, POSITION, 2))
        if len(answer) != 7 or answer[1] != READ:
            raise SimulationError("The simulated gripper did not tell its position. Enable it again.")
        return float(int.from_bytes(answer[3:7], "big", signed=True))

    def _write_gripper(self, address: int, data: bytes) -> None:
        head = struct.pack(">BBHHB", GRIPPER_ID, WRITE, address, len(data) // 2, len(data))
        answer = self._bus(head + data)
        if len(answer) < 2 or answer[1] != WRITE:
            raise SimulationError("The simulated gripper refused a command. Enable it again.")

    def _bus(self, frame: bytes) -> bytes:
        """Exchange one frame on the tool bus; an error unrelated to the bus does not fail it."""
        reply = self._ask(Register.TOOL_MODBUS, bytes((TOOL_HOST,)) + frame)
        if not reply.params:
            self._raise_error(reply.status)
        return reply.params[1:]

    def _move(self, register: Register, params: bytes) -> None:
        reply = self._ask(register, params)
        self._raise_error(reply.status)
        if reply.status & Status.NOT_READY:
            raise SimulationError(
                "The simulated arm is not ready to move in this mode. Enable it, choose the mode and set it ready."
            )

    def _set(self, register: Register, params: bytes = b"") -> None:
        self._raise_error(self._ask(register, params).status)

    def _raise_error(self, status: int) -> None:
        if status & Status.ERROR:
            code = self._ask(Register.GET_ERROR).params[0]
            raise SimulationError(f"The simulated controller reports error C{code}. Clear it and enable the arm again.")
        if status & Status.REFUSED:
            raise SimulationError("The simulated controller refused the command.")

    def _ask(self, register: Register, params: bytes = b"") -> Reply:
        self._reach()
        self._transaction = self._transaction % 0xFFFF + 1
        answer = self._controller.handle(encode_request(self._transaction, register, params), self._client)
        if answer is None or self._controller.faults.reply_delay >= ANSWER_TIME:
            raise SimulationError(
                f"The simulated controller did not answer within {ANSWER_TIME:g} s. Connect to it again."
            )
        return decode_reply(answer)

    def _reach(self) -> None:
        faults = self._controller.faults
        if faults.dead:
            raise SimulationError("The simulated controller cannot be reached. Start it, then connect again.")
        if faults.drops != self._drops:
            self._drops = faults.drops
            self._controller.forget(self._client)
            raise SimulationError("The connection to the simulated controller was lost. Connect again.")


def _metres(values: list[float]) -> tuple[float, ...]:
    return tuple(part / 1000.0 if i < 3 else part for i, part in enumerate(values))

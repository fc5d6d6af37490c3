"""Bare client in virtual time: frames to a controller with an ideal arm, and any number of cycles."""

import struct

import numpy as np

from simulation.controller.controller import TICK, Controller
from simulation.controller.plant import IdealArm, Measurement
from simulation.controller.protocol import Register, Reply, decode_reply, encode_request, pack_floats


class Wire:
    """`status` is the status byte of the last reply."""

    def __init__(self, plant=None, **options):
        self.plant = IdealArm() if plant is None else plant
        self.controller = Controller(self.plant, **options)
        self.status = 0

    @property
    def core(self):
        return self.controller.core

    def send(
        self,
        register: int,
        params: bytes = b"",
        client: str = "test",
        transaction: int = 7,
        arrived: float | None = None,
    ) -> Reply:
        answer = self.controller.handle(encode_request(transaction, register, params), client, arrived=arrived)
        assert answer is not None
        reply = decode_reply(answer)
        assert (reply.transaction, reply.register) == (transaction, register)
        self.status = reply.status
        return reply

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK)):
            self.controller.tick()
            self.plant.step(TICK)

    def run_until(self, condition, seconds: float = 20.0) -> float:
        """Run until the condition is true and return the virtual seconds that took."""
        start = self.controller.time
        while not condition():
            assert self.controller.time - start < seconds, "it did not happen in time"
            self.run(TICK)
        return self.controller.time - start

    def ready(self, mode: int = 0) -> "Wire":
        self.send(Register.CLEAR_ERROR)
        self.send(Register.ENABLE_MOTION, b"\x08\x01")
        self.send(Register.SET_MODE, bytes((mode, 0)))
        self.set_state(0)
        return self

    def set_state(self, state: int) -> None:
        self.send(Register.SET_STATE, bytes((state,)))

    @property
    def state(self) -> int:
        return self.send(Register.GET_STATE).params[0]

    @property
    def error(self) -> int:
        return self.send(Register.GET_ERROR).params[0]

    def idle(self) -> bool:
        return self.core.state != 1

    @property
    def joints(self) -> np.ndarray:
        return np.array(struct.unpack("<7f", self.send(Register.GET_JOINTS).params))

    @property
    def pose(self) -> np.ndarray:
        """x, y, z mm, roll, pitch, yaw rad."""
        return np.array(struct.unpack("<6f", self.send(Register.GET_POSE).params))

    def move_joints(self, target, speed: float = 1.0, acceleration: float = 10.0) -> Reply:
        return self.send(Register.MOVE_JOINTS, pack_floats([*target, speed, acceleration, 0.0]))

    def move_line(self, pose, speed_mm: float = 200.0, *, tool: bool = False, check: int = 0) -> Reply:
        numbers = pack_floats([*pose, speed_mm, 2000.0, 0.0, -1.0])
        return self.send(Register.MOVE_LINE, numbers + bytes((int(tool), 0, check)))

    def servo(self, q, arrived: float | None = None) -> Reply:
        return self.send(Register.SERVO_JOINTS, pack_floats([*q, 0.0, 0.0, 0.0]), arrived=arrived)

    def joint_velocity(self, velocity, duration: float = 0.0) -> Reply:
        return self.send(Register.JOINT_VELOCITY, pack_floats(velocity) + b"\x01" + struct.pack("<f", duration))

    def cartesian_velocity(self, twist_mm, duration: float = 0.0, *, tool: bool = False) -> Reply:
        head = pack_floats(twist_mm) + bytes((int(tool),))
        return self.send(Register.CARTESIAN_VELOCITY, head + struct.pack("<f", duration))


class PushedArm(IdealArm):
    """Ideal arm under an external load: `push` (7,) N m."""

    def __init__(self):
        super().__init__()
        self.push = np.zeros(7)

    def measure(self) -> Measurement:
        m = super().measure()
        return Measurement(m.position, m.velocity, self.push, self.push, m.gripper_pulse)


class BlockedGripper(IdealArm):
    """Ideal arm whose fingers meet an object at `width` pulses."""

    def __init__(self, width: float):
        super().__init__()
        self._width = width

    def step(self, dt: float) -> None:
        super().step(dt)
        self._gripper_pulse = max(self._gripper_pulse, self._width)


class WalledArm(IdealArm):
    """Ideal arm whose J1 meets a soft wall at `wall` rad.

    It stays there, and the drive feels how far it is pushed beyond, 400 N m per radian.
    """

    def __init__(self, wall: float):
        super().__init__()
        self._wall = wall
        self.commanded = self._position.copy()

    def command_joints(self, position: np.ndarray, velocity: np.ndarray) -> None:
        super().command_joints(position, velocity)
        self.commanded = np.array(position)

    def measure(self) -> Measurement:
        m = super().measure()
        pressed = max(0.0, self.commanded[0] - self._wall)
        position, velocity, push = m.position, m.velocity, np.zeros(7)
        if pressed:
            position[0], velocity[0], push[0] = self._wall, 0.0, 400.0 * pressed
        return Measurement(position, velocity, push, push, m.gripper_pulse)

import numpy as np
import pytest

from foundation import xarm7
from foundation.arm import ArmLink, Mode, State
from foundation.errors import KnownError
from simulation.controller.controller import TICK, Controller
from simulation.controller.link import VirtualLink
from simulation.controller.plant import IdealArm
from simulation.controller.protocol import Register
from simulation.errors import SimulationError


class Lab:
    def __init__(self):
        self.plant = IdealArm()
        self.controller = Controller(self.plant)
        self.link: ArmLink = VirtualLink(self.controller)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK)):
            self.controller.tick()
            self.plant.step(TICK)

    def ready(self, mode: Mode) -> "Lab":
        self.link.clear_error()
        self.link.enable()
        self.link.set_mode(mode)
        self.link.set_ready()
        return self


def test_it_starts_an_arm_and_reads_it_in_virtual_time():
    lab = Lab()
    assert lab.link.read_status().state == State.STOPPED
    lab.ready(Mode.SERVO)
    status = lab.link.read_status()
    assert (status.state, status.mode, status.error, status.warning) == (State.READY, Mode.SERVO, 0, 0)
    assert status.can_move
    lab.run(1.0)
    reading = lab.link.read_joints()
    assert reading.read == pytest.approx(1.0)
    np.testing.assert_allclose(reading.position, xarm7.HOME, atol=1e-6)


def test_servo_and_stop():
    lab = Lab().ready(Mode.SERVO)
    for k in range(100):
        lab.link.servo_joints(xarm7.HOME + 0.004 * k * np.ones(7))
        lab.run(0.008)
    reading = lab.link.read_joints()
    np.testing.assert_allclose(reading.velocity, 0.5, atol=0.02)
    lab.link.stop()
    assert lab.link.read_status().state == State.STOPPED
    lab.run(0.2)
    np.testing.assert_array_equal(lab.link.read_joints().velocity, 0.0)
    with pytest.raises(SimulationError, match="not ready"):
        lab.link.servo_joints(xarm7.HOME)


def test_cartesian_velocity_in_metres():
    lab = Lab().ready(Mode.CARTESIAN_VELOCITY)
    start = xarm7.forward(lab.link.read_joints().position)
    lab.link.cartesian_velocity(np.array([0, 0.05, 0, 0, 0, 0]), tool_frame=False, duration=0.4)
    lab.run(1.0)
    end = xarm7.forward(lab.link.read_joints().position)
    np.testing.assert_allclose((end - start)[:3, 3], [0, 0.02, 0], atol=1e-4)


def test_gripper():
    lab = Lab().ready(Mode.SERVO)
    lab.link.enable_gripper()
    lab.link.move_gripper(200.0)
    assert lab.link.read_gripper() == 850.0
    lab.run(1.0)
    assert lab.link.read_gripper() == pytest.approx(200.0, abs=3.0)


def test_errors_are_named():
    lab = Lab().ready(Mode.SERVO)
    lab.controller.faults.raise_error(24)
    with pytest.raises(KnownError, match="C24"):
        lab.link.servo_joints(xarm7.HOME)
    lab.link.stop()
    with pytest.raises(SimulationError, match="C24"):
        lab.link.set_ready()
    lab.link.read_joints()
    assert lab.link.read_status().error == 24
    assert not lab.link.read_status().can_move
    lab.ready(Mode.SERVO)
    lab.link.servo_joints(xarm7.HOME)


def test_a_held_error_cannot_be_cleared():
    lab = Lab().ready(Mode.SERVO)
    lab.controller.faults.held_error = 1
    with pytest.raises(SimulationError, match="C1"):
        lab.link.clear_error()


def test_a_silent_gripper_is_an_error_of_the_controller():
    lab = Lab().ready(Mode.SERVO)
    lab.controller.faults.gripper_silent = True
    with pytest.raises(SimulationError, match="C19"):
        lab.link.read_gripper()


def test_hanging_slow_dropped_and_dead_controllers():
    lab = Lab().ready(Mode.SERVO)
    faults = lab.controller.faults
    faults.hang = True
    with pytest.raises(SimulationError, match="did not answer"):
        lab.link.read_joints()
    faults.hang = False
    lab.link.read_joints()
    faults.reply_delay = 3.0
    with pytest.raises(SimulationError, match="did not answer"):
        lab.link.stop()
    faults.reply_delay = 0.0
    faults.drop_connections()
    with pytest.raises(SimulationError, match="lost"):
        lab.link.read_joints()
    lab.link.read_joints()
    faults.dead = True
    with pytest.raises(SimulationError, match="cannot be reached"):
        lab.link.read_status()
    lab.controller.power_cycle()
    faults.dead = False
    assert lab.link.read_status().state == State.STOPPED


def test_the_wire_carries_it():
    lab = Lab().ready(Mode.SERVO)
    lab.link.servo_joints(xarm7.HOME + 0.01)
    (entry,) = lab.controller.log.received(Register.SERVO_JOINTS)
    np.testing.assert_allclose(entry.floats(7), xarm7.HOME + 0.01, atol=1e-6)
    assert entry.client == "link"

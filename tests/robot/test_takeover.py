"""Takeover of the arm in virtual time: the other program speaks the same protocol from its own connection."""

from dataclasses import replace

import numpy as np
import pytest
from virtual_arm import VirtualArm, swing

from foundation.arm import Mode, Reported
from foundation.errors import KnownError
from robot.errors import RobotError
from robot.planning.plan import Plan
from robot.state import Activity, ArmState
from simulation.controller.link import VirtualLink
from simulation.errors import SimulationError

NOTICED_WITHIN = 0.1  # s


@pytest.fixture
def arm() -> VirtualArm:
    return VirtualArm().ready()


def other(arm: VirtualArm) -> VirtualLink:
    """Return another client, such as UFACTORY Studio."""
    return VirtualLink(arm.controller, client="another program")


def bring_into(arm: VirtualArm, activity: Activity) -> None:
    match activity:
        case Activity.FOLLOWING:
            arm.follow(swing(arm.measured))
            arm.run(0.8)
        case Activity.JOGGING:
            jog(arm, 0.8)
        case Activity.GUIDING:
            arm.loop.hand_guide()
            arm.run_until(ArmState.HAND_GUIDING)
            arm.run(0.6)
        case _:
            arm.run(0.6)
    assert arm.loop.facts.activity is activity


def jog(arm: VirtualArm, seconds: float) -> None:
    for _ in range(round(seconds / 0.05)):
        arm.loop.jog(np.array([0.0, 0.05, 0, 0, 0, 0]))
        arm.run(0.05)


def noticed(arm: VirtualArm, act) -> str:
    """Return the message given within the required time."""
    before = arm.loop.facts.fault
    act()
    for _ in range(round(NOTICED_WITHIN / 0.01)):
        if arm.loop.facts.activity is Activity.JOGGING:
            arm.loop.jog(np.array([0.0, 0.05, 0, 0, 0, 0]))
        arm.tick()
        if arm.loop.facts.fault != before:
            return arm.loop.facts.fault
    return ""


def takes_over(link: VirtualLink, mode: Mode) -> None:
    link.set_mode(mode)
    link.set_ready()


ACTIVITIES = (Activity.HOLDING, Activity.FOLLOWING, Activity.JOGGING, Activity.GUIDING)
MODES = (Mode.POSITION, Mode.SERVO, Mode.HAND_GUIDING, Mode.JOINT_VELOCITY, Mode.CARTESIAN_VELOCITY)
OURS = {
    Activity.HOLDING: Mode.SERVO,
    Activity.FOLLOWING: Mode.SERVO,
    Activity.JOGGING: Mode.CARTESIAN_VELOCITY,
    Activity.GUIDING: Mode.HAND_GUIDING,
}


@pytest.mark.parametrize(("activity", "mode"), [(a, m) for a in ACTIVITIES for m in MODES if m is not OURS[a]])
def test_a_mode_that_is_not_ours_is_said_and_stops_the_arm(arm, activity, mode):
    bring_into(arm, activity)
    said = noticed(arm, lambda: takes_over(other(arm), mode))
    assert "Another program has taken the arm (UFACTORY Studio?)" in said
    assert ("in the middle of its motion" in said) is (activity is Activity.FOLLOWING)
    arm.run(1.0)
    assert arm.loop.state is ArmState.STOPPED
    assert np.abs(arm.plant.measure().velocity).max() < 1e-6


@pytest.mark.parametrize("activity", ACTIVITIES)
def test_a_stop_from_another_program_is_said(arm, activity):
    bring_into(arm, activity)
    assert "stopped from outside" in noticed(arm, other(arm).stop)


@pytest.mark.parametrize("activity", ACTIVITIES)
def test_a_reset_that_lasts_a_hundredth_of_a_second_is_seen(arm, activity):
    """Check a reset that keeps the mode, with the arm ready again before its state is asked for."""
    bring_into(arm, activity)
    link = other(arm)
    link.set_mode(OURS[activity])
    arm.tick()
    link.set_ready()
    said = noticed(arm, lambda: None) or arm.loop.facts.fault
    assert "it was reset" in said


def test_an_approval_is_void_when_another_program_moves_the_arm(arm):
    staged = arm.loop.stage(_plan(arm))
    said = noticed(arm, lambda: takes_over(other(arm), Mode.POSITION))
    assert "Another program" in said
    with pytest.raises(RobotError):
        arm.loop.execute(staged.nonce)
    assert arm.loop.staged == ""


@pytest.mark.parametrize("speed", [0.05, 0.3, 1.0])
def test_targets_of_another_program_in_our_own_mode_are_noticed(arm, speed):
    """Check targets that change no mode and no state: only the joints move, without a command from here."""
    arm.run(0.6)
    link, target = other(arm), arm.measured
    ticks = 0
    while not arm.loop.facts.fault and ticks < 200:
        target = target + np.array([speed * 0.01, 0, 0, 0, 0, 0, 0])
        link.servo_joints(target)
        arm.tick()
        ticks += 1
    assert "moves without a command" in arm.loop.facts.fault
    assert ticks < (10 if speed > 0.1 else 50)
    assert arm.loop.facts.activity is Activity.NOTHING


def test_a_velocity_of_another_program_while_we_jog_is_noticed(arm):
    jog(arm, 0.8)
    link = other(arm)
    for _ in range(40):
        arm.loop.jog(np.array([0.0, 0.05, 0, 0, 0, 0]))
        arm.loop.heartbeat()
        arm.loop.tick()
        if arm.loop.facts.activity is not Activity.JOGGING:
            break
        link.cartesian_velocity(np.array([0.2, 0, 0.0, 0, 0, 0]), tool_frame=False, duration=0.1)
        arm.advance()
    assert "otherwise than it was told" in arm.loop.facts.fault


def test_an_error_that_another_program_clears_is_said(arm):
    arm.controller.faults.raise_error(31)
    arm.run(1.0)
    assert arm.loop.state is ArmState.ERROR
    arm.run(0.6)
    assert "its error was cleared" in noticed(arm, other(arm).clear_error)
    arm.run(1.0)
    assert arm.loop.state is ArmState.NOT_ENABLED  # and nothing of it makes the arm ours


def test_an_arm_that_another_program_makes_ready_after_a_stop_is_said_and_left_alone(arm):
    arm.loop.stop()
    arm.run(1.0)
    stops = len(arm.controller.log.stops())
    assert "made ready for motion" in noticed(arm, other(arm).set_ready)
    said = noticed(arm, lambda: takes_over(other(arm), Mode.POSITION))
    assert "position mode" in said and "Keep clear" in said
    assert len(arm.controller.log.stops()) == stops


@pytest.mark.parametrize("phase", range(10))
def test_an_error_is_no_takeover_though_it_changes_the_mode(phase):
    arm = VirtualArm().ready()
    arm.loop.stop()
    arm.run(1.0 + 0.01 * phase)
    arm.loop.facts = replace(arm.loop.facts, enabled=False)  # switched off by whatever cause
    arm.controller.faults.raise_error(1)
    arm.run(0.5)
    assert "emergency button" in arm.loop.facts.fault
    assert arm.loop.state is ArmState.ERROR


@pytest.mark.parametrize("activity", [Activity.HOLDING, Activity.GUIDING])
def test_reports_that_fail_stop_the_arm(arm, activity):
    """Check that failing reports stop the arm: without them another program's actions would go unnoticed."""
    bring_into(arm, activity)
    link = arm.loop._link
    link.reported = lambda: Reported(-1, -1, 0)
    arm.run(1.0)
    assert "no longer reports its state" in arm.loop.facts.fault
    assert arm.loop.state is ArmState.STOPPED


def test_a_link_that_is_lost_in_the_middle_of_a_press_leaves_nothing_begun():
    arm = VirtualArm().ready()
    arm.loop.stop()
    arm.run(1.0)
    link = arm.loop._link
    read_joints, set_ready = link.read_joints, link.set_ready

    def lost():
        link.read_joints = read_joints
        raise SimulationError("The connection to the simulated controller was lost.")

    def set_ready_and_lose():
        set_ready()
        link.read_joints = lost

    link.set_ready = set_ready_and_lose
    with pytest.raises(KnownError, match="was lost"):
        arm.loop.arm_for_motion()
    link.set_ready = set_ready
    arm.run(3.0)
    assert arm.loop.state is ArmState.NOT_ENABLED
    assert arm.loop.facts.activity is Activity.NOTHING
    with pytest.raises(RobotError):
        arm.follow(swing(arm.measured))


def test_our_own_presses_are_nobody_elses(arm):
    for _ in range(3):
        arm.follow(swing(arm.measured, 0.1 if arm.measured[0] < 0.05 else -0.1))
        arm.run_until(ArmState.HOLDING)
        jog(arm, 1.0)
        arm.run(1.0)
        arm.loop.hand_guide()
        arm.run_until(ArmState.HAND_GUIDING)
        arm.run(1.0)
        arm.loop.release()
        arm.run_until(ArmState.HOLDING)
        arm.loop.move_gripper(0.2)
        arm.run(1.0)
        arm.loop.stop()
        arm.run(1.0)
        arm.loop.arm_for_motion()
        arm.run_until(ArmState.HOLDING)
    arm.controller.faults.raise_error(22)
    arm.run(1.0)
    assert "hit itself" in arm.loop.facts.fault
    arm.loop.clear_error()
    arm.run(1.0)
    arm.loop.enable()
    arm.run(1.0)
    arm.loop.arm_for_motion()
    arm.run_until(ArmState.HOLDING)
    arm.run(2.0)
    assert "program" not in arm.loop.facts.fault


def _plan(arm: VirtualArm) -> bytes:

    return Plan.of_motion(swing(arm.measured)).to_bytes()

"""An approval for several parts covers exactly what it states; a held motion rests when the button is released."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from virtual_arm import VirtualArm

from foundation import xarm7
from robot.approval.multi_segment_approval import SegmentsApproval
from robot.errors import RobotError
from robot.planning.plan import Plan
from robot.planning.waypoints import Waypoint, joint_path
from robot.service.commands import press
from robot.state import Activity, ArmState

TASK = "put the red cube in the bowl"
BOX = SegmentsApproval(TASK, 2, (0.2, -0.3, 0.05), (0.7, 0.3, 0.6), speed=0.5)


@pytest.fixture
def arm():
    return VirtualArm().ready()


def sideways(arm: VirtualArm, y: float = 0.08, z: float = 0.0) -> Plan:
    goal = xarm7.forward(arm.measured)
    goal[:3, 3] += (0.0, y, z)
    return Plan.of_motion(joint_path([Waypoint(goal, 1.0)], arm.measured))


def run_part(arm: VirtualArm, cover: str, y: float, instruction: str = TASK, speed: float = 0.5) -> None:
    staged = arm.loop.stage(sideways(arm, y).to_bytes(), cover=cover, instruction=instruction)
    arm.loop.execute(staged.nonce, speed)
    arm.run_until(ArmState.HOLDING)


def test_as_many_parts_as_were_approved_and_none_more(arm):
    cover = arm.loop.allow(BOX)
    run_part(arm, cover, 0.08)
    run_part(arm, cover, -0.08)
    before = arm.measured
    with pytest.raises(RobotError, match="have been run"):
        run_part(arm, cover, 0.05)
    arm.run(0.5)
    assert np.abs(arm.measured - before).max() < 1e-4


def test_staging_a_part_twice_does_not_make_two_of_it(arm):
    cover = arm.loop.allow(replace(BOX, parts=1))
    first = arm.loop.stage(sideways(arm).to_bytes(), cover=cover, instruction=TASK)
    second = arm.loop.stage(sideways(arm, 0.05).to_bytes(), cover=cover, instruction=TASK)
    with pytest.raises(RobotError, match="another plan"):
        arm.loop.execute(first.nonce, 0.5)
    arm.loop.execute(second.nonce, 0.5)
    arm.run_until(ArmState.HOLDING)
    with pytest.raises(RobotError):
        arm.loop.stage(sideways(arm, -0.05).to_bytes(), cover=cover, instruction=TASK)


@pytest.mark.parametrize(
    ("what", "match"),
    [
        ("another instruction", "What was approved"),
        ("a guessed token", "another one"),
        ("no token was given", "No approval for several parts holds"),
        ("out of the box", "leave the approved box"),
        ("too fast", "at 50 % at most"),
        ("too late", "No approval for several parts holds|too old"),
    ],
)
def test_what_was_not_approved_is_refused_by_the_robot_process(arm, what, match):
    cover = arm.loop.allow(replace(BOX, seconds=2.0))
    instruction, plan, speed = TASK, sideways(arm), 0.5
    if what == "another instruction":
        instruction = "push the ball"
    elif what == "a guessed token":
        cover = "0" * len(cover)
    elif what == "no token was given":
        arm.loop.revoke("Taken back.")
    elif what == "out of the box":
        plan = sideways(arm, 0.34)
    elif what == "too fast":
        speed = 0.6
    else:
        arm.run(2.5)
    before = arm.measured
    with pytest.raises(RobotError, match=match):
        staged = arm.loop.stage(plan.to_bytes(), cover=cover, instruction=instruction)
        arm.loop.execute(staged.nonce, speed)
    arm.run(0.3)
    assert np.abs(arm.measured - before).max() < 1e-4
    assert arm.loop.state is not ArmState.FOLLOWING


@pytest.mark.parametrize("how", ["stop", "jog", "gripper", "another plan", "revoke", "hand", "error"])
def test_whatever_ends_trust_in_a_plan_ends_the_approval_of_parts(arm, how):
    cover = arm.loop.allow(BOX)
    match how:
        case "stop":
            arm.loop.stop()
            arm.ready()
        case "jog":
            arm.loop.jog(np.array([0.0, 0.01, 0.0, 0.0, 0.0, 0.0]))
            arm.run(1.0)
            arm.ready()
        case "gripper":
            arm.loop.move_gripper(0.5)
        case "another plan":
            arm.loop.stage(sideways(arm).to_bytes())
        case "revoke":
            arm.loop.revoke()
        case "hand":
            arm.loop.hand_guide()
            arm.run(1.0)
            arm.ready()
        case "error":
            arm.loop.halt("The window has gone.")
            arm.run(0.5)
            arm.ready()
    with pytest.raises(RobotError, match="No approval for several parts holds"):
        arm.loop.stage(sideways(arm).to_bytes(), cover=cover, instruction=TASK)


@pytest.mark.parametrize(
    "wrong",
    [
        {"parts": 0},
        {"parts": 1000},
        {"parts": 2.5},
        {"low": (0.7, -0.3, 0.05)},
        {"high": (0.7, 0.3, float("nan"))},
        {"speed": 1.5},
        {"seconds": 1e9},
        {"instruction": "  "},
    ],
)
def test_an_approval_that_makes_no_sense_is_refused(arm, wrong):
    with pytest.raises(RobotError):
        press({"do": "allow", "allowance": {**asdict(BOX), **wrong}}).act(arm.loop)


def held(arm, press: int, seconds: float, **times: float) -> float:
    """Return how far (rad) a joint moves while this press is reported for `seconds`."""
    before = arm.measured
    for _ in range(round(seconds / 0.1)):
        arm.loop.hold(press, **times)
        arm.run(0.1)
    return float(np.abs(arm.measured - before).max())


def test_after_any_rest_only_a_press_that_began_later_counts(arm):
    arm.loop.execute(arm.loop.stage(sideways(arm, 0.3).to_bytes()).nonce, 0.5, hold=True)
    began = arm.clock.now()
    assert held(arm, 3, 1.0, began=began) > 0.01
    arm.run(1.5)  # the window reported no held button, so it rested
    assert arm.loop.facts.paused
    for number in (3, 2, 1, 0):  # the same press, or a lower number
        assert held(arm, number, 1.0) < 1e-4
    assert held(arm, 4, 1.0, began=began) < 1e-4  # a new number for a press from before the rest
    assert held(arm, 5, 1.0, began=arm.clock.now(), sent=began) < 1e-4  # and one whose report is old
    assert held(arm, 6, 1.0, began=arm.clock.now()) > 0.01
    arm.loop.pause()
    arm.run(1.0)
    assert held(arm, 6, 1.0) < 1e-4
    assert held(arm, 7, 1.0) > 0.01


def test_a_further_held_motion_needs_a_further_press(arm):
    for number in (1, 2):
        arm.loop.execute(arm.loop.stage(sideways(arm, 0.05).to_bytes()).nonce, 1.0, hold=True)
        if number == 2:
            assert held(arm, 1, 1.0) < 1e-4  # the button that was never released
        assert held(arm, number, 3.0) > 0.01
        arm.run_until(ArmState.HOLDING)


@pytest.mark.parametrize("off", [0.002, 0.02, 0.045])
def test_a_held_motion_that_begins_elsewhere_does_not_go_there_without_a_hand(arm, off):
    """Check that the path to a plan that begins a little beside the arm is a motion that needs the hold too."""
    start = arm.measured + np.array([off, 0, 0, off, 0, 0, 0])
    goal = xarm7.forward(start)
    goal[1, 3] += 0.2
    plan = Plan.of_motion(joint_path([Waypoint(goal, 1.0)], start))
    before = arm.measured
    arm.loop.execute(arm.loop.stage(plan.to_bytes()).nonce, hold=True)
    arm.run(3.0)
    assert np.abs(arm.measured - before).max() < 1e-4
    assert arm.loop.facts.paused and arm.loop.facts.fault == ""
    assert held(arm, 1, 3.0) > 0.02
    arm.loop.pause()
    arm.run(1.0)
    assert np.abs(arm.plant.measure().velocity).max() < 1e-6 and arm.loop.facts.fault == ""


def test_the_press_that_starts_a_held_motion_may_keep_it_going(arm):
    """Check the single button: its press starts the motion, and holding the same press keeps it going."""
    nonce = arm.loop.stage(sideways(arm, 0.3).to_bytes()).nonce
    began = arm.clock.now()
    arm.loop.hold(1, began)
    arm.run(0.3)  # the start takes its time
    arm.loop.execute(nonce, 0.5, hold=True)
    assert held(arm, 1, 1.0, began=began) > 0.01


def test_a_held_motion_rests_on_its_path_when_the_hand_lets_go(arm):
    plan = sideways(arm, 0.15)
    arm.loop.execute(arm.loop.stage(plan.to_bytes()).nonce, 0.5, hold=True)
    before = arm.measured
    arm.run(1.0)
    assert np.abs(arm.measured - before).max() < 1e-4 and arm.loop.facts.paused  # nothing is held yet
    for _ in range(12):
        arm.loop.hold(6)
        arm.run(0.1)
    assert arm.loop.facts.activity is Activity.FOLLOWING and not arm.loop.facts.paused
    assert np.abs(arm.measured - before).max() > 0.01
    arm.run(1.5)
    rested = arm.measured
    arm.run(1.0)
    assert np.abs(arm.measured - rested).max() < 1e-4 and arm.loop.facts.paused
    for _ in range(5):  # a camera fails meanwhile: a held button does not override it
        arm.loop.hold(7)
        arm.run(0.1)
    arm.loop.pause()
    arm.run(1.0)
    rested = arm.measured
    for _ in range(10):
        arm.loop.hold(7)
        arm.run(0.1)
    assert np.abs(arm.measured - rested).max() < 1e-4
    arm.loop.resume()  # only the held button gets it going
    arm.run(1.0)
    assert np.abs(arm.measured - rested).max() < 1e-3
    for _ in range(400):
        arm.loop.hold(8)
        arm.run(0.1)
        if arm.loop.state is ArmState.HOLDING:
            break
    np.testing.assert_allclose(arm.measured, plan.motion.position[-1], atol=1e-5)
    arm.loop.execute(arm.loop.stage(sideways(arm, -0.05).to_bytes()).nonce)  # and the next one needs no held button
    arm.run_until(ArmState.HOLDING)

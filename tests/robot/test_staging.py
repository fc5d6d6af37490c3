"""Nothing moves without the approved nonce: every conceivable bypass of the approval."""

import numpy as np
import pytest
from virtual_arm import VirtualArm

from foundation import xarm7
from foundation.messages import pack, unpack
from robot.approval.staging import EXPIRES, Stage
from robot.control.loop_settings import LoopSettings
from robot.errors import RobotError
from robot.limiter import LimiterSettings
from robot.planning.findings import Finding, Level
from robot.planning.joint_trajectory import JointTrajectory
from robot.planning.plan import Plan, digest_of
from robot.planning.waypoints import Waypoint, joint_keyframes, joint_path
from robot.service.commands import press
from robot.state import ArmState
from robot.workspace import Workspace
from simulation.controller.protocol import Register


def sideways(q: np.ndarray, y: float = 0.15, settings: LimiterSettings = LimiterSettings()) -> Plan:
    goal = xarm7.forward(q)
    goal[1, 3] += y
    return Plan.of_motion(joint_path([Waypoint(goal, 1.0)], q, settings=settings))


@pytest.fixture
def arm():
    return VirtualArm().ready()


def stands_still(arm: VirtualArm, seconds: float = 1.0) -> None:
    before, targets = arm.measured, arm.controller.log.count(Register.SERVO_JOINTS)
    arm.run(seconds)
    assert arm.controller.log.count(Register.SERVO_JOINTS) == targets
    assert np.abs(arm.measured - before).max() < 1e-4
    assert arm.loop.state is not ArmState.FOLLOWING


def test_staging_moves_nothing_and_says_what_is_held(arm):
    plan = sideways(arm.measured)
    staged = arm.loop.stage(plan.to_bytes())
    assert staged.digest == plan.digest == arm.loop.staged
    assert staged.expires_in_s == EXPIRES
    assert len(staged.nonce) >= 32
    stands_still(arm)
    arm.loop.execute(staged.nonce)
    assert arm.loop.staged == ""
    arm.run_until(ArmState.HOLDING)
    np.testing.assert_allclose(arm.measured, plan.motion.position[-1], atol=1e-5)


def test_a_nonce_works_once(arm):
    nonce = arm.loop.stage(sideways(arm.measured).to_bytes()).nonce
    arm.loop.execute(nonce)
    arm.run_until(ArmState.HOLDING)
    with pytest.raises(RobotError, match="good for one motion"):
        arm.loop.execute(nonce)
    stands_still(arm)


def test_a_nonce_does_not_start_another_plan(arm):
    first = arm.loop.stage(sideways(arm.measured, 0.1).to_bytes())
    second = arm.loop.stage(sideways(arm.measured, -0.1).to_bytes())
    assert first.nonce != second.nonce
    for wrong in (first.nonce, "", "0" * 32, second.nonce[:-1], second.digest, second.nonce.upper() + "é"):
        with pytest.raises(RobotError, match="another plan"):
            arm.loop.execute(wrong)
    stands_still(arm)
    arm.loop.execute(second.nonce)  # the right one is still valid


def test_nothing_staged_nothing_executed(arm):
    with pytest.raises(RobotError, match="No approved plan"):
        arm.loop.execute("0" * 32)
    stands_still(arm)


def test_the_bytes_that_were_staged_are_what_is_executed(arm):
    """Edit the caller's own buffer afterwards, which changes nothing; edited bytes have another digest."""
    plan = sideways(arm.measured)
    buffer = bytearray(plan.to_bytes())
    staged = arm.loop.stage(buffer)  # type: ignore[arg-type]
    buffer[:] = b"\0" * len(buffer)
    values = unpack(plan.to_bytes())
    values["motion"]["position"] = values["motion"]["position"] + np.linspace(0, 0.01, len(plan.motion))[:, None]
    edited = pack(values)
    assert digest_of(edited) != staged.digest
    arm.loop.execute(staged.nonce)
    arm.run_until(ArmState.HOLDING)
    np.testing.assert_allclose(arm.measured, plan.motion.position[-1], atol=1e-5)


@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_bytes_that_are_no_plan_are_refused(arm, cut):
    data = sideways(arm.measured).to_bytes()
    with pytest.raises(RobotError, match="not a plan"):
        arm.loop.stage(data[:cut])
    assert arm.loop.staged == ""


def test_damaged_bytes_are_refused_or_have_another_digest(arm):
    data = sideways(arm.measured).to_bytes()
    generator = np.random.default_rng(0)
    digest = digest_of(data)
    for _ in range(200):
        damaged = bytearray(data)
        damaged[generator.integers(len(data))] ^= 1 << generator.integers(8)
        try:
            assert arm.loop.stage(bytes(damaged)).digest != digest
        except RobotError:
            assert arm.loop.staged == ""


def test_a_refused_plan_is_not_staged_even_when_its_refusal_is_taken_out(arm):
    """Check that the robot process judges the motion itself: what leaves the box is refused, whatever the findings."""
    below = joint_keyframes(arm.measured, arm.measured + np.array([0, 0.9, 0, 0, 0, 0, 0]), 1.0)
    plan = Plan.of_motion(below)
    refused = Plan(plan.motion, plan.frame_moments, plan.intended, (Finding(Level.REFUSAL, "Too low."),))
    with pytest.raises(RobotError, match="Too low"):
        arm.loop.stage(refused.to_bytes())
    with pytest.raises(RobotError, match="below z min"):
        arm.loop.stage(plan.to_bytes())
    stands_still(arm)


def test_a_plan_made_for_softer_limits_is_refused():
    fast = sideways(xarm7.HOME, settings=LimiterSettings(tcp_speed=0.25))
    slow = VirtualArm(LoopSettings(limits=LimiterSettings(tcp_speed=0.05))).ready()
    with pytest.raises(RobotError, match="mm/s"):
        slow.loop.stage(fast.to_bytes())
    small = Workspace(np.array([-0.3, -0.1, 0.0]), np.array([0.8, 0.1, 1.2]))
    narrow = VirtualArm(LoopSettings(limits=LimiterSettings(workspace=small))).ready()
    with pytest.raises(RobotError, match="workspace"):
        narrow.loop.stage(fast.to_bytes())
    jerky = fast.motion
    quick = JointTrajectory(jerky.times * 0.5, jerky.position, jerky.openness)
    with pytest.raises(RobotError, match=r"too fast|too abrupt|mm/s"):
        VirtualArm().ready().loop.stage(Plan.of_motion(quick).to_bytes())


def test_an_approval_expires(arm):
    nonce = arm.loop.stage(sideways(arm.measured).to_bytes()).nonce
    arm.clock.advance(EXPIRES - 0.1)
    assert arm.loop.staged
    arm.clock.advance(0.1)
    with pytest.raises(RobotError, match="older than 10 minutes"):
        arm.loop.execute(nonce)
    assert arm.loop.staged == ""


def test_an_approval_that_expires_shows(arm):
    arm.loop.stage(sideways(arm.measured).to_bytes())
    arm.clock.advance(EXPIRES)
    arm.loop.tick()
    assert arm.loop.staged == ""


def test_revoked_is_revoked(arm):
    """Check the race between an approval and a new scene: the order in the loop's one queue decides."""
    nonce = arm.loop.stage(sideways(arm.measured).to_bytes()).nonce
    arm.loop.revoke("The scene has changed.")
    with pytest.raises(RobotError, match="The scene has changed"):
        arm.loop.execute(nonce)
    stands_still(arm)
    nonce = arm.loop.stage(sideways(arm.measured).to_bytes()).nonce
    arm.loop.execute(nonce)
    arm.loop.revoke("Too late.")  # a running motion is stopped by Stop, not by this
    assert arm.loop.state is ArmState.FOLLOWING


@pytest.mark.parametrize(
    "how", ["stop", "stop elsewhere", "jog", "gripper", "hand guiding", "error", "link", "silence"]
)
def test_what_happens_in_between_ends_the_approval(arm, how):
    nonce = arm.loop.stage(sideways(arm.measured).to_bytes()).nonce
    match how:
        case "stop":
            arm.loop.stop()
        case "stop elsewhere":
            arm.loop.note_stop()
        case "jog":
            arm.loop.jog(np.array([1e-3, 0, 0, 0, 0, 0]))
        case "gripper":
            arm.loop.move_gripper(1.0)
        case "hand guiding":
            arm.loop.hand_guide()
        case "error":
            arm.controller.faults.raise_error(31)
            arm.run(0.3)
            for step in ("Clear the error", "Enable the motors"):
                arm.loop.recover(step)  # type: ignore[arg-type]
        case "link":
            arm.controller.faults.dead = True
            arm.run(0.5)
            arm.controller.faults.dead = False
            arm.run(1.5)
            arm.loop.enable()
        case "silence":
            arm.beating = False
            arm.run(0.5)
            arm.beating = True
    arm.run(1.5)
    if arm.loop.state is not ArmState.HOLDING:
        arm.loop.arm_for_motion()
        arm.run_until(ArmState.HOLDING)
    elif how == "jog":
        arm.loop.release()
        arm.run_until(ArmState.HOLDING)
    assert arm.loop.staged == ""
    with pytest.raises(RobotError, match="No approved plan"):
        arm.loop.execute(nonce)
    stands_still(arm)


def test_a_stop_right_before_the_nonce_wins(arm):
    """Give both in the same tick, the stop first: before the loop's next cycle, and still nothing starts."""
    nonce = arm.loop.stage(sideways(arm.measured).to_bytes()).nonce
    arm.loop.note_stop()
    with pytest.raises(RobotError):
        arm.loop.execute(nonce)
    stands_still(arm)


@pytest.mark.parametrize(
    ("joint", "degrees", "allowed"),
    [(0, 0.5, True), (0, 1.1, False), (6, 0.9, True), (6, 1.1, False), (1, -1.5, False)],
)
def test_an_arm_that_was_moved_since_needs_another_plan(joint, degrees, allowed):
    """Check the tolerance of 5 mm or 1 deg: a degree of J1 moves the tool by 7 mm, a degree of J7 only turns it."""
    stage = Stage(LimiterSettings())
    staged = stage.put(sideways(xarm7.HOME).to_bytes(), xarm7.HOME, 0.0)
    moved = xarm7.HOME.copy()
    moved[joint] += np.deg2rad(degrees)
    if allowed:
        assert stage.take(staged.nonce, moved, 1.0).digest == staged.digest
    else:
        with pytest.raises(RobotError, match="was moved"):
            stage.take(staged.nonce, moved, 1.0)
        with pytest.raises(RobotError, match="No approved plan"):
            stage.take(staged.nonce, xarm7.HOME, 1.0)  # moving it back does not restore the approval


def test_a_plan_from_elsewhere_is_refused(arm):
    with pytest.raises(RobotError, match=r"11\.5 deg away"):
        arm.loop.stage(sideways(xarm7.HOME + 0.2).to_bytes())


def test_staging_while_the_arm_moves_is_refused(arm):
    arm.follow(sideways(arm.measured).motion)
    arm.run(0.5)
    with pytest.raises(RobotError, match="following"):
        arm.loop.stage(sideways(arm.measured).to_bytes())
    arm.run_until(ArmState.HOLDING)


def test_messages_straight_to_the_loop_start_nothing(arm):
    """Check all messages a window could send: none carries a motion that starts, and none starts without the nonce."""
    motion = sideways(arm.measured).motion
    for message in (
        {"do": "follow", "trajectory": motion.to_dict(), "speed": 1.0},
        {"do": "_begin"},
        {"do": "tick"},
        {"do": "execute", "nonce": None, "speed": 1.0},
        {"do": "execute", "speed": 1.0},
        {"do": "stage", "plan": motion.to_dict()},
    ):
        with pytest.raises(RobotError, match="cannot be understood"):
            press(message)
    data = sideways(arm.measured).to_bytes()
    nonce = press({"do": "stage", "plan": data}).act(arm.loop)["nonce"]
    with pytest.raises(RobotError):
        press({"do": "execute", "nonce": nonce[::-1], "speed": 1.0}).act(arm.loop)
    stands_still(arm)


def test_no_other_way_into_following(arm):
    """Check that the loop has no public method that takes a motion and starts it."""
    public = [name for name in dir(arm.loop) if not name.startswith("_") and callable(getattr(arm.loop, name))]
    assert "follow" not in public
    assert {"stage", "execute", "revoke"} <= set(public)
    for speed in (0.0, -1.0, 1.5, float("nan")):
        nonce = arm.loop.stage(sideways(arm.measured).to_bytes()).nonce
        with pytest.raises(RobotError, match="speed"):
            arm.loop.execute(nonce, speed)
    stands_still(arm)


def test_a_plan_survives_its_bytes(arm):
    plan = sideways(arm.measured)
    noted = Plan(plan.motion, plan.frame_moments, plan.intended, (Finding(Level.NOTE, "Fine.", 3),))
    again = Plan.from_bytes(noted.to_bytes())
    assert again.to_bytes() == noted.to_bytes()
    assert again.findings == noted.findings
    assert again.executable


def test_a_plan_that_leads_to_no_place_is_not_staged(arm):
    """Stage a spline that overflows to NaN positions, which no comparison with a limit would find."""
    position = np.repeat(arm.measured[None], 8, axis=0)
    position[3:6] = np.array([1e308, 1e308, -1e308])[:, None]
    with np.errstate(all="ignore"):
        motion = JointTrajectory(0.1 * np.arange(8), position, np.ones(8))
        plan = Plan(motion, np.zeros(1), sideways(arm.measured).intended[:1])
        with pytest.raises(RobotError, match="too far apart"):
            arm.loop.stage(plan.to_bytes())


def test_a_plan_staged_on_the_way_to_hand_guiding_is_refused(arm):
    plan = sideways(arm.measured).to_bytes()
    arm.loop.hand_guide()
    assert arm.loop.state is ArmState.PREPARING
    with pytest.raises(RobotError, match="no plan can be approved"):
        arm.loop.stage(plan)
    arm.loop.arm_for_motion()
    arm.loop.stage(plan)  # making ready is no reason

"""Proposals become plans: good ones are followed as shown, problems are reported, and nothing ever raises."""

import re

import numpy as np
import pytest
from virtual_arm import VirtualArm

from benchmarks.motion.limiter_trial import judged
from benchmarks.motion.plan_trial import KINDS, proposal
from foundation import xarm7
from foundation.batch_ik import batch_inverse
from foundation.poses import distance, interpolate, pose
from foundation.trajectory import Trajectory
from robot.control.follower import Follower
from robot.errors import RobotError
from robot.limiter import PERIOD, Limiter, LimiterSettings
from robot.planning.findings import Finding, Level
from robot.planning.homing import home_trajectory
from robot.planning.motion_check import broken_limit
from robot.planning.plan import Plan
from robot.planning.planner import KnownBox, PlanSettings, make_plan
from robot.state import ArmState

HOME = xarm7.forward(xarm7.HOME)
LIMITS = LimiterSettings()
T = 41


def at(x: float, y: float, z: float) -> np.ndarray:
    moved = HOME.copy()
    moved[:3, 3] += (x, y, z)
    return moved


def through(
    *poses: np.ndarray, seconds: float = 8.0, openness: float | np.ndarray = 1.0, frames: int = T
) -> Trajectory:
    times = np.linspace(0.0, seconds, frames)
    knots = np.linspace(0.0, seconds, len(poses))
    return Trajectory(times, interpolate(knots, np.stack(poses), times), np.broadcast_to(openness, frames))


def plan(proposed: Trajectory, joints: np.ndarray = xarm7.HOME, openness: float = 1.0, **more) -> Plan:
    return make_plan(proposed, joints, openness, **more)


def refusals(made: Plan) -> str:
    return " ".join(finding.sentence for finding in made.findings if finding.level is Level.REFUSAL)


GOOD = through(HOME, at(0.05, 0.15, -0.1), at(0.05, 0.15, -0.1), at(0.0, -0.1, 0.05))


def test_a_good_proposal_is_followed_as_shown():
    made = plan(GOOD)
    assert made.executable and made.findings == ()
    assert made.motion.duration < 1.25 * GOOD.duration
    passed = xarm7.forward(np.array([made.motion.at(moment).position for moment in made.frame_moments]))
    metres, radians = distance(passed, GOOD.base_from_tool)
    assert metres.max() < 0.002 and radians.max() < 0.02
    end = distance(xarm7.forward(made.motion.position[-1]), GOOD.base_from_tool[-1])
    assert end[0] < 1e-5 and end[1] < 1e-4
    np.testing.assert_allclose(made.motion.position[0], xarm7.HOME, atol=1e-12)
    assert (np.diff(made.frame_moments) > 0).all()
    np.testing.assert_array_equal(made.intended.base_from_tool, GOOD.at(GOOD.times).base_from_tool)


def test_the_limiter_lets_it_through_as_it_is():
    made = plan(GOOD)
    follower, limiter, sent = Follower(made.motion), Limiter(xarm7.HOME), [xarm7.HOME]
    while not follower.finished:
        wanted = follower.step()
        step = limiter.toward(wanted.state)
        assert step.reason == ""
        np.testing.assert_allclose(step.state.position, wanted.state.position, atol=1e-12)
        sent.append(step.state.position)
    found = judged(np.array(sent), 0, LIMITS)
    assert found.keeps(LIMITS), found


def test_the_arm_stands_while_the_gripper_works():
    openness = np.ones(T)
    openness[14:] = 0.0
    made = plan(through(HOME, at(0, 0.1, -0.1), at(0, 0.1, 0.1), openness=openness))
    moments, positions = made.motion.samples(PERIOD)
    told = np.array([made.motion.openness_at(moment) for moment in moments])
    change = int(np.flatnonzero(np.diff(told))[0]) + 1
    assert np.abs(positions[change : change + 100] - positions[change]).max() < 1e-4
    note = next(finding for finding in made.findings if "for the gripper" in finding.sentence)
    assert note.level is Level.NOTE and note.frame == 14


def test_what_the_proposal_shows_of_standing_is_not_added_to():
    openness = np.ones(T)
    openness[12:] = 0.0
    still = through(
        HOME, at(0, 0.1, -0.1), at(0, 0.1, -0.1), at(0, 0.1, -0.1), at(0, 0, 0), seconds=10, openness=openness
    )
    made = plan(still)
    assert made.findings == ()
    assert made.motion.duration < 1.15 * still.duration


def test_noise_of_a_tenth_of_a_millimetre_does_not_matter():
    generator = np.random.default_rng(0)
    poses = np.array(GOOD.base_from_tool)
    poses[:, :3, 3] += generator.normal(0, 1e-4, (T, 3))
    made = plan(Trajectory(GOOD.times, poses, GOOD.openness))
    assert made.executable
    assert made.motion.duration < 1.35 * GOOD.duration


def test_too_fast_is_slowed_down_and_said():
    hurried = through(HOME, at(0.0, 0.3, 0.0), seconds=0.5)
    made = plan(hurried)
    assert made.executable and broken_limit(made.motion, LIMITS) == ""
    said = next(finding for finding in made.findings if "too fast" in finding.sentence)
    assert "600 mm/s" in said.sentence
    assert made.motion.duration > 0.3 / LIMITS.tcp_speed


def test_slower_limits_make_a_slower_plan():
    slow = LimiterSettings(tcp_speed=0.05)
    made = plan(GOOD, settings=PlanSettings(limits=slow))
    assert made.executable and broken_limit(made.motion, slow) == ""
    assert made.motion.duration > 1.3 * plan(GOOD).motion.duration


@pytest.mark.parametrize(
    ("proposed", "words"),
    [
        (through(HOME, at(0.9, 0, 0)), "farther than the arm reaches"),
        (through(HOME, at(0, 0, -0.32), seconds=20), "would touch the table"),
        (through(HOME, at(-0.45, 0, 0.1), seconds=20), "behind x min|touch|cannot be reached"),
        (through(at(0, 0.2, 0), at(0, 0.3, 0)), "from where the arm is: it is not for this arm"),
        (Trajectory(np.arange(3.0), np.full((3, 4, 4), np.nan), np.full(3, np.nan)), "No frame of the proposal"),
    ],
)
def test_what_must_not_be_done_is_refused_with_its_frame(proposed, words):
    made = plan(proposed)
    assert not made.executable
    found = [finding for finding in made.findings if re.search(words, finding.sentence)]
    assert found and found[0].level is Level.REFUSAL, made.findings
    assert found[0].frame is None or 0 <= found[0].frame < len(proposed)
    assert len(made.frame_moments) == len(proposed)


def test_a_known_box_in_the_way():
    sideways = through(HOME, at(0, 0.25, 0))
    box = KnownBox("camera stand", (0.4, 0.2, 0.2), (0.05, 0.05, 0.4))
    assert plan(sideways).executable
    made = plan(sideways, settings=PlanSettings(boxes=(box,)))
    assert "would touch the camera stand" in refusals(made)
    found = next(finding for finding in made.findings if "camera stand" in finding.sentence)
    assert found.frame is not None and 15 < found.frame < T


def test_the_arm_itself_in_the_way():
    """Check that postures in which the gripper meets the arm are found anywhere along the path."""
    folded = np.array([0.0, -0.247, 0.0, 3.4, 0.0, -1.0, 0.0])
    between = np.linspace(xarm7.HOME, folded, T)
    made = plan(Trajectory(np.arange(T) * 0.4, xarm7.forward(between), np.ones(T)))
    assert not made.executable


def test_the_workspace_box_is_kept():
    small = LimiterSettings(workspace=type(LIMITS.workspace)(np.array([-0.3, -0.1, 0.0]), np.array([0.8, 0.1, 1.2])))
    made = plan(through(HOME, at(0, 0.3, 0)), settings=PlanSettings(limits=small))
    assert "leave its workspace (beyond y max" in refusals(made)


def test_gaps_are_bridged_and_said():
    poses, openness = np.array(GOOD.base_from_tool), np.array(GOOD.openness)
    poses[5:8], openness[5:8] = np.nan, np.nan
    made = plan(Trajectory(GOOD.times, poses, openness))
    assert made.executable
    assert made.findings[0].level is Level.WARNING and made.findings[0].frame == 5
    assert made.findings[0].sentence.startswith("Frames 6 to 8 could not be read: from 0.8 s to 1.6 s")
    assert made.intended.known.all()
    poses[:25], openness[:25] = np.nan, np.nan
    assert "Only 16 of 41 frames could be read" in refusals(plan(Trajectory(GOOD.times, poses, openness)))


@pytest.mark.parametrize(("metres", "unread", "passes"), [(0.25, 1, True), (0.4, 1, False), (0.25, 2, False)])
def test_a_long_way_may_be_guessed_past_one_frame_only(metres, unread, passes):
    frames = 9
    share = np.clip((np.arange(frames) - 2) / (unread + 1.0), 0.0, 1.0)
    poses = HOME.copy()[None].repeat(frames, axis=0)
    poses[:, 1, 3] += (share - 0.5) * metres
    poses[3 : 3 + unread] = np.nan
    openness = np.where(np.isnan(poses[:, 0, 0]), np.nan, 1.0)
    made = plan(Trajectory(np.arange(frames) * 0.7, poses, openness))
    assert ("too far" in refusals(made)) is not passes


def test_low_confidence_and_what_the_caller_knows_are_said():
    confidence = np.ones(T)
    confidence[9:13] = (0.16, 0.14, 0.1, 0.12)  # the first is confident enough
    known = Finding(Level.WARNING, "The views disagree.", 4)
    made = plan(GOOD, confidence=confidence, known=(known,))
    assert made.findings[0] == known
    assert made.findings[1].sentence == "Frames 11 to 13: the pictures are unclear (confidence 10 %). Look closely."
    assert made.findings[1].frame == 11


def test_a_start_beside_the_arm_is_gone_to_first_and_said():
    made = plan(through(at(0, 0.03, 0), at(0, 0.2, 0)))
    assert made.executable
    assert "begins 30 mm and 0 deg from where the arm is; it goes there first" in made.findings[0].sentence
    np.testing.assert_allclose(made.motion.position[0], xarm7.HOME, atol=1e-12)
    assert made.frame_moments[0] > 0.1


def test_inverse_kinematics_returns_to_the_posture():
    """Check that the redundancy keeps to the posture: a path there and back ends in the joints it began with."""
    there = plan(through(HOME, at(0.1, 0.3, -0.1), at(0.05, -0.3, 0.1), HOME, seconds=16))
    assert there.executable
    np.testing.assert_allclose(there.motion.position[-1], xarm7.HOME, atol=1e-3)


def test_the_way_home_goes_up_first_where_it_must():
    """Start behind the base: straight in joint space the gripper would sweep through the arm's foot or the table."""
    low = plan(through(HOME, at(0.0, 0.0, -0.2))).motion.position[-1].copy()
    made = home_trajectory(low, 1.0)
    assert broken_limit(made.motion, LIMITS) == ""


def test_reach_is_exact_where_it_can_be():
    generator = np.random.default_rng(1)
    q = generator.uniform(np.maximum(xarm7.LOWER + 0.05, -np.pi), np.minimum(xarm7.UPPER - 0.05, np.pi), (300, 7))
    found = batch_inverse(xarm7.forward(q), xarm7.HOME)
    assert found.reached.mean() > 0.95
    metres, radians = distance(xarm7.forward(found.position), xarm7.forward(q))
    assert metres[found.reached].max() < 1e-4 and radians[found.reached].max() < 1e-3
    assert xarm7.within_limits(found.position).all()


def test_the_way_home_from_somewhere_on_the_bench():
    there = plan(through(HOME, at(0.1, 0.25, -0.2))).motion.position[-1]
    made = home_trajectory(there, 0.5)
    assert broken_limit(made.motion, LIMITS) == ""
    np.testing.assert_allclose(made.motion.position[-1], xarm7.HOME, atol=1e-9)
    in_the_table = np.array([0.0, 0.5, 0.0, 0.6, 0.0, 1.9, 0.0])
    with pytest.raises(RobotError, match="No free way home"):
        home_trajectory(in_the_table, 0.5)


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=[kind.__name__ for kind in KINDS])
def test_no_proposal_makes_planning_raise_and_no_plan_breaks_a_limit(kind):
    """Try a sample of the ten thousand; a plan that passes its findings keeps every limit, and its bytes."""
    passed = 0
    for number in range(4 if kind > 3 else 8):
        name, proposed, confidence = proposal(1000 + kind + len(KINDS) * number)
        assert name == KINDS[(1000 + kind) % len(KINDS)].__name__
        made = plan(proposed, confidence=confidence)
        assert made.intended.known.all() and len(made.frame_moments) == len(made.intended)
        assert Plan.from_bytes(made.to_bytes()).digest == made.digest
        if made.executable:
            passed += 1
            assert broken_limit(made.motion, LIMITS) == ""
    assert passed or KINDS[(1000 + kind) % len(KINDS)].__name__ in ("edging", "absurd", "wandering")


@pytest.mark.parametrize("seed", [7, 14, 8, 10])
def test_plans_that_pass_run_through_the_controller_without_an_error(seed):
    made = plan(proposal(seed)[1])
    assert made.executable, made.findings
    arm = VirtualArm().ready()
    arm.loop.execute(arm.loop.stage(made.to_bytes()).nonce)
    arm.run_until(ArmState.HOLDING, seconds=2 * made.motion.duration + 5)
    status = arm.loop.facts.status
    assert status is not None and status.error == 0
    assert arm.loop.facts.fault == "" and arm.loop.facts.progress == 1.0
    np.testing.assert_allclose(arm.measured, made.motion.position[-1], atol=1e-4)


def test_a_single_frame_and_the_same_place_for_ever():
    one = Trajectory(np.zeros(1), HOME[None], np.ones(1))
    assert plan(one).executable
    made = plan(Trajectory(np.arange(T) * 0.1, np.repeat(HOME[None], T, axis=0), np.ones(T)))
    assert made.executable
    assert np.abs(made.motion.position - xarm7.HOME).max() < 1e-6
    turned = pose(HOME[:3, :3], HOME[:3, 3])
    assert plan(through(HOME, turned)).executable


def lowered(depth: float) -> Trajectory:
    """Return a motion down over the middle of the bench until the tool is `depth` m below the table, and up."""
    begin = xarm7.forward(xarm7.HOME)
    poses = np.repeat(begin[None], 5, axis=0)
    poses[2:, :2, 3] = [0.42, 0.0]
    poses[:, 2, 3] = [begin[2, 3], begin[2, 3], 0.15, -depth, 0.15]
    return Trajectory(1.5 * np.arange(5.0), poses, np.ones(5))


def test_what_dips_a_little_into_the_table_is_lifted_and_said():
    plan = make_plan(lowered(0.006), xarm7.HOME, 1.0)
    assert plan.executable
    (warning,) = [each.sentence for each in plan.findings if "table" in each.sentence]
    assert warning == "Frame 4: shown 6 mm below the table; the tool stays 3 mm above."
    lowest = xarm7.forward(plan.motion.position)[:, 2, 3].min()
    assert 0.0025 < lowest < 0.004


def test_what_dips_deep_into_the_table_is_refused_as_it_is():
    plan = make_plan(lowered(0.03), xarm7.HOME, 1.0)
    assert not plan.executable
    assert any("below z min, 30 mm" in each.sentence for each in plan.findings)

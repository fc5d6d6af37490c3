"""Task in parts: each is the beginning of a new proposal, and all that is left at the end."""

import json
from dataclasses import replace

import numpy as np
import pytest

from foundation import xarm7
from foundation.camera import camera_at
from foundation.trajectory import Scene, Trajectory, View
from robot.planning.planner import make_plan
from workflows.cancellation import Cancellation, Report, silently
from workflows.proposals.proposal import Proposal, proposal_from_trajectory
from workflows.proposals.receding_horizon import MARGIN, RecedingHorizonSource, beginning, segments_approval_for
from workflows.rehearsal.facts import Facts, Run
from workflows.rehearsal.tracking import track
from workflows.settings import ProgramSettings

T = 13


class Turn:
    """Source that proposes to turn the arm's base, twice, the second time further."""

    name = "turn"

    def propose(self, instruction: str, scene: Scene, report: Report, token: Cancellation) -> Proposal:
        first, second = (
            proposal_from_trajectory(instruction, self.name, scene, motion(angle), report, token)
            for angle in (0.4, 0.6)
        )
        return replace(first, others=(second,))


def motion(angle: float) -> Trajectory:
    q = np.tile(xarm7.HOME, (T, 1))
    q[:, 0] += np.linspace(0.0, angle, T)
    return Trajectory(np.arange(T) * 0.25, xarm7.forward(q), np.ones(T))


def scene() -> Scene:
    places = (("front", (1.1, 0.2, 0.6)), ("side", (0.4, -0.9, 0.5)))
    views = tuple(
        View(camera_at(name, 160, 120, 0.9, at, (0.4, 0.0, 0.1)), np.zeros((120, 160, 3), np.uint8), 0.0)
        for name, at in places
    )
    return Scene(views, xarm7.forward(xarm7.HOME), 1.0)


@pytest.fixture(scope="module")
def whole() -> Proposal:
    return Turn().propose("turn", scene(), silently, Cancellation())


@pytest.mark.parametrize(("parts_left", "frames"), [(1, T), (2, 7), (3, 5), (4, 4), (100, 2)])
def test_a_part_is_its_share_of_what_is_left(whole, parts_left, frames):
    part = beginning(whole, parts_left)
    assert len(part.times) == part.action.shape[1] == len(part.decoded.trajectory) == frames
    for name in ("valid", "confidence", "residual_px", "reasons"):
        assert len(getattr(part.decoded, name)) == frames
    np.testing.assert_array_equal(part.times, whole.times[:frames])
    assert part.id == whole.id and part.decoded.trajectory.times[0] == 0.0


@pytest.mark.parametrize(("parts_left", "frames"), [(2, 4), (3, 3), (1, T)])
def test_a_look_comes_before_the_gripper_is_told_something(parts_left, frames):
    grasping = motion(0.4)
    openness = np.where(np.arange(T) < 7, 1.0, 0.0)
    proposal = proposal_from_trajectory(
        "turn", "turn", scene(), replace(grasping, openness=openness), silently, Cancellation()
    )
    assert len(beginning(proposal, parts_left).times) == frames


def test_standing_still_at_the_end_is_no_part_of_the_approach():
    standing = motion(0.4)
    poses = standing.base_from_tool.copy()
    poses[5:] = poses[4]
    proposal = proposal_from_trajectory(
        "turn", "turn", scene(), replace(standing, base_from_tool=poses), silently, Cancellation()
    )
    assert len(beginning(proposal, 2).times) == 3


def test_every_candidate_of_a_part_is_cut_and_the_last_part_is_all_that_is_left():
    first = RecedingHorizonSource(Turn(), 1, 3).propose("turn", scene(), silently, Cancellation())
    last = RecedingHorizonSource(Turn(), 3, 3).propose("turn", scene(), silently, Cancellation())
    assert len(first.times) == len(first.others[0].times) == 5 and first.source == "turn"
    assert len(last.times) == T


def test_further_parts_are_allowed_around_the_first_ones_way_and_inside_the_workspace(whole):
    part = beginning(whole, 2)
    plan = make_plan(part.decoded.trajectory, xarm7.HOME, 1.0)
    workspace = (np.array([-0.3, -0.7, 0.0]), np.array([0.8, 0.05, 1.2]))
    allowed = segments_approval_for(plan, part, 2, 0.25, workspace)
    tool = whole.decoded.trajectory.base_from_tool[:, :3, 3]  # the whole path, not only the part
    low, high = np.array(allowed.low), np.array(allowed.high)
    assert high[1] == 0.05  # the workspace's wall
    np.testing.assert_allclose(low, tool.min(axis=0) - MARGIN, atol=2e-3)
    np.testing.assert_allclose(high[[0, 2]], (tool.max(axis=0) + MARGIN)[[0, 2]], atol=2e-3)
    assert "“turn”, at most 2 parts" in allowed.words and "25 % at most" in allowed.words


def test_a_run_that_ended_before_anything_was_measured_can_still_be_stored(whole):
    plan = make_plan(whole.decoded.trajectory, xarm7.HOME, 1.0)
    run = Run("2026-03-01T10:00:00+00:00", 0.25, over=True, fault="The arm was stopped.")
    facts = Facts(proposal=whole, plan=plan, run=run, tracking=track(plan, []))
    record = facts.record(ProgramSettings())
    assert record["tracking_error_p95_mm"] is None and json.dumps(record)

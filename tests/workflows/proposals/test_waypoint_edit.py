"""Moving a waypoint changes only its surroundings; a video generated for a motion leaves the motion unchanged."""

import numpy as np
import pytest

from foundation import xarm7
from foundation.camera import camera_at
from foundation.poses import distance, is_pose
from foundation.trajectory import Scene, Trajectory, View
from model.generation.untrained import tiny_pipeline
from model.service.client import ModelProcess
from workflows.cancellation import Cancellation, silently
from workflows.proposals.model_source import GenerationSettings
from workflows.proposals.waypoint_edit import EditedSource, EditError, WaypointEdit, edited
from workflows.proposals.what_if import NoVideoError, WhatIfSource, fitted

T = 12


def motion(seconds: float = 4.0) -> Trajectory:
    """Return a turn of the arm's base; the gripper closes at frame 6 and opens at frame 10."""
    q = np.tile(xarm7.HOME, (T, 1))
    q[:, 0] += np.linspace(0.0, 0.6, T)
    openness = np.where((np.arange(T) >= 6) & (np.arange(T) < 10), 0.1, 1.0)
    return Trajectory(np.linspace(0.0, seconds, T), xarm7.forward(q), openness)


def scene() -> Scene:
    views = tuple(
        View(
            camera_at(name, 160, 120, 0.8, (0.98, side, 0.62), (0.4, 0.0, 0.1)),
            np.full((120, 160, 3), 90, np.uint8),
            3.0,
        )
        for name, side in (("left", 0.58), ("right", -0.58))
    )
    return Scene(views, xarm7.forward(xarm7.HOME), 1.0)


@pytest.mark.parametrize("frame", [1, 5, T - 1])
def test_the_waypoint_goes_there_and_far_away_nothing_changes(frame):
    before, offset = motion(), (0.02, -0.03, 0.05)
    after = edited(before, WaypointEdit(frame, offset, turn=0.3, reach=3))
    moved = after.base_from_tool[:, :3, 3] - before.base_from_tool[:, :3, 3]
    np.testing.assert_allclose(moved[frame], offset, atol=1e-9)
    assert not moved[0].any()  # it begins at the arm's present position
    far = np.abs(np.arange(T) - frame) > 3
    assert not moved[far].any()
    assert (np.linalg.norm(moved, axis=1) <= np.linalg.norm(offset) + 1e-9).all()
    _, turned = distance(before.base_from_tool, after.base_from_tool)
    assert turned[frame] == pytest.approx(0.3, abs=1e-6) and turned[0] == 0.0
    assert is_pose(after.base_from_tool)


def test_the_gripper_changes_for_as_long_as_it_was_held():
    after = edited(motion(), WaypointEdit(7, openness=1.0))
    assert after.openness.tolist() == [1.0] * 6 + [0.1] + [1.0] * 5
    assert edited(motion(), WaypointEdit(10, openness=0.0)).openness[-2:].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "edit", [WaypointEdit(0), WaypointEdit(T), WaypointEdit(3, (0.6, 0, 0)), WaypointEdit(3, (float("nan"), 0, 0))]
)
def test_what_cannot_be_is_refused_with_a_sentence(edit):
    with pytest.raises(EditError):
        edited(motion(), edit)


def test_an_edited_motion_is_a_proposal_of_its_own():
    before = motion()
    source = EditedSource(before, WaypointEdit(5, (0.0, 0.0, 0.04)), "the-one-before")
    proposal = source.propose("push it", scene(), silently, Cancellation())
    assert proposal.begun_from == "the-one-before" and proposal.source == "edited" and proposal.decoded.valid.all()
    lifted = proposal.decoded.trajectory.base_from_tool[5, 2, 3] - before.base_from_tool[5, 2, 3]
    assert lifted == pytest.approx(0.04, abs=1e-3)


def test_a_motion_longer_than_a_model_can_imagine_is_imagined_quicker():
    short, long = fitted(motion(2.0), 9, 0.5), fitted(motion(8.0), 9, 0.5)
    np.testing.assert_allclose(short.base_from_tool[-1], motion().base_from_tool[-1], atol=1e-9)
    np.testing.assert_allclose(short.base_from_tool[4], motion().base_from_tool[-1], atol=1e-9)  # there after 2 s
    np.testing.assert_allclose(long.base_from_tool[-1], motion().base_from_tool[-1], atol=1e-9)
    assert long.times[-1] == 4.0


def test_a_model_imagines_what_would_happen_and_the_motion_stays_the_given_one(tmp_path):
    for mode, knows_video in (("joint", True), ("policy", False)):
        made = tiny_pipeline(rehearsal_mode=mode, knows_video=knows_video, guidance_scale=1.0)
        made.save_pretrained(tmp_path / mode)
    with ModelProcess(tmp_path / "joint", device="cpu", threads=1) as process:
        source = WhatIfSource(process, motion(0.6), GenerationSettings(seed=3), begun_from="before")
        proposal = source.propose("push it", scene(), silently, Cancellation())
        assert proposal.rgb is not None and proposal.rgb.shape[:2] == (2, len(proposal.times))
        assert proposal.made_by is not None and proposal.made_by.mode == "action_to_video"
        assert proposal.decoded.valid.all() and proposal.begun_from == "before"
        given = fitted(motion(0.6), len(proposal.times), float(np.diff(proposal.times)[0]))
        metres, _ = distance(proposal.decoded.trajectory.base_from_tool, given.base_from_tool)
        assert metres.max() < 2e-3
        process.folder = tmp_path / "policy"
        with pytest.raises(NoVideoError, match="imagines no video"):
            source.propose("push it", scene(), silently, Cancellation())

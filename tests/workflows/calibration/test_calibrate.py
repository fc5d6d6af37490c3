"""Calibration as a value: accuracy against the ground truth, and each hard case ends in a helpful message."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from benchmarks.calibration.scenes import case, true_cameras
from cameras.calibration.board import GRIPPER_BOARD
from cameras.calibration.board_view import BoardView
from cameras.intrinsics import Intrinsics
from foundation import xarm7
from foundation.poses import distance, pose
from simulation.bench.build import GRIPPER_TAG_GAP, GRIPPER_TAG_SIZE, GRIPPER_TAGS
from simulation.bench.world import World
from workflows.calibration.calibrate import (
    BoardSlipped,
    CalibrationError,
    CalibrationSession,
    Observation,
    Verdict,
    WrongTagSize,
    solve,
)
from workflows.calibration.lab import PREFIX, calibration_scene, true_errors, workspace_errors
from workflows.calibration.observations import LEAST_VIEWS, Delay
from workflows.calibration.poses import NOMINAL_MOUNT, look_around, propose_poses, rough_cameras
from workflows.calibration.report import report_with_delays
from workflows.cancellation import Cancellation, Cancelled

SLIP = pose(Rotation.from_rotvec([0.0, 0.02, 0.0]).as_matrix(), np.array([0.002, 0.0, 0.001]))


@pytest.fixture(scope="module")
def known():
    return case(5, poses=30)


@pytest.fixture(scope="module")
def report(known):
    return solve(known.session)


def test_the_boards_of_the_lab_and_of_the_calibration_are_the_same():
    scene = calibration_scene(0, 1)
    assert (
        GRIPPER_BOARD.ids,
        GRIPPER_BOARD.tag_size,
        GRIPPER_BOARD.gap,
    ) == (GRIPPER_TAGS, GRIPPER_TAG_SIZE, GRIPPER_TAG_GAP)
    world = World(scene)
    base_from_board = xarm7.forward(xarm7.HOME) @ NOMINAL_MOUNT
    for number in GRIPPER_BOARD.ids:
        placed = GRIPPER_BOARD.corners[number] @ base_from_board[:3, :3].T + base_from_board[:3, 3]
        np.testing.assert_allclose(world.tag_corners(number), placed, atol=1e-6)


def test_a_good_session_is_accepted_and_is_as_good_as_it_says(known, report):
    errors = true_errors(report, known.scene)
    assert report.verdict is Verdict.ACCEPT, report.advice
    assert np.median(errors.workspace_mm) < 1.0 and errors.workspace_mm.max() < 2.0
    assert 0.5 < report.held_out_mm < 2.0 and report.held_out_px < 1.0
    assert report.arm_error_mm == pytest.approx(0.5, rel=0.4)
    assert len(report.cameras) == 3 and "Save it" in report.sentence
    left = report.camera(PREFIX + "left")
    assert len(left.residuals_px) == len(left.pixels) == len(left.residual_poses)
    assert np.isfinite(report.error_map.expected_mm[report.error_map.seen_by > 0]).all()
    assert distance(report.tool_from_board[0], NOMINAL_MOUNT)[0] < 0.002


def test_a_bad_arm_is_not_accepted_and_the_advice_says_why():
    bad = solve(case(6, poses=16, noise=6.0).session)
    assert bad.verdict is not Verdict.ACCEPT
    assert bad.advice and bad.held_out_mm > 3.0


def test_what_is_missing_counts_down(known):
    empty = replace(known.session, observations=())
    assert all(f"{LEAST_VIEWS} more poses" in each.sentence for each in empty.missing())
    assert all(each.complete for each in known.session.missing())
    assert known.session.missing()[0].regions.any()


def test_a_solve_can_be_cancelled(known):
    token = Cancellation()
    token.cancel()
    with pytest.raises(Cancelled):
        solve(known.session, token=token)


# --- hard cases, each a message ---


def test_a_board_that_was_never_seen(known):
    with pytest.raises(CalibrationError, match="No camera has seen the board"):
        solve(replace(known.session, observations=()))
    with pytest.raises(CalibrationError, match="No camera takes part"):
        solve(CalibrationSession())


def test_one_camera_that_sees_too_little_is_named(known):
    identity = PREFIX + "left"
    seen = [
        replace(each, views={k: v for k, v in each.views.items() if k != identity or number < 3})
        for number, each in enumerate(known.session.observations)
    ]
    with pytest.raises(CalibrationError, match=r"left saw the board in \d poses; 8 are needed"):
        solve(replace(known.session, observations=tuple(seen)))


@pytest.mark.parametrize("described_mm", [40.0, 51.0, 60.0])
def test_a_wrong_tag_size_is_suggested(known, described_mm):
    board = known.session.board.resized(described_mm / 50.0)
    with pytest.raises(WrongTagSize, match=r"(49|50)\.\d mm") as caught:
        solve(replace(known.session, board=board))
    assert 1000 * caught.value.suggested == pytest.approx(50.0, rel=0.004)
    right = board.resized(caught.value.suggested / board.tag_size)
    assert solve(replace(known.session, board=right)).held_out_mm < 2.0


def test_a_board_printed_mirrored_or_in_another_order(known):
    mirrored = []
    for each in known.session.observations:
        views = {k: BoardView(tuple(n ^ 1 for n in v.ids), v.corners, 640, 480) for k, v in each.views.items()}
        mirrored.append(replace(each, views=views))
    with pytest.raises(CalibrationError, match="do not lie on the board as it is described"):
        solve(replace(known.session, observations=tuple(mirrored)))


def test_a_board_that_slipped_and_going_on_without_repeating(known):
    told = [
        replace(each, base_from_tool=each.base_from_tool @ NOMINAL_MOUNT @ SLIP @ np.linalg.inv(NOMINAL_MOUNT))
        if number >= 13
        else each
        for number, each in enumerate(known.session.observations)
    ]
    session = replace(known.session, observations=tuple(told))
    with pytest.raises(BoardSlipped, match="moved on the gripper after pose") as caught:
        solve(session)
    assert abs(caught.value.after - 12) <= 1
    # The later poses count as a second mounting: nothing has to be observed again.
    report = solve(session.slipped(caught.value.after))
    assert len(report.tool_from_board) == 2
    assert np.median(true_errors(report, known.scene).workspace_mm) < 1.5


def test_intrinsics_of_the_wrong_resolution(known):
    camera = known.session.cameras[0]
    lens = Intrinsics(1280, 720, camera.intrinsics.K, camera.intrinsics.distortion)
    session = CalibrationSession(cameras=(replace(camera, intrinsics=lens),))
    view = next(each.views[camera.identity] for each in known.session.observations if camera.identity in each.views)
    with pytest.raises(CalibrationError, match="640 x 480 pictures, and its lens is known for 1280 x 720"):
        session.added(Observation(xarm7.HOME, np.eye(4), {camera.identity: view}))


def test_an_unknown_camera_is_refused(known):
    view = next(iter(known.session.observations[0].views.values()))
    with pytest.raises(CalibrationError, match="takes no part"):
        known.session.added(Observation(xarm7.HOME, np.eye(4), {"lab:nosuch": view}))


def test_a_pose_at_which_the_arm_was_elsewhere_is_dropped_with_the_reason(known):
    observations = list(known.session.observations)
    off = observations[4].base_from_tool @ pose(position=np.array([0.008, 0.0, 0.0]))
    observations[4] = replace(observations[4], base_from_tool=off)
    report = solve(replace(known.session, observations=tuple(observations)))
    assert [(each.pose, each.identity) for each in report.dropped] == [(4, "")]
    assert "from where it said" in report.dropped[0].reason
    assert report.verdict is Verdict.ACCEPT


def test_unreachable_poses_are_said_to_be():
    far = {name: replace(camera, base_from_camera=_far(camera)) for name, camera in _cameras().items()}
    with pytest.raises(CalibrationError, match="the arm can reach 0"):
        propose_poses(far, GRIPPER_BOARD, xarm7.HOME)
    with pytest.raises(CalibrationError, match="look around first"):
        propose_poses({}, GRIPPER_BOARD, xarm7.HOME)


# --- poses ---


def _cameras(count: int = 2):
    return true_cameras(calibration_scene(3, count))


def _far(camera):
    moved = camera.base_from_camera.copy()
    moved[:3, 3] += [6.0, 0.0, 0.0]
    return moved


def test_poses_are_reachable_diverse_and_seen():
    cameras = _cameras()
    poses = propose_poses(cameras, GRIPPER_BOARD, xarm7.HOME, count=20)
    assert len(poses) == 20
    for each in poses:
        assert xarm7.within_limits(each.joints, 0.1)
        metres, radians = distance(xarm7.forward(each.joints), each.base_from_tool)
        assert metres < 1e-4 and radians < 1e-3
        assert max(each.visible.values()) > 0 and each.tilt_deg <= 40.001
    assert all(sum(each.visible[name] > 0 for each in poses) >= 12 for name in cameras)
    places = np.array([each.base_from_tool[:3, 3] for each in poses])
    assert (np.ptp(places, axis=0) > [0.15, 0.25, 0.05]).all()
    steps = np.abs(np.diff([each.joints for each in poses], axis=0)).max(axis=1)
    assert steps.mean() < 1.2  # in driving order neighbours are near


def test_one_look_tells_roughly_where_the_cameras_stand(known):
    one = replace(known.session, observations=known.session.observations[:1])
    rough, truth = rough_cameras(one), true_cameras(known.scene)
    assert set(rough) == set(one.observations[0].views)
    for identity, camera in rough.items():
        assert distance(camera.base_from_camera, truth[identity].base_from_camera)[0] < 0.08
    assert rough_cameras(replace(one, observations=())) == {}
    assert len(look_around(xarm7.HOME)) >= 4


# --- cameras that come later, delays ---


def test_a_camera_added_later_joins_and_the_others_stay(known, report):
    late = PREFIX + "front"
    first = tuple(
        replace(each, views={k: v for k, v in each.views.items() if k != late})
        for each in known.session.observations[:14]
    )
    entries = {entry.identity: entry for entry in known.session.cameras}
    two = tuple(entry for entry in known.session.cameras if entry.identity != late)
    session = CalibrationSession(cameras=two, observations=first)
    session = session.joined_by(entries[late], entries[late]).remounted()
    moved = NOMINAL_MOUNT @ SLIP @ np.linalg.inv(NOMINAL_MOUNT)  # the board was mounted anew
    for each in known.session.observations[10:]:
        session = session.added(replace(each, base_from_tool=each.base_from_tool @ moved))
    joined = solve(session)
    assert [each.identity for each in joined.cameras] == [*(entry.identity for entry in two), late]
    assert len(joined.tool_from_board) == 2
    found = {each.identity: each.base_from_camera for each in joined.cameras}
    assert np.median(workspace_errors(found, true_cameras(known.scene))[0]) < 1.5


def test_one_camera_alone_is_calibrated():
    known = case(8, poses=20, cameras=1)
    report = solve(known.session)
    assert np.median(true_errors(report, known.scene).workspace_mm) < 2.0
    assert np.isfinite(report.held_out_mm) and len(report.cameras) == 1


def test_delays_come_into_the_report(known, report):
    delayed = replace(known.session, delays={PREFIX + "left": Delay(0.033, 0.0005, 60)})
    later = report_with_delays(report, delayed)
    assert "33 ms late" in later.camera(PREFIX + "left").sentence
    assert later.camera(PREFIX + "right").delay is None

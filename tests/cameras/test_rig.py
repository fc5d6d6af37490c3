"""Joint calibration: derivatives, agreement with SciPy, ground truth, and possible faults of the views."""

from dataclasses import replace

import numpy as np
import pytest
from known_rig import MOUNT, known_rig, workspace_mm
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from cameras.calibration.rig_faults import find_elsewhere, find_slip, find_wrong_size, wrong_order
from cameras.calibration.rig_model import Freedom, RigModel
from cameras.calibration.rig_quality import expected_errors, hold_out, split_halves
from cameras.calibration.rig_solve import minimise, reweighted, solve_rig
from cameras.calibration.rig_start import CLOSED_FORMS, NoInitialGuess, board_pose, hand_eye, initial_rig
from cameras.intrinsics import Intrinsics
from foundation.poses import distance, invert, pose

SLIP = pose(Rotation.from_rotvec([0.0, 0.02, 0.0]).as_matrix(), np.array([0.002, 0.0, 0.001]))


@pytest.fixture(scope="module")
def rig():
    return known_rig(poses=24)


@pytest.fixture(scope="module")
def solved(rig):
    return solve_rig(rig.data, initial_rig(rig.data)[0])


@pytest.mark.parametrize("freedom", [Freedom(), Freedom(scale=True), Freedom(lenses=True), Freedom(corrections=False)])
def test_the_jacobian_is_that_of_finite_differences(freedom):
    single = known_rig(poses=5).data
    data = replace(single, mount=np.array([0, 0, 0, 1, 1]))
    first = initial_rig(single)[0]
    first = replace(first, tool_from_board=np.tile(first.tool_from_board, (2, 1, 1)))
    model = RigModel(data, first, freedom)
    x = np.random.default_rng(1).normal(0.0, 0.01, model.size)
    J = model.jacobian(x).toarray()
    for column in range(model.size):
        step = np.zeros(model.size)
        step[column] = 1e-6
        difference = (model.residuals(x + step) - model.residuals(x - step)) / 2e-6
        assert np.abs(J[:, column] - difference).max() < 1e-6 * max(1.0, np.abs(difference).max()), column


def test_the_minimum_is_scipys(rig):
    data = rig.data.with_poses(range(8))
    model = RigModel(data, initial_rig(data)[0])
    ours = minimise(model.residuals, model.jacobian, np.zeros(model.size), huber=1.5)
    theirs = least_squares(
        model.residuals,
        np.zeros(model.size),
        lambda x: model.jacobian(x).toarray(),
        loss="huber",
        f_scale=1.5,
        x_scale="jac",
    )
    assert ours.converged
    assert ours.cost == pytest.approx(theirs.cost, rel=1e-5)
    assert np.abs(ours.x - theirs.x).max() < 2e-5  # m, rad
    normal = theirs.jac.T @ theirs.jac  # SciPy scales its Jacobian by the loss's curvature: close to our weights
    ours_sigma = np.sqrt(np.diag(ours.covariance_of(np.arange(6))))
    np.testing.assert_allclose(ours_sigma, np.sqrt(np.diag(np.linalg.inv(normal))[:6]), rtol=0.5)


def test_a_rig_is_found_to_half_a_millimetre(rig, solved):
    errors = workspace_mm(solved.rig.camera_from_base, rig.base_from_camera)
    assert np.median(errors) < 0.8 and errors.max() < 2.0
    metres, radians = distance(solved.rig.tool_from_board[0], MOUNT)
    assert metres < 0.0015 and np.rad2deg(radians) < 0.2
    assert not solved.dropped


def test_without_noise_the_truth_is_found():
    exact = known_rig(poses=10, noise_px=0.0, arm=0.0)
    found = solve_rig(exact.data, initial_rig(exact.data)[0]).rig
    assert workspace_mm(found.camera_from_base, exact.base_from_camera).max() < 1e-3


def test_one_camera_is_enough():
    single = known_rig(3, poses=24, cameras=1)
    found = solve_rig(single.data, initial_rig(single.data)[0])
    assert np.median(workspace_mm(found.rig.camera_from_base, single.base_from_camera)) < 1.5
    held = hold_out(found)
    assert not len(held.points_mm) and np.isfinite(held.view_mm).all()
    expected, seen_by = expected_errors(found)
    assert seen_by.max() == 1 and np.nanmedian(expected) < 2.0


@pytest.mark.parametrize("method", CLOSED_FORMS)
def test_each_closed_form_places_a_standing_camera(method):
    rig = known_rig(1, poses=20, noise_px=0.0, arm=0.0)
    views = rig.data.of_camera(2)
    boards = np.array([board_pose(view.points, view.pixels, rig.data.lenses[2]) for view in views])
    found = hand_eye(rig.data.base_from_tool[[view.pose for view in views]], boards, method)
    assert found is not None
    metres, radians = distance(found, rig.base_from_camera[2])
    assert metres < 0.002 and radians < 0.002


def test_a_first_rig_needs_poses_or_the_usual_mounting(rig):
    one = rig.data.with_poses([0])
    with pytest.raises(NoInitialGuess, match="Take more"):
        initial_rig(one)
    rough, unknown = initial_rig(one, MOUNT)
    for number in range(3):
        if number not in unknown:
            assert distance(invert(rough.camera_from_base[number]), rig.base_from_camera[number])[0] < 0.08


def test_outlying_views_are_left_out(rig):
    views = list(rig.data.views)
    views[5] = replace(views[5], pixels=views[5].pixels + 12.0)
    data = replace(rig.data, views=tuple(views))
    found = solve_rig(data, initial_rig(data)[0])
    assert found.dropped == (5,)
    assert np.median(workspace_mm(found.rig.camera_from_base, rig.base_from_camera)) < 0.8


def test_held_out_and_halves_say_what_the_error_is(rig, solved):
    held = hold_out(solved)
    assert np.isfinite(held.view_px).all() and 0.2 < np.sqrt((held.view_px**2).mean()) < 1.0
    assert 0.5 < np.sqrt((held.points_mm**2).mean()) < 2.0  # the arm alone is 0.9 mm off
    halves = split_halves(solved)
    assert (halves.mm < 3.0).all() and (halves.deg < 0.4).all()


def test_expected_errors_are_of_the_size_of_true_ones():
    ratios = []
    for seed in range(6):
        rig = known_rig(seed, poses=20)
        found = solve_rig(rig.data, initial_rig(rig.data)[0])
        expected, _ = expected_errors(found)
        ratios.append(np.median(workspace_mm(found.rig.camera_from_base, rig.base_from_camera)) / np.median(expected))
    assert 0.4 < np.median(ratios) < 1.6


def test_scatter_that_was_assumed_wrongly_is_measured():
    rig = known_rig(2, poses=24, noise_px=0.4, arm=3.0)
    solution = reweighted(solve_rig(rig.data, initial_rig(rig.data)[0]))
    assert solution.data.pixel_sigma == pytest.approx(0.4, rel=0.2)
    assert solution.data.position_sigma == pytest.approx(0.0015, rel=0.4)
    assert reweighted(solve_rig(rig.data, solution.rig)).data.pixel_sigma == pytest.approx(0.4, rel=0.2)


@pytest.mark.parametrize("factor", [0.8, 0.97, 1.02, 1.25])
def test_a_wrong_size_is_found_and_the_right_one_suggested(factor):
    data = known_rig(1, scale=factor).data
    wrong = find_wrong_size(data, initial_rig(data)[0])
    assert wrong is not None and wrong.factor == pytest.approx(factor, rel=0.004)


def test_the_right_size_is_not_doubted(rig):
    assert find_wrong_size(rig.data, initial_rig(rig.data)[0]) is None
    assert not wrong_order(rig.data)


def test_tags_in_another_order_are_noticed(rig):
    order = np.r_[4:8, 0:4, 8:16]
    swapped = tuple(replace(view, points=view.points[order]) for view in rig.data.views)
    assert wrong_order(replace(rig.data, views=swapped))


def test_a_slip_is_found_with_the_pose_it_came_at():
    data = known_rig(4, poses=24, slip_at=15, slip=SLIP).data
    slip = find_slip(solve_rig(data, initial_rig(data)[0]))
    assert slip is not None and abs(slip.pose - 15) <= 1
    assert slip.radians == pytest.approx(0.02, abs=0.006)


def test_after_a_slip_the_same_poses_solve_as_two_mountings():
    rig = known_rig(4, poses=24, slip_at=15, slip=SLIP)
    data = replace(rig.data, mount=(np.arange(24) >= 15).astype(int))
    found = solve_rig(data, initial_rig(data)[0])
    assert find_slip(found) is None
    assert np.median(workspace_mm(found.rig.camera_from_base, rig.base_from_camera)) < 1.0
    between = invert(found.rig.tool_from_board[0]) @ found.rig.tool_from_board[1]
    assert distance(between, SLIP)[0] < 0.001


@pytest.mark.parametrize("seed", range(5))
def test_a_board_that_held_has_not_slipped(seed):
    data = known_rig(10 + seed, poses=20, arm=1.5).data
    solution = solve_rig(data, initial_rig(data)[0])
    assert find_slip(solution) is None and not find_elsewhere(solution)


@pytest.mark.parametrize("seed", [21, 24, 26])  # in which single views determine the tilt badly
def test_with_an_arm_without_error_what_one_camera_saw_alone_is_kept(seed):
    data = known_rig(seed, poses=20, cameras=2, arm=0.0, noise_px=0.2).data
    alone = tuple(view for view in data.views if view.pose < 12 or view.camera == view.pose % 2)
    solution = solve_rig(replace(data, views=alone), initial_rig(data)[0])
    assert find_slip(solution) is None and not find_elsewhere(solution)


@pytest.mark.parametrize(("turn_deg", "named"), [(0.35, []), (1.0, [7])])
def test_what_the_corrections_bear_is_not_called_elsewhere(turn_deg, named):
    data = known_rig(2, poses=16, arm=0.0).data
    told = data.base_from_tool.copy()
    told[7] = told[7] @ pose(Rotation.from_euler("z", turn_deg, degrees=True).as_matrix())
    solution = solve_rig(replace(data, base_from_tool=told), initial_rig(data)[0])
    assert [number for number, _ in find_elsewhere(solution)] == named


def test_a_pose_at_which_the_arm_was_elsewhere_is_named(rig):
    told = rig.data.base_from_tool.copy()
    told[7] = told[7] @ pose(position=np.array([0.006, 0.0, 0.0]))
    data = replace(rig.data, base_from_tool=told)
    found = find_elsewhere(solve_rig(data, initial_rig(data)[0]))
    assert [number for number, _ in found] == [7]
    assert found[0][1] == pytest.approx(6.0, abs=2.0)


def test_lenses_that_are_a_little_wrong_are_mended_by_the_rig(rig):
    wrong = tuple(
        Intrinsics(lens.width, lens.height, lens.K * [[1.004, 1, 1], [1, 1.004, 1], [1, 1, 1]], lens.distortion)
        for lens in rig.data.lenses
    )
    data = replace(rig.data, lenses=wrong)
    kept = solve_rig(data, initial_rig(data)[0])
    mended = solve_rig(data, initial_rig(data)[0], Freedom(lenses=True))
    assert mended.view_px.mean() < kept.view_px.mean()
    for lens, true in zip(mended.rig.lenses, rig.data.lenses, strict=True):
        assert lens.K[0, 0] == pytest.approx(true.K[0, 0], rel=0.003)

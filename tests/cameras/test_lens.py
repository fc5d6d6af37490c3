"""Lens calibration with a tag grid: requested views, solution, and the check of factory values."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cameras.calibration.board import TagBoard
from cameras.calibration.board_view import BoardView
from cameras.calibration.lens_session import LensSession
from cameras.calibration.lens_solve import check_lens, solve_lens
from cameras.errors import CameraError
from cameras.intrinsics import Intrinsics

GRID = TagBoard(first_id=30, columns=5, rows=6, tag_size=0.027, gap=0.007)
LENS = Intrinsics(640, 480, [[604.0, 0, 322.5], [0, 601.0, 236.0], [0, 0, 1]], [-0.09, 0.03, 0.0006, -0.0004, 0.0])


def view(place, tilt_deg, axis, generator=None) -> BoardView | None:
    """Return the view of the grid with its centre at `place` (x, y, z) m before the camera, tilted about `axis`."""
    turn = Rotation.from_rotvec(np.deg2rad(tilt_deg) * np.array(axis)).as_matrix() @ np.diag([1.0, -1.0, -1.0])
    points = GRID.points(GRID.ids).reshape(-1, 3) @ turn.T + np.array(place)
    pixels, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), LENS.K, LENS.distortion)
    corners = pixels[:, 0].reshape(-1, 4, 2)
    if generator is not None:
        corners = corners + generator.normal(0.0, 0.1, corners.shape)
    whole = ((corners > 0) & (corners < [639, 479])).all(axis=(1, 2))
    ids = tuple(np.array(GRID.ids)[whole].tolist())
    return BoardView(ids, corners[whole], 640, 480) if len(ids) >= 4 else None


@pytest.fixture(scope="module")
def session():
    generator = np.random.default_rng(0)
    session = LensSession(GRID, 640, 480)
    while not session.missing.complete:
        depth = generator.uniform(0.25, 0.7)
        place = [generator.uniform(-0.5, 0.5) * depth, generator.uniform(-0.38, 0.38) * depth, depth]
        axis = generator.normal(size=3) * [1, 1, 0.2]
        seen = view(place, generator.uniform(0, 40), axis / np.linalg.norm(axis), generator)
        if seen is not None and session.consider(seen).useful:
            session = session.added(seen)
    return session


def test_the_session_says_what_is_missing_until_it_is_complete(session):
    empty = LensSession(GRID, 640, 480)
    assert "top left" in empty.missing.sentence and not empty.missing.complete
    first = empty.added(session.views[0])
    assert 0 < first.missing.regions.sum() <= 9 and first.missing.views == 1
    assert session.missing.complete and session.missing.regions.all()
    assert session.missing.tilt_deg >= 30 and session.missing.distance_ratio >= 2


def test_a_view_like_another_one_is_not_wanted(session):
    assert not session.consider(session.views[3]).useful
    assert "like a view" in session.consider(session.views[3]).reason
    few = BoardView(GRID.ids[:2], np.zeros((2, 4, 2)), 640, 480)
    assert "Only 2 tags" in session.consider(few).reason


def test_the_lens_is_found(session):
    result = solve_lens(session)
    assert result.ok and result.rms_px < 0.2 and result.held_out_px < 1.2 * result.rms_px and not result.dropped
    np.testing.assert_allclose(result.intrinsics.K, LENS.K, atol=2.0)
    assert result.intrinsics.distortion[0] == pytest.approx(-0.09, abs=0.01)
    again = solve_lens(session, guess=LENS)
    np.testing.assert_allclose(again.intrinsics.K, result.intrinsics.K, atol=0.1)


def test_a_view_that_moved_is_left_out_with_the_reason(session):
    views = list(session.views)
    bent = views[4].corners + np.random.default_rng(1).normal(0.0, 3.0, views[4].corners.shape)
    views[4] = replace(views[4], corners=bent)
    result = solve_lens(replace(session, views=tuple(views[:16])), guess=LENS)
    assert [number for number, _ in result.dropped] == [4] and "off" in result.dropped[0][1]
    np.testing.assert_allclose(result.intrinsics.K, LENS.K, atol=4.0)


def test_too_few_views_and_another_size_are_refused(session):
    with pytest.raises(CameraError, match="needs 8 views"):
        solve_lens(replace(session, views=session.views[:5]))
    with pytest.raises(CameraError, match="1280 x 720"):
        session.added(BoardView(GRID.ids[:4], np.zeros((4, 4, 2)), 1280, 720))


def test_incomplete_views_are_solved_and_said_to_be(session):
    result = solve_lens(replace(session, views=session.views[:10]))
    assert not result.ok and "not measured everywhere" in result.sentence


def test_a_factory_calibration_is_checked(session):
    assert check_lens(LENS, session.views[:5], GRID).ok
    wrong = Intrinsics(640, 480, LENS.K, [0.1, 0.0, 0.0, 0.0, 0.0])
    check = check_lens(wrong, session.views, GRID)
    assert not check.ok and "Measure it" in check.sentence
    other = Intrinsics(1280, 720, LENS.K, LENS.distortion)
    assert "1280 x 720" in check_lens(other, session.views[:5], GRID).sentence
    assert "more views" in check_lens(LENS, session.views[:1], GRID).sentence

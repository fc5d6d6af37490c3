"""The board: its geometry, its printed drawing, and the information in an image of it."""

import cv2
import numpy as np
import pytest

from cameras.calibration.board import GRIPPER_BOARD, PRINTABLE_FAMILIES, TagBoard, tag_cells
from cameras.calibration.board_view import BoardView, look_for_board, median_view
from cameras.calibration.coverage import attitude, coverage, regions_of
from cameras.intrinsics import Intrinsics

CELL_PX = 9


def drawn(board: TagBoard, cell_px: int = CELL_PX) -> np.ndarray:
    """Draw the board upright on white, in grey levels between black and white; one cell is `cell_px` wide."""
    cells = tag_cells(board.family, board.first_id).shape[0]
    pitch = round((board.tag_size + board.gap) / board.tag_size * cells * cell_px)
    border = 4 * cell_px
    picture = np.full((board.rows * pitch + 2 * border, board.columns * pitch + 2 * border), 215, np.uint8)
    for i, number in enumerate(board.ids):
        row, column = divmod(i, board.columns)
        black = np.kron(tag_cells(board.family, number), np.ones((cell_px, cell_px), bool))
        top, left = border + row * pitch, border + column * pitch
        picture[top : top + len(black), left : left + len(black)][black] = 25
    return cv2.GaussianBlur(picture, (0, 0), 0.8)


@pytest.mark.parametrize("family", PRINTABLE_FAMILIES)
def test_a_drawn_board_is_read_as_it_is_described(family):
    board = TagBoard(family, first_id=3, columns=3, rows=2, tag_size=0.04, gap=0.01)
    sighting = look_for_board(drawn(board), board)
    assert sighting.view is not None and sighting.view.ids == board.ids
    # Seen upright, the image is the board itself: one scale, x to the right, y up.
    described = board.points(board.ids).reshape(-1, 3)
    pixels = sighting.view.pixels
    scale = np.ptp(pixels[:, 0]) / np.ptp(described[:, 0])
    placed = described[:, :2] * [scale, -scale]
    assert np.abs(pixels - pixels.mean(axis=0) - placed).max() < 1.0


def test_the_board_frame_has_its_origin_in_the_middle_and_z_out_of_the_paper():
    corners = GRIPPER_BOARD.corners[20]
    assert GRIPPER_BOARD.ids == (20, 21, 22, 23)
    np.testing.assert_allclose(corners[0], [-0.05625, 0.05625, 0.0])  # the first tag's top left
    np.testing.assert_allclose(sum(GRIPPER_BOARD.corners.values()).mean(axis=0), 0.0, atol=1e-12)
    assert np.cross(corners[1] - corners[0], corners[0] - corners[3])[2] > 0
    assert GRIPPER_BOARD.size == pytest.approx((0.1125, 0.1125))
    assert TagBoard.from_dict(GRIPPER_BOARD.to_dict()) == GRIPPER_BOARD
    assert GRIPPER_BOARD.resized(0.5).tag_size == 0.025


@pytest.mark.parametrize(
    "wrong", [{"family": "nosuch"}, {"columns": 0}, {"tag_size": 0.001}, {"gap": 0.001}, {"first_id": -1}]
)
def test_a_board_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError):
        TagBoard(**wrong)


def test_tags_that_cannot_be_drawn_are_refused():
    with pytest.raises(ValueError, match="choose one of"):
        tag_cells("tagStandard41h12", 0)
    with pytest.raises(ValueError, match="0 to 586"):
        tag_cells("tag36h11", 587)


def test_a_mirrored_board_is_told_from_none():
    picture = drawn(GRIPPER_BOARD)
    assert "mirrored" in look_for_board(np.ascontiguousarray(picture[:, ::-1]), GRIPPER_BOARD).problem
    empty = look_for_board(np.full((200, 300), 200, np.uint8), GRIPPER_BOARD, camera="left")
    assert empty.problem.startswith("Left does not see the board") and empty.view is None


def test_a_number_that_is_there_twice_is_named():
    picture = drawn(GRIPPER_BOARD)
    twice = np.concatenate([picture, drawn(TagBoard(columns=1, rows=2))], axis=1)
    assert "tag 20 twice" in look_for_board(twice, GRIPPER_BOARD).problem


def test_other_tags_are_named():
    problem = look_for_board(drawn(TagBoard(first_id=40)), GRIPPER_BOARD).problem
    assert "40, 41, 42, 43" in problem and "20 to 23" in problem


def test_a_blurred_picture_is_refused_and_a_sharp_one_is_not():
    picture = drawn(GRIPPER_BOARD)
    assert look_for_board(picture, GRIPPER_BOARD).sharpness_px < 3.0
    blurred = look_for_board(cv2.blur(picture, (9, 1)), GRIPPER_BOARD)
    assert blurred.view is None and "blurred" in blurred.problem


def test_the_median_of_frames_needs_a_board_that_stands():
    corners = np.arange(16.0).reshape(2, 4, 2)
    noise = np.random.default_rng(0).normal(0.0, 0.05, (5, 2, 4, 2))
    views = [BoardView((20, 21), corners + each, 640, 480) for each in noise]
    median = median_view([*views, BoardView((20,), corners[:1], 640, 480)])
    assert median is not None and median.ids == (20,)
    assert np.abs(median.corners - corners[:1]).max() < 0.15
    assert median_view([views[0], BoardView((20, 21), corners + 2.0, 640, 480)]) is None
    assert median_view([]) is None


def test_coverage_counts_ninths_tilts_and_distances():
    lens = Intrinsics(600, 300, [[500, 0, 299.5], [0, 500, 149.5], [0, 0, 1]], np.zeros(5))
    assert regions_of(np.array([[10.0, 10.0], [590.0, 290.0]]), 600, 300).sum() == 2
    views = []
    for distance, tilt in ((0.5, 0.0), (1.0, 0.6)):
        turn = np.array([[1, 0, 0], [0, -np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), -np.cos(tilt)]])
        points = GRIPPER_BOARD.points((20, 21)).reshape(-1, 3) @ turn.T + [0.0, 0.0, distance]
        pixels = points[:, :2] / points[:, 2:] * 500 + [299.5, 149.5]
        views.append(BoardView((20, 21), pixels.reshape(-1, 4, 2), 600, 300))
    assert attitude(views[1], GRIPPER_BOARD, lens)[0] == pytest.approx(np.rad2deg(0.6), abs=0.1)
    covered = coverage(views, GRIPPER_BOARD, lens)
    assert covered.tilt_deg == pytest.approx(np.rad2deg(0.6), abs=0.1)
    assert covered.distance_ratio == pytest.approx(2.0, rel=0.01)
    assert coverage([], GRIPPER_BOARD, lens).tilt_deg == 0.0

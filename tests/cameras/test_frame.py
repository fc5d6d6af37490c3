import numpy as np
import pytest

from cameras.frame import Frame, same_picture
from cameras.intrinsics import Intrinsics


def frame(rgb, depth_mm=None):
    return Frame("usb:1", 1, 0.0, rgb, depth_mm)


def test_arrays_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="float64"):
        frame(np.zeros((4, 6, 3)))
    with pytest.raises(ValueError, match=r"\(4, 6\)"):
        frame(np.zeros((4, 6), np.uint8))
    with pytest.raises(ValueError, match="depth"):
        frame(np.zeros((4, 6, 3), np.uint8), np.zeros((6, 4), np.uint16))


def test_many_may_hold_a_frame_because_nobody_can_change_it():
    shared = frame(np.zeros((4, 6, 3), np.uint8), np.zeros((4, 6), np.uint16))
    assert shared.size == (6, 4)
    with pytest.raises(ValueError, match="read-only"):
        shared.rgb[0, 0, 0] = 1
    assert shared.depth_mm is not None
    with pytest.raises(ValueError, match="read-only"):
        shared.depth_mm[0, 0] = 1


def test_one_pixel_makes_another_picture():
    rgb = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    for row, column in [(0, 0), (8, 16), (13, 21), (47, 63)]:
        other = rgb.copy()
        other[row, column, 1] ^= 1
        assert not same_picture(frame(rgb), frame(other))
    assert same_picture(frame(rgb), frame(rgb.copy()))
    assert not same_picture(frame(rgb), frame(rgb[:, :32].copy()))


@pytest.mark.parametrize("distortion", [[0.1] * 3, [0.1] * 6, [np.nan] * 5])
def test_distortion_that_opencv_does_not_know_is_refused(distortion):
    with pytest.raises(ValueError, match="distortion"):
        Intrinsics(640, 480, np.diag([500.0, 500.0, 1.0]), np.array(distortion))


def test_a_matrix_that_is_not_a_lens_is_refused():
    with pytest.raises(ValueError, match="focal"):
        Intrinsics(640, 480, np.diag([500.0, -500.0, 1.0]), np.zeros(5))

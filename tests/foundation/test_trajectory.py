import numpy as np
import pytest

from foundation.camera import camera_at
from foundation.poses import pose
from foundation.trajectory import Scene, Trajectory, View


def straight_line(T: int = 5) -> Trajectory:
    positions = np.linspace([0.3, 0.0, 0.1], [0.5, 0.0, 0.1], T)
    return Trajectory(np.arange(T) * 0.2, pose(position=positions), np.linspace(1, 0, T))


def test_resampling_fills_unknown_frames_from_their_neighbours():
    line = straight_line()
    poses, openness = line.base_from_tool.copy(), line.openness.copy()
    poses[2], openness[2] = np.nan, np.nan
    broken = Trajectory(line.times, poses, openness)
    assert broken.known.tolist() == [True, True, False, True, True]
    again = broken.at(line.times)
    assert again.known.all()
    assert np.allclose(again.base_from_tool, line.base_from_tool)
    assert np.allclose(again.openness, line.openness)


def test_slices_and_duration():
    part = straight_line()[1:4]
    assert len(part) == 3
    assert np.isclose(part.duration, 0.4)


def test_a_trajectory_of_unknown_frames_cannot_be_resampled():
    unknown = Trajectory(np.arange(2.0), np.full((2, 4, 4), np.nan), np.full(2, np.nan))
    with pytest.raises(ValueError, match="no frame"):
        unknown.at(np.arange(2.0))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"times": np.array([0.0, 0.2, 0.2, 0.4, 0.6])}, "rise"),
        ({"times": np.array([0.0, 0.2, np.nan, 0.4, 0.6])}, "finite"),
        ({"openness": np.array([0.0, 0.2, 0.3, 0.4, 1.6])}, "openness"),
        ({"openness": np.zeros(4)}, "needs times"),
        ({"base_from_tool": 2 * np.tile(np.eye(4), (5, 1, 1))}, "rigid"),
        ({"base_from_tool": np.full((5, 4, 4), np.inf)}, "rigid"),
    ],
)
def test_nonsense_is_refused(change, sentence):
    line = straight_line()
    values = {"times": line.times, "base_from_tool": line.base_from_tool, "openness": line.openness, **change}
    with pytest.raises(ValueError, match=sentence):
        Trajectory(**values)


def test_scene_checks_its_views():
    camera = camera_at("front", 8, 6, 1.0, (1, 0, 1), (0, 0, 0))
    view = View(camera, np.zeros((6, 8, 3), np.uint8), 0.0)
    assert Scene((view,), np.eye(4), 1.0).cameras == (camera,)
    with pytest.raises(ValueError, match="different camera names"):
        Scene((view, view), np.eye(4), 1.0)
    with pytest.raises(ValueError, match="at least one"):
        Scene((), np.eye(4), 1.0)
    with pytest.raises(ValueError, match="openness"):
        Scene((view,), np.eye(4), np.nan)
    with pytest.raises(ValueError, match="front"):
        View(camera, np.zeros((8, 6, 3), np.uint8), 0.0)

"""Trajectory files: read as written, and anything else gets a message."""

import json
import os

import numpy as np
import pytest

from benchmarks.motion.plan_trial import smooth
from foundation import xarm7
from foundation.trajectory import Trajectory
from workflows.proposals.trajectory_file import TrajectoryFileError, load_trajectory, save_trajectory


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "way.json"
    save_trajectory(file, smooth(np.random.default_rng(0)), "reach the ball")
    return file


def test_a_round_trip(path):
    before = smooth(np.random.default_rng(0))
    after, instruction = load_trajectory(path)
    assert instruction == "reach the ball"
    np.testing.assert_array_equal(after.times, before.times)
    np.testing.assert_allclose(after.base_from_tool, before.base_from_tool, atol=1e-12)
    np.testing.assert_array_equal(after.openness, before.openness)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_unknown_frames_are_not_written(tmp_path):
    poses = np.stack([xarm7.forward(xarm7.HOME), np.full((4, 4), np.nan)])
    with pytest.raises(TrajectoryFileError, match="unknown"):
        save_trajectory(tmp_path / "x.json", Trajectory(np.arange(2.0), poses, np.array([1.0, np.nan])))


@pytest.mark.parametrize(
    "change",
    [
        {"format": "something else"},
        {"times_s": "soon"},
        {"times_s": [0.0]},
        {"times_s": []},
        {"position_m": [[0, 0]] * 41},
        {"quaternion_xyzw": [[0, 0, 0, 0]] * 41},
        {"openness": [2.0] * 41},
        {"openness": [float("nan")] * 41},
        {"position_m": [[float("inf"), 0, 0]] * 41},
        {"openness": None},
    ],
    ids=lambda change: next(iter(change)),
)
def test_wrong_values_get_a_sentence(path, change):
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(TrajectoryFileError, match="holds no trajectory"):
        load_trajectory(path)


def test_damaged_files_get_a_sentence_or_are_still_a_trajectory(path):
    data = path.read_bytes()
    generator = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(data)
        damaged[generator.integers(len(data))] = generator.integers(256)
        path.write_bytes(bytes(damaged[: generator.integers(1, len(data))] if generator.random() < 0.3 else damaged))
        try:
            assert len(load_trajectory(path)[0]) == 41
        except TrajectoryFileError as error:
            assert str(path) in str(error)
    with pytest.raises(TrajectoryFileError, match="cannot be read"):
        load_trajectory(path.with_name("nothing.json"))
    with pytest.raises(TrajectoryFileError, match="cannot be written"):
        save_trajectory(path / "below" / "a.json", smooth(generator))


@pytest.mark.parametrize(
    "values",
    [
        {"times_s": [0.0]},
        {"times_s": [0.0, 5e-324]},
        {"times_s": [-1e308, 1e308]},
        {"times_s": [0.0, 1e300]},
        {"times_s": [1.0, 0.0]},
        {"times_s": [0.0, 1.0], "position_m": [[1e308, 0, 0], [-1e308, 0, 0]]},
    ],
    ids=["one frame", "no time", "overflowing times", "for ever", "backwards", "out of this world"],
)
def test_what_cannot_be_a_motion_gets_a_sentence(path, values):
    T = len(values["times_s"])
    still = {"position_m": [[0.4, 0, 0.2]] * T, "quaternion_xyzw": [[1, 0, 0, 0]] * T, "openness": [1] * T}
    path.write_text(json.dumps(json.loads(path.read_text()) | still | values))
    with pytest.raises(TrajectoryFileError, match="holds no trajectory"):
        load_trajectory(path)


def test_a_pipe_is_not_waited_for(tmp_path):
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        with pytest.raises(TrajectoryFileError, match="is not a file"):
            load_trajectory(path)

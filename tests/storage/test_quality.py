"""Each finding on an episode that has exactly that fault, and none on a good one."""

import numpy as np
import pytest
from recordings import FPS, joints, new_episode

from storage.episodes.finalize import FRAME
from storage.episodes.quality import EpisodeData, coverage, examine, idle_ends
from storage.episodes.samples import SAMPLE, with_poses


def good(seconds: float = 8.0) -> EpisodeData:
    """Make an arm that moves all the time, its gripper once, seen by two cameras."""
    samples = np.zeros(int(100 * seconds), SAMPLE)
    samples["time"] = np.arange(len(samples)) / 100
    samples["position"] = np.stack([joints(time) for time in samples["time"]])
    samples["tool"] = np.nan
    samples["openness"] = np.where(samples["time"] < seconds / 2, 1.0, 0.2)
    frames = np.zeros(int(FPS * seconds), FRAME)
    frames["time"] = np.arange(len(frames)) / FPS + 0.004
    frames["number"] = np.arange(len(frames))
    return EpisodeData(new_episode(2), seconds, [frames, frames.copy()], with_poses(samples))


def checks(data: EpisodeData) -> dict[str, int]:
    return {finding.check: finding.level for finding in examine(data)}


def test_a_good_episode_has_no_findings():
    assert checks(good()) == {}


def test_dropped_frames():
    data = good()
    data.frames[1]["number"][100:] += 5
    assert checks(data) == {"dropped frames": 2}
    data.frames[1]["number"][100:] -= 4  # one of 240 is no more than a hundredth
    assert checks(data) == {}


@pytest.mark.parametrize("seconds, found", [(0.3, {}), (0.6, {"frozen frames": 2})])
def test_frozen_frames(seconds, found):
    data = good()
    data.frames[0]["repeated"][50 : 50 + int(seconds * FPS)] = 1
    assert checks(data) == found


def test_samples_that_do_not_reach_the_frames():
    data = good()
    data.samples["time"] += 0.5
    assert checks(data) == {"sync error": 2}


def test_the_gripper_never_moves():
    data = good()
    data.samples["openness"] = 0.7
    assert checks(data) == {"gripper never moves": 1}


@pytest.mark.parametrize("share, level", [(0.55, 1), (0.85, 2)])
def test_standing_still(share, level):
    data = good()
    still = int(share * len(data.samples))
    data.samples["tool"][:still] = data.samples["tool"][still]
    data.samples["openness"] = 1.0
    found = checks(data)
    assert found.pop("idle") == level
    assert not found.keys() - {"jerk", "gripper never moves"}
    begin, end = idle_ends(data.samples)
    assert begin == pytest.approx(still / 100, abs=0.15)
    assert end == pytest.approx(8.0, abs=0.15)


def test_jerk():
    data = good()
    data.samples["tool"][:, 2] += 0.002 * np.sin(2 * np.pi * 5 * data.samples["time"])  # 2 mm at 5 Hz: 62 m/s^3
    assert checks(data) == {"jerk": 1}


def test_out_of_view_and_arm_error():
    data = good()
    data.samples["tool"][:400, :3] = (5.0, 0.0, 0.0)
    data.samples["error"][10] = 31
    found = checks(data)
    assert (found["tool out of view"], found["arm error"]) == (2, 2)


def test_nothing_at_all():
    empty = EpisodeData(new_episode(1), 0.0, [np.zeros(0, FRAME)], np.zeros(0, SAMPLE), "The disk was full.")
    assert checks(empty) == {"damaged": 2, "no film": 2, "no arm": 2}
    assert idle_ends(empty.samples) == (0.0, 0.0)


def test_coverage_leaves_out_what_is_nowhere():
    samples = np.zeros(3, SAMPLE)
    samples["tool"][:, 0] = 0.01, 1e30, np.nan
    assert coverage(samples) == ("0,0,0",)


def test_coverage_counts_the_cells_passed():
    samples = np.zeros(3, SAMPLE)
    samples["tool"][:, :3] = [[0.01, 0.01, 0.01], [0.04, 0.02, 0.03], [-0.01, 0.06, 0.01]]
    assert coverage(samples) == ("-1,1,0", "0,0,0")

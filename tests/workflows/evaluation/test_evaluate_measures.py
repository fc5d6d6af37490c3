"""Measures of the judge, on inputs whose figures are known."""

import numpy as np
import pytest

from foundation.camera import camera_at
from foundation.poses import from_rpy, pose
from simulation.bench.tasks import KINDS
from simulation.errors import SimulationError
from workflows.embedded.seeds import SeedError
from workflows.evaluation.image_quality import covered, moving, psnr, ssim
from workflows.evaluation.intervals import Share
from workflows.evaluation.point_tracking import average_jaccard, followed, path_error_mm, triangulated, true_tracks
from workflows.evaluation.questions import kinds_named, require_untrained

CAMERAS = [camera_at("c", 96, 96, 0.8, (1.0, side, 0.6), (0.4, 0.0, 0.1)) for side in (0.5, -0.5)]


def test_wilsons_interval():
    low, high = Share(45, 50).interval_pct  # statsmodels: proportion_confint(45, 50, method="wilson")
    assert (round(low, 2), round(high, 2)) == (78.64, 95.65)
    low, high = Share(50, 50).interval_pct
    assert round(low, 2) == 92.87 and high == 100.0
    assert Share(0, 0).interval_pct == (0.0, 100.0) and Share(0, 0).as_dict()["pct"] is None


def test_psnr_and_ssim():
    rng = np.random.default_rng(0)
    true = rng.integers(40, 200, (3, 32, 32, 3), dtype=np.uint8)
    assert psnr(true + 5, true) == pytest.approx(20 * np.log10(255 / 5), abs=1e-3)
    assert psnr(true, true) > 70 and ssim(true, true) == pytest.approx(1.0)
    mask = np.zeros((3, 32, 32), bool)
    mask[:, :8] = True
    half = true.copy()
    half[:, 8:] = 0
    assert psnr(half, true, mask) > 70 > 20 > psnr(half, true)
    assert np.isnan(psnr(half, true, ~(mask | ~mask))) and ssim(half, true) < ssim(half, true, mask)
    noisy = np.clip(true + rng.normal(0, 30, true.shape), 0, 255).astype(np.uint8)
    assert 0.2 < ssim(noisy, true) < 0.97


def test_what_moves_is_seen_where_it_was_and_where_it_is():
    video = np.full((1, 2, 20, 20, 3), 50, np.uint8)
    video[0, 0, 2:6, 2:6] = 200
    video[0, 1, 10:14, 10:14] = 200
    assert moving(video)[0, 1].sum() == 32 and not moving(video)[0, 0].any()


def test_the_outline_of_a_thing():
    half = np.full(3, 0.02)
    mask = covered(CAMERAS[0], pose(np.eye(3), np.array([0.4, 0.0, 0.02])), -half, half)
    u, v = np.round(CAMERAS[0].project(np.array([0.4, 0.0, 0.02]))).astype(int)
    assert mask[v, u] and 20 < mask.sum() < 300
    behind = pose(np.eye(3), np.array([3.0, 3.0, 1.0]))
    assert not covered(CAMERAS[0], behind, -half, half).any()


def test_average_jaccard_by_hand():
    true = np.tile(np.array([100.0, 50.0]), (2, 5, 1))
    assert average_jaccard(true, true, 256) == 1.0
    assert average_jaccard(true + np.array([3.0, 0.0]), true, 256) == pytest.approx(3 / 5)  # within 4, 8 and 16 px
    assert average_jaccard(true + np.array([3.0, 0.0]), true, 96) == pytest.approx(2 / 5)  # 8 px in 256
    assert average_jaccard(np.full_like(true, np.nan), true, 256) == 0.0
    half = true.copy()
    half[0] = np.nan  # one of two points is not found, and none is predicted for it
    assert average_jaccard(half, true, 256) == 0.5
    hidden = true.copy()
    hidden[0] = np.nan  # one of two predicted points is not there: a false alarm
    assert average_jaccard(true, hidden, 256) == 0.5


def test_lucas_kanade_follows_what_moves_and_two_views_say_where_it_is():
    rng = np.random.default_rng(0)
    texture = np.kron(rng.integers(60, 250, (6, 6, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    video = np.full((6, 96, 96, 3), 90, np.uint8)
    for t in range(6):
        video[t, 30 : 30 + 24, 20 + 2 * t : 20 + 2 * t + 24] = texture
    tracks = followed(video, np.array([[32.0, 42.0], [40.0, 36.0]]))
    assert np.abs(tracks[-1] - [[42.0, 42.0], [50.0, 36.0]]).max() < 0.7
    points = np.linspace((0.3, -0.1, 0.05), (0.5, 0.1, 0.2), 4)
    seen = np.stack([camera.project(points) for camera in CAMERAS])
    assert np.allclose(triangulated(seen, CAMERAS), points, atol=1e-9)
    seen[0, 2] = np.nan
    assert np.isnan(triangulated(seen, CAMERAS)[2]).all()


def test_the_error_of_a_path():
    true = np.linspace((0, 0, 0), (0.3, 0, 0), 4)
    assert path_error_mm(true + np.array([0, 0.01, 0]), true) == pytest.approx(10.0)
    lost = true.copy()
    lost[2:] = np.nan  # stays at 100 mm while the tool goes on to 200 and 300 mm
    assert path_error_mm(lost, true) == pytest.approx((0 + 100 + 200) / 3)
    assert np.isnan(path_error_mm(np.full((4, 3), np.nan), true))


def test_points_outside_the_picture_are_not_there():
    poses = np.stack([from_rpy(np.array(at), np.array([np.pi, 0.0, 0.0])) for at in ((0.4, 0.0, 0.1), (0.4, 2.0, 0.1))])
    tracks = true_tracks(poses, CAMERAS)
    assert tracks.shape == (2, 2, 3, 2) and np.isfinite(tracks[:, 0]).all() and np.isnan(tracks[:, 1]).all()


def test_names_of_tasks_and_seeds():
    assert kinds_named("all") == tuple(KINDS)
    assert kinds_named("reach, push,push left") == ("reach", "push left", "push right", "push away")
    with pytest.raises(SimulationError, match="no kind of task"):
        kinds_named("juggle")
    require_untrained(100_000)
    for seed in (99_999, 300_000):
        with pytest.raises(SeedError):
            require_untrained(seed)

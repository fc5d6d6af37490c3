"""Episode for review: all views at one time, the tool where the raw images show it."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from foundation.camera import camera_at
from foundation.trajectory import Scene, View
from storage.episodes.edits import Change, change
from storage.errors import DamagedFileError, NotFoundError
from storage.library import Library
from tests.storage.recordings import Recording, calibration, keep_one, new_episode
from workflows.cancellation import Cancellation, silently
from workflows.proposals.sources import ReplaySource
from workflows.proposals.trajectory_file import TrajectoryFileError
from workflows.recording.episode_review import as_seen, review
from workflows.session import Session
from workflows.settings import ProgramSettings

DISTORTION = (-0.35, 0.12, 0.001, -0.002, 0.0)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    with Library(tmp_path_factory.mktemp("library")) as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(library):
    return library.episode_folder(keep_one(library, 1.2, new=new_episode(2)))


def test_points_are_seen_where_the_distorted_picture_shows_them():
    lens = calibration(0, DISTORTION)
    points = np.random.default_rng(0).uniform((0.1, -0.2, 0.0), (0.5, 0.2, 0.4), (200, 3))
    ideal = lens.camera("x").project(points)
    inside = lens.camera("x").sees(ideal)
    seen = as_seen(lens, points)
    back = cv2.undistortPoints(
        seen[inside][:, None], np.array(lens.lens.K), np.array(DISTORTION), P=np.array(lens.lens.K)
    )
    assert inside.sum() > 50
    assert np.abs(back[:, 0] - ideal[inside]).max() < 0.05
    assert np.abs(seen[inside] - ideal[inside]).max() > 0.3  # the lens does bend
    np.testing.assert_allclose(as_seen(calibration(0), points)[inside], ideal[inside], atol=1e-6)


def test_what_is_behind_the_camera_or_far_outside_is_not_drawn():
    lens = calibration(0, DISTORTION)
    place = np.array(lens.base_from_camera)
    behind = place[:3, 3] - place[:3, 2]
    aside = place[:3, 3] + place[:3, 2] + 9 * place[:3, 0]
    assert np.isnan(as_seen(lens, np.stack([behind, aside]))).all()


def test_views_are_brought_to_one_time(folder):
    found = review(folder)
    assert found.names == ("Kamera 0/🎥", "Kamera 1/🎥")
    taken = [frames["time"] for frames in found.episode.frames]
    np.testing.assert_array_equal(found.moments, taken[0])
    for view in range(2):
        away = np.abs(taken[view][found.frames[view]] - found.moments)
        assert away.max() <= 0.5 / 30 + 1e-9
    # recordings.Recording closes the gripper after half a second.
    first = int(np.argmax(found.closed))
    assert found.moments[first] == pytest.approx(0.5, abs=0.05) and found.closed[first:].all()


def test_the_tool_is_drawn_where_it_was_when_the_picture_was_taken(library):
    late = replace(calibration(0), delay_s=0.2)
    new = new_episode(1)
    new = replace(new, views=(replace(new.views[0], calibration=late),))
    found = review(library.episode_folder(keep_one(library, 1.2, new=new)))
    way, motion = found.ways[0], found.episode.trajectory
    assert way is not None and motion is not None
    for frame in (10, 30):
        pose = motion.at(np.array([found.moments[frame] - 0.2])).base_from_tool[0]
        np.testing.assert_allclose(way.tool[frame, 0], late.camera("x").project(pose[:3, 3]), atol=1e-6)
        assert np.linalg.norm(way.path[way.passed[frame]] - way.tool[frame, 0]) < 1.0


def test_without_a_calibration_there_is_nothing_to_draw(library):
    new = new_episode(2)
    new = replace(new, views=(replace(new.views[0], calibration=None), new.views[1]))
    found = review(library.episode_folder(keep_one(library, 0.5, new=new)))
    assert found.ways[0] is None and found.ways[1] is not None


def test_an_episode_whose_cameras_gave_nothing_can_still_be_looked_at(library):
    recording = Recording(library, new_episode(1))
    recording.sources.clear()  # the frames go nowhere
    found = review(library.episode_folder(library.keep(recording.run(0.6).writer)))
    assert found.names == () and found.frames.shape == (0, len(found.moments))
    assert np.diff(found.moments) == pytest.approx(1 / 30)


def test_what_is_gone_or_damaged_is_said(library, folder, tmp_path):
    with pytest.raises(NotFoundError, match="gone"):
        review(tmp_path / "nowhere")
    broken = library.episode_folder(keep_one(library, 0.3))
    (broken / "frames.parquet").write_bytes(json.dumps({}).encode())
    with pytest.raises(DamagedFileError, match=r"frames\.parquet"):
        review(broken)


def test_an_episode_is_replayed_without_its_trimmed_ends(library):
    identity = keep_one(library, 1.2)
    change(library, [identity], Change(trim=(0.3, 0.9)))
    folder = library.episode_folder(identity)
    places = {"front": (1.1, 0.2, 0.6), "side": (0.4, -0.9, 0.5)}
    cameras = [camera_at(name, 96, 72, 0.9, place, (0.4, 0.0, 0.1)) for name, place in places.items()]
    views = tuple(View(camera, np.zeros((72, 96, 3), np.uint8), 0.0) for camera in cameras)
    motion = review(folder).episode.trajectory
    assert motion is not None
    scene = Scene(views, motion.base_from_tool[0], 1.0)
    source = ReplaySource(Session(ProgramSettings()), folder)
    proposal = source.propose("", scene, silently, Cancellation())
    assert proposal.instruction == "pick up the red cube"
    assert proposal.times[0] == pytest.approx(0.3, abs=0.011) and proposal.times[-1] == pytest.approx(0.9, abs=0.011)
    change(library, [identity], Change(trim=(0.3, 0.301)))
    with pytest.raises(TrajectoryFileError, match="Too little"):
        source.propose("", scene, silently, Cancellation())

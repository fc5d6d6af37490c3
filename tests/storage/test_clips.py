"""Clips cut from episodes by time, for a model."""

import cv2
import numpy as np
import pytest
from recordings import HEIGHT, WIDTH, Recording, calibration, joints, keep_one, new_episode, picture

from foundation import xarm7
from storage.episodes.clips import ClipSettings, ClipView, undistorted
from storage.episodes.documents import ViewSpec
from storage.episodes.edits import Change, change
from storage.errors import StorageError


def test_a_clip_shows_what_happened_when(library):
    folder = library.episode_folder(keep_one(library, 2.0))
    clips = ClipView([folder], ClipSettings(frames=5, period_s=0.2, stride_s=0.5))
    assert [clips[i].start_s for i in range(len(clips))] == pytest.approx([0.0, 0.5, 1.0])
    clip = clips[1]
    assert clip.rgb.shape == (2, 5, HEIGHT, WIDTH, 3)
    assert clip.instruction == "pick up the red cube"
    assert np.abs(clip.offset_s).max() < 0.022  # frames come every 1/30 s, on a raster of 10 ms
    for row, time in enumerate(0.5 + 0.2 * np.arange(5)):
        assert np.allclose(clip.trajectory.base_from_tool[row], xarm7.forward(joints(time)), atol=1e-3)
        number = round((time + clip.offset_s[0, row]) * 30)
        shown = [np.abs(clip.rgb[0, row].astype(int) - picture(number + d)).mean() for d in (-1, 0, 1)]
        assert min(shown) < 4
    assert clip.trajectory.openness[-1] == pytest.approx(0.2)


def test_trimming_and_delay_are_honoured(library):
    late = new_episode(1)
    place = late.views[0].calibration
    assert place is not None
    spec = ViewSpec("usb:0", "late", WIDTH, HEIGHT, 30.0, None, type(place)(**{**vars(place), "delay_s": 0.1}))
    identity = keep_one(library, 2.0, new=type(late)("look", (spec,)))
    change(library, [identity], Change(trim=(0.5, 1.5)))
    clips = ClipView([library.episode_folder(identity)], ClipSettings(frames=3, period_s=0.25))
    assert [clips[i].start_s for i in range(len(clips))] == pytest.approx([0.5])
    number = round((0.5 + 0.1 + clips[0].offset_s[0, 0]) * 30)
    shown = [np.abs(clips[0].rgb[0, 0].astype(int) - picture(number + d)).mean() for d in (-1, 0, 1)]
    assert min(shown) < 4


def test_an_episode_shorter_than_a_clip_is_held_at_its_end(library):
    clips = ClipView([library.episode_folder(keep_one(library, 0.5))], ClipSettings(frames=4, period_s=0.4))
    assert len(clips) == 1
    assert np.array_equal(clips[0].rgb[:, 2], clips[0].rgb[:, 3])


def test_pictures_are_undistorted_with_the_calibration_of_choice():
    bent = calibration(0, (-0.3, 0.1, 0.0, 0.0, 0.0))
    lens = bent.lens
    K = np.array(lens.K)
    wanted = np.array([[20.0, 15.0], [70.0, 50.0]])
    rays = np.concatenate([(wanted - K[:2, 2]) / [K[0, 0], K[1, 1]], np.ones((2, 1))], axis=1)
    seen = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), K, np.array(lens.distortion))[0].reshape(2, 2)
    raw = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
    for x, y in seen:
        cv2.circle(raw[0], (round(x * 16), round(y * 16)), 3 * 16, (255, 255, 255), -1, cv2.LINE_AA, shift=4)
    assert np.abs(seen - wanted).max() > 0.5
    straight = undistorted(raw, bent)[0, ..., 0]
    for x, y in wanted.astype(int):
        part = straight[y - 6 : y + 7, x - 6 : x + 7].astype(float)
        rows, columns = np.mgrid[-6:7, -6:7]
        assert (part * columns).sum() / part.sum() == pytest.approx(0.0, abs=0.3)
        assert (part * rows).sum() / part.sum() == pytest.approx(0.0, abs=0.3)


def test_the_camera_goes_along_with_the_size(library):
    folder = library.episode_folder(keep_one(library, 0.5))
    clip = ClipView([folder], ClipSettings(frames=2, period_s=0.1, size=(48, 32), views=("Kamera 1/🎥",)))[0]
    assert clip.rgb.shape == (1, 2, 32, 48, 3)
    assert (clip.cameras[0].width, clip.cameras[0].name) == (48, "Kamera 1/🎥")
    assert clip.cameras[0].K[0, 0] == pytest.approx(40.0)


def test_what_cannot_give_clips_is_left_out_and_named(library):
    plain = ViewSpec("usb:9", "uncalibrated", WIDTH, HEIGHT)
    blind = keep_one(library, 0.3, new=type(new_episode())("look", (plain,)))
    recording = Recording(library)
    library.keep(recording.writer)  # neither images nor samples
    folders = [library.episode_folder(identity) for identity in (blind, recording.writer.id)]
    clips = ClipView(folders, ClipSettings(frames=2, period_s=0.1))
    assert len(clips) == 0
    assert set(clips.skipped) == {str(blind), str(recording.writer.id)}


def test_a_calibration_for_other_pictures_is_refused():
    with pytest.raises(StorageError, match="Choose another calibration"):
        undistorted(np.zeros((1, 10, 10, 3), np.uint8), calibration())

"""Coverage of a run by its video: videos made by the real recorder, of cameras that fail on demand."""

import time
from dataclasses import replace

import numpy as np
import pytest
from record_pieces import REQUEST, Arm, Camera, until

from foundation import xarm7
from storage.episodes.episode import Episode
from storage.library import Library
from workflows.recording.recorder import Recorder
from workflows.rehearsal.run_recording import longest_gap, video_shortfall
from workflows.rehearsal.tracking import Tracking


class Hiccuping(Camera):
    """Camera that delivers nothing while it is `silent`, without reporting it."""

    silent = False

    def get(self, timeout: float):
        if self.silent:
            time.sleep(timeout)
            return None
        return super().get(timeout)


class Standing(Arm):
    def _sample(self, number: int):
        return replace(super()._sample(number), position=np.array(xarm7.HOME), openness=1.0)


def recorded(tmp_path, act, arm=None) -> tuple[Episode, float, float]:
    """Record an episode during which `act(camera)` is called; return it with the start and end of the recording."""
    camera = Hiccuping("left")
    with Library(tmp_path) as library:
        recorder = Recorder(library, [camera, Camera("right")], arm or Arm(), least_free=0)
        recorder.start(REQUEST)
        began = time.monotonic()
        until(lambda: recorder.figures is not None and all(view.frames > 10 for view in recorder.figures.views))
        act(camera)
        ended = time.monotonic()
        recorder.stop()
        kept = recorder.keep(True)
        return Episode(library.episode_folder(kept.id)), began + 0.2, ended


def run(began: float, ended: float, metres: float = 0.2) -> Tracking:
    """Return a run that moved the tool by `metres` meanwhile."""
    read = np.arange(began, ended, 0.01)
    count = len(read)
    way = np.column_stack([np.linspace(0, metres, count), np.zeros(count), np.zeros(count)])
    return Tracking(read, read - began, np.zeros((count, 7)), way, way, np.ones(count))


def test_a_whole_film_lacks_nothing(tmp_path):
    film, began, ended = recorded(tmp_path, lambda camera: time.sleep(0.5))
    assert video_shortfall(film, run(began, ended)) == ""


def test_a_camera_that_gave_nothing_for_a_while_is_named(tmp_path):
    def hiccup(camera: Hiccuping) -> None:
        camera.silent = True
        time.sleep(1.5)
        camera.silent = False
        time.sleep(0.3)

    film, began, ended = recorded(tmp_path, hiccup)
    assert video_shortfall(film, run(began, ended)).startswith("The camera left gave no picture for ")
    assert "no pictures for a while" in {found.check for found in film.facts.findings}


def test_a_film_that_ends_before_the_run_is_not_whole(tmp_path):
    film, began, ended = recorded(tmp_path, lambda camera: time.sleep(0.3))
    assert "gave no picture for 5." in video_shortfall(film, run(began, ended + 5.3))


def test_a_camera_that_breaks_off_cuts_the_film_and_the_episode_says_so(tmp_path):
    def breaks(camera: Hiccuping) -> None:
        camera.fault = "The camera left is not connected. Check its cable."
        time.sleep(1.5)

    film, began, ended = recorded(tmp_path, breaks)
    assert film.facts.damage == "The camera left is not connected. Check its cable."
    assert video_shortfall(film, run(began, ended)) != ""


def test_a_run_or_a_film_without_motion_is_said(tmp_path):
    film, began, ended = recorded(tmp_path, lambda camera: time.sleep(0.5), Standing())
    assert "did not move" in video_shortfall(film, run(began, ended, metres=0.0))
    assert video_shortfall(film, run(began, ended)) == "Nothing moves in the film of this run."


def test_a_gap_at_either_end_counts():
    times = np.arange(1.0, 2.0, 0.1)
    assert longest_gap(times, 0.0, 2.0) == pytest.approx(1.0)
    assert longest_gap(times, 1.0, 5.0) == pytest.approx(3.1)
    assert longest_gap(np.zeros(0), 1.0, 5.0) == pytest.approx(4.0)

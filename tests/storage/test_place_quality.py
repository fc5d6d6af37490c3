"""Findings on an episode whose cameras had moved, or were calibrated long ago."""

from dataclasses import replace

import numpy as np
import pytest
from recordings import FPS, joints, new_episode

from storage.episodes.documents import Calibration, Lens, PlaceSeen, ViewSpec
from storage.episodes.finalize import FRAME
from storage.episodes.quality import EpisodeData, examine
from storage.episodes.samples import SAMPLE, with_poses

MADE, SEEN = "2026-03-01T08:00:00+00:00", "2026-03-02T08:00:00+00:00"
PLACE = PlaceSeen(SEEN, "green", "The camera stands where it stood.", 0.1, 0.05)


def episode(place: PlaceSeen | None, made_at: str = MADE) -> EpisodeData:
    """Make an arm seen by two cameras, the first calibrated at `made_at`, its place checked with the result `place`."""
    samples = np.zeros(800, SAMPLE)
    samples["time"] = np.arange(800) / 100
    samples["position"] = np.stack([joints(time) for time in samples["time"]])
    samples["tool"] = np.nan
    samples["openness"] = np.where(samples["time"] < 4.0, 1.0, 0.2)
    frames = np.zeros(int(8 * FPS), FRAME)
    frames["time"] = np.arange(len(frames)) / FPS + 0.004
    frames["number"] = np.arange(len(frames))
    new = new_episode(2)
    first = new.views[0]
    lens = Lens(first.width, first.height, ((30.0, 0.0, 32.0), (0.0, 30.0, 24.0), (0.0, 0.0, 1.0)))
    down = ((0.0, -1.0, 0.0, 0.4), (-1.0, 0.0, 0.0, 0.0), (0.0, 0.0, -1.0, 1.5), (0.0, 0.0, 0.0, 1.0))
    calibration = Calibration("5f4dcc3b-0000-4000-8000-000000000000", made_at, "calibration", lens, down)
    view: ViewSpec = replace(first, calibration=calibration, place=place)
    return EpisodeData(replace(new, views=(view, new.views[1])), 8.0, [frames, frames.copy()], with_poses(samples))


def about_the_place(data: EpisodeData) -> dict[str, tuple[int, str]]:
    found = {finding.check: (finding.level, finding.sentence) for finding in examine(data)}
    return {check: each for check, each in found.items() if "place" in check or "cal" in check or "moved" in check}


def test_a_camera_that_stands_where_it_stood_is_not_spoken_of():
    assert about_the_place(episode(PLACE)) == {}
    assert about_the_place(episode(None)) == {}


@pytest.mark.parametrize(("light", "level"), [("yellow", 1), ("red", 2)])
def test_a_camera_that_had_moved(light, level):
    moved = replace(PLACE, light=light, shift_mm=6.04, shift_px=4.0)
    (found,) = about_the_place(episode(moved)).values()
    assert found[0] == level and "moved by about 6.0 mm since it was calibrated" in found[1]


def test_whoever_recorded_all_the_same_is_named():
    knowing = replace(PLACE, light="red", shift_mm=6.0, acknowledged_by="Kim")
    assert "Kim recorded all the same" in about_the_place(episode(knowing))["camera moved"][1]


def test_a_place_that_nobody_could_look_at():
    unseen = replace(PLACE, light="unknown", shift_mm=None, shift_px=None)
    assert about_the_place(episode(unseen))["place not checked"][0] == 1


def test_an_old_calibration():
    level, sentence = about_the_place(episode(PLACE, "2026-01-01T08:00:00+00:00"))["old calibration"]
    assert level == 1 and "60 days" in sentence

"""Recorder with scripted cameras and arm, a real library, real videos and a real clock."""

import threading

import numpy as np
import pytest
from record_pieces import REQUEST, Arm, Camera, until

from storage.episodes.episode import Episode
from storage.episodes.recovery import INCOMING
from storage.errors import DiskFullError
from storage.library import Library
from storage.queries import episode, page
from workflows.cancellation import Cancellation, Cancelled
from workflows.recording.rates import sync_ms
from workflows.recording.recorder import Recorder, RecordError, RecordFigures, RecordState


@pytest.fixture
def library(tmp_path):
    with Library(tmp_path / "library") as opened:
        yield opened


@pytest.fixture
def cameras():
    return [Camera("left"), Camera("right")]


@pytest.fixture
def arm():
    return Arm()


@pytest.fixture
def recorder(library, cameras, arm):
    recorder = Recorder(library, cameras, arm, least_free=0)
    yield recorder
    recorder.close()


def record(recorder: Recorder, frames: int = 8) -> None:
    """Record until every camera has delivered that many frames."""
    recorder.start(REQUEST)
    until(lambda: all(view.frames >= frames for view in now(recorder).views))


def now(recorder: Recorder) -> RecordFigures:
    assert recorder.figures is not None
    return recorder.figures


def rows(library):
    return page(library.database).rows


def in_work(library) -> list[str]:
    return [path.name for path in (library.episodes / INCOMING).iterdir()]


def test_what_was_shown_is_kept_with_frames_samples_and_words(recorder, library, cameras, arm):
    assert recorder.state is RecordState.READY and recorder.folder is None
    record(recorder)
    assert recorder.state is RecordState.RECORDING and arm.recorded
    recorder.stop()
    assert recorder.state is RecordState.REVIEW and not recorder.fault
    assert not arm.recorded and not any(camera.recorded for camera in cameras) and arm.halted == 0
    assert recorder.folder is not None
    samples = Episode(recorder.folder).samples  # it can be looked at before it is kept
    kept = recorder.keep(True, "well done")
    assert recorder.state is RecordState.RESET and recorder.kept == (kept,)
    row = episode(library.database, kept.id)
    assert (row.instruction, row.success, row.note, row.operator, row.source) == (
        "pick up the red cube", True, "well done", "Kim", "jog",
    )  # fmt: skip
    assert row.frames >= 16 and row.samples == len(samples) > 10
    assert np.ptp(samples["position"][:, 0]) > 0.0
    stored = Episode(library.episode_folder(kept.id))
    assert stored.labels.paraphrases == ("lift the red cube",) and in_work(library) == []


def test_the_samples_reach_to_the_end_of_the_films(recorder):
    record(recorder)
    recorder.stop()
    found = Episode(recorder.folder)
    last_frame = max(frames["time"][-1] for frames in found.frames)
    assert found.samples["time"][-1] > last_frame - 0.05


def test_the_next_episode_may_begin_at_once_and_a_discarded_one_leaves_nothing(recorder, library):
    record(recorder, 3)
    recorder.stop()
    recorder.keep(False)
    record(recorder, 3)
    recorder.stop()
    recorder.discard()
    assert recorder.state is RecordState.RESET and in_work(library) == []
    recorder.bench_is_ready()
    assert recorder.state is RecordState.READY
    record(recorder, 3)
    recorder.stop()
    recorder.keep(True)
    assert {row.success for row in rows(library)} == {False, True} and len(recorder.kept) == 2


def test_steps_out_of_order_are_refused_and_change_nothing(recorder, library):
    for step in (lambda: recorder.keep(True), recorder.discard):
        with pytest.raises(RecordError, match="step ready, not review"):
            step()
    record(recorder, 2)
    for step in (lambda: recorder.start(REQUEST), lambda: recorder.keep(True), recorder.bench_is_ready):
        with pytest.raises(RecordError, match="step recording"):
            step()
    recorder.stop()
    recorder.stop()  # twice is once
    assert recorder.state is RecordState.REVIEW and rows(library) == ()


def test_a_countdown_can_be_cancelled(recorder, library, arm):
    token, ended = Cancellation(), []

    def begin() -> None:
        try:
            recorder.start(REQUEST, countdown_s=60.0, token=token)
        except Cancelled as cancelled:
            ended.append(cancelled)

    thread = threading.Thread(target=begin)
    thread.start()
    until(lambda: recorder.state is RecordState.COUNTDOWN)
    assert 50.0 < recorder.countdown_s <= 60.0 and not arm.recorded
    token.cancel()
    thread.join()
    assert len(ended) == 1 and recorder.state is RecordState.READY and in_work(library) == []


@pytest.mark.parametrize("broken", ["camera", "arm"])
def test_nothing_begins_with_a_camera_or_an_arm_that_is_not_well(recorder, library, cameras, arm, broken):
    (cameras[1] if broken == "camera" else arm).fault = "It is broken. Mend it."
    assert recorder.trouble == "It is broken. Mend it."
    with pytest.raises(RecordError, match="broken"):
        recorder.start(REQUEST)
    assert recorder.state is RecordState.READY and in_work(library) == []


def test_without_cameras_nothing_is_recorded(library, arm):
    with pytest.raises(RecordError, match="No camera"):
        Recorder(library, [], arm).start(REQUEST)


@pytest.mark.parametrize("broken", ["camera", "arm"])
def test_a_fault_ends_the_recording_halts_the_arm_and_keeps_what_is_there(recorder, library, cameras, arm, broken):
    record(recorder)
    (cameras[0] if broken == "camera" else arm).fault = "It is not connected. Check its cable."
    until(lambda: recorder.state is RecordState.REVIEW)
    assert recorder.fault == "It is not connected. Check its cable." and arm.halted == 1
    assert recorder.keep(False).duration_s > 0.1
    assert rows(library)[0].frames >= 16


def test_a_film_that_cannot_go_on_ends_the_recording_and_is_marked(recorder, library, cameras, arm):
    record(recorder)
    cameras[1].size = (32, 24)
    until(lambda: recorder.state is RecordState.REVIEW)
    assert "changed its picture size" in recorder.fault and arm.halted == 1
    recorder.keep(None)
    assert "changed its picture size" in rows(library)[0].damage


def test_a_disk_without_room_is_said_and_nothing_is_begun(library, cameras, arm):
    recorder = Recorder(library, cameras, arm, least_free=10**18)
    with pytest.raises(DiskFullError, match="too little room"):
        recorder.start(REQUEST)
    assert recorder.state is RecordState.READY and not arm.recorded and not cameras[0].recorded


def test_closing_while_recording_keeps_the_episode(library, cameras, arm):
    recorder = Recorder(library, cameras, arm, least_free=0)
    record(recorder)
    recorder.close()
    (row,) = rows(library)
    assert row.success is None and "closed" in row.note and row.frames >= 16


def test_the_figures_tell_of_rates_losses_and_room(recorder, cameras):
    assert recorder.figures is None
    record(recorder, 20)
    cameras[0].given += 4  # the camera lost four frames by its own count
    until(lambda: now(recorder).views[0].dropped == 4)
    figures = now(recorder)
    assert [view.name for view in figures.views] == ["left", "right"]
    assert all(view.fps > 1.0 for view in figures.views) and figures.free_bytes > 0
    assert 0.0 <= figures.sync_ms <= 1000.0
    recorder.stop()
    assert now(recorder).elapsed_s >= figures.elapsed_s  # the last ones stay to be read


def test_the_distance_of_cameras_is_that_of_their_nearest_pictures():
    times = 5.0 + np.arange(20) / 30.0
    assert sync_ms([times, times + 0.004]) == pytest.approx(4.0, abs=0.01)
    assert sync_ms([times, times - 0.030]) == pytest.approx(1000 / 30 - 30.0, abs=0.01)  # the next one is nearer
    assert sync_ms([times, times, times + 0.011]) == pytest.approx(11.0, abs=0.01)
    assert np.isnan(sync_ms([times])) and np.isnan(sync_ms([times, times[:1]]))

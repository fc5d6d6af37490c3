"""Labelling a video of any length, piece by piece; the stored episode states that a model read it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from foundation import xarm7
from foundation.camera import camera_at
from foundation.trajectory import Trajectory
from main import main
from model.generation.untrained import tiny_pipeline
from model.service.client import ModelProcess
from storage.episodes.episode import Episode
from storage.library import Library
from storage.queries import page
from workflows.cancellation import Cancellation, Cancelled
from workflows.labelling.command import Request, start_of
from workflows.labelling.episode_video import LabelError, Start, cameras_in, of_episode, of_files
from workflows.labelling.label import ASSUMED, SOURCE, TAG, Labelled, keep, label
from workflows.proposals.model_source import WORKSPACE, window
from workflows.video_grid import SideBySideVideo

TASK = "push the blue ball"
SECONDS, FPS = 2.4, 10.0


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A tiny untrained model that takes videos, and one that does not."""
    folder = tmp_path_factory.mktemp("models")
    for mode, knows_video in (("joint", True), ("policy", False)):
        made = tiny_pipeline(rehearsal_mode=mode, knows_video=knows_video, guidance_scale=1.0)
        made.save_pretrained(folder / mode)
    return folder


@pytest.fixture(scope="module")
def process(models):
    with ModelProcess(models / "joint", device="cpu", threads=1) as process:
        process.load()
        yield process


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Two videos of one moving square, each named like its camera, and the cameras' file."""
    folder = tmp_path_factory.mktemp("films")
    cameras = [
        camera_at(name, 96, 64, 0.8, (0.98, side, 0.62), (0.4, 0.0, 0.1))
        for name, side in (("left", 0.58), ("right", -0.58))
    ]
    for view, camera in enumerate(cameras):
        with SideBySideVideo(folder / f"{camera.name}.mp4", FPS) as video:
            for frame in range(round(SECONDS * FPS) + 1):
                picture = np.full((64, 96, 3), 40 + 60 * view, np.uint8)
                picture[20:40, 2 * frame : 2 * frame + 16] = 220
                video.add([picture])
    (folder / "cameras.json").write_text(json.dumps({"cameras": [camera.to_dict() for camera in cameras]}))
    return folder


def multi_view(films: Path):
    paths = [films / "right.mp4", films / "left.mp4"]
    return of_files(paths, cameras_in(films / "cameras.json"), TASK)


def test_a_file_is_the_film_of_the_camera_it_is_named_like(films):
    video = multi_view(films)
    assert [camera.name for camera in video.cameras] == ["right", "left"]
    assert video.seconds == pytest.approx(SECONDS, abs=0.01)
    pictures = video.at(np.array([0.0, 1.0, SECONDS]))
    assert pictures.shape == (2, 3, 64, 96, 3)
    assert pictures[0, 0, 60, 90, 0] == pytest.approx(100, abs=4) and pictures[1, 0, 60, 90, 0] == pytest.approx(
        40, abs=4
    )
    assert pictures[0, 1, 30, 30, 0] > 200 and pictures[0, 1, 30, 10, 0] < 130  # after 1 s the square is 20 px further


def test_the_whole_film_is_read_piece_by_piece(process, films):
    said, shares = [], []
    told = lambda words, share: (said.append(words), shares.append(share))  # noqa: E731
    found = label(process, multi_view(films), seed=3, report=told)
    times = found.trajectory.times
    assert times[0] == 0.0 and SECONDS - 0.2 < times[-1] <= SECONDS + 1e-6
    np.testing.assert_allclose(np.diff(times), times[1], atol=1e-9)  # the pieces fit together
    assert found.confidence.shape == times.shape and found.residual_px.shape == (len(times), 2)
    assert any("piece 2 of" in words for words in said)
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(set(shares)) > len({*said}) > 1
    assert json.dumps(found.to_dict()) and found.to_dict()["frames"] == len(times)


def test_what_cannot_be_read_is_said(process, models, films, tmp_path, monkeypatch):
    monkeypatch.setattr(process, "folder", models / "policy")
    with pytest.raises(LabelError, match="reads no videos"):
        label(process, multi_view(films))
    monkeypatch.undo()
    token = Cancellation()
    with pytest.raises(Cancelled):
        label(process, multi_view(films), report=lambda *_: token.cancel(), token=token)
    cameras = cameras_in(films / "cameras.json")
    with pytest.raises(LabelError, match="two videos or more"):
        of_files([films / "left.mp4"], cameras, TASK)
    with pytest.raises(LabelError, match="96 x 64"):
        of_files([films / "left.mp4", films / "right.mp4"], [camera.resized(48, 32) for camera in cameras], TASK)
    (tmp_path / "left.mp4").write_bytes(b"no film")
    with pytest.raises(LabelError, match="cannot be played"):
        of_files([tmp_path / "left.mp4", films / "right.mp4"], cameras, TASK)
    with pytest.raises(LabelError, match="no cameras"):
        cameras_in(tmp_path / "left.mp4")


def test_a_model_that_looks_at_other_parts_of_each_picture_reads_too(films, tmp_path):
    """Read with a model that looks at other crops of each image, as the embedded one does for unequal distances."""
    tiny_pipeline(picture_part=WORKSPACE, guidance_scale=1.0).save_pretrained(tmp_path / "nearer")
    left, right = cameras_in(films / "cameras.json")
    further = camera_at("right", 96, 64, 0.8, (1.4, -0.9, 0.9), (0.4, 0.0, 0.1))
    video = of_files([films / "left.mp4", films / "right.mp4"], [left, further], TASK)
    with ModelProcess(tmp_path / "nearer", device="cpu", threads=1) as process:
        config = process.load()["config"]
        sides = {window(camera, config)[2] for camera in video.cameras}
        assert len(sides) == 2 and right.name == "right"
        assert len(label(process, video).trajectory) > 2


def test_what_was_read_is_stored_as_such_and_kept_out_of_training(films, tmp_path):
    video = multi_view(films)
    T = 13
    q = np.tile(xarm7.HOME, (T, 1))
    q[:, 0] += np.linspace(0.0, 0.4, T)
    poses, openness = xarm7.forward(q), np.where(np.arange(T) < 6, 1.0, 0.0)
    poses[4] = np.nan  # one frame could not be read
    way = Trajectory(np.linspace(0.0, SECONDS, T), poses, openness)
    confidence = np.where(np.arange(T) < 10, 0.9, 0.1)
    start = Start(poses[0], known=ASSUMED)
    read = Labelled(video, way, confidence, np.zeros((T, 2)), "0123abcd", start)
    assert read.sure == pytest.approx(9 / T)
    with Library(tmp_path) as library:
        (identity,) = keep(library, [read], "Ada")
        (row,) = page(library.database).rows
        assert (row.source, row.excluded, row.success, row.tags) == (SOURCE, True, None, (TAG,))
        assert "0123abcd" in row.note and "home posture was taken" in row.note
        assert row.operator == "Ada" and str(row.id) == identity
        episode = Episode(library.episode_folder(row.id))
        assert [camera.name for camera in (episode.camera(0), episode.camera(1)) if camera] == ["right", "left"]
        assert episode.trajectory is not None
        kept = episode.trajectory.at(way.times[[0, 6, 12]])
        np.testing.assert_allclose(kept.base_from_tool[:, :3, 3], way.base_from_tool[[0, 6, 12], :3, 3], atol=2e-3)
        again = of_episode(episode)  # and it can be read once more, now from the arm's known start
        assert again.start is not None
        np.testing.assert_allclose(again.start.base_from_tool[:3, 3], poses[0, :3, 3], atol=1e-3)
        assert again.seconds == pytest.approx(SECONDS, abs=0.11) and again.at(np.array([1.0])).shape == (
            2,
            1,
            64,
            96,
            3,
        )
        nothing = replace(read, trajectory=Trajectory(way.times, np.full((T, 4, 4), np.nan), np.full(T, np.nan)))
        with pytest.raises(LabelError, match="not stored"):
            keep(library, [read, nothing])
        assert len(page(library.database).rows) == 1  # all of them, or none


def test_the_command(models, films, tmp_path, capsys):
    command = ["label", str(films / "left.mp4"), str(films / "right.mp4"), "--json", "--library", str(tmp_path)]
    more = ["--cameras", str(films / "cameras.json"), "--instruction", TASK]
    assert main([*command, *more, "--model", str(models / "joint")]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["read"] == 1 and result["videos"][0]["frames"] > 5 and result["videos"][0]["start"] == ASSUMED
    assert main(command) == 1
    said = capsys.readouterr()
    assert "--cameras" in said.err and said.out == ""
    with pytest.raises(SystemExit) as wrong:
        main([*command, *more, "--start", "400", "-50"])
    assert wrong.value.code == 2


def test_where_the_arm_begins_is_told_to_the_model(process, films, monkeypatch):
    """Check the start given as the control box shows it, mm and degrees; further pieces begin where the last ended."""
    told, generate = [], process.generate

    def listened(instruction, scene, *args, **options):
        told.append((scene.base_from_tool, scene.openness))
        return generate(instruction, scene, *args, **options)

    monkeypatch.setattr(process, "generate", listened)
    request = Request((), start=(400.0, -50.0, 300.0, 180.0, 0.0, 90.0), start_closed=True)
    found = label(process, multi_view(films), start=start_of(request), seed=3)
    assert found.start.known == "given" and "given" in json.dumps(found.to_dict())
    pose, openness = told[0]
    assert pose[:3, 3] == pytest.approx((0.4, -0.05, 0.3)) and openness == 0.0
    np.testing.assert_allclose(pose[:3, :3] @ (0, 0, 1), (0, 0, -1), atol=1e-9)  # roll 180: the gripper points down
    np.testing.assert_allclose(pose[:3, :3] @ (1, 0, 0), (0, 1, 0), atol=1e-9)
    told.clear()
    label(process, multi_view(films), seed=3)
    np.testing.assert_allclose(told[0][0], xarm7.forward(xarm7.HOME))
    assert start_of(Request(())) is None
    with pytest.raises(LabelError, match="six numbers"):
        start_of(Request((), start=(1.0, float("nan"), 0.0, 0.0, 0.0, 0.0)))

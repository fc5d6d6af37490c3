"""Model as a source: an untrained one's output ends in findings, errors in a message."""

from dataclasses import replace

import numpy as np
import pytest

from foundation import xarm7
from foundation.camera import camera_at
from foundation.trajectory import Scene, Trajectory, View
from model.action_images.rendering import render
from model.checkpoints.default_weights import EMBEDDED_FOLDER
from model.checkpoints.description import describe, known_models
from model.checkpoints.fingerprint import fingerprint
from model.errors import ModelError, WeightsError
from model.generation.untrained import tiny_pipeline
from model.service.client import ModelProcess
from robot.planning.planner import make_plan
from workflows.cancellation import Cancellation, Cancelled, silently
from workflows.proposals.model_source import GenerationSettings, ModelSource, cropped, laid, window
from workflows.proposals.proposal import action_cameras
from workflows.rehearsal.planning import decode_findings

INSTRUCTION = "pick up the red cube"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One tiny untrained model that generates videos, and one that only predicts motions."""
    path = tmp_path_factory.mktemp("model")
    for mode in ("joint", "policy"):
        made = tiny_pipeline(rehearsal_mode=mode, knows_video=mode == "joint", guidance_scale=1.0)
        made.save_pretrained(path / mode)
    return path


@pytest.fixture(scope="module")
def process(folder):
    with ModelProcess(folder / "joint", device="cpu", threads=1) as process:
        process.load()
        yield process


def scene(width: int = 160, height: int = 120) -> Scene:
    rng = np.random.default_rng(0)
    views = [
        View(
            camera_at(name, width, height, 0.78, (0.98, side, 0.62), (0.4, 0.0, 0.1)),
            rng.integers(0, 256, (height, width, 3), np.uint8),
            3.0,
        )
        for name, side in (("left", 0.58), ("right", -0.58))
    ]
    return Scene(tuple(views), xarm7.forward(xarm7.HOME), 1.0)


def test_an_untrained_model_ends_in_findings_not_in_a_crash(process):
    said = []
    proposal = ModelSource(process).propose(INSTRUCTION, scene(), lambda *now: said.append(now), Cancellation())
    T = len(proposal.times)
    assert proposal.source == "model" and proposal.rgb.shape == (2, T, 64, 64, 3)
    decoded = proposal.decoded
    findings = decode_findings(decoded, [camera.name for camera in proposal.cameras])
    plan = make_plan(decoded.trajectory, xarm7.HOME, 1.0, confidence=decoded.confidence, known=findings)
    assert not plan.executable
    shares = [share for _, share in said]
    assert shares == sorted(shares) and any("step 3 of 3" in words for words, _ in said)
    assert proposal.scene.views[0].rgb.shape == (120, 160, 3)  # the captured images are kept whole


def test_a_model_without_videos_draws_over_the_whole_pictures(process, folder, monkeypatch):
    monkeypatch.setattr(process, "folder", folder / "policy")
    proposal = ModelSource(process).propose(INSTRUCTION, scene(), silently, Cancellation())
    assert proposal.rgb is None
    assert proposal.action.shape[2:] == (120, 160, 3) and proposal.cameras[0].width == 160


def test_a_question_taken_back_is_cancelled(process):
    token = Cancellation()
    with pytest.raises(Cancelled):
        ModelSource(process).propose(INSTRUCTION, scene(), lambda words, _: token.cancel(), token)


def test_what_cannot_be_asked_is_a_sentence(process, tmp_path, monkeypatch):
    one = scene()
    with pytest.raises(ModelError, match="second camera"):
        ModelSource(process).propose(
            INSTRUCTION, Scene(one.views[:1], one.base_from_tool, 1.0), silently, Cancellation()
        )
    monkeypatch.setattr(process, "folder", tmp_path)
    with pytest.raises(ModelError, match="There is no model"):
        ModelSource(process).propose(INSTRUCTION, one, silently, Cancellation())


def test_cropping_keeps_every_ray():
    whole = scene()
    for part in ("middle", "workspace"):
        windows = [window(camera, {"picture_part": part, "width": 96, "height": 96}) for camera in whole.cameras]
        square = cropped(whole, windows)
        camera, (left, top, side, _) = square.cameras[0], windows[0]
        assert camera.width == camera.height == side and square.views[0].rgb.shape == (side, side, 3)
        point = np.array([0.4, 0.05, 0.1])
        assert np.allclose(camera.project(point) + np.array([left, top]), whole.cameras[0].project(point))
        u, v = np.round(camera.project(point)).astype(int)
        assert np.array_equal(square.views[0].rgb[v, u], whole.views[0].rgb[v + top, u + left])
    window_of_all = window(whole.cameras[0], {"picture_part": "middle", "width": 128, "height": 96})
    assert cropped(whole, [window_of_all] * 2).views[0] is whole.views[0]


def test_what_is_laid_over_the_whole_picture_lies_where_it_was_seen():
    whole = scene().cameras[0]
    motion = Trajectory(np.zeros(1), xarm7.forward(xarm7.HOME)[None], np.ones(1))
    part = window(whole, {"picture_part": "workspace", "width": 96, "height": 96})
    seen = np.round(255 * render(motion, [whole.cropped(*part).resized(96, 96)])[0]).astype(np.uint8)
    onto = action_cameras([whole])[0]
    over = laid(seen, whole, part, onto)[0].astype(float)
    expected = 255 * render(motion, [onto])[0, 0]
    red = over[..., 0] > 60
    assert red.sum() > 30 and np.abs(over[red] - expected[red])[:, 0].mean() < 25
    v, u = np.unravel_index(np.argmax(over[..., 0]), over.shape[:2])
    assert np.linalg.norm(onto.project(motion.base_from_tool[0, :3, 3]) - [u, v]) < 2.5


def test_candidates_come_ranked_each_to_be_made_again_from_its_seed(process):
    asked = GenerationSettings(candidates=3, seed=41, steps=2)
    best = ModelSource(process, asked).propose(INSTRUCTION, scene(), silently, Cancellation())
    every = (best, *best.others)
    made = [each.made_by for each in every]
    assert sorted(by.seed for by in made) == [41, 42, 43] and [by.rank for by in made] == [1, 2, 3]
    scores = [by.score for by in made]
    assert scores == sorted(scores, reverse=True)
    assert all(by.steps == 2 and by.mode == "joint" and by.candidates == 3 for by in made)
    assert len(made[0].fingerprint) == 16 and len({by.fingerprint for by in made}) == 1
    again = ModelSource(process, GenerationSettings(seed=made[2].seed, steps=2)).propose(
        INSTRUCTION, scene(), silently, Cancellation()
    )
    assert np.array_equal(again.rgb, every[2].rgb) and not np.array_equal(again.rgb, best.rgb)


def test_the_video_is_seen_to_sharpen_and_cameras_can_be_left_out(process):
    whole, seen = scene(), []
    views = (*whole.views, replace(whole.views[0], camera=replace(whole.views[0].camera, name="spare")))
    asked = GenerationSettings(cameras=("left", "right"))
    source = ModelSource(process, asked, seen.append)
    proposal = source.propose(INSTRUCTION, Scene(views, whole.base_from_tool, whole.openness), silently, Cancellation())
    assert [view.camera.name for view in proposal.scene.views] == ["left", "right"]
    assert seen and all(each.rgb.shape[0] == 2 for each in seen)


def test_the_motion_alone_can_be_asked_of_a_model_that_imagines(process):
    proposal = ModelSource(process, GenerationSettings(mode="policy")).propose(
        INSTRUCTION, scene(), silently, Cancellation()
    )
    assert proposal.rgb is None and proposal.made_by.mode == "policy"


def test_a_folder_says_what_its_model_can_do(folder, tmp_path):
    assert describe(folder / "joint").modes == ("joint", "policy") and describe(folder / "joint").imagines
    assert describe(folder / "policy").modes == ("policy",) and not describe(folder / "policy").imagines
    assert describe(EMBEDDED_FOLDER).modes == ("joint", "policy")  # asked for a video in the window, and not elsewhere
    with pytest.raises(WeightsError, match="no model"):
        describe(tmp_path)
    assert known_models(folder)[-2:] == [describe(folder / "joint"), describe(folder / "policy")]
    assert fingerprint(folder / "joint") != fingerprint(folder / "policy") and fingerprint(tmp_path) == ""

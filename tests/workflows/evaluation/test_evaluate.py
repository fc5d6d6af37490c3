"""Test of the judge itself: a policy with the answer passes, one without it fails, and the reason is given."""

import numpy as np
import pytest

from foundation.errors import KnownError
from foundation.trajectory import Trajectory
from model.checkpoints.default_weights import embedded_weights
from model.generation.untrained import embedded_pipeline
from model.networks.frame_decoder import FrameDecoder
from model.networks.linear_codec import LinearCodec
from workflows.embedded.clips import SIZE, Clip, Unseen
from workflows.embedded.keyframe_timing import FRAMES, PERIOD
from workflows.embedded.shards import write_shards
from workflows.evaluation.evaluate import Evaluation, EvaluationError, as_text, evaluate
from workflows.evaluation.model_policy import ModelPolicy, load_model
from workflows.evaluation.oracle import Elsewhere, Oracle
from workflows.evaluation.point_tracking import path_error_mm
from workflows.evaluation.policies import Answer
from workflows.evaluation.questions import questions, reference_videos, studio
from workflows.evaluation.statistics import summary
from workflows.evaluation.trial import Attempt, Ending, Trial, attempt_of, run_trial
from workflows.evaluation.trials import TrialRunner
from workflows.evaluation.video_labelling import lucas_kanade
from workflows.evaluation.video_quality import generated, likeness, positions, video_figures

SEED = 100_040


@pytest.fixture(scope="module")
def drawn_by():
    with studio() as made:
        yield made


@pytest.fixture(scope="module")
def reach(drawn_by):
    return questions(drawn_by, "reach", SEED, 1, fits=lambda clip: len(clip.scene.objects) > 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny untrained model of the embedded one's format."""
    size = {"num_attention_heads": 2, "attention_head_dim": 16, "num_layers": 2, "ffn_dim": 64, "in_channels": 8,
            "out_channels": 8, "text_dim": 32}  # fmt: skip
    pipeline = embedded_pipeline(
        LinearCodec(z_dim=8, scale_factor_spatial=16), transformer={**size, "patch_size": (1, 1, 1)},
        height=96, width=96, num_frames=FRAMES, frame_period_s=PERIOD, num_inference_steps=2,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("model") / "tiny"
    pipeline.save_pretrained(path)
    return path


def tried(clip: Clip, answer: Answer) -> Trial:
    return run_trial(attempt_of(clip, answer))


def test_the_oracle_passes_and_who_goes_elsewhere_fails(reach, drawn_by):
    clips = [*reach, *questions(drawn_by, "pick up", SEED, 1)]
    with TrialRunner() as court:
        known, wrong = (court.judge(source, clips) for source in (Oracle(), Elsewhere()))
    assert [trial.ending for trial in known] == [Ending.DONE, Ending.DONE]
    assert all(trial.tool_error_mm < 2.0 and trial.named is not False for trial in known)
    assert not any(trial.success for trial in wrong) and all(trial.tool_error_mm > 50.0 for trial in wrong)
    figures = summary([*known, *wrong])
    assert figures["success"]["pct"] == 50.0 and sum(figures["endings"].values()) == 4
    assert len(figures["failures"]) == 2


def test_failures_are_told_apart(reach):
    (clip,) = reach
    wanted = clip.trajectory
    nothing = tried(clip, Answer(None, reason="the motion can be read in only 3 of 17 frames"))
    assert nothing.ending is Ending.UNREADABLE and np.isnan(nothing.tool_error_mm) and "3 of 17" in nothing.reason
    away = wanted.base_from_tool.copy()
    away[1:, 0, 3] += 2.0
    far = tried(clip, Answer(Trajectory(wanted.times, away, wanted.openness)))
    assert far.ending is Ending.REFUSED and far.reason and not any(c.isdigit() for c in far.finding)
    other = next(thing for thing in clip.scene.objects if thing.name != clip.task.thing)
    aside = wanted.base_from_tool.copy()
    share = np.linspace(0.0, 1.0, len(wanted))[:, None]
    begin = aside[0, :3, 3].copy()
    aside[:, :3, 3] = begin + share * (np.array([*other.position, 0.08]) - begin)
    wrong = tried(clip, Answer(Trajectory(wanted.times, aside, wanted.openness)))
    assert wrong.ending is Ending.WRONG_THING and wrong.named is False
    stays = np.repeat(wanted.base_from_tool[:1], len(wanted), axis=0)
    assert not tried(clip, Answer(Trajectory(wanted.times, stays, wanted.openness))).success


def test_processes_try_what_one_would(reach):
    with TrialRunner() as one, TrialRunner(processes=2) as two:
        assert one.judge(Oracle(), reach) == two.judge(Oracle(), reach)
    (clip,) = reach
    unread = attempt_of(clip, Answer(None, reason="nothing"))
    again = Attempt.from_dict(unread.to_dict())
    assert again.answer.trajectory is None and again.task == clip.task and again.scene == clip.scene


def test_an_untrained_model_is_judged_to_the_end(folder, tmp_path):
    told, sheet = [], tmp_path / "sheet.png"
    usual = {"scenes": 2, "seed": SEED, "model": folder, "unseen": Unseen(rigs=True)}
    asked = Evaluation(tasks="reach", oracle=True, films=1, sheet=sheet, **usual)
    result = evaluate(asked, told.append)
    model, oracle = result["judged"]["model"], result["judged"]["oracle"]
    assert model["all"]["success"]["pct"] == 0.0 and model["reach"]["success"]["of"] == 2
    assert oracle["all"]["success"]["pct"] == 100.0
    assert result["unseen"]["rigs"] and told
    video = result["video"]
    assert video["codec"]["psnr_db"] is not None and video["joint"]["psnr_db"] is not None
    assert result["labelling"]["lucas_kanade"]["average_jaccard"] is not None
    assert not any("without" in name for name in video)  # there is no frame decoder to leave out
    assert result["sheet"] == str(sheet) and [path.name for path in tmp_path.iterdir()] == ["sheet.png"]
    assert "oracle" in as_text(result) and str(sheet) in as_text(result)


def test_a_film_and_who_copies_its_first_frame(drawn_by):
    (film,) = reference_videos(drawn_by, SEED, 1, size=96, kinds=("pick up",))
    V, T = film.rgb.shape[:2]
    assert film.scene.views[0].rgb.shape == (SIZE, SIZE, 3) and film.cameras[0].width == film.rgb.shape[3] == 96
    assert (V, T) == (2, FRAMES) and film.moved.shape == film.rgb.shape[:-1]
    assert not film.moved[:, 0].any() and film.moved[:, -1].any()  # a lifted object has moved in the end
    copied, true = likeness([film], [film.still]), likeness([film], [film.rgb])
    assert true["psnr_db"] > 60 and true["moved_object_psnr_db"] > 60
    assert copied["moving_psnr_db"] < copied["psnr_db"] - 3.0 < 30.0
    tracker = lucas_kanade([film])
    assert tracker["path_error_mm"] > 5.0 and 0.0 <= tracker["average_jaccard"] < 1.0


def test_videos_are_also_judged_without_the_frame_decoder(folder, drawn_by):
    (film,) = reference_videos(drawn_by, SEED, 1, size=96, kinds=("reach",))
    pipeline = load_model(folder)
    bare = video_figures(pipeline, [film])
    decoder = FrameDecoder(widths=(8, 8, 8)).eval()  # untrained: the first frame through half the coarse picture
    pipeline.register_modules(frame_decoder=decoder)
    figures = video_figures(pipeline, [film])
    assert pipeline.frame_decoder is decoder and pipeline.config.frame_decoder[1] == "FrameDecoder"
    for mode in ("joint", "action_to_video"):
        assert figures[f"{mode}_without_frame_decoder"] == bare[mode]
    assert figures["action_to_video"]["psnr_db"] > bare["action_to_video"]["psnr_db"] + 2.0
    assert figures["codec"] == bare["codec"]


def test_baselines_learn_from_shards(tmp_path, reach):
    from workflows.evaluation.baselines import baselines

    write_shards(tmp_path, range(0, 2))
    made = baselines(tmp_path, minutes=0.01, told=lambda words: None)
    assert [one.name for one in made] == ["mean", "nearest", "regressor"]
    (clip,) = reach
    for one in made:
        (answer,) = one.answer([clip])
        assert len(answer.trajectory) == FRAMES and answer.trajectory.known.all()
        assert np.allclose(answer.trajectory.base_from_tool[0], clip.trajectory.base_from_tool[0], atol=1e-6)
        assert tried(clip, answer).ending in tuple(Ending)


def test_what_cannot_be_judged_is_a_sentence(folder):
    nowhere = {"sheet": folder / "nowhere" / "sheet.png"}
    for wrong in ({"scenes": 0}, {"views": 1}, {"seed": 12}, {"tasks": "juggle"}, nowhere):
        with pytest.raises(KnownError, match=r"\w+ .*\."):
            evaluate(Evaluation(**{"model": folder, "tasks": "reach", **wrong}))
    path = folder.parent / "small"
    embedded_pipeline(LinearCodec(), num_frames=5, transformer={"num_layers": 1}).save_pretrained(path)
    with pytest.raises(EvaluationError, match="Films have"):
        evaluate(Evaluation(model=path, films=1))


@pytest.fixture
def shipped():
    """The pipeline of the weights that come with the program."""
    weights = embedded_weights()
    assert weights is not None
    return load_model(weights)


def test_the_model_of_the_program_says_more_exactly_what_it_looks_at_closer(drawn_by, shipped):
    """Run tuning scenes; a motion that cannot be read, or is farther off, counts as 50 mm."""
    assert shipped.config.closer_looks == 2
    clips = [clip for kind in ("reach", "pick up", "place") for clip in questions(drawn_by, kind, SEED, 4)]
    off = {}
    for looks in (0, 2):
        shipped.register_to_config(closer_looks=looks)
        answers = ModelPolicy(shipped).answer(clips)
        off[looks] = [_off_mm(answer, clip) for answer, clip in zip(answers, clips, strict=True)]
    assert np.mean(off[2]) < np.mean(off[0])


def test_the_shipped_weights_read_a_film_better_than_they_imagine_it(drawn_by, shipped):
    shown = reference_videos(drawn_by, 100_000, 1, size=shipped.config.height)
    truth = shown[0].trajectory.base_from_tool[:, :3, 3]
    off = {
        name: path_error_mm(positions(generated(shipped, shown, mode, fits=fits)[0]), truth)
        for name, mode, fits in (
            ("imagined", "policy", True),
            ("read", "video_to_action", False),
            ("fitted", "video_to_action", True),
        )
    }
    assert off["fitted"] < 0.7 * min(off["imagined"], off["read"])


def _off_mm(answer: Answer, clip: Clip) -> float:
    if answer.trajectory is None:
        return 50.0
    said, true = (path.base_from_tool[:, :3, 3] for path in (answer.trajectory, clip.trajectory))
    return float(np.fmin(path_error_mm(said, true), 50.0))

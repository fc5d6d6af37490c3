"""Batched requests get the same answers as single ones."""

import numpy as np
import pytest
from model_scenes import motion, scene, videos

from model.errors import ModelError
from model.generation.batched_generation import GenerationRequest, generate_batch
from model.generation.untrained import embedded_pipeline, tiny_pipeline
from model.networks.linear_codec import LinearCodec


@pytest.fixture(scope="module")
def embedded():
    size = {"num_attention_heads": 2, "attention_head_dim": 16, "num_layers": 2, "ffn_dim": 64, "in_channels": 8,
            "out_channels": 8, "text_dim": 32}  # fmt: skip
    return embedded_pipeline(LinearCodec(z_dim=8), transformer=size, num_frames=5, num_inference_steps=2)


@pytest.mark.parametrize("mode", ["policy", "joint", "video_to_action", "action_to_video"])
def test_together_as_alone(embedded, mode):
    scenes = [scene(seed=i) for i in range(3)]
    given = [
        {"trajectory": motion(one)} if mode == "action_to_video" else
        {"videos": videos(seed=i)} if mode == "video_to_action" else {}
        for i, one in enumerate(scenes)
    ]  # fmt: skip
    words = ["reach the red cube", "lift it", "push the ball to the left"]
    questions = [
        GenerationRequest(w, s, seed=40 + i, **g) for i, (w, s, g) in enumerate(zip(words, scenes, given, strict=True))
    ]
    for question, more, made in zip(questions, given, generate_batch(embedded, questions, mode), strict=True):
        alone = embedded(question.instruction, question.scene, mode, seed=question.seed, **more)
        for one, other in ((made.action, alone.action), (made.rgb, alone.rgb)):
            assert (one is None) == (other is None)
            if one is not None:
                assert np.abs(one.astype(int) - other).max() <= 1
        assert made.seeds == alone.seeds and made.verdicts is not None


def test_with_guidance():
    pipeline = tiny_pipeline()
    questions = [
        GenerationRequest("reach the red cube", scene(), 1),
        GenerationRequest("lift the ball", scene(seed=1), 2),
    ]
    made = generate_batch(pipeline, questions, "joint")
    alone = pipeline("lift the ball", scene(seed=1), "joint", seed=2)
    assert np.abs(made[1].rgb.astype(int) - alone.rgb).max() <= 1


def test_different_numbers_of_views_are_refused(embedded):
    with pytest.raises(ModelError, match="equally many cameras"):
        generate_batch(embedded, [GenerationRequest("go", scene(2), 0), GenerationRequest("go", scene(3), 0)])

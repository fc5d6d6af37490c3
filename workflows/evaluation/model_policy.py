"""The model as a policy under evaluation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foundation.trajectory import Scene
from model.checkpoints.description import POLICY
from model.generation.result import Generated
from workflows.embedded.clips import Clip
from workflows.evaluation.policies import Answer


class ModelPolicy:
    """A pipeline that answers several clips in one batch; `steps` None: the pipeline's default.

    The noise of a clip is seeded by the clip's seed, so that an evaluation is reproducible.
    """

    name = "model"

    def __init__(self, pipeline: Any, *, mode: str = POLICY, steps: int | None = None, together: int = 16):
        self.pipeline = pipeline
        self._mode, self._steps, self._together = mode, steps, together

    def answer(self, clips: Sequence[Clip]) -> list[Answer]:
        """Return the motions decoded from the model's action images. Raises ModelError for an impossible request."""
        from model.generation.batched_generation import GenerationRequest, generate_batch

        answers: list[Answer] = []
        for first in range(0, len(clips), self._together):
            part = clips[first : first + self._together]
            questions = [GenerationRequest(clip.instruction, clip.question, clip.seed) for clip in part]
            made = generate_batch(self.pipeline, questions, self._mode, num_inference_steps=self._steps)
            answers += [_answer(one) for one in made]
        return answers


def answered(
    pipeline: Any, instruction: str, scene: Scene, seed: int, mode: str = POLICY, *, steps: int | None = None
) -> Answer:
    """Return the model's answer to one instruction. Raises ModelError for an impossible request."""
    return _answer(pipeline(instruction, scene, mode, num_inference_steps=steps, seed=seed))


def _answer(made: Generated) -> Answer:
    assert made.decoded is not None and made.verdicts is not None
    decoded, verdict = made.decoded[0], made.verdicts[0]
    return Answer(decoded.trajectory, decoded.confidence, verdict.reason)


def load_model(folder: Path) -> Any:
    """Load the pipeline from a folder. Raises ModelError when there is none."""
    from model.generation.loading import load_pipeline

    return load_pipeline(folder)

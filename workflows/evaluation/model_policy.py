"""The model as one that is judged."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foundation.trajectory import Scene
from model.checkpoints.description import POLICY
from model.generation.result import Generated
from workflows.embedded.clips import Clip
from workflows.evaluation.policies import Answer


class ModelPolicy:
    """A pipeline that answers several clips in one pass; `steps` None: as many as it takes by default.

    The noise of a clip comes from its seed, so that the same judgement gives the same figures.
    """

    name = "model"

    def __init__(self, pipeline: Any, *, mode: str = POLICY, steps: int | None = None, together: int = 16):
        self.pipeline = pipeline
        self._mode, self._steps, self._together = mode, steps, together

    def answer(self, clips: Sequence[Clip]) -> list[Answer]:
        """What the action images that the model makes say. Raises ModelError for what cannot be asked of it."""
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
    """What the model says to one instruction. Raises ModelError for what cannot be asked of it."""
    return _answer(pipeline(instruction, scene, mode, num_inference_steps=steps, seed=seed))


def _answer(made: Generated) -> Answer:
    assert made.decoded is not None and made.verdicts is not None
    decoded, verdict = made.decoded[0], made.verdicts[0]
    return Answer(decoded.trajectory, decoded.confidence, verdict.reason)


def load_model(folder: Path) -> Any:
    """The pipeline in a folder. Raises ModelError when there is none."""
    from model.generation.loading import load_pipeline

    return load_pipeline(folder)

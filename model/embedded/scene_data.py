"""In-memory training data of the embedded model: images of scenes, and motions in them."""

from dataclasses import dataclass

import numpy as np

from model.errors import ModelError


@dataclass(frozen=True, eq=False)
class SceneData:
    """N scenes with V views each, and M motions, each in one of the scenes.

    rgb (N, V, F, H, W, 3) uint8, F = 1 for first frames only, else the T frames of the scene's one motion; pictures
    (N, V, H', W', 3) uint8, the first frames at higher resolution; K (N, V, 3, 3) in px of rgb; base_from_camera
    (N, V, 4, 4); scene (M,) index into the N scenes; base_from_tool (M, T, 4, 4); openness (M, T); instructions (M,),
    one or more wordings each; asked (M,): kind of task, object and goal ("" where there is none).
    """

    rgb: np.ndarray
    pictures: np.ndarray
    K: np.ndarray
    base_from_camera: np.ndarray
    scene: np.ndarray
    base_from_tool: np.ndarray
    openness: np.ndarray
    instructions: tuple[tuple[str, ...], ...]
    asked: tuple[tuple[str, str, str], ...]

    def __post_init__(self):
        scenes, motions = len(self.rgb), len(self.base_from_tool)
        if not scenes or not motions or {len(self.scene), len(self.instructions), len(self.asked)} != {motions}:
            raise ModelError("There is nothing to train on: the data hold no scenes, or no motions in them.")

    def __len__(self) -> int:
        return len(self.base_from_tool)

    @property
    def views(self) -> int:
        return self.rgb.shape[1]

    @property
    def frames(self) -> int:
        """T, the frames of a motion."""
        return self.base_from_tool.shape[1]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images in px."""
        return self.rgb.shape[3], self.rgb.shape[4]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kind of task of every motion (M,)."""
        return tuple(kind for kind, _, _ in self.asked)

    def motions_of(self) -> list[np.ndarray]:
        """Return the indices of the motions per scene."""
        order = np.argsort(self.scene, kind="stable")
        counts = np.bincount(self.scene, minlength=len(self.rgb))
        return np.split(order, np.cumsum(counts)[:-1])


def joined(parts: list[SceneData]) -> SceneData:
    """Concatenate several parts with the same numbers of views, frames and pixels."""
    starts = np.cumsum([0, *(len(part.rgb) for part in parts[:-1])])
    arrays = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("rgb", "pictures", "K", "base_from_camera", "base_from_tool", "openness")
    }
    scene = np.concatenate([part.scene + start for part, start in zip(parts, starts, strict=True)])
    return SceneData(
        **arrays,
        scene=scene,
        instructions=tuple(wordings for part in parts for wordings in part.instructions),
        asked=tuple(asked for part in parts for asked in part.asked),
    )

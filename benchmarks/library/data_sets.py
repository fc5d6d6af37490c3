"""Small generated data sets in the importable layouts: a moving image, and an arm at rest."""

import json
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from storage.episodes.documents import Calibration, Labels, Lens, NewEpisode, ViewSpec
from storage.episodes.episode import Episode
from storage.episodes.samples import SAMPLE
from storage.layouts.importing import import_episodes
from storage.layouts.interface import ImportedEpisode
from storage.layouts.known import WRITERS
from storage.library import Library

_MADE = "2026-01-01T00:00:00+00:00"
_FPS = 30


def made_episode(width: int = 320, height: int = 240, seconds: float = 5.0) -> ImportedEpisode:
    """Make an episode of two calibrated cameras at 30 Hz and an arm at 100 Hz."""
    K = ((0.9 * width, 0.0, (width - 1) / 2), (0.0, 0.9 * width, (height - 1) / 2), (0.0, 0.0, 1.0))
    place = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, -1.0), (0.0, 0.0, 0.0, 1.0))
    views = tuple(
        ViewSpec(
            f"usb:{i}",
            f"camera {i}",
            width,
            height,
            float(_FPS),
            None,
            Calibration(f"00000000-0000-4000-8000-{i:012d}", _MADE, "made up", Lens(width, height, K), place),
        )
        for i in range(2)
    )
    new = NewEpisode("pick up the cube", views, source="import")
    samples = np.zeros(round(100 * seconds), SAMPLE)
    samples["time"], samples["tool"][:, 6] = np.arange(len(samples)) / 100, 1.0

    def film() -> Iterator[tuple[float, np.ndarray]]:
        for number in range(round(_FPS * seconds)):
            yield number / _FPS, _picture(number, width, height)

    return ImportedEpisode(new, Labels(new.instruction), (film, film), samples)


def lerobot_set(folder: Path, episodes: int = 2) -> Path:
    """Write a LeRobotDataset of short episodes with small images, in a new folder below `folder`."""
    with Library(folder / "exported") as library:
        ids = import_episodes(library, [made_episode(96, 64, 0.6) for _ in range(episodes)], lambda *_: None)
        kept = [Episode(library.episode_folder(identity)) for identity in ids]
        WRITERS["lerobot"].write(kept, folder / "lerobot", 10, lambda *_: None)
    return folder / "lerobot"


def rlbench_set(folder: Path, width: int = 96, height: int = 64) -> Path:
    """Write two episodes of RLBench as prepared for Action Images' loader: episode N begins at x = N cm."""
    root = folder / "rlbench"
    for number in (2, 10):
        episode = root / f"push_button/variation0/episodes/episode{number}"
        episode.mkdir(parents=True)
        actions = np.zeros((21, 8), np.float32)
        actions[:, 0] = 0.01 * number + 0.001 * np.arange(21)
        actions[:, 6], actions[:, 7] = 1.0, 1.0
        np.save(episode / "actions.npy", actions)
        for view in range(2):
            _rlbench_view(episode / f"view{view}", view, width, height)
    texts = ["push the button", "press the button", "push the button"]
    (root / "push_button/variation0/variation_descriptions.pkl").write_bytes(_pickled(texts))
    return root


def _pickled(texts: list[str]) -> bytes:
    """Pickle a list of texts in the oldest protocol by hand; no code here uses the pickle library."""
    return b"(l" + b"".join(f"V{text}\na".encode() for text in texts) + b"."


def _rlbench_view(folder: Path, view: int, width: int, height: int) -> None:
    film = folder / "rgb/video.mp4"
    film.parent.mkdir(parents=True)
    with av.open(str(film), "w") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(6):
            picture = _picture(number + view, width, height)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    place = np.diag([-1.0, -1.0, 1.0, 1.0])  # in this program's axes: looking along z
    place[:3, 3] = (0.1, 0.2, -1.0 - view)
    K = [[-80.0, 0, width / 2], [0, -80.0, height / 2], [0, 0, 1]]
    values = {"0000": {"intrinsics": K, "extrinsics": place.tolist()}}
    (folder / "camera_params.json").write_text(json.dumps(values))


def _picture(number: int, width: int, height: int) -> np.ndarray:
    """Return coarse noise that moves by two pixels per frame."""
    coarse = np.random.default_rng(0).integers(0, 255, (height // 4, width // 4, 3), np.uint8)
    return np.roll(coarse.repeat(4, 0).repeat(4, 1), 2 * number, axis=1)

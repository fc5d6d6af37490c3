"""`rehearse model train-embedded` from nothing, in the smallest size that is still complete."""

import json

import numpy as np
import pytest

from main import main
from model.embedded.scene_data import SceneData
from simulation.bench.tasks import task_from_instruction
from workflows.embedded.scene_data import WORDINGS, episodes_of, scene_data_of
from workflows.embedded.seeds import Use
from workflows.embedded.shards import Recipe, read_shard, shard_files, write_shards

TINY = """
seed = 5
sigma = 0.05
[data]
first_seeds = 2
rigs = 1
motions = 4
episode_seeds = 1
tuning_seeds = 1
[model]
size_px = 32
seen_px = 64
drawn_px = 96
cell_px = 8
latent_channels = 48
heads = 2
head_width = 24
layers = 1
ffn = 64
stem_widths = [8, 8]
text_width = 16
[reading]
steps = 2
batch = 4
[[lesson]]
name = "point"
steps = 2
batch = 4
excerpt = 1
nearer = 0.5
log_every = 1
[[lesson]]
name = "everything"
data = "episodes"
steps = 2
batch = 2
views = 2
log_every = 1
modes = { joint = 1.0 }
"""


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    write_shards(folder, range(3, 5), Recipe(rigs=2, size=64), use=Use.TRAINING)
    return folder


def test_a_command_makes_clips_lessons_and_weights(tmp_path, capsys):
    curriculum = tmp_path / "tiny.toml"
    curriculum.write_text(TINY)
    arguments = ["model", "train-embedded", "--folder", str(tmp_path / "work"), "--curriculum", str(curriculum)]
    arguments += ["--to", str(tmp_path / "weights"), "--precision", "fp32", "--json"]
    assert main(arguments) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["pictures"] == 2 and answer["motions"] >= 4 and answer["bytes"] > 10_000
    record = json.loads((tmp_path / "weights" / "training.json").read_text())
    assert {name: one["steps"] for name, one in record["lessons"].items()} == {
        "reading": 2,
        "point": 2,
        "everything": 2,
    }
    assert "train-embedded --curriculum tiny.toml" in (tmp_path / "weights" / "README.md").read_text()
    before = sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "work" / "first").iterdir())
    assert main([*arguments, "--minutes", "0"]) == 0  # nothing left to do: the same weights again
    assert sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "work" / "first").iterdir()) == before
    assert main(["model", "check", str(tmp_path / "weights")]) == 0


def test_a_picture_teaches_everything_that_can_be_asked_of_it(clips):
    shots = SceneData(**scene_data_of(clips, 32, motions=50))
    shard = read_shard(shard_files(clips)[0])
    assert shots.size == (32, 32) and shots.pictures.shape == (4, 2, 64, 64, 3)
    assert len(shots.rgb) == len(shard.rgb) == 4 and len(shots) > 2 * len(shard)
    assert [len(wordings) for wordings in shots.instructions] == [WORDINGS] * len(shots)
    one, other = shots.motions_of()[:2]  # two rigs on one bench
    assert np.array_equal(shots.base_from_tool[one], shots.base_from_tool[other])
    for number in range(len(shard)):  # the clip's own motion is among them
        clip = shard.clip(number)
        alike = [
            i for i in shots.motions_of()[shard.picture[number]]
            if shots.asked[i] == (clip.task.kind, clip.task.thing, clip.task.goal or "")
        ]  # fmt: skip
        assert len(alike) == 1
        assert np.allclose(shots.base_from_tool[alike[0]], clip.trajectory.base_from_tool, atol=1e-5)
        assert task_from_instruction(shots.instructions[alike[0]][0], clip.scene) == clip.task


def test_episodes_that_failed_are_not_taught(tmp_path):
    write_shards(tmp_path, range(7, 8), Recipe(episodes=True, size=32), use=Use.TRAINING)
    (file,) = shard_files(tmp_path)
    made = episodes_of(tmp_path, 16)
    assert made is not None and SceneData(**made).rgb.shape[2:] == (17, 16, 16, 3)
    arrays = dict(np.load(file))
    with file.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **{**arrays, "done": np.zeros(1, bool)})
    assert episodes_of(tmp_path, 16) is None

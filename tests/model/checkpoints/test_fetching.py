"""Fetching from a hub: complete, resumed, verified, and with a clear message when there is no hub."""

import shutil
import socket

import pytest
import torch
from hub_server import HubServer
from huggingface_hub import constants
from test_checkpoints import original_wan

from benchmarks.model.layouts import TinyWan, random_tensors, transformer_shapes
from model.checkpoints import manifest
from model.checkpoints.fetching import fetch_model
from model.errors import ModelError, WeightsError


@pytest.fixture
def repositories(tmp_path):
    folder = tmp_path / "hub"
    (folder / "Wan-AI").mkdir(parents=True)
    original_wan(folder / "Wan-AI" / "Wan2.2-TI2V-5B")
    (folder / "anyeZHY" / "ActionImages").mkdir(parents=True)
    size = TinyWan(in_channels=6, out_channels=6, pool=(6, 4, 4))
    torch.save(random_tensors(transformer_shapes(size)), folder / "anyeZHY" / "ActionImages" / "model.ckpt")
    return folder


def test_the_release_and_what_it_needs_of_its_backbone(tmp_path, repositories):
    told = []
    with HubServer(repositories) as hub:
        made = fetch_model(
            "action-images", tmp_path / "made", endpoint=hub.endpoint, report=lambda *what: told.append(what)
        )
        asked = [path for method, path, _ in hub.requests if method == "GET" and "/resolve/" in path]
    assert made.missing == () and manifest.check(tmp_path / "made", contents=True)
    assert not any("diffusion_pytorch_model" in path for path in asked)  # 20 GB that are not needed
    assert any(what.startswith("downloading anyeZHY/ActionImages") and share == 1.0 for what, share in told)
    assert {path.name for path in tmp_path.iterdir()} == {"hub", "made"}


def test_a_cut_download_goes_on_where_it_was(tmp_path, repositories, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)  # 10 MB; tiny files would arrive as one piece
    whole = (repositories / "anyeZHY" / "ActionImages" / "model.ckpt").stat().st_size
    with HubServer(repositories, cuts=1) as hub:
        try:
            fetch_model("action-images", tmp_path / "made", endpoint=hub.endpoint)
        except ModelError as error:  # the library retries by itself, or reports that it could not
            assert "kept" in str(error)
            fetch_model("action-images", tmp_path / "made", endpoint=hub.endpoint)
        ranges = [range_ for _, path, range_ in hub.requests if path.endswith("model.ckpt") and range_]
    assert manifest.check(tmp_path / "made", contents=True)
    starts = [int(range_.removeprefix("bytes=").split("-")[0]) for range_ in ranges]
    assert any(0 < start < whole for start in starts)


def test_a_wrong_checksum_is_refused_and_downloaded_anew(tmp_path, repositories):
    with HubServer(repositories) as hub:
        hub.lie_about = "model.ckpt"
        with pytest.raises(WeightsError, match=r"model\.ckpt did not arrive whole"):
            fetch_model("action-images", tmp_path / "made", endpoint=hub.endpoint)
        assert not (tmp_path / "made").exists()
        hub.lie_about = None
        fetch_model("action-images", tmp_path / "made", endpoint=hub.endpoint)
    assert manifest.check(tmp_path / "made", contents=True)


def test_no_network_no_such_model_no_such_name(tmp_path, repositories):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(ModelError, match="cannot be reached"):
            fetch_model("action-images", tmp_path / "made", endpoint=f"http://127.0.0.1:{nobody.getsockname()[1]}")
    with pytest.raises(ModelError, match="cannot be reached"):
        fetch_model("wan2.2-ti2v-5b", tmp_path / "made", endpoint="http://hub.invalid")
    shutil.rmtree(repositories / "anyeZHY")
    with HubServer(repositories) as hub, pytest.raises(ModelError, match="has no model anyeZHY/ActionImages"):
        fetch_model("action-images", tmp_path / "made", endpoint=hub.endpoint)
    with pytest.raises(ModelError, match=r"There are action-images, wan2\.2-ti2v-5b"):
        fetch_model("gpt", tmp_path / "made")
    assert not (tmp_path / "made").exists()

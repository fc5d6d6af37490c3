"""Model process as the window uses it: loading, progress, cancelling, running out of memory, dying."""

import os
import queue
import resource
import signal
import threading
from dataclasses import replace

import model_scenes
import numpy as np
import psutil
import pytest
from tiny_pipeline import tiny_pipeline

from foundation.errors import ProcessError
from foundation.messages import Channel, channel_pair
from model.errors import GenerationCancelled, ModelError
from model.generation.loading import load_pipeline
from model.service.client import ModelProcess
from model.service.process import _Inbox, _Server
from model.service.wire import scene_from, scene_message, share_arrays, take_arrays

INSTRUCTION = "pick up the red cube"
SCENE = model_scenes.scene()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny"
    tiny_pipeline().save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def model(folder):
    """One process for the tests that leave it alive: starting one takes seconds."""
    with ModelProcess(folder, device="cpu", threads=1) as process:
        assert process.pid is None  # not started before it is needed
        process.load()
        yield process


@pytest.fixture(autouse=True)
def own_memory_limit():
    """Restore the memory limit: where a test runs the process's side itself, the limit applies to this program."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    yield
    resource.setrlimit(resource.RLIMIT_DATA, before)


@pytest.mark.parametrize("joints", [None, np.linspace(0.0, 0.6, 7)])
def test_a_scene_crosses_to_the_process_whole(joints):
    mine, other_end = channel_pair()
    with other_end:
        mine.send(scene_message(replace(SCENE, joints=joints)))
        there = scene_from(Channel(other_end).receive(5.0))
    mine.close()
    assert there.openness == SCENE.openness and np.array_equal(there.base_from_tool, SCENE.base_from_tool)
    assert (there.joints is None) if joints is None else np.array_equal(there.joints, joints)
    for view, sent in zip(there.views, SCENE.views, strict=True):
        assert np.array_equal(view.rgb, sent.rgb) and view.camera.name == sent.camera.name


def test_generates_what_the_pipeline_generates_several_times_in_turn(folder, model):
    loaded = model.load(warm=True)
    assert loaded["device"] == "cpu" and loaded["config"]["num_frames"] == 5 and loaded["warm_s"] > 0
    pid, seen = model.pid, []
    one = model.generate(INSTRUCTION, SCENE, seed=4, num_candidates=2, on_progress=seen.append)
    two = model.generate(INSTRUCTION, SCENE, seed=4, num_candidates=2, previews=False)
    assert model.pid == pid
    here = load_pipeline(folder, "cpu")(INSTRUCTION, SCENE, seed=4, num_candidates=2)
    for result in (one, two):
        assert np.array_equal(result.rgb, here.rgb) and np.array_equal(result.action, here.action)
        assert result.seeds == here.seeds and result.mode == "joint"
        assert result.verdicts == here.verdicts
        assert [c.name for c in result.cameras] == [c.name for c in here.cameras]
        for got, want in zip(result.decoded, here.decoded, strict=True):
            assert np.array_equal(got.trajectory.base_from_tool, want.trajectory.base_from_tool, equal_nan=True)
            assert list(got.reasons) == list(want.reasons)
    assert [(step.done, step.total) for step in seen] == [(i, 4) for i in range(5)]
    previews = [step for step in seen if step.rgb is not None]
    assert previews and all(step.rgb.shape == step.action.shape == (2, 5, 64, 64, 3) for step in previews)


def test_every_mode_comes_through(model):
    motion, films = model_scenes.motion(SCENE), model_scenes.videos()
    assert model.generate(INSTRUCTION, SCENE, "action_to_video", trajectory=motion, seed=0).rgb is not None
    assert model.generate(INSTRUCTION, SCENE, "video_to_action", videos=films, seed=0).action is not None
    assert model.generate(INSTRUCTION, SCENE, "policy", seed=0).rgb is None
    assert model.generate(INSTRUCTION, SCENE, "video", seed=0).decoded is None


def test_a_cancelled_generation_ends_and_the_next_one_runs(model):
    model.load()
    pid, stop, steps = model.pid, threading.Event(), []

    def progress(step):
        steps.append(step.done)
        if step.done == 3:
            stop.set()

    with pytest.raises(GenerationCancelled):
        model.generate(
            INSTRUCTION, SCENE, num_inference_steps=5000, previews=False, on_progress=progress, cancelled=stop.is_set
        )
    assert steps[-1] < 2500
    assert model.generate(INSTRUCTION, SCENE, seed=1).rgb is not None
    assert model.pid == pid


def test_cancelled_before_its_turn(model):
    model.load()
    pid = model.pid
    with pytest.raises(GenerationCancelled):
        model.generate(INSTRUCTION, SCENE, cancelled=lambda: True, num_inference_steps=5000)
    first, results = threading.Event(), queue.Queue()

    def long():
        try:
            model.generate(
                INSTRUCTION, SCENE, num_inference_steps=5000, previews=False,
                on_progress=lambda step: first.set(), cancelled=done.is_set,
            )  # fmt: skip
        except ModelError as error:
            results.put(error)

    done = threading.Event()
    thread = threading.Thread(target=long)
    thread.start()
    assert first.wait(30)
    with pytest.raises(GenerationCancelled):  # waits for its turn, and is cancelled there
        model.generate(INSTRUCTION, SCENE, cancelled=lambda: True)
    done.set()
    thread.join(30)
    assert isinstance(results.get_nowait(), GenerationCancelled) and model.pid == pid


def test_no_step_begins_after_a_cancellation(folder):
    """Step through the process's own side: a request cancelled during a step does not begin another."""
    ours, theirs = channel_pair()
    channel = Channel(theirs)
    inbox = _Inbox(channel)  # not started: this test is the listener

    class Watched(Channel):
        def send(self, message, **options):
            if message.get("step", [0])[0] == 2:
                inbox.cancelled.add(7)
            super().send(message, **options)

    watched = Watched(theirs)
    server = _Server(watched, inbox, {"device": "cpu", "threads": 1})
    request = {"do": "generate", "id": 7, "folder": str(folder), "instruction": INSTRUCTION, "mode": "joint"}
    request |= {"scene": scene_message(SCENE), "trajectory": None, "videos": None, "previews": False, "options": {}}
    server.answer(request)
    received = []
    while not received or "step" in received[-1]:
        received.append(ours.receive(5.0))
    assert [message["step"][0] for message in received[:-1]] == [0, 1, 2]
    assert received[-1] == {"id": 7, "cancelled": True}
    for end in (ours, watched):
        end.close()


def test_a_cancellation_ends_the_decoding_too(folder):
    """Cancel in the middle of decoding: a large video takes longer to decode than a step."""
    ours, theirs = channel_pair()
    channel = Channel(theirs)
    inbox = _Inbox(channel)
    server = _Server(channel, inbox, {"device": "cpu", "threads": 1})
    server.answer({"do": "load", "id": 1, "folder": str(folder)})
    decoded = []

    def cancel(*_):
        decoded.append(True)
        inbox.cancelled.add(2)

    server._pipeline.vae.decoder.register_forward_hook(cancel)
    request = {"do": "generate", "id": 2, "folder": str(folder), "instruction": INSTRUCTION, "mode": "joint"}
    request |= {"scene": scene_message(SCENE), "trajectory": None, "videos": None, "previews": False, "options": {}}
    server.answer(request)
    assert len(decoded) == 1
    while "step" in (message := ours.receive(5.0)) or "answer" in message:
        pass
    assert message == {"id": 2, "cancelled": True}
    for end in (ours, channel):
        end.close()


def test_what_cannot_be_asked_comes_back_as_a_sentence_and_the_process_lives(model):
    for arguments, words in (
        (("", SCENE), "empty"),
        ((INSTRUCTION, model_scenes.scene(1)), "two views"),
        ((INSTRUCTION, SCENE, "dance"), "modes are"),
        ((INSTRUCTION, SCENE, "action_to_video"), "motion"),
    ):
        with pytest.raises(ModelError, match=words):
            model.generate(*arguments)
    with pytest.raises(ModelError, match="frames"):
        model.generate(INSTRUCTION, SCENE, num_frames=42)
    pid = model.pid
    assert model.generate(INSTRUCTION, SCENE, seed=1).rgb is not None and model.pid == pid


def test_too_little_memory_is_a_sentence_the_process_lives_and_ends_with_its_parent(folder):
    # Two images of 8192 x 8192 px alone are 1.6 GB, so that it fails before anything is computed.
    with ModelProcess(folder, device="cpu", threads=1, memory_limit=2 << 30) as model:
        model.load()
        pid = model.pid
        with pytest.raises(ModelError, match="enough memory"):
            model.generate(INSTRUCTION, SCENE, height=8192, width=8192)
        assert model.generate(INSTRUCTION, SCENE, seed=1).rgb is not None and model.pid == pid
        process = psutil.Process(pid)
        model._process.channel.close()  # as the system does when the parent is killed
        process.wait(10)


def test_a_model_that_is_not_there_or_not_whole(tmp_path):
    with pytest.raises(ModelError, match="no model in"):
        load_pipeline(tmp_path)
    (tmp_path / "model_index.json").write_text("{}")
    with pytest.raises(ModelError, match="lacks its transformer, vae"):
        load_pipeline(tmp_path)
    (tmp_path / "model_index.json").write_text('{"transformer": ["os", "system"]}')
    with pytest.raises(ModelError, match="refused"):
        load_pipeline(tmp_path)


def test_a_process_that_dies_is_reported_and_started_again(folder):
    with ModelProcess(folder, device="cpu", threads=1) as model:
        model.load()
        pid = model.pid

        def kill(step):
            if step.done == 2:
                os.kill(pid, signal.SIGKILL)

        with pytest.raises(ProcessError, match="memory was full"):
            model.generate(INSTRUCTION, SCENE, num_inference_steps=5000, previews=False, on_progress=kill)
        assert model.generate(INSTRUCTION, SCENE, seed=1).rgb is not None
        assert model.pid not in (None, pid)


def test_an_idle_process_gives_back_its_memory_and_comes_again(folder):
    with ModelProcess(folder, device="cpu", threads=1, idle_s=0.3) as model:
        model.load()
        process = psutil.Process(model.pid)
        process.wait(30)
        assert model.pid is None
        assert model.generate(INSTRUCTION, SCENE, seed=1).rgb is not None


def test_closing_ends_a_running_generation(folder):
    model, started, errors = ModelProcess(folder, device="cpu", threads=1), threading.Event(), queue.Queue()

    def run():
        try:
            model.generate(INSTRUCTION, SCENE, num_inference_steps=50_000, on_progress=lambda step: started.set())
        except ProcessError as error:
            errors.put(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(60)
    model.close()
    thread.join(30)
    assert not thread.is_alive() and errors.get_nowait()


def test_arrays_through_shared_memory_are_equal_and_read_only():
    arrays = {"a": np.arange(24, dtype=np.uint8).reshape(2, 3, 4), "b": np.linspace(0, 1, 7), "none": np.zeros((0, 3))}
    places, descriptor = share_arrays(arrays)
    taken = take_arrays(places, descriptor)
    assert all(
        np.array_equal(taken[name], array) and taken[name].shape == array.shape for name, array in arrays.items()
    )
    with pytest.raises(ValueError, match="read-only"):
        taken["a"][0] = 1
    with pytest.raises(OSError):
        os.fstat(descriptor)

import numpy as np
import pytest
from wire import Wire

from foundation import xarm7
from simulation.controller.controller import TICK
from simulation.controller.protocol import Feedback, Register, Status
from simulation.controller.recorder import MAX_SAMPLES, Recorder, TrajectoryStatus

NAME = b"wave.traj".ljust(81, b"\0")
THERE = np.array([0.6, -0.4, 0.3, 1.0, 0.2, 1.2, 0.4])


def recorded() -> Wire:
    wire = Wire().ready()
    wire.send(Register.RECORD, b"\x01")
    wire.move_joints(THERE, speed=0.8)
    wire.run_until(wire.idle)
    wire.send(Register.RECORD, b"\x00")
    wire.send(Register.SAVE_TRAJECTORY, NAME)
    assert wire.send(Register.GET_TRAJECTORY_STATUS).params == bytes((TrajectoryStatus.SAVED,))
    assert wire.send(Register.GET_TRAJECTORY_STATUS).params == bytes((TrajectoryStatus.IDLE,))
    return wire


def play(wire: Wire, times: int, rate: int) -> None:
    wire.send(Register.PLAY_TRAJECTORY, times.to_bytes(4, "little", signed=True) + rate.to_bytes(4, "little"))


@pytest.mark.parametrize("rate", [1, 2, 4])
def test_playback_repeats_the_motion_in_mode_11(rate):
    wire = recorded()
    wire.send(Register.LOAD_TRAJECTORY, NAME)
    wire.send(Register.SET_FEEDBACK, bytes((Feedback.OTHER_END,)))
    play(wire, 1, rate)
    assert (wire.state, wire.core.mode) == (1, 11)
    path = []

    def step() -> bool:
        path.append(wire.core.q.copy())
        return wire.idle()

    wire.run_until(step)
    assert wire.core.mode == 0
    wire.run(TICK)
    np.testing.assert_allclose(wire.joints, THERE, atol=1e-5)
    assert np.abs(np.array(path) - xarm7.HOME).max(axis=1).min() < 1e-3  # it went to the start first
    assert np.abs(np.diff(path, axis=0)).max() / TICK == pytest.approx(max(0.8 * rate, 0.5), rel=0.05)
    assert [frame[8] for frame in wire.controller.take_feedback("test")] == [Feedback.OTHER_END]


def test_playback_twice_and_for_ever():
    wire = recorded()
    wire.send(Register.LOAD_TRAJECTORY, NAME)
    play(wire, 2, 4)
    visits = 0
    before = 1.0
    while not wire.idle():
        wire.run(TICK)
        distance = float(np.abs(wire.core.q - xarm7.HOME).max())
        visits += before > 0.05 >= distance
        before = distance
    assert visits == 2
    play(wire, -1, 4)
    wire.run(20.0)
    assert wire.state == 1
    wire.set_state(4)
    assert (wire.state, wire.core.mode) == (4, 0)


def test_what_cannot_be_saved_loaded_or_played():
    wire = Wire().ready()
    play(wire, 1, 1)
    assert wire.status & Status.REFUSED
    wire.send(Register.SAVE_TRAJECTORY, NAME)
    assert wire.send(Register.GET_TRAJECTORY_STATUS).params == bytes((TrajectoryStatus.SAVE_FAILED,))
    wire.send(Register.LOAD_TRAJECTORY, NAME)
    assert wire.send(Register.GET_TRAJECTORY_STATUS).params == bytes((TrajectoryStatus.LOAD_FAILED,))
    wire = recorded()
    wire.send(Register.LOAD_TRAJECTORY, NAME)
    play(wire, 1, 3)
    assert wire.status & Status.REFUSED
    wire.send(Register.SET_MODE, b"\x01\x00")
    wire.set_state(0)
    play(wire, 1, 1)
    assert wire.status & Status.NOT_READY


def test_an_endless_recording_is_a_fault():
    wire = Wire().ready()
    wire.send(Register.RECORD, b"\x01")
    wire.core.recorder._samples = [wire.core.q] * (MAX_SAMPLES - 2)
    wire.run(2 * TICK)
    assert wire.error == 34


def test_a_recorder_keeps_its_trajectories_by_name():
    recorder = Recorder()
    recorder.record(True)
    for k in range(3):
        assert recorder.sample(np.full(7, float(k)))
    assert recorder.save("a")
    assert recorder.names == ("a",)
    assert not recorder.load("b")
    assert recorder.load("a")
    assert recorder.loaded is not None
    assert recorder.loaded.shape == (3, 7)

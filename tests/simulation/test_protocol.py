import struct

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from foundation.poses import from_rpy
from simulation.controller import protocol
from simulation.controller.protocol import Feedback, FramingError, Outcome, Register, Status

SET_STATE_STOP = bytes.fromhex("0001 0002 0002 0c 04".replace(" ", ""))  # as the developer manual prints it


def test_request_has_the_documented_bytes():
    assert protocol.encode_request(1, Register.SET_STATE, b"\x04") == SET_STATE_STOP
    request = protocol.decode_request(SET_STATE_STOP)
    assert (request.transaction, request.protocol, request.register, request.params) == (1, 2, 12, b"\x04")


def test_reply_echoes_the_request_and_carries_one_status_byte():
    request = protocol.decode_request(SET_STATE_STOP)
    frame = protocol.encode_reply(request, Status.NOT_READY | Status.WARNING, b"\xaa")
    assert frame == bytes.fromhex("00010002000 30c30aa".replace(" ", ""))
    reply = protocol.decode_reply(frame)
    assert (reply.transaction, reply.register, reply.status, reply.params) == (1, 12, 0x30, b"\xaa")


@hypothesis.given(st.integers(0, 0xFFFF), st.integers(0, 3), st.integers(0, 255), st.binary(max_size=200))
def test_requests_round_trip(transaction, kind, register, params):
    frame = protocol.encode_request(transaction, register, params, kind)
    request = protocol.decode_request(frame)
    assert (request.transaction, request.protocol, request.register, request.params) == (
        transaction,
        kind,
        register,
        params,
    )


@hypothesis.given(st.lists(st.binary(max_size=60), min_size=1, max_size=5), st.data())
def test_frames_come_out_whole_wherever_the_stream_was_cut(bodies, data):
    frames = [protocol.encode_request(i, 20 + i, body) for i, body in enumerate(bodies)]
    stream = b"".join(frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    buffer, found = bytearray(), []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        buffer += stream[begin:end]
        found += protocol.split_frames(buffer)
    assert found == frames
    assert not buffer


@pytest.mark.parametrize("length", [0, 1025, 65535])
def test_impossible_lengths_are_no_frames(length):
    with pytest.raises(FramingError):
        protocol.split_frames(bytearray(struct.pack(">HHHB", 1, 2, length, 12)))


@pytest.mark.parametrize("frame", [b"", SET_STATE_STOP[:6], SET_STATE_STOP[:-1], SET_STATE_STOP + b"\0"])
def test_a_request_with_a_wrong_length_is_refused(frame):
    with pytest.raises(FramingError):
        protocol.decode_request(frame)


def test_feedback_frame_layout():
    request = protocol.decode_request(protocol.encode_request(0x0102, Register.MOVE_JOINTS, bytes(40), protocol=3))
    frame = protocol.encode_feedback(request, 0, Feedback.MOTION_END, 5, Outcome.DISCARDED, 1_000_000)
    assert frame[:8] == bytes.fromhex("010200030 00fff00".replace(" ", ""))
    assert frame[8] == 2  # kind: end of a motion
    assert frame[9] == 23
    assert frame[10:12] == b"\x00\x05"
    assert frame[12] == 2  # discarded
    assert int.from_bytes(frame[13:], "big") == 1_000_000
    assert len(frame) == 6 + 15


@hypothesis.given(
    st.lists(st.floats(-0.9, 0.9), min_size=3, max_size=3), st.lists(st.floats(-1.5, 1.5), min_size=3, max_size=3)
)
def test_poses_round_trip_both_ways_of_writing_the_rotation(position, rpy):
    pose = from_rpy(np.array(position), np.array(rpy))
    np.testing.assert_allclose(protocol.pose_from_wire(protocol.pose_to_wire(pose)), pose, atol=1e-9)
    axis_angle = protocol.pose_to_wire_axis_angle(pose)
    np.testing.assert_allclose(protocol.pose_from_wire(axis_angle, axis_angle=True), pose, atol=1e-9)


def test_missing_numbers_are_a_framing_error():
    with pytest.raises(FramingError):
        protocol.unpack_floats(bytes(27), 7)

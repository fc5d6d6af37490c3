import contextlib
import os
import socket
import struct
import threading
from pathlib import Path

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.messages import LARGEST_MESSAGE, Channel, ChannelClosed, channel_pair, pack, unpack

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@pytest.fixture
def pair():
    ours, theirs = channel_pair()
    other = Channel(theirs)
    yield ours, other
    ours.close()
    other.close()


@given(st.dictionaries(st.text(), plain))
def test_plain_values_arrive_as_they_were(message):
    assert unpack(pack(message)) == message


@pytest.mark.parametrize("dtype", ["uint8", "<f4", ">f8", "int64", "bool"])
@pytest.mark.parametrize("shape", [(), (0, 3), (7,), (4, 5, 3)])
def test_arrays_arrive_with_type_and_shape(dtype, shape):
    array = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    again = unpack(pack({"array": array}))["array"]
    assert again.dtype == array.dtype and again.shape == array.shape and np.array_equal(again, array)


def test_numpy_numbers_travel():
    assert float(unpack(pack({"x": np.float64(0.5)}))["x"]) == 0.5


def test_objects_are_not_sent():
    with pytest.raises(TypeError, match="cannot hold"):
        pack({"f": open})
    with pytest.raises(TypeError, match="cannot hold"):
        pack({"a": np.array([object()])})


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_a_message_or_a_known_error(data):
    with contextlib.suppress(ChannelClosed):
        assert isinstance(unpack(data), dict)


@pytest.mark.parametrize("dtype", ["1)f8", "9" * 5000 + "f8", "", {"names": ["a"]}, None])
def test_a_dtype_that_is_none_is_refused(dtype):
    data = msgpack.packb({"a": msgpack.ExtType(1, msgpack.packb((dtype, [1], b"")))})
    with pytest.raises(ChannelClosed, match="unreadable"):
        unpack(data)


def test_cut_messages_are_refused():
    whole = pack({"array": np.arange(10), "text": "x" * 20})
    for end in range(len(whole)):
        with pytest.raises(ChannelClosed):
            unpack(whole[:end])


def test_large_messages_cross_while_both_sides_work(pair):
    ours, other = pair
    image = np.random.default_rng(1).integers(0, 256, (1080, 1920, 3), dtype=np.uint8)
    sender = threading.Thread(target=lambda: [ours.send({"i": i, "image": image}) for i in range(3)])
    sender.start()
    for i in range(3):
        message = other.receive(timeout=10)
        assert message["i"] == i and np.array_equal(message["image"], image)
    sender.join()


def test_receive_times_out_and_can_go_on(pair):
    ours, other = pair
    with pytest.raises(TimeoutError):
        other.receive(timeout=0.01)
    ours.send({"late": True})
    assert other.receive(timeout=1) == {"late": True}


def test_the_end_of_the_other_side_is_known_on_both_calls(pair):
    ours, other = pair
    other.close()
    with pytest.raises(ChannelClosed):
        ours.receive(timeout=1)
    with pytest.raises(ChannelClosed):
        ours.send({})


def test_closing_wakes_a_waiting_receiver(pair):
    ours, _ = pair
    ended = []

    def wait():
        with pytest.raises(ChannelClosed):
            ours.receive()
        ended.append(True)

    waiting = threading.Thread(target=wait)
    waiting.start()
    ours.close()
    waiting.join(5)
    assert ended


def test_a_receiver_that_never_reads_does_not_block_the_sender_for_ever(pair):
    ours, _ = pair
    with pytest.raises(ChannelClosed, match="does not answer"):
        for _ in range(100):
            ours.send({"data": bytes(1 << 20)}, timeout=0.1)
    with pytest.raises(ChannelClosed):  # a truncated message leaves nothing readable after it
        ours.send({})


def test_an_absurd_length_is_refused_at_once():
    raw, theirs = socket.socketpair()
    other = Channel(theirs)
    with raw:
        raw.sendall(struct.pack(">I", LARGEST_MESSAGE + 1))
        with pytest.raises(ChannelClosed, match="announced"):
            other.receive(timeout=1)
    other.close()


def test_descriptors_ride_along(pair):
    ours, other = pair
    read_end, write_end = os.pipe()
    ours.send({"with": "descriptor"}, descriptors=[write_end])
    os.close(write_end)
    other.receive(timeout=1)
    (received,) = other.take_descriptors()
    os.write(received, b"hello")
    os.close(received)
    assert os.read(read_end, 10) == b"hello"
    os.close(read_end)


def test_descriptors_that_nobody_took_are_closed_with_the_channel():
    one, theirs = channel_pair()
    other = Channel(theirs)
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "w") as end:
        one.send({"do": "look"}, descriptors=[end.fileno()])
        other.receive(5.0)
        before = len(list(Path("/proc/self/fd").iterdir()))
        other.close()
        assert len(list(Path("/proc/self/fd").iterdir())) == before - 2  # its socket, and what it had received
    one.close()

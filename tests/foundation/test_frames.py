import os
import socket
import subprocess
import sys
import threading
import time
import uuid

import numpy as np
import pytest

from foundation.errors import ProcessError
from foundation.shared_frame_ring import FramePublisher, FrameReader, StreamGone, StreamInfo, list_streams


@pytest.fixture
def publisher():
    publisher = FramePublisher(f"rehearse-test-{uuid.uuid4()}")
    yield publisher
    publisher.close()


def info(name: str = "front", has_depth: bool = True) -> StreamInfo:
    return StreamInfo(name, 64, 48, has_depth, {"fps": 15.0})


def test_a_reader_gets_the_newest_picture_whole(publisher):
    stream = publisher.add(info())
    assert list_streams(publisher.address) == [info()]
    with FrameReader(publisher.address, "front") as reader:
        assert reader.latest() is None
        for i in range(1, 12):
            stream.write(np.full((48, 64, 3), i, np.uint8), captured=0.1 * i, depth_mm=np.full((48, 64), 1000 + i))
        frame = reader.wait(after=0, timeout=1)
        assert frame.number == 11 and frame.captured == 0.1 * 11
        assert (frame.rgb == 11).all() and frame.depth_mm is not None and (frame.depth_mm == 1011).all()
        with pytest.raises(TimeoutError):
            reader.wait(after=11, timeout=0.02)


def test_who_was_held_up_for_a_moment_misses_no_picture_and_after_long_gets_the_next_there_is(publisher):
    stream = publisher.add(info(has_depth=False))

    def write(numbers):
        for i in numbers:
            stream.write(np.full((48, 64, 3), i, np.uint8), captured=float(i))

    with FrameReader(publisher.address, "front") as reader:
        write(range(1, 3))
        assert reader.wait(after=0, timeout=1).number == 2
        write(range(3, 7))
        read = [reader.wait(after=after, timeout=1) for after in range(2, 6)]
        assert [frame.number for frame in read] == [3, 4, 5, 6]
        assert [int(frame.rgb[0, 0, 0]) for frame in read] == [3, 4, 5, 6]
        write(range(7, 30))
        after = reader.wait(after=6, timeout=1).number
        assert 6 < after < 29
        assert reader.wait(after=after, timeout=1).number == after + 1


def test_no_torn_picture_is_ever_read(publisher):
    """Lap the reader all the time with a writer at full speed: every frame read must still be of one colour."""
    stream = publisher.add(info(has_depth=False))
    done = threading.Event()

    def write():
        i = 0
        while not done.is_set():
            i += 1
            stream.write(np.full((48, 64, 3), i % 251, np.uint8), captured=float(i))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with FrameReader(publisher.address, "front") as reader:
            number = 0
            for _ in range(2000):
                frame = reader.wait(after=number, timeout=5)
                assert frame.number > number and frame.captured == frame.number
                assert (frame.rgb == frame.number % 251).all()
                number = frame.number
    finally:
        done.set()
        writer.join()


def test_the_reader_cannot_write(publisher):
    publisher.add(info())
    with FrameReader(publisher.address, "front") as reader, pytest.raises(ValueError, match="read-only"):
        reader._memory.newest[0] = 5


def test_unknown_streams_and_publishers_get_a_sentence(publisher):
    publisher.add(info())
    with pytest.raises(StreamGone, match="there are: front"):
        FrameReader(publisher.address, "back")
    with pytest.raises(StreamGone, match="Nobody shares"):
        list_streams("rehearse-test-nobody")
    with pytest.raises(ProcessError, match="taken"):
        FramePublisher(publisher.address)


def test_a_stream_can_vanish_and_come_back(publisher):
    publisher.add(info()).write(np.zeros((48, 64, 3), np.uint8), 0.0)
    with FrameReader(publisher.address, "front") as reader:
        publisher.remove("front")
        with pytest.raises(StreamGone, match="front"):
            reader.latest()
    assert list_streams(publisher.address) == []
    publisher.add(info())
    FrameReader(publisher.address, "front").close()


def test_a_default_timeout_that_a_library_has_set_changes_nothing():
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(0.05)
    try:
        publisher = FramePublisher(f"rehearse-test-{uuid.uuid4()}")
    finally:
        socket.setdefaulttimeout(before)
    publisher.add(info())
    time.sleep(0.3)
    assert list_streams(publisher.address)
    publisher.close()


def test_a_silent_asker_does_not_hang_the_publisher(publisher):
    publisher.add(info())
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect("\0" + publisher.address)
        assert list_streams(publisher.address)  # answered once the silent client has had its second


def test_kill_9_of_the_publisher_is_seen_and_leaves_nothing():
    address = f"rehearse-test-{uuid.uuid4()}"
    script = (
        "import sys, time, numpy as np; from foundation.shared_frame_ring import *;"
        f"p = FramePublisher({address!r}); s = p.add(StreamInfo('a', 8, 8, False, {{}}));"
        "s.write(np.zeros((8, 8, 3), np.uint8), 0.0); print('up', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    reader = FrameReader(address, "a")
    child.kill()
    child.wait()
    child.stdout.close()
    with pytest.raises(StreamGone):
        reader.wait(after=1, timeout=5)
    reader.close()
    assert len(os.listdir("/proc/self/fd")) == before - 1  # noqa: PTH208
    FramePublisher(address).close()  # the name is free again

import select
import socket
import struct
import threading
import time

import pytest
from sdk_lab import RunningArm

from simulation.controller.controller import Controller
from simulation.controller.plant import IdealArm
from simulation.controller.protocol import Register, Reply, decode_reply, encode_request, pack_floats, split_frames
from simulation.controller.report import SIZES
from simulation.controller.server import ControllerServer, free_loopback_address
from simulation.errors import SimulationError


class Client:
    """Plain socket on the command port (or another one)."""

    def __init__(self, address: str, port: int = 15020):
        self.socket = socket.create_connection((address, port), timeout=5.0)
        self.socket.settimeout(5.0)
        self._buffer = bytearray()
        self._transaction = 0

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception) -> None:
        self.socket.close()

    def send(self, register: int, params: bytes = b"") -> None:
        self._transaction += 1
        self.socket.sendall(encode_request(self._transaction, register, params))

    def receive(self) -> bytes:
        """Return the next whole frame; empty at the end of the connection."""
        while True:
            frames = split_frames(self._buffer)
            if frames:
                self._buffer[:0] = b"".join(frames[1:])
                return frames[0]
            data = self.socket.recv(4096)
            if not data:
                return b""
            self._buffer += data

    def ask(self, register: int, params: bytes = b"") -> Reply:
        self.send(register, params)
        reply = decode_reply(self.receive())
        assert (reply.transaction, reply.register) == (self._transaction, register)
        return reply

    def exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            assert more
            data += more
        return data

    def closed_by_peer(self) -> bool:
        try:
            return self.socket.recv(4096) == b""
        except ConnectionError:
            return True


@pytest.fixture
def arm():
    with RunningArm() as running:
        yield running


def test_requests_are_answered_however_they_are_cut(arm):
    with Client(arm.address) as client:
        stream = b"".join(encode_request(k, Register.GET_STATE) for k in range(1, 6))
        for byte in stream:
            client.socket.sendall(bytes((byte,)))
        for k in range(1, 6):
            assert decode_reply(client.receive()).transaction == k


def test_several_clients_at_once_each_get_their_own_answers(arm):
    wrong: list[str] = []

    def work(number: int) -> None:
        with Client(arm.address) as client:
            for k in range(100):
                register = Register.GET_JOINTS if (k + number) % 2 else Register.GET_VERSION
                if len(client.ask(register).params) != (28 if (k + number) % 2 else 40):
                    wrong.append(f"{number}: {k}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    clients = {entry.client for entry in arm.controller.log}
    assert clients == set()  # queries are only counted
    assert arm.controller.log.count(Register.GET_VERSION) == 250


def test_the_second_command_port_serves_too(arm):
    with Client(arm.address, 15021) as client:
        assert len(client.ask(Register.TOOL_MODBUS, b"\x09" + struct.pack(">BBHH", 8, 3, 0x0702, 2)).params) == 8


@pytest.mark.parametrize(("port", "frames"), [(30000, 40), (30001, 3), (30002, 3), (30003, 20)])
def test_reports_come_at_their_rate(arm, port, frames):
    with Client(arm.address, port) as client:
        before = arm.controller.time
        for _ in range(frames):
            frame = client.exactly(SIZES[port])
            assert int.from_bytes(frame[:4], "big") == SIZES[port]
        period = {30000: 0.005, 30001: 0.2, 30002: 0.2, 30003: 0.01}[port]
        # In the arm's own time, which a busy machine slows down; what it read late is still in the socket.
        assert arm.controller.time - before >= (frames - 2) * period
    with Client(arm.address, port) as client:
        client.exactly(SIZES[port])


def test_feedback_reaches_only_the_client_that_asked(arm):
    with Client(arm.address) as one, Client(arm.address) as other:
        for register, params in ((11, b"\x08\x01"), (19, b"\x00\x00"), (12, b"\x00"), (254, b"\x02")):
            one.ask(register, params)
        one.ask(Register.MOVE_JOINTS, pack_floats([0.1, -0.247, 0, 0.909, 0, 1.156, 0, 2.0, 15.0, 0]))
        frame = one.receive()
        assert (frame[6], frame[8], frame[9], frame[12]) == (0xFF, 2, 23, 0)
        readable, _, _ = select.select([other.socket], [], [], 0.05)
        assert not readable


def test_a_heartbeat_gets_no_answer(arm):
    with Client(arm.address) as client:
        client.socket.sendall(bytes([0, 0, 0, 1, 0, 2, 0, 0]))
        assert client.ask(Register.GET_STATE).params == b"\x04"


def test_nonsense_ends_the_connection_and_nothing_else(arm):
    with Client(arm.address) as good, Client(arm.address) as bad:
        bad.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert bad.closed_by_peer()
        assert good.ask(Register.GET_STATE).params == b"\x04"


def test_a_client_that_reads_nothing_holds_nobody_up(arm):
    with Client(arm.address, 30000) as lazy, Client(arm.address) as client:
        lazy.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        start = arm.controller.time
        assert arm.wait_until(lambda: arm.controller.time > start + 2.0, 30.0)
        assert client.ask(Register.GET_STATE).params == b"\x04"
        frame = lazy.exactly(804 * 3)
        assert frame[:4] == frame[804:808] == frame[1608:1612]


def test_arrival_times_are_monotonic_clock_times(arm):
    with Client(arm.address) as client:
        before = time.monotonic()
        client.ask(Register.SET_STATE, b"\x04")
        after = time.monotonic()
        (stop,) = arm.controller.log.stops()
        assert before <= stop.time <= after


def test_hanging_and_slow_controllers(arm):
    with Client(arm.address) as client, Client(arm.address, 30003) as report:
        arm.controller.faults.hang = True
        client.send(Register.SET_STATE, b"\x04")
        client.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.receive()
        assert arm.controller.log.count(Register.SET_STATE, 4) == 1
        arm.controller.faults.hang = False
        client.socket.settimeout(5.0)
        report.exactly(135 * 2)
        arm.controller.faults.reply_delay = 0.3
        before = time.monotonic()
        client.ask(Register.GET_STATE)
        assert time.monotonic() - before >= 0.3
        arm.controller.faults.reply_delay = 0.0
        client.ask(Register.GET_STATE)


def test_dropping_dying_and_coming_back(arm):
    with Client(arm.address) as client:
        client.ask(Register.GET_STATE)
        arm.controller.faults.drop_connections()
        assert client.closed_by_peer()
    with Client(arm.address) as client, Client(arm.address, 30001) as report:
        client.ask(Register.GET_STATE)
        report.exactly(145)
        arm.controller.faults.dead = True
        assert client.closed_by_peer()
        with pytest.raises(ConnectionRefusedError):
            Client(arm.address)
    arm.controller.faults.dead = False
    deadline = time.monotonic() + 5.0
    while True:
        try:
            with Client(arm.address) as client:
                assert client.ask(Register.GET_STATE).params == b"\x04"
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_restart_ends_the_connection_and_forgets(arm):
    with Client(arm.address) as client:
        client.ask(Register.ENABLE_MOTION, b"\x08\x01")
        client.send(Register.SYSTEM_CONTROL, b"\x02")
        while client.receive():
            pass
    with Client(arm.address) as client:
        assert client.ask(Register.GET_STATE).params == b"\x04"
    assert arm.controller.core.enabled == 0


def test_a_taken_port_is_said_clearly_and_leaves_nothing_open():
    address = free_loopback_address()
    with ControllerServer(Controller(IdealArm()), address):
        second = ControllerServer(Controller(IdealArm()), address)
        with pytest.raises(SimulationError, match=address):
            second.start()
        second.close()
    with ControllerServer(Controller(IdealArm()), address), Client(address) as client:
        client.ask(Register.GET_VERSION)


def test_a_taken_report_port_too():
    address = free_loopback_address()
    with socket.create_server((address, 30002)):
        server = ControllerServer(Controller(IdealArm()), address)
        with pytest.raises(SimulationError, match="30000 to 30003"):
            server.start()
        server.close()


@pytest.mark.parametrize("address", ["192.168.1.5", "0.0.0.0", "localhost", ""])
def test_only_this_machine_is_served_unless_asked_for(address):
    with pytest.raises(SimulationError, match=r"127\."):
        ControllerServer(Controller(IdealArm()), address)


def test_remote_service_on_request():
    server = ControllerServer(Controller(IdealArm()), "0.0.0.0", allow_remote=True)
    server.close()


def test_closing_twice_and_unstarted_is_no_error():
    server = ControllerServer(Controller(IdealArm()), free_loopback_address())
    server.close()
    server.close()

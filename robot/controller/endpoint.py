"""Address of an arm's controller, and the check that an xArm7 answers there before the SDK connects."""

import ipaddress
import re
import socket
import struct
from dataclasses import dataclass

from robot.errors import LinkError, RobotError

CONTROL_PORT = 502
_VERSION_REQUEST = struct.pack(">HHHB", 1, 2, 1, 1)  # transaction 1, private protocol, one byte: register 1
_VERSION = re.compile(r"(\d+),(\d+),([^,]*),([^,]*),.*?[vV]?(\d+)\.(\d+)\.(\d+)")
_LARGEST_REPLY = 512
# Older firmware lets the SDK (1.18) omit the duration of a velocity: the arm would go on when this program is gone.
OLDEST_FIRMWARE = (1, 8, 0)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """IPv4 address and control port; a port other than 502 only on this machine (127.x.x.x).

    Raises RobotError otherwise: the SDK would take a host name for a serial port.
    """

    address: str
    port: int = CONTROL_PORT

    def __post_init__(self):
        if self.address == "localhost":
            object.__setattr__(self, "address", "127.0.0.1")
        try:
            address = ipaddress.IPv4Address(self.address)
        except ValueError:
            raise RobotError(
                f"“{self.address}” is not an address. Give the control box's four numbers, like 192.168.1.203."
            ) from None
        if self.port != CONTROL_PORT and not address.is_loopback:
            raise RobotError(f"A real arm listens on port 502, not {self.port}. Leave the port as it is.")
        if not 0 < self.port < 65536:
            raise RobotError(f"{self.port} is not a port: choose one from 1 to 65535.")

    @property
    def loopback(self) -> bool:
        """Whether this is a simulated controller on this machine."""
        return ipaddress.IPv4Address(self.address).is_loopback


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity reported by a controller: `model` such as XS1305, `firmware` (major, minor, patch)."""

    axes: int
    model: str
    firmware: tuple[int, int, int]


def identify(endpoint: Endpoint, timeout: float = 1.5) -> Identity:
    """Request the controller's version; answers or fails within about twice `timeout` s.

    Raises LinkError if there is no answer, and RobotError if it is not the controller of an xArm7. The SDK itself would
    wait 12 s for a peer that accepts the connection and never answers.
    """
    where = f"{endpoint.address}, port {endpoint.port}"
    try:
        with socket.create_connection((endpoint.address, endpoint.port), timeout) as sock:
            sock.settimeout(timeout)
            sock.sendall(_VERSION_REQUEST)
            text = _version_text(sock)
    except ConnectionRefusedError:
        raise LinkError(f"No arm's controller answers at {where}. Is the control box on, the address right?") from None
    except TimeoutError:
        raise LinkError(
            f"Nothing answers at {where}. Check the cable, the control box's power and the address."
        ) from None
    except OSError as error:
        raise LinkError(f"{where} cannot be reached ({error.strerror or error}). Check cable and address.") from None
    found = _VERSION.match(text)
    if found is None:
        raise RobotError(f"Something answers at {where}, but it is not an xArm's controller. Check the address.")
    axes, _, model, _, *firmware = found.groups()
    if int(axes) != 7:
        raise RobotError(f"The arm at {where} has {axes} joints. This program is for the xArm7.")
    identity = Identity(int(axes), model, (int(firmware[0]), int(firmware[1]), int(firmware[2])))
    if identity.firmware < OLDEST_FIRMWARE:
        has, needs = (".".join(map(str, version)) for version in (identity.firmware, OLDEST_FIRMWARE))
        raise RobotError(
            f"The control box at {where} has firmware {has}, with which hand control would not end by itself. Update "
            f"it in UFACTORY Studio to {needs} or newer."
        )
    return identity


def _version_text(sock: socket.socket) -> str:
    """Return the text of the reply to the version request; '' if it is not such a reply."""
    header = _exactly(sock, 6)
    if len(header) < 6:
        return ""
    transaction, protocol, length = struct.unpack(">HHH", header)
    if (transaction, protocol) != (1, 2) or not 2 < length <= _LARGEST_REPLY:
        return ""
    body = _exactly(sock, length)
    if len(body) < length or body[0] != 1:
        return ""
    return body[2:].split(b"\0")[0].decode("ascii", "replace")


def _exactly(sock: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = sock.recv(count - len(received))
        if not part:
            break
        received += part
    return received

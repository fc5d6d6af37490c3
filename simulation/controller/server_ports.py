"""Addresses and ports of a simulated controller.

The command port is free to choose; the report ports are the literal numbers, because the SDK derives their frame
format from them. So several arms on one machine differ in their address: all of 127.0.0.0/8 is this machine (Linux).
"""

import ipaddress
import random
import socket

from simulation.controller.report import PERIODS
from simulation.controller.server_connection import COMMAND
from simulation.errors import SimulationError

DEFAULT_PORT = 15020
ADDRESSES_TRIED = 20


def listen(address: str, port: int) -> socket.socket:
    """Return a listening socket; raises OSError when the address or port is unavailable."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((address, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def free_loopback_address(port: int = DEFAULT_PORT) -> str:
    """Return a loopback address with free command and report ports; raises SimulationError."""
    numbers = random.sample(range(1, 1 << 22), ADDRESSES_TRIED)
    candidates = [str(ipaddress.IPv4Address("127.64.0.0") + number) for number in numbers]
    for address in [*candidates, "127.0.0.1"]:
        opened: list[socket.socket] = []
        try:
            for number in command_and_report_ports(port):
                opened.append(listen(address, number))
        except OSError:
            continue
        finally:
            for listener in opened:
                listener.close()
        return address
    raise SimulationError("No free address was found for the simulated arm. Close other simulated labs and try again.")


def command_and_report_ports(port: int) -> dict[int, int]:
    """Return every port with its kind: commands (also on the second one, for the tool bus), or a report."""
    return {port: COMMAND, port + 1: COMMAND} | {number: number for number in PERIODS}


def is_loopback(address: str) -> bool:
    """Return whether this is a numeric loopback address."""
    try:
        return ipaddress.IPv4Address(address).is_loopback
    except ValueError:
        return False

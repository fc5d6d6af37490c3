"""Exclusive claim on an arm by one of two programs."""

import subprocess
import sys
from contextlib import closing

import pytest

from robot.controller.endpoint import Endpoint
from robot.controller.exclusive_lock import lock_arm
from robot.errors import RobotError

HOLDS = """
import sys
from robot.controller.exclusive_lock import lock_arm
from robot.controller.endpoint import Endpoint
held = lock_arm(Endpoint("127.9.8.7"))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_program_is_told_to_close_the_first():
    with subprocess.Popen([sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin is not None and other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(RobotError, match=r"Another Rehearse .* 127\.9\.8\.7.*Close it"):
            lock_arm(Endpoint("127.9.8.7"), within=0.0)
        lock_arm(Endpoint("127.9.8.6"), within=0.0).close()  # another arm is free
        other.kill()
    lock_arm(Endpoint("127.9.8.7"), within=30.0).close()


def test_a_claim_waits_for_a_program_that_is_ending():
    endpoint = Endpoint("127.9.8.7")
    with subprocess.Popen([sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin is not None and other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        other.stdin.close()
        with closing(lock_arm(endpoint, within=30.0)):
            assert other.wait(30.0) == 0

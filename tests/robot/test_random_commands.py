"""Sample of `rehearse benchmark reliability`'s messages to the robot loop: random, hostile and malformed commands."""

from benchmarks.motion import random_commands


def test_random_commands_keep_every_limit_and_press_nothing():
    checks = {check.name: check for check in random_commands.checks(400, seed=19_200_000)}
    assert all(check.ok for check in checks.values()), checks
    assert checks["random_commands_targets"].value > 300  # and the arm was moved

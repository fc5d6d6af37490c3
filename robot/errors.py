"""Faults of the arm, its controller, and the way to it."""

from foundation.errors import KnownError


class RobotError(KnownError):
    """The arm cannot be reached, refuses, or must not do what was asked."""


class LinkError(RobotError):
    """Nothing comes back from the arm's controller any more, or its answer makes no sense."""

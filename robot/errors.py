"""Errors of the arm, its controller and the link."""

from foundation.errors import KnownError


class RobotError(KnownError):
    """The arm cannot be reached, refuses, or must not do what was requested."""


class LinkError(RobotError):
    """The arm's controller no longer answers, or its answer is invalid."""

"""Errors of the embedded lab."""

from foundation.errors import KnownError


class SimulationError(KnownError):
    """The embedded lab cannot be started, reached, or set up as requested."""

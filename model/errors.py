"""Errors of the model's inputs, outputs and weights, worded so that the user can act on them."""

from foundation.errors import KnownError


class ModelError(KnownError):
    """The model cannot be loaded or run, or its output cannot be interpreted."""


class ActionImageError(ModelError):
    """Action images cannot be rendered or decoded with these cameras, or this trajectory."""


class WeightsError(ModelError):
    """A weights file is damaged, incomplete, of another model, or not trusted."""


class ModelMemoryError(ModelError):
    """The machine has too little memory or disk space for the request."""


class GenerationCancelled(ModelError):
    """A generation was cancelled while it ran; its partial result is discarded."""

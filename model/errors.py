"""What can be wrong with what the model is given or gives, said so that a person can do something about it."""

from foundation.errors import KnownError


class ModelError(KnownError):
    """The model cannot be loaded, asked, or understood."""


class ActionImageError(ModelError):
    """Action images cannot be drawn or read with these cameras, or this trajectory."""


class WeightsError(ModelError):
    """A file of weights is damaged, incomplete, of another model, or not to be trusted."""


class ModelMemoryError(ModelError):
    """The machine has not enough memory, or disk, for what was asked."""


class GenerationCancelled(ModelError):
    """A generation was taken back while it ran; nothing of it is kept."""

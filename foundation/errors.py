"""Root of the exception hierarchy. A KnownError has an external cause and can be explained; any other is a bug."""


class KnownError(Exception):
    """Error with an external cause that the user can act on.

    The text is one or two plain sentences: what happened, and what to do. It is shown unchanged, in a banner
    or on standard error. Each folder has one root below it (`RobotError`, `CameraError`, ...).
    """


class SettingsError(KnownError):
    """A settings file or a settings value cannot be used."""


class ProcessError(KnownError):
    """One of the program's own processes could not be started, or has ended."""

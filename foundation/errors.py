"""The one error tree. A KnownError is the world's fault and can be explained; anything else is a bug of ours."""


class KnownError(Exception):
    """Something outside the program went wrong, and a person can do something about it.

    The text is one or two plain sentences: what happened, and what to do. It is shown as it stands, in a banner
    or on standard error. Each folder has one root below it (`RobotError`, `CameraError`, ...).
    """


class SettingsError(KnownError):
    """A settings file or a settings value cannot be used."""


class ProcessError(KnownError):
    """One of the program's own processes could not be started, or has gone."""

"""Errors of the library."""

from foundation.errors import KnownError


class StorageError(KnownError):
    """The library cannot do what was requested, for a reason outside the program."""


class LibraryBusyError(StorageError):
    """Another program has locked the library's database."""


class NewerLibraryError(StorageError):
    """The library was made by a newer version of the program."""


class DiskFullError(StorageError):
    """The disk is full, or has too little space to begin."""


class DamagedFileError(StorageError):
    """A file of the library, or one to be imported, is damaged or of another kind; the message names it."""


class NotFoundError(StorageError):
    """Nothing in the library has this id or name."""


class RecordingError(StorageError):
    """A recording cannot begin, continue or be kept."""

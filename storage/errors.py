"""What can go wrong with the library."""

from foundation.errors import KnownError


class StorageError(KnownError):
    """The library cannot do what was asked, for a reason outside the program."""


class LibraryBusyError(StorageError):
    """Another program keeps the library's database to itself."""


class NewerLibraryError(StorageError):
    """The library was made by a newer version of the program."""


class DiskFullError(StorageError):
    """There is no room left, or too little to begin."""


class DamagedFileError(StorageError):
    """A file of the library, or one to be imported, is not what it should be; the sentence names it."""


class NotFoundError(StorageError):
    """Nothing in the library has this id or name."""


class RecordingError(StorageError):
    """A recording cannot begin, go on or be kept."""

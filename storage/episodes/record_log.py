"""Append-only log of fixed-size records: a crash at any time loses at most the record being written."""

import os
import zlib
from pathlib import Path

import numpy as np

from storage.errors import DamagedFileError

_MAGIC = b"RHLOG1\n"


class RecordLog:
    """Append-only file. Each record is written to the system at once, with a checksum.

    So a killed process has lost nothing that was appended. Raises OSError.
    """

    def __init__(self, path: Path, dtype: np.dtype):
        self._dtype = dtype
        self._descriptor: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._size = 0
        self.count = 0
        self._write(_MAGIC + dtype.itemsize.to_bytes(4, "little"))

    def append(self, record: np.ndarray) -> None:
        """Append one record, a zero-dimensional array of the log's type."""
        data = record.tobytes()
        self._write(data + zlib.crc32(data).to_bytes(4, "little"))
        self.count += 1

    def _write(self, data: bytes) -> None:
        assert self._descriptor is not None, "this log is closed"
        written = os.write(self._descriptor, data)
        while written < len(data):  # a nearly full disk accepts a part first, then fails
            written += os.write(self._descriptor, data[written:])
        self._size += len(data)

    def sync(self) -> None:
        """Flush the appended records to disk."""
        if self._descriptor is not None:
            os.fdatasync(self._descriptor)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def read_log(path: Path, dtype: np.dtype) -> np.ndarray:
    """Read the records (n,) up to the first torn one. Raises DamagedFileError for a file of another kind."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DamagedFileError(f"The file {path} cannot be read: {error.strerror}.") from error
    head = _MAGIC + dtype.itemsize.to_bytes(4, "little")
    if not data.startswith(head):
        if head.startswith(data.rstrip(b"\0")):  # torn while the header was written; a power cut leaves zeros
            return np.zeros(0, dtype)
        raise DamagedFileError(f"The file {path} is no log of this program.")
    kind = np.dtype([("record", dtype), ("sum", "<u4")])
    body = memoryview(data)[len(head) :]
    records = np.frombuffer(body, kind, count=len(body) // kind.itemsize)
    for index, record in enumerate(records):
        if zlib.crc32(record["record"].tobytes()) != int(record["sum"]):
            return records["record"][:index].copy()
    return records["record"].copy()

"""Files that are either whole or not there, and what kind of disk they lie on."""

import errno
import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import Any

from storage.errors import DamagedFileError, DiskFullError, StorageError

_LARGEST_JSON = 1 << 26  # bytes
# Where file locks and shared memory, which SQLite's write-ahead log needs, cannot be relied on (sqlite.org/wal.html).
_NETWORK_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs"}


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is after any crash the old one or the new one. Raises OSError."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def write_json(path: Path, values: dict[str, Any]) -> None:
    """`write_whole` of one JSON object."""
    write_whole(path, json.dumps(values, indent=1, allow_nan=False, ensure_ascii=False).encode())


def read_json(path: Path) -> dict[str, Any]:
    """One JSON object. Raises DamagedFileError naming the file when it is none."""
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise DamagedFileError(f"The file {path} is too large to be what it should be.")
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DamagedFileError(f"The file {path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(f"The file {path} is damaged: {error}.") from error
    if not isinstance(values, dict):
        raise DamagedFileError(f"The file {path} is damaged: it holds no JSON object.")
    return values


def explained(error: OSError, what: str) -> StorageError:
    """The sentence for a disk that refused; `what` was tried reads like "The episode could not be kept"."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(f"{what}: the disk is full. Make room, then try again.")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        place = f" {error.filename}" if error.filename else ""
        return StorageError(f"{what}: the program may not write{place}. Choose another folder, or change its rights.")
    return StorageError(f"{what}: {error.strerror or error}. Check the disk.")


def free_bytes(folder: Path) -> int:
    """Room for this user on the disk the folder lies on."""
    return shutil.disk_usage(folder).free


def network_system(folder: Path, mounts: Path = Path("/proc/mounts")) -> str | None:
    """The kind of network disk the folder lies on ("nfs4"), None for a local one or where nobody knows."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    wanted, best, kind = folder.resolve(), -1, ""
    for line in lines:
        parts = line.split(" ")
        if len(parts) < 3:
            continue
        point = Path(parts[1].replace("\\040", " "))
        if wanted.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), parts[2]
    return kind if kind in _NETWORK_SYSTEMS else None


class FileLock:
    """A lock that ends with the process that holds it, however that ends."""

    def __init__(self, path: Path):
        self._path = path
        self._descriptor: int | None = None

    def take(self, *, wait: bool, shared: bool = False) -> bool:
        """Whether the lock is ours now; with `wait` it waits for as long as somebody else holds it.

        `shared`: together with others who share it, and with nobody who does not.
        """
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
                return False
            raise
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give it back; harmless when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> "FileLock":
        self.take(wait=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

"""Atomic writing of files, file locks, and checks of the disk."""

import errno
import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import Any

from storage.errors import DamagedFileError, DiskFullError, StorageError

_LARGEST_JSON = 1 << 26  # bytes
# Here file locks and shared memory, which SQLite's write-ahead log needs, are unreliable (sqlite.org/wal.html).
_NETWORK_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs"}


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, so that they survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file atomically: after any crash it is the old one or the new one. Raises OSError."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write one JSON object atomically, see `write_whole`."""
    write_whole(path, json.dumps(values, indent=1, allow_nan=False, ensure_ascii=False).encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read one JSON object. Raises DamagedFileError naming the file if it is none."""
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
    """Convert a disk error to a StorageError; `what` was tried reads like "The episode could not be kept"."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(f"{what}: the disk is full. Make room, then try again.")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        place = f" {error.filename}" if error.filename else ""
        return StorageError(f"{what}: the program may not write{place}. Choose another folder, or change its rights.")
    return StorageError(f"{what}: {error.strerror or error}. Check the disk.")


def free_bytes(folder: Path) -> int:
    """Return the free space for this user on the folder's disk."""
    return shutil.disk_usage(folder).free


def network_system(folder: Path, mounts: Path = Path("/proc/mounts")) -> str | None:
    """Return the type of network disk that holds the folder ("nfs4"), None for a local or unknown one."""
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
    """File lock that is released when the process that holds it ends for any reason."""

    def __init__(self, path: Path):
        self._path = path
        self._descriptor: int | None = None

    def take(self, *, wait: bool, shared: bool = False) -> bool:
        """Acquire the lock and return whether it is held; with `wait` block until others release it.

        `shared`: together with other shared holders, excluding exclusive ones.
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
        """Release the lock; harmless if it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> "FileLock":
        self.take(wait=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

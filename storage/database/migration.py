"""Migration of a library's tables to the schema of this program: forward only, each step in its own transaction.

A crash leaves the old schema or the new one. Only one program migrates at a time, and a copy of the database is kept.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from foundation.clocks import utc_now
from storage.atomic_files import FileLock, explained
from storage.errors import NewerLibraryError, StorageError

_STEPS = Path(__file__).parent / "migrations"
_LOCK_NUMBER = 0x7265686561727365  # "rehearse": the advisory lock's number on PostgreSQL
_KEPT_COPIES = 3


def migrate(engine: sqlalchemy.Engine, file: Path | None) -> str | None:
    """Bring the tables up to date; return a message about what was done, None if nothing was.

    `file` is the SQLite file, None on a server. Raises NewerLibraryError for a newer schema, without touching anything.
    """
    if present(engine) == newest():
        return None
    with _alone(engine, file):
        before = present(engine)
        if before == newest():  # another program was faster
            return None
        kept = _copy(file, before) if file is not None and before is not None else None
        for step in steps_after(before):
            _run(engine, step)
    if before is None:
        return None
    copy = f" A copy of it as it was is kept as {kept.name}." if kept else ""
    return f"The library was brought from form {before} to form {newest()}.{copy}"


def present(engine: sqlalchemy.Engine) -> str | None:
    """Return the library's schema revision, None without tables. Raises NewerLibraryError for an unknown one."""
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found is not None and found not in _known():
        raise NewerLibraryError(
            f"This library was made by a newer version of the program (form {found}, this program knows {newest()}). "
            "Update the program; the library was not touched."
        )
    return found


def newest() -> str:
    """Return the newest revision known to this program."""
    return _known()[-1]


def steps_after(form: str | None) -> list[str]:
    """Return the remaining steps, in order."""
    known = _known()
    return known[known.index(form) + 1 :] if form is not None else known


def _script() -> ScriptDirectory:
    return ScriptDirectory(str(_STEPS), version_locations=[str(_STEPS)])


def _known() -> list[str]:
    return [script.revision for script in _script().walk_revisions()][::-1]


def _run(engine: sqlalchemy.Engine, step: str) -> None:
    script = _script()
    with engine.connect().execution_options(immediate=True) as connection, connection.begin():
        context = MigrationContext.configure(
            connection,
            # SQLite's schema changes are transactional too; Alembic does not assume it.
            opts={"fn": lambda revision, _: script._upgrade_revs(step, revision), "transactional_ddl": True},
        )
        with Operations.context(context):
            context.run_migrations()


@contextlib.contextmanager
def _alone(engine: sqlalchemy.Engine, file: Path | None) -> Iterator[None]:
    if file is not None:
        with FileLock(file.with_name(file.name + ".lock")):
            yield
        return
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:n)"), {"n": _LOCK_NUMBER})
        try:
            yield
        finally:
            connection.execute(sqlalchemy.text("SELECT pg_advisory_unlock(:n)"), {"n": _LOCK_NUMBER})


def _copy(file: Path, form: str) -> Path:
    """Back up the database beside itself; copies older than the last three are deleted."""
    copy = file.with_name(f"{file.name}.form-{form}-{utc_now():%Y%m%d-%H%M%S-%f}")
    part = copy.with_name(copy.name + ".part")
    try:
        with contextlib.closing(sqlite3.connect(file)) as source, contextlib.closing(sqlite3.connect(part)) as target:
            source.backup(target)
        part.replace(copy)
        copies = sorted(p for p in file.parent.glob(f"{file.name}.form-*") if ".part" not in p.name)
        for old in copies[:-_KEPT_COPIES]:
            old.unlink(missing_ok=True)
    except sqlite3.Error as error:
        part.unlink(missing_ok=True)
        raise StorageError(
            f"The library needs a new form, and no copy of {file} could be made before: {error}. "
            "Nothing was changed. Make room on the disk."
        ) from error
    except OSError as error:
        raise explained(error, f"The library needs a new form, and no copy of {file} could be made") from error
    return copy

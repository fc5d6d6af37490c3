"""Database of the library, an SQLite file or PostgreSQL by URL: transactions, and translation of errors."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.orm import Session

import storage.database.tables
import storage.database.tables_models  # noqa: F401 - so that every table is known
from storage.atomic_files import network_system
from storage.database import migration
from storage.errors import LibraryBusyError, StorageError

BUSY_TIMEOUT = 5.0  # s to wait for another program's transaction


class Database:
    """Connection to the database of one library, with its tables migrated; ended by `close`.

    May be used from any thread. `notices` are messages for the operator, from a migration or about the disk.
    """

    def __init__(self, file: Path, url: str | None = None):
        self.file = None if url else file
        self.where = str(file) if url is None else _without_password(url)
        self.notices: list[str] = []
        network = None if self.file is None else network_system(self.file.parent)
        if network is not None:
            self.notices.append(
                f"The library lies on a network disk ({network}): only one computer may use it at a time. "
                "For several, use PostgreSQL."
            )
        with self.explained():
            self.engine = _engine(self.file, url, write_ahead=network is None)
            try:
                notice = migration.migrate(self.engine, self.file)
            except BaseException:
                self.engine.dispose()
                raise
        self.notices += [notice] if notice else []

    @property
    def on_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a read-only session with a consistent snapshot of the library."""
        with self.explained(), Session(self.engine, autoflush=False) as session:
            yield session

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """Open an atomic transaction. Raises LibraryBusyError after BUSY_TIMEOUT s."""
        engine = self.engine.execution_options(immediate=True)
        with self.explained(), Session(engine, expire_on_commit=False) as session, session.begin():
            session.connection()  # begin the transaction here, not with the first statement
            yield session

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Convert the database's own errors to StorageError."""
        try:
            yield
        except OperationalError as error:
            raise self._sentence(error) from error
        except ArgumentError as error:
            raise StorageError(f"{self.where} is no address of a database: {error}.") from error
        except DBAPIError as error:
            if not isinstance(error.orig, sqlite3.DatabaseError) or isinstance(error.orig, sqlite3.IntegrityError):
                raise  # a bug of ours
            raise self._sentence(error) from error

    def _sentence(self, error: DBAPIError) -> StorageError:
        said = str(error.orig)
        if "locked" in said or "lock timeout" in said:
            return LibraryBusyError(
                f"Another program keeps the library {self.where} to itself. Close it, then try again."
            )
        if "readonly" in said or "unable to open" in said:
            return StorageError(f"The library {self.where} cannot be written. Check its folder's rights and the disk.")
        if "full" in said:
            return StorageError(f"The library {self.where} cannot grow: the disk is full. Make room, then try again.")
        if "malformed" in said or "not a database" in said:
            return StorageError(
                f"The library's database {self.where} is damaged. The recordings are not: "
                "run `rehearse doctor --rebuild-library`."
            )
        return StorageError(f"The library's database {self.where} does not answer: {said.strip().splitlines()[0]}.")

    def close(self) -> None:
        self.engine.dispose()


def _engine(file: Path | None, url: str | None, *, write_ahead: bool) -> sqlalchemy.Engine:
    if file is None:
        assert url is not None
        address = sqlalchemy.make_url(url)
        if address.get_backend_name() != "postgresql":
            raise StorageError(f"{_without_password(url)}: the library is kept in a folder or on PostgreSQL.")
        # Psycopg 3 is the driver shipped with the program.
        options = {"connect_timeout": 10, "options": f"-c lock_timeout={int(1000 * BUSY_TIMEOUT)} -c timezone=UTC"}
        return sqlalchemy.create_engine(address.set(drivername="postgresql+psycopg"), connect_args=options)
    engine = sqlalchemy.create_engine(
        sqlalchemy.URL.create("sqlite", database=str(file)),
        connect_args={"timeout": BUSY_TIMEOUT, "isolation_level": None},  # we send BEGIN ourselves
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA journal_mode={'WAL' if write_ahead else 'DELETE'}")
        connection.execute("PRAGMA synchronous=FULL")  # committed data survive a power cut
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-65536")  # KiB: the indices of 100,000 episodes

    @event.listens_for(engine, "begin")
    def begin(connection: sqlalchemy.Connection) -> None:
        immediate = connection.get_execution_options().get("immediate")
        # IMMEDIATE: a writer queues at the start, and never loses work at the first write.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _without_password(url: str) -> str:
    try:
        return sqlalchemy.make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "The address given"

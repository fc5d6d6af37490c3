"""Schema versions, transactions, and database faults as messages."""

import contextlib
import sqlite3
from datetime import UTC, datetime

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from recordings import keep_one

from benchmarks.library.scale import fill
from storage import queries
from storage.database import migration
from storage.database.columns import Table
from storage.database.database import Database, _engine
from storage.errors import LibraryBusyError, NewerLibraryError, StorageError
from storage.library import DATABASE, Library


def old_library(folder, rows=3):
    """Make a database of schema version 0001 with some episodes."""
    file = folder / DATABASE
    engine = _engine(file, None, write_ahead=True)
    migration._run(engine, "0001")
    at = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None).isoformat(" ")
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO tasks VALUES ('pick the cube', ?, NULL, ?)", (at, "0" * 32))
        for row in range(rows):
            connection.exec_driver_sql(
                "INSERT INTO episode_texts(instruction, note, tags, operator) VALUES ('pick the cube', '', '', 'Ada')"
            )
            values = {"id": f"{row:032x}", "task_id": "0" * 32, "text_row": row + 1, "instruction": "pick the cube"}
            values |= {"operator": "Ada", "source": "jog", "simulated": 0, "recorded_at": at, "duration_s": 1.0}
            values |= dict.fromkeys(("frames", "samples", "dropped", "size_bytes", "excluded", "quality"), 0)
            values |= {"note": "", "trim_start_s": 0.0, "trim_end_s": 1.0, "damage": "", "coverage": "[]"}
            names = ", ".join(values)
            marks = ", ".join("?" * len(values))
            connection.exec_driver_sql(f"INSERT INTO episodes({names}) VALUES ({marks})", tuple(values.values()))
    engine.dispose()
    return file


def test_the_steps_lead_to_the_tables_the_program_knows(tmp_path):
    database = Database(tmp_path / "library.db")
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Table.metadata)
    database.close()
    of_search = {"remove_table": lambda table: table.name.startswith("episode_search")}
    left = [d for d in differences if not of_search.get(d[0], lambda _: False)(d[1])]
    assert left == []


def test_an_old_library_is_brought_up_to_date_and_a_copy_is_kept(tmp_path):
    file = old_library(tmp_path)
    database = Database(file)
    assert "0001" in database.notices[0]
    assert queries.count(database, queries.EpisodeFilter(text="cub")) == 3
    database.close()
    copies = list(tmp_path.glob("library.db.form-0001-*"))
    assert len(copies) == 1
    with contextlib.closing(sqlite3.connect(copies[0])) as copy:
        assert copy.execute("SELECT count(*) FROM episodes").fetchone() == (3,)
        assert copy.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
    again = Database(file)
    assert again.notices == []
    again.close()


def test_a_newer_library_is_refused_and_not_touched(tmp_path):
    file = tmp_path / "library.db"
    Database(file).close()
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = file.read_bytes()
    with pytest.raises(NewerLibraryError, match="newer version"):
        Database(file)
    assert file.read_bytes() == before


def test_a_step_that_fails_changes_nothing(tmp_path, monkeypatch):
    file = old_library(tmp_path)
    with contextlib.closing(sqlite3.connect(file)) as connection:  # conflicts with what the second step creates last
        connection.execute("CREATE TRIGGER episode_texts_changed AFTER UPDATE ON episode_texts BEGIN SELECT 1; END")
        connection.commit()
    with pytest.raises(StorageError):
        Database(file)
    with contextlib.closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        assert connection.execute(
            "SELECT count(*) FROM sqlite_master WHERE name LIKE 'episode_search%'"
        ).fetchone() == (0,)


def test_another_programs_transaction_is_waited_for_then_named(tmp_path, monkeypatch):
    monkeypatch.setattr("storage.database.database.BUSY_TIMEOUT", 0.1)
    database = Database(tmp_path / "library.db")
    with contextlib.closing(sqlite3.connect(tmp_path / "library.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LibraryBusyError, match="Another program"), database.writing():
            pass
        assert queries.count(database) == 0  # reading goes on
        other.execute("ROLLBACK")
    with database.writing():
        pass
    database.close()


@pytest.mark.parametrize("name", ["lib #1 100% 🎥", "a?b=c&d", "räume; 'x'", "n" * 200])
def test_a_library_may_be_called_anything(tmp_path, name):
    for _ in range(2):
        with Library(tmp_path / name) as library:
            assert library.notices == ()
    assert (tmp_path / name / "library.db").is_file()


def test_two_programs_may_have_one_library_open(tmp_path):
    with Library(tmp_path) as one, Library(tmp_path) as other:
        keep_one(one, 0.2)
        keep_one(other, 0.2)
        assert queries.count(one.database) == queries.count(other.database) == 2


@pytest.mark.parametrize("content", [b"not a database " * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_database_is_a_sentence(tmp_path, content):
    (tmp_path / "library.db").write_bytes(content)
    with pytest.raises(StorageError, match=r"rebuild-library|does not answer"):
        Database(tmp_path / "library.db")


@pytest.mark.parametrize("url", ["nonsense", "mysql://here/there", "postgresql://nobody@127.0.0.1:1/none"])
def test_an_address_that_leads_nowhere_is_a_sentence(tmp_path, url):
    with pytest.raises(StorageError):
        Database(tmp_path / "library.db", url)


def test_a_network_disk_is_known_by_its_mount(tmp_path):
    from storage.atomic_files import network_system

    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\nproc {tmp_path}x proc rw 0 0\n")
    assert network_system(tmp_path / "library", mounts) == "nfs4"
    assert network_system(tmp_path.parent, mounts) is None
    assert network_system(tmp_path, tmp_path / "none") is None


def test_writing_is_all_or_nothing(tmp_path):
    database = Database(tmp_path / "library.db")
    with pytest.raises(ZeroDivisionError), database.writing() as session:
        session.execute(sqlalchemy.text("INSERT INTO tags(id, name) VALUES ('0', 'x')"))
        raise ZeroDivisionError
    with database.reading() as session:
        assert session.execute(sqlalchemy.text("SELECT count(*) FROM tags")).scalar() == 0
    database.close()


def test_a_database_that_cannot_grow_is_a_sentence_and_nothing_is_half_written(tmp_path):
    database = Database(tmp_path / "library.db")

    @sqlalchemy.event.listens_for(database.engine, "checkout")
    def full(connection, _record, _proxy):  # as on a disk without room
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    with pytest.raises(StorageError, match="full"):
        fill(database, 2000)
    assert queries.count(database) == 0
    database.close()

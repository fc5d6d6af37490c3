"""The same library on a real PostgreSQL server, its media in the folder as usual."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from library_checks import check_library, check_screen

from storage import queries
from storage.database import migration
from storage.episodes.edits import delete_episodes, empty_trash
from storage.library import Library


def _programs() -> Path | None:
    for folder in [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), *map(Path, os.get_exec_path())]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


def _user() -> str | None:
    """Return the user that the server runs as: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    return next((entry.pw_name for entry in pwd.getpwall() if entry.pw_name in ("postgres", "nobody")), "")


@pytest.fixture
def server():
    programs, user = _programs(), _user()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    if user == "":
        pytest.skip("PostgreSQL refuses to run as root, and there is no other user")
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: the socket's path has a limit
    data = folder / "data"
    if user:
        shutil.chown(folder, user)
    as_user = {"user": user} if user else {}
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "rehearse", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        **as_user,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["-c", f"port={port}", "-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
    process = subprocess.Popen(
        [programs / "postgres", "-D", data, "-h", "127.0.0.1", *options],
        stderr=subprocess.DEVNULL,
        cwd=folder,
        **as_user,
    )
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"postgresql://rehearse@127.0.0.1:{port}/postgres"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def test_everything_a_screen_does_on_a_server(server, tmp_path):
    for _ in range(100):
        try:
            library = Library(tmp_path, server)
            break
        except Exception as error:  # noqa: BLE001 - the server is still starting
            assert "starting up" in str(error)
            time.sleep(0.05)
    try:
        check_library(library)
        delete_episodes(library, queries.episode_ids(library.database))
        empty_trash(library)
        check_screen(library)
        assert migration.present(library.database.engine) == migration.newest()
        assert not (tmp_path / "library.db").exists()
    finally:
        library.close()
    with Library(tmp_path, server) as again:
        assert again.notices == ()

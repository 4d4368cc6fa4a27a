"""The embedded server: SCRAM on its socket and nothing else, shared by processes, and back after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from allotment.databases import EmbeddedServer
from allotment.databases._declared import ADMIN_ROLE
from allotment.databases.postgres._system import SOCKET_LIMIT, private_folder
from allotment.errors import DatabaseUnavailable
from allotment.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path_factory.mktemp("server"))
    place = EmbeddedServer(workspace).place
    # What a killed initdb leaves behind.
    (place.base / "making-0000").mkdir()
    (place.base / "making-0000" / "PG_VERSION").write_text("18\n")
    with EmbeddedServer(workspace):
        yield workspace


def _one(server: EmbeddedServer, query: str) -> object:
    with psycopg.connect(server.dsn(user=ADMIN_ROLE, database="postgres")) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def _postmaster(server: EmbeddedServer) -> int:
    return int((server.place.data / "postmaster.pid").read_text().splitlines()[0])


def test_a_half_made_cluster_is_made_again(workspace: Workspace) -> None:
    place = EmbeddedServer(workspace).place
    assert not list(place.base.glob("making-*"))
    assert (place.data / "PG_VERSION").is_file()


def test_no_tcp_port_is_open_and_every_way_in_asks_for_scram(workspace: Workspace) -> None:
    server = EmbeddedServer(workspace)
    assert _one(server, "SHOW listen_addresses") == ""
    assert _one(server, "SHOW password_encryption") == "scram-sha-256"
    assert _one(server, "SELECT string_agg(type || ' ' || auth_method, ',') FROM pg_hba_file_rules") == (
        "local scram-sha-256"
    )
    assert _one(server, "SELECT bool_and(rolpassword LIKE 'SCRAM-SHA-256$%') FROM pg_authid WHERE rolcanlogin") is True


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password_is_refused(workspace: Workspace, password: str) -> None:
    dsn = EmbeddedServer(workspace).dsn(user=ADMIN_ROLE, database="postgres")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(dsn, password=password)


def test_its_folders_are_closed_to_others(workspace: Workspace) -> None:
    place = EmbeddedServer(workspace).place
    for folder in (place.base, place.data, place.socket):
        assert folder.stat().st_mode & 0o077 == 0


HOLDER = """
import sys
from pathlib import Path
from allotment.databases import EmbeddedServer
from allotment.workspace import Workspace
with EmbeddedServer(Workspace(Path(sys.argv[1]))):
    print("in", flush=True)
    sys.stdin.readline()
"""


def test_two_processes_share_the_server_and_the_last_one_out_stops_it(tmp_path: Path) -> None:
    server = EmbeddedServer(Workspace(tmp_path))
    server.start()
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "in\n"
        server.stop()
        assert server.answers()
        other.communicate("out\n", timeout=30)
    assert not server.answers()
    server.remove()


def test_a_server_left_by_a_killed_process_is_used_again(workspace: Workspace) -> None:
    before = _postmaster(EmbeddedServer(workspace))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(workspace.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "in\n"
        holder.kill()
    with EmbeddedServer(workspace) as server:
        assert _postmaster(server) == before


def test_a_killed_server_starts_again_with_what_was_committed(workspace: Workspace) -> None:
    server = EmbeddedServer(workspace)
    with psycopg.connect(server.dsn(user=ADMIN_ROLE, database="postgres")) as connection:
        connection.execute("CREATE TABLE kept (a int)")
    os.kill(_postmaster(server), signal.SIGKILL)
    with server:
        assert _one(server, "SELECT count(*) FROM kept") == 0


def test_a_pid_file_that_names_another_program_is_no_running_server(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with EmbeddedServer(workspace) as server:
        pid_file = server.place.data / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    # As after a restart of the machine: the number now belongs to somebody else, here to this test.
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with EmbeddedServer(workspace) as server:
        assert _postmaster(server) != os.getpid()
    server.remove()


def test_a_folder_too_deep_for_a_socket_still_has_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    place = EmbeddedServer(Workspace(deep)).place
    assert len(f"{place.socket}/.s.PGSQL.5432") <= SOCKET_LIMIT


def test_a_socket_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(DatabaseUnavailable, match="not a folder of the server's own"):
        private_folder(tmp_path / "link", None)


def test_a_server_that_cannot_start_says_so_with_its_last_words(tmp_path: Path) -> None:
    server = EmbeddedServer(Workspace(tmp_path))
    with server:
        pass
    with (server.place.data / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(DatabaseUnavailable, match="no_such_setting"):
        server.start()
    server.remove()

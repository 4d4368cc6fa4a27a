"""The embedded PostgreSQL: one server per project, shared by its processes, on a Unix socket with SCRAM, TCP off.

The first process starts it, the last one out stops it. A server left behind by a killed process is
recognised and used; a data directory left half-made never gets its final name.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psycopg
from psycopg.conninfo import make_conninfo

from allotment.databases._declared import ADMIN_ROLE, APP_ROLE
from allotment.databases.postgres._system import Place, find_place, run_as
from allotment.errors import DatabaseUnavailable, NotGranted
from allotment.workspace import Workspace

PORT = 5432
"""Only the name of the socket file; no TCP port is opened."""
MAX_CONNECTIONS = 250
"""200 of the accounts' in two processes, and those of the application itself; 8 MiB of shared
memory more than 100 take."""
MEMORY_PER_CONNECTION = 640 * 2**20
"""Address space of one connection's process, what all share included: a value may grow to 1 GB in PostgreSQL itself."""
_BOUND = ["/bin/sh", "-c", f'ulimit -v {MEMORY_PER_CONNECTION // 1024} && exec "$@"', "sh"]
_START_LIMIT_S = 60.0

_SETTINGS = """
listen_addresses = ''
password_encryption = 'scram-sha-256'
shared_buffers = '32MB'
work_mem = '4MB'
maintenance_work_mem = '32MB'
fsync = on
wal_level = minimal
max_wal_senders = 0
min_wal_size = '32MB'
max_wal_size = '256MB'
max_parallel_workers_per_gather = 0
jit = off
log_min_messages = warning
log_min_error_statement = panic
log_line_prefix = '%m [%p] %u@%d '
timezone = 'UTC'
log_timezone = 'UTC'
"""
# log_min_error_statement: a refused statement may hold what a user typed; the audit record keeps it, the log does not.


class EmbeddedServer:
    """A project's own PostgreSQL server. Use it as a context manager, or call ``start`` and ``stop`` in pairs."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._users: IO[bytes] | None = None
        self._found: Place | None = None

    @property
    def place(self) -> Place:
        """Its folders and system user."""
        if self._found is None:
            self._found = find_place(self._workspace)
        return self._found

    def start(self) -> None:
        """Make the cluster if it is not there, start the server if it is not running, and count ourselves in.

        Raises:
            DatabaseUnavailable: it cannot be made or started; the message holds the server's last words.
        """
        if self._users is not None:
            return
        with self._workspace.lock("postgres", timeout_s=_START_LIMIT_S * 2):
            self._make_cluster()
            if not self.answers():
                self._launch()
            self._users = self._users_file()
            fcntl.flock(self._users, fcntl.LOCK_SH)

    def revive(self) -> None:
        """Start the server again if it died while we count on it; what was committed is there.

        Raises:
            DatabaseUnavailable: it cannot be started; the message holds the server's last words.
        """
        if self._users is None or self.answers():
            return
        with self._workspace.lock("postgres", timeout_s=_START_LIMIT_S * 2):
            limit = time.monotonic() + _START_LIMIT_S
            # After the death of one of its processes the server recovers by itself.
            while self._is_alive() and not self.answers() and time.monotonic() < limit:
                time.sleep(0.05)
            if not self.answers():
                self._launch()

    def stop(self) -> None:
        """Count ourselves out; the last one out stops the server."""
        if self._users is None:
            return
        with self._workspace.lock("postgres", timeout_s=_START_LIMIT_S * 2):
            self._users.close()
            self._users = None
            with self._users_file() as others:
                try:
                    fcntl.flock(others, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
                self._halt()

    def remove(self) -> None:
        """Stop the server and delete its cluster: everything in its databases is lost.

        Raises:
            DatabaseUnavailable: another process is using it.
        """
        with self._workspace.lock("postgres"):
            if self._users is not None:
                self._users.close()
                self._users = None
            self._need_nobody()
            self._halt("immediate")  # what is deleted need not be written out first
            shutil.rmtree(self.place.base)
            shutil.rmtree(self.place.socket, ignore_errors=True)
            self.place.base.with_suffix(".project").unlink(missing_ok=True)
            self._found = None

    def _need_nobody(self) -> None:
        with self._users_file() as others:
            try:
                fcntl.flock(others, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DatabaseUnavailable(
                    "another process uses this server.", element=str(self.place.base), remedy="Stop it first."
                ) from None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def dsn(self, *, user: str, database: str) -> str:
        """Connection string of one of the server's own roles; ``Databases`` alone reaches an agent's account.

        Raises:
            NotGranted: the role is not the server's own.
        """
        if user not in (ADMIN_ROLE, APP_ROLE):
            raise NotGranted("this login needs a grant.", element=user, remedy="Use Databases with a grant.")
        return account_dsn(self, user, database)

    @property
    def is_started(self) -> bool:
        """Whether this process counted itself in."""
        return self._users is not None

    def answers(self) -> bool:
        """Whether the server accepts connections right now."""
        try:
            state = psycopg.pq.PGconn.ping(f"host={self.place.socket} port={PORT} connect_timeout=5".encode())
        except psycopg.Error:
            return False
        return state == psycopg.pq.Ping.OK

    def psql(self, database: str, script: str) -> None:
        """Run a SQL script, as ``pg_dump`` writes them, with psql; it stops at the first error.

        Raises:
            subprocess.CalledProcessError: a statement failed; ``output`` is psql's message.
        """
        command = [str(self.place.binaries / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        login = {"PGHOST": str(self.place.socket), "PGPORT": str(PORT), "PGDATABASE": database, "PGUSER": ADMIN_ROLE}
        # Not waiting for the disk at every statement is safe: a later commit does wait.
        options = {"PGCLIENTENCODING": "UTF8", "PGOPTIONS": "-c synchronous_commit=off"}
        environment = {**login, **options, "PGPASSWORD": account_password(self, ADMIN_ROLE)}
        run_as(self.place.account, command, stdin=script, env=environment, timeout_s=1800)

    def _users_file(self) -> IO[bytes]:
        return (self._workspace.home / "postgres.users").open("ab")

    def _make_cluster(self) -> None:
        place = self.place
        if place.data.exists():
            return
        for left in place.base.glob("making-*"):
            shutil.rmtree(left)
        making = place.base / f"making-{secrets.token_hex(4)}"
        password_file = self._password_file()
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        auth = ["--auth=scram-sha-256", f"--pwfile={password_file}", f"--username={ADMIN_ROLE}"]
        try:
            self._run([str(place.binaries / "initdb"), "-D", str(making), *locale, *auth], "initdb")
            # Local socket with a password is the only way in: no TCP, no replication, no trust.
            (making / "pg_hba.conf").write_text("local all all scram-sha-256\n", encoding="utf-8")
            with (making / "postgresql.conf").open("a", encoding="utf-8") as file:
                file.write(_SETTINGS)
            making.rename(place.data)
        finally:
            password_file.unlink(missing_ok=True)

    def _password_file(self) -> Path:
        path = self.place.base / f"making-password-{secrets.token_hex(4)}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(account_password(self, ADMIN_ROLE))
        if self.place.account:
            os.chown(path, self.place.account.uid, self.place.account.gid)
        return path

    def _launch(self) -> None:
        """Start the server; one that was just killed may hold its memory for a moment, so try until the limit."""
        self._forget_dead_server()
        options = f"-c listen_addresses='' -c port={PORT} -c unix_socket_directories='{self.place.socket}'"
        # terse: no DETAIL in the log, which may hold rows, or the statement that a killed process was running.
        options += f" -c unix_socket_permissions=0700 -c max_connections={MAX_CONNECTIONS} -c log_error_verbosity=terse"
        command = ["-w", "-t", str(int(_START_LIMIT_S)), "-l", str(self.place.log), "-o", options, "start"]
        limit = time.monotonic() + 15
        while True:
            try:
                self._control(command, bounded=True)
                return
            except DatabaseUnavailable:
                if self.answers():
                    return
                if time.monotonic() > limit or not (self._is_alive() or "shared memory" in self._last_words()):
                    raise
                time.sleep(0.2)

    def _forget_dead_server(self) -> None:
        """Remove the lock files of a killed server: its number may be a zombie's, or another program's by now."""
        if not Path("/proc/self").exists() or self._is_alive():
            return
        (self.place.data / "postmaster.pid").unlink(missing_ok=True)
        (self.place.socket / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)

    def _is_alive(self) -> bool:
        """Whether the process the pid file names works in this data directory."""
        try:
            return Path(f"/proc/{self._pid()}/cwd").resolve(strict=True) == self.place.data.resolve()
        except OSError:
            return False

    def _pid(self) -> int | None:
        try:
            return int((self.place.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        except (OSError, ValueError, IndexError):
            return None

    def _halt(self, how: str = "fast") -> None:
        if (self.place.data / "postmaster.pid").exists() and self.answers():
            self._control(["-w", "-t", "100", "-m", how, "stop"])

    def _control(self, arguments: list[str], *, bounded: bool = False) -> None:
        command = [str(self.place.binaries / "pg_ctl"), "-D", str(self.place.data), *arguments]
        # Every process of the server inherits the bound; what asks for more gets PostgreSQL's "out of memory".
        limit = _BOUND if bounded and sys.platform == "linux" else []
        self._run([*limit, *command], "pg_ctl")

    def _run(self, command: list[str], what: str) -> None:
        try:
            run_as(self.place.account, command)
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "output", None) or str(error)).strip().splitlines()
            raise DatabaseUnavailable(
                f"{what} failed: {' '.join(said[-3:])} {self._last_words()}".strip(),
                element=str(self.place.base),
                remedy="Free some disk space if it is full; the server's log is server.log in that folder.",
            ) from error

    def _last_words(self) -> str:
        try:
            return " ".join(self.place.log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:])
        except OSError:
            return ""


def account_password(server: EmbeddedServer, user: str) -> str:
    """A role's password, from the project's secrets; made at first use. For this package alone, as ``account_dsn``."""
    return server._workspace.secret(f"postgres-{user}")


def claim_secret(server: EmbeddedServer, account: str) -> str:
    """The secret that claims for an account are signed with; made at first use. For this package alone."""
    return server._workspace.secret(f"claims-{account}")


def account_dsn(server: EmbeddedServer, user: str, database: str) -> str:
    """Connection string of any role of the server; whoever uses it has seen a grant, or is the self-check."""
    return make_conninfo(
        host=str(server.place.socket), port=PORT, user=user, password=account_password(server, user), dbname=database
    )

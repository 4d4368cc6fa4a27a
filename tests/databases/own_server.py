"""A PostgreSQL server such as a company runs itself: installed programs, a cluster in a passing folder, SCRAM."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo

from allotment.databases.postgres._system import Account, _system_account, private_folder, run_as

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
OWNER = "postgres"


@contextmanager
def own_server(programs: Path) -> Iterator[dict[str, str]]:
    """Run it on a Unix socket; gives the parts of its owner's connection string, and removes it at the end."""
    account = _system_account() if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    password = secrets.token_urlsafe(16)
    try:
        if account:
            os.chown(folder, account.uid, account.gid)
        private_folder(folder, account)
        _make_cluster(programs, folder, account, password)
        control = [str(programs / "pg_ctl"), "-D", str(folder / "data"), "-w"]
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off -c jit=off"
        run_as(account, [*control, "-l", str(folder / "log"), "-o", options, "start"])
        try:
            yield {"host": str(folder), "port": "5432", "user": OWNER, "password": password}
        finally:
            run_as(account, [*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder)


def _make_cluster(programs: Path, folder: Path, account: Account | None, password: str) -> None:
    file = folder / "password"
    file.write_text(password, encoding="ascii")
    if account:
        os.chown(file, account.uid, account.gid)
    command = [str(programs / "initdb"), "-D", str(folder / "data"), "--auth=scram-sha-256", f"--username={OWNER}"]
    run_as(account, [*command, f"--pwfile={file}", "--encoding=UTF8", "--locale=C.UTF-8"])


def load(programs: Path, owner: dict[str, str], database: str, file: Path) -> str:
    """Load a SQL file into a new database, as its owner would with psql; returns its URL."""
    environment = {"PGPASSWORD": owner["password"], "PGOPTIONS": "-c client_min_messages=warning"}
    login = ["-h", owner["host"], "-U", owner["user"]]
    run_as(None, [str(programs / "createdb"), *login, database], env=environment)
    script = file.read_text(encoding="utf-8")
    psql = [str(programs / "psql"), *login, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", "-"]
    run_as(None, psql, stdin=script, env=environment)
    return make_conninfo(**owner, dbname=database)

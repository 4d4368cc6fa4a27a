"""Loads a project's SQL file once per database; all of it or nothing.

The file is loaded into a database under a passing name, which gets its final name only when the last
statement is through, so a killed load leaves nothing that could be taken for a whole one.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from psycopg import Connection, sql

from allotment.databases._declared import ADMIN_ROLE
from allotment.databases.postgres._connect import connect
from allotment.databases.postgres._server import EmbeddedServer
from allotment.errors import ProjectError
from allotment.workspace import hash_file

_MARKER = """
CREATE SCHEMA allotment;
REVOKE ALL ON SCHEMA allotment FROM PUBLIC;
CREATE TABLE allotment.loaded (sha256 text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
"""


def ensure_loaded(server: EmbeddedServer, database: str, file: Path, *, reload: bool = False) -> bool:
    """Load ``file`` into ``database`` unless it is there; true if it was loaded now.

    Raises:
        ProjectError: the file is missing, a statement of it fails, or it changed since it was loaded.
    """
    if not file.is_file():
        raise ProjectError(
            "is not there.", element=str(file), remedy=f"Mend databases.{database}.load in allotment.yaml."
        )
    digest = hash_file(file)
    with connect(server.dsn(user=ADMIN_ROLE, database="postgres"), element=database, autocommit=True) as admin:
        if exists(admin, database) and not reload:
            _check_marker(server, database, file, digest)
            return False
        _load(server, admin, database, file, digest)
    return True


def exists(admin: Connection[tuple[Any, ...]], database: str) -> bool:
    """Whether the server has this database."""
    return admin.execute("SELECT FROM pg_database WHERE datname = %s", [database]).rowcount == 1


def _check_marker(server: EmbeddedServer, database: str, file: Path, digest: str) -> None:
    with connect(server.dsn(user=ADMIN_ROLE, database=database), element=database) as admin:
        row = admin.execute("SELECT sha256 FROM allotment.loaded").fetchone()
    if row is None or row[0] != digest:
        raise ProjectError(
            f"changed after it was loaded into the database {database!r}.",
            element=str(file),
            remedy="Run `allotment database provision --reload` to load it again; what was changed in the database"
            " since then is lost. Or restore the file.",
        )


def _load(server: EmbeddedServer, admin: Connection[tuple[Any, ...]], database: str, file: Path, digest: str) -> None:
    making = f"{database}--loading"
    script = file.read_text(encoding="utf-8-sig", errors="strict")
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(making)))
    admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(making)))
    admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(making)))
    try:
        server.psql(making, script)
        mark = sql.SQL("INSERT INTO allotment.loaded (sha256) VALUES ({});").format(sql.Literal(digest)).as_string()
        server.psql(making, _MARKER + mark)
    except subprocess.CalledProcessError as error:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(making)))
        said = str(error.output).strip().splitlines()
        raise ProjectError(
            f"does not load: {said[0] if said else 'psql failed'}.", element=str(file), remedy="Mend the line named."
        ) from None
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))
    admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(making), sql.Identifier(database)))

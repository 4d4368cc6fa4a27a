"""Brings a schema of the application's own database to its newest form with Alembic, whichever form it has."""

from __future__ import annotations

import logging
from pathlib import Path

import psycopg
import sqlalchemy
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, exc, text

from allotment.errors import DatabaseUnavailable

VERSION_TABLE = "migration"
"""Table in each schema that knows which form it has."""


def migrate_schema(admin_dsn: str, schema: str, scripts: Path) -> None:
    """Run what is new of ``scripts`` on ``schema``: all of it in one transaction, or nothing.

    Args:
        admin_dsn: connection string of the database's owner.
        schema: made if it is not there.
        scripts: folder of Alembic revisions, each a file with ``upgrade()``.

    Raises:
        DatabaseUnavailable: the database does not answer, its owner's login is refused, or its form is newer than
            this program.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Alembic's own options go through a file of settings; the connection is handed over as it is.
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", connect_args=dict(conninfo_to_dict(admin_dsn)), poolclass=sqlalchemy.NullPool
    )
    try:
        with engine.begin() as connection:
            # Two processes that start together must not both make the tables.
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"migrate {schema}"})
            connection.execute(sqlalchemy.schema.CreateSchema(schema, if_not_exists=True))
            _upgrade(connection, schema, scripts)
    except exc.OperationalError as error:
        raise DatabaseUnavailable(
            f"the application's own database does not answer ({str(error.orig).strip()}).",
            element=schema,
            remedy="Start the database server, or see `allotment check`.",
        ) from error


def schema_is_newest(dsn: str, schema: str, scripts: Path) -> bool:
    """Whether ``schema`` has the form this program knows as the newest.

    Raises:
        DatabaseUnavailable: the database does not answer.
    """
    script = ScriptDirectory(str(scripts), version_locations=[str(scripts)])
    query = sql.SQL("SELECT version_num::text FROM {}").format(sql.Identifier(schema, VERSION_TABLE))
    try:
        with psycopg.connect(dsn, connect_timeout=5) as connection:
            found = connection.execute(query).fetchall()
    except psycopg.Error as error:
        raise DatabaseUnavailable("the application's own database does not answer.", element=schema) from error
    return {row[0] for row in found} == set(script.get_heads())


def _upgrade(connection: Connection, schema: str, scripts: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory(str(scripts), version_locations=[str(scripts)])
    known = {revision.revision for revision in script.walk_revisions()}

    def steps(current: object, context: object) -> list[object]:
        strangers = {name for name in _names(current) if name not in known}
        if strangers:
            raise DatabaseUnavailable(
                f"the schema has a form this program does not know ({', '.join(sorted(strangers))}).",
                element=schema,
                remedy="It was used by a newer version: install that one.",
            )
        # What Alembic's own upgrade command does; that command needs a script of settings (env.py) in the folder.
        return list(script._upgrade_revs("head", current))  # type: ignore[arg-type]

    with EnvironmentContext(config, script, fn=steps) as environment:
        environment.configure(connection=connection, version_table=VERSION_TABLE, version_table_schema=schema)
        environment.run_migrations()


def _names(current: object) -> tuple[str, ...]:
    return (current,) if isinstance(current, str) else tuple(current or ())  # type: ignore[arg-type]

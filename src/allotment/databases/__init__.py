"""PostgreSQL: an embedded server or yours, service accounts, row policies, the SQL gate and the self-check."""

from allotment.databases._card import ColumnCard, Key, SchemaCard, TableCard
from allotment.databases._databases import Databases
from allotment.databases._declared import Table
from allotment.databases._difference import Difference
from allotment.databases._migrations import migrate_schema, schema_is_newest
from allotment.databases._result import QueryResult
from allotment.databases._watch import Watch
from allotment.databases.gate import GatedSql, check_sql
from allotment.databases.postgres._server import EmbeddedServer
from allotment.databases.postgres._watchdog import WATCHDOG
from allotment.databases.sections import Hit, Refresher, SectionSearch, SyncReport

__all__ = [
    "WATCHDOG",
    "ColumnCard",
    "Databases",
    "Difference",
    "EmbeddedServer",
    "GatedSql",
    "Hit",
    "Key",
    "QueryResult",
    "Refresher",
    "SchemaCard",
    "SectionSearch",
    "SyncReport",
    "Table",
    "TableCard",
    "Watch",
    "check_sql",
    "migrate_schema",
    "schema_is_newest",
]

"""PostgreSQL: an embedded server or yours, service accounts, row policies, the SQL gate and the self-check."""

from allotment.databases._check import Difference
from allotment.databases._databases import Databases
from allotment.databases._gate import GatedSql, check_sql
from allotment.databases._query import QueryResult
from allotment.databases._server import EmbeddedServer

__all__ = ["Databases", "Difference", "EmbeddedServer", "GatedSql", "QueryResult", "check_sql"]

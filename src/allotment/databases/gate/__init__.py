"""The SQL gate: what a statement may be made of, and the text that runs in its place."""

from allotment.databases.gate._check_sql import GatedSql, check_sql

__all__ = ["GatedSql", "check_sql"]

"""DuckDB as one kind of file, through its own driver."""

from __future__ import annotations

from allotment.databases.files._engine import Engine
from allotment.databases.files.duckdb._copy import copy
from allotment.databases.files.duckdb._describe import describe
from allotment.databases.files.duckdb._query import run_query

ENGINE = Engine(copy, describe, run_query)

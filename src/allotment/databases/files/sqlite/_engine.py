"""SQLite as one kind of file, through Python's own driver."""

from __future__ import annotations

from allotment.databases.files._engine import Engine
from allotment.databases.files.sqlite._copy import copy
from allotment.databases.files.sqlite._describe import describe
from allotment.databases.files.sqlite._query import run_query

ENGINE = Engine(copy, describe, run_query)

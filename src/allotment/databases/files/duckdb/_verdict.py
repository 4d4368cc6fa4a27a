"""DuckDB's own parser has the last word on a statement: one SELECT over declared tables, of functions that are listed.

DuckDB has no rights and no authorizer. It does give its reading of a statement as JSON, and that tree is judged here,
so that a difference between PostgreSQL's grammar and DuckDB's opens nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb

from allotment.databases._declared import Table
from allotment.databases.gate._lists import FUNCTIONS
from allotment.errors import SqlRefused

_CLASSES = frozenset(
    {
        "BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "OPERATOR",
        "STAR", "SUBQUERY", "TYPE", "WINDOW",
    }
)  # fmt: skip
"""Kinds of expression."""
_QUERIES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE"})
_SOURCES = frozenset({"BASE_TABLE", "EMPTY", "JOIN", "SUBQUERY"})
_FUNCTIONS = FUNCTIONS | {
    "//", "%", "*", "+", "-", "/", "||", "~~", "!~~", "~~*", "!~~*", "^", "**", "like_escape", "not_like_escape",
    "ilike_escape", "least", "not_ilike_escape",
    "count_star", "datediff", "list_value", "listagg", "quantile_cont", "pow",
    "quantile_disc", "regexp_matches", "strftime", "strptime", "struct_extract", "trim", "list", "today",
    "get_current_timestamp", "current_date", "current_timestamp", "instr", "contains", "to_years", "to_months",
    "to_days", "to_hours", "to_minutes", "to_seconds",
}  # fmt: skip
"""Functions and operators by DuckDB's names: the gate's own, and what sqlglot makes of them."""


def judge(connection: duckdb.DuckDBPyConnection, text: str, tables: frozenset[Table]) -> None:
    """Refuse a statement that DuckDB reads as anything but one SELECT over these tables.

    Raises:
        SqlRefused: it is another kind of statement, or names a table, source or function that is not listed.
    """
    row = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchone()
    assert row is not None  # a function gives one
    tree: dict[str, Any] = json.loads(row[0])
    if tree["error"] or len(tree["statements"]) != 1:
        raise _refusal(str(tree.get("error_message", "exactly one SELECT may run")))
    nodes = list(_nodes(tree["statements"][0]))
    queries = {key["key"] for node in nodes for key in node.get("cte_map", {}).get("map", ())}
    for node in nodes:
        _judge_node(node, tables, queries)


def _judge_node(node: dict[str, Any], tables: frozenset[Table], queries: set[str]) -> None:
    kind = str(node.get("type", ""))
    if node.get("sample") is not None:
        raise _refusal("a sample is not allowed")
    if "class" in node:
        if node["class"] not in _CLASSES:
            raise _refusal(f"{node['class']} is not allowed")
        if "function_name" in node and node["class"] == "FUNCTION" and node["function_name"] not in _FUNCTIONS:
            raise _refusal(f"the function {node['function_name']}() is not allowed")
    elif "cte_map" in node and kind not in _QUERIES:
        raise _refusal(f"{kind} is not allowed")
    elif "sample" in node and "alias" in node:
        _judge_source(node, kind, tables, queries)


def _judge_source(node: dict[str, Any], kind: str, tables: frozenset[Table], queries: set[str]) -> None:
    if kind not in _SOURCES:
        raise _refusal(f"{kind} is not allowed in FROM")
    if kind == "BASE_TABLE":
        named = Table(node["schema_name"], node["table_name"])
        is_query = not named.schema and named.name in queries
        if node["catalog_name"] or not (named in tables or is_query):
            raise _refusal(f"there is no table {named.name!r}")


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _nodes(inner)


def _refusal(message: str) -> SqlRefused:
    return SqlRefused(f"DuckDB reads this as something that may not run: {message}.", remedy="Write it more simply.")

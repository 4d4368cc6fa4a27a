"""Whether the part of a schema that a question is linked to holds what the gold query needs; no model is asked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from pglast import ast, parse_sql
from support.sql_project import grant_for
from support.sql_results import variants

from allotment.agents.sql._link import link
from allotment.agents.sql._prompt import messages
from allotment.agents.sql._queries import all_nodes
from allotment.databases import Databases
from allotment.project import Project


def linking(questions: Sequence[dict[str, Any]], project: Project, databases: Databases) -> dict[str, Any]:
    """Questions whose tables and columns are all there, and how long the prompt is that holds them."""
    whole, kept, characters, seconds, size = 0, 0, 0, 0.0, 0
    for question in questions:
        grant = grant_for(project, question["db_name"])
        card = databases.schema_card(grant)
        begun = time.monotonic()
        linked = link(question["question"], card, lambda sql, grant=grant: databases.query(grant, sql))
        seconds = max(seconds, time.monotonic() - begun)
        characters += len(messages(question["question"], linked)[-1].content)
        there = {column.name for table in linked.card.tables for column in table.columns}
        there |= {table.table.name for table in linked.card.tables}
        known = {table.table.name for table in card.tables} | {c.name for table in card.tables for c in table.columns}
        whole += _needed(variants(question["query"])[0], known) <= there
        kept += len(linked.card.tables)
        size += len(card.tables)
    count = len(questions)
    return {
        "questions": count,
        "all_that_gold_needs": whole,
        "tables_mean": round(kept / count, 1),
        "tables_of_the_schema_mean": round(size / count, 1),
        "prompt_characters_mean": round(characters / count),
        "seconds_most": round(seconds, 3),
    }


def _needed(statement: str, known: set[str]) -> set[str]:
    """Names of the schema that a statement uses."""
    found: set[str] = set()
    for node in all_nodes(parse_sql(statement)[0].stmt):
        if type(node) is ast.RangeVar:
            found.add(str(node.relname))
        elif type(node) is ast.ColumnRef:
            found |= {str(part.sval) for part in (node.fields or ())[-1:] if type(part) is ast.String}
    return found & known

"""What the model that writes SQL is told: rules, two examples on an invented schema, the linked part of the schema.

Rules and examples are the same for every question, so an engine that keeps a prompt's beginning reads them once. Text
from rows reaches the prompt only as values of columns that have few: short, of plain characters, quoted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from allotment.agents.sql._keys import family
from allotment.agents.sql._link import Linked
from allotment.agents.sql._quoting import literal, name
from allotment.databases import ColumnCard, SchemaCard, TableCard
from allotment.models import Message

CANNOT = "SELECT 'cannot'"
"""What the model is told to write where the tables cannot answer."""

_RULES = f"""You write one PostgreSQL SELECT statement that answers the question, and nothing else.
- Use only the tables and columns listed. A column belongs only to the table it is listed under; join along the keys.
- Select exactly what is asked for: the name or title of a thing rather than its id, and the number asked about it.
- "Each", "per" and "by" mean GROUP BY. Count things with COUNT(DISTINCT key) where a join repeats them.
- Compare text with ILIKE '%words%', codes with =.
- Divide with CAST(a AS FLOAT) / NULLIF(b, 0). Round only if asked.
- If these tables hold nothing of the kind, write {CANNOT}."""

_EXAMPLE_SCHEMA = """CREATE TABLE band (id int, band_name text, town text, founded date);
CREATE TABLE concert (id int, band_id int, hall text, tickets int, held_on date);
-- concert.band_id = band.id
-- band.town: 'Graz', 'Linz'"""

_EXAMPLES = (
    (
        f"{_EXAMPLE_SCHEMA}\n-- Question: Which 2 bands from linz played most often in 2021, and how many concerts did each"
        " give?",
        "SELECT b.band_name, COUNT(DISTINCT c.id) AS concerts FROM band b JOIN concert c ON c.band_id = b.id"
        " WHERE b.town ILIKE '%linz%' AND EXTRACT(YEAR FROM c.held_on) = 2021 GROUP BY b.id, b.band_name"
        " ORDER BY concerts DESC NULLS LAST LIMIT 2;",
    ),
    (
        f"{_EXAMPLE_SCHEMA}\n-- Question: What is the ratio of concerts with more than 500 tickets to all others, per hall?",
        "SELECT c.hall, CAST(COUNT(CASE WHEN c.tickets > 500 THEN 1 END) AS FLOAT)"
        " / NULLIF(COUNT(CASE WHEN c.tickets <= 500 THEN 1 END), 0) AS ratio FROM concert c GROUP BY c.hall;",
    ),
)

_PLAIN = re.compile(r"[\w .,'’&/()+:-]{1,24}\Z")
_MOST_MATCHES = 8
_MOST_KEYS = 16
_SHORT_TYPES = {"integer": "int", "bigint": "int", "timestamptz": "timestamp", "boolean": "bool"}


def messages(question: str, linked: Linked) -> list[Message]:
    """The conversation up to the model's first statement."""
    told = [Message("system", _RULES)]
    for asked, written in _EXAMPLES:
        told += [Message("user", asked), Message("assistant", written)]
    return [*told, Message("user", f"{schema_text(linked)}\n-- Question: {question}")]


def schema_text(linked: Linked) -> str:
    """The linked tables as SQL, then keys, then values as comments."""
    names = {table.table: table for table in linked.card.tables}
    lines = [_table(table) for table in linked.card.tables]
    for key in linked.card.keys[:_MOST_KEYS]:
        near, far = table_name(names[key.table]), table_name(names[key.far_table])
        lines.append(f"-- {near}.{name(key.column)} = {far}.{name(key.far_column)}")
    return "\n".join([*lines, *_values(linked)])


def table_name(table: TableCard) -> str:
    """Its name as a statement says it."""
    schema = "" if table.table.schema == "public" else f"{name(table.table.schema)}."
    return schema + name(table.table.name)


def _table(table: TableCard) -> str:
    columns = ", ".join(f"{name(column.name)} {_type(column)}" for column in table.columns)
    about = f" -- {_line(table.comment)}" if table.comment else ""
    said = "".join(f"\n-- {name(c.name)}: {_line(c.comment)}" for c in table.columns if c.comment)
    return f"CREATE TABLE {table_name(table)} ({columns});{about}{said}"


def _type(column: ColumnCard) -> str:
    return _SHORT_TYPES.get(column.type, column.type)


def _line(comment: str) -> str:
    return " ".join(comment.split())[:120]


def _values(linked: Linked) -> list[str]:
    """Columns whose values are few, where the question is about them or says one; and where its other names stand."""
    said = {(match.table, match.column) for match in linked.matches}
    lines = []
    for table in linked.card.tables:
        for column in table.columns:
            shown = [literal(value) for value in column.values if _PLAIN.match(value)]
            if shown and ((table.table, column.name) in said or _is_a_choice(column)):
                lines.append(f"-- {table_name(table)}.{name(column.name)}: {', '.join(shown)}")
    return lines + _found(linked)


def _is_a_choice(column: ColumnCard) -> bool:
    """Few values, as of a status or a kind, and not a handful of names in a small table."""
    return family(column.type) == "text" and len(column.values) <= 6 and all(len(v) <= 16 for v in column.values)


def _found(linked: Linked) -> list[str]:
    names = {table.table: table for table in linked.card.tables}
    places: dict[str, list[str]] = {}
    for match in linked.matches:
        if match.value is None and _PLAIN.match(match.phrase):
            places.setdefault(match.phrase, []).append(f"{table_name(names[match.table])}.{name(match.column)}")
    return [f"-- {literal(phrase)} stands in {', '.join(some[:4])}" for phrase, some in places.items()][:_MOST_MATCHES]


def offer(card: SchemaCard) -> str:
    """The tables and columns that may be used, in one line, for whoever must mend a statement."""
    listed = (f"{table_name(table)}({', '.join(name(c.name) for c in table.columns)})" for table in card.tables)
    return "; ".join(listed)

"""What the model that writes SQL is told: rules, three examples on an invented schema, the linked part of the schema.

Rules and examples are the same for every question, so an engine that keeps a prompt's beginning reads them once. Text
from rows reaches the prompt only as values of columns that have few: short, of plain characters, quoted.
"""

from __future__ import annotations

import re

from allotment.agents.sql._link import Linked
from allotment.agents.sql._quoting import literal, name
from allotment.agents.sql._vocabulary import words
from allotment.databases import ColumnCard, SchemaCard, Table, TableCard
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
CREATE TABLE concert (id int, band_id int REFERENCES band(id), hall text, tickets int, held_on date);
-- band.town: 'Graz', 'Linz'"""

_EXAMPLES = (
    (
        "Which 2 bands from linz played most often in 2021, and how many concerts did each give?",
        "SELECT b.band_name, COUNT(DISTINCT c.id) AS concerts FROM band b JOIN concert c ON c.band_id = b.id"
        " WHERE b.town ILIKE '%linz%' AND EXTRACT(YEAR FROM c.held_on) = 2021 GROUP BY b.id, b.band_name"
        " ORDER BY concerts DESC NULLS LAST LIMIT 2;",
    ),
    (
        "What is the ratio of concerts with more than 500 tickets to all others, per hall?",
        "SELECT c.hall, CAST(COUNT(CASE WHEN c.tickets > 500 THEN 1 END) AS FLOAT)"
        " / NULLIF(COUNT(CASE WHEN c.tickets <= 500 THEN 1 END), 0) AS ratio FROM concert c GROUP BY c.hall;",
    ),
    (
        "How many concerts were there on weekends in the last 3 months?",
        "SELECT COUNT(*) AS concerts FROM concert c WHERE EXTRACT(DOW FROM c.held_on) IN (0, 6)"
        " AND c.held_on >= CURRENT_DATE - INTERVAL '3 months';",
    ),
)

_PLAIN = re.compile(r"[\w .,'’&/()+:-]{1,24}\Z")
_WORDS = re.compile(r"[\w .,'’&/()+:-]{1,60}\Z")
_MOST_MATCHES = 8
_MOST_JOINS = 6
_MOST_VALUES = 8
_MOST_CHOICES = 8
_NO_CHOICES = frozenset({"name", "title", "id", "code", "url", "homepage", "address", "phone", "email", "city"})
_SHORT_TYPES = {"integer": "int", "bigint": "int", "timestamptz": "timestamp", "boolean": "bool"}


def messages(question: str, linked: Linked) -> list[Message]:
    """The conversation up to the model's first statement."""
    told = [Message("system", _RULES)]
    for asked, written in _EXAMPLES:
        told += [Message("user", f"{_EXAMPLE_SCHEMA}\n-- Question: {asked}"), Message("assistant", written)]
    return [*told, Message("user", f"{schema_text(linked)}\n-- Question: {question}")]


def schema_text(linked: Linked) -> str:
    """The linked tables as SQL, then joins that are no references, then values, as comments."""
    lines = [_table(table, linked) for table in linked.card.tables]
    return "\n".join([*lines, *_joins(linked), *_values(linked), *_found(linked)])


def table_name(table: TableCard | Table) -> str:
    """Its name as a statement says it."""
    bare = table.table if isinstance(table, TableCard) else table
    return ("" if bare.schema == "public" else f"{name(bare.schema)}.") + name(bare.name)


def _table(table: TableCard, linked: Linked) -> str:
    columns = ", ".join(_column(table, column, linked) for column in table.columns)
    about = f" -- {_line(table.comment)}" if table.comment else ""
    said = "".join(f"\n-- {name(c.name)}: {_line(c.comment)}" for c in table.columns if c.comment)
    return f"CREATE TABLE {table_name(table)} ({columns});{about}{said}"


def _column(table: TableCard, column: ColumnCard, linked: Linked) -> str:
    key = linked.references.get((table.table, column.name))
    to = f" REFERENCES {table_name(key.far_table)}({name(key.far_column)})" if key else ""
    return f"{name(column.name)} {_SHORT_TYPES.get(column.type, column.type)}{to}"


def _line(comment: str) -> str:
    return " ".join(comment.split())[:120]


def _joins(linked: Linked) -> list[str]:
    ends = {place: (key.far_table, key.far_column) for place, key in linked.references.items()}
    lines = []
    for key in linked.card.keys:
        near, far = (key.table, key.column), (key.far_table, key.far_column)
        if ends.get(near, near) != ends.get(far, far):
            lines.append(f"-- {table_name(near[0])}.{name(near[1])} = {table_name(far[0])}.{name(far[1])}")
    return lines[:_MOST_JOINS]


def _values(linked: Linked) -> list[str]:
    """Values of columns that have few: those the question says one of, then those it is about, then other choices."""
    said = {(match.table, match.column) for match in linked.matches}
    ranked = []
    for table in linked.card.tables:
        for column in table.columns:
            place = (table.table, column.name)
            shown = [literal(value) for value in column.values if _PLAIN.match(value)]
            if shown and (place in said or _is_a_choice(column)):
                line = f"-- {table_name(table)}.{name(column.name)}: {', '.join(shown)}"
                ranked.append((place not in said, -linked.relevance.get(place, 0.0), line))
    return [line for _, _, line in sorted(ranked)[:_MOST_VALUES]]


def _is_a_choice(column: ColumnCard) -> bool:
    """Few short words, as of a status or a kind; not names of things, addresses or codes."""
    if set(words(column.name)) & _NO_CHOICES or not 1 < len(column.values) <= _MOST_CHOICES:
        return False
    return all(re.fullmatch(r"[^\W\d][^\W\d_ -]*(?:[_ -][^\W\d_]+)?", value) for value in column.values)


def _found(linked: Linked) -> list[str]:
    """Where names stand that the question says and no list of values has. The words are the question's own."""
    places: dict[str, list[str]] = {}
    for match in linked.matches:
        if match.value is None and _WORDS.match(match.phrase):
            places.setdefault(match.phrase, []).append(f"{table_name(match.table)}.{name(match.column)}")
    return [f"-- {literal(phrase)} stands in {', '.join(some[:4])}" for phrase, some in places.items()][:_MOST_MATCHES]


def offer(card: SchemaCard) -> str:
    """The tables and columns that may be used, in one line, for whoever must mend a statement."""
    listed = (f"{table_name(table)}({', '.join(name(c.name) for c in table.columns)})" for table in card.tables)
    return "; ".join(listed)

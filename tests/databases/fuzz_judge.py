"""Judges what a statement gave against what a superuser says the account may see."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import psycopg
from attacked_company import ACCOUNT, CANARY, CANARY_NUMBER, CLAIMS, Attacked
from pglast import ast, parse_sql
from pglast.stream import RawStream
from pglast.visitors import Visitor
from psycopg import Connection, errors, sql

from allotment.databases import check_sql
from allotment.databases._declared import table_of
from allotment.databases.postgres._claims import tell_claims
from allotment.databases.postgres._server import claim_secret
from allotment.errors import SqlRefused

MOST_ROWS = 500
_TIME = "SET statement_timeout = '500ms'"
_PATH = "SET search_path = public, pg_catalog"
# Their result hangs on the order in which rows come, which is nobody's to say.
_UNORDERED = (
    " LIMIT ",
    " OFFSET ",
    "DISTINCT ON",
    "array_agg",
    "string_agg",
    "row_number",
    "first_value",
    "last_value",
)
_MORE_UNORDERED = ("lag(", "lead(", "ntile(", "nth_value", "mode(", " ROWS ", "FETCH ")

Rows = list[tuple[Any, ...]]


class _Mirror(Visitor):
    """Points a statement at the copy of what the account sees."""

    def visit_RangeVar(self, _: object, node: ast.RangeVar) -> None:  # noqa: N802 - the library's name
        if node.schemaname == "public":
            node.schemaname = "seen"


class Judge:
    """Runs statements as the account and as a superuser over a copy of what the account sees.

    ``counts`` has how each statement ended; ``escapes`` every statement that gave what it must not.
    """

    def __init__(self, company: Attacked) -> None:
        self._company = company
        self._config = company.databases._project.accounts[ACCOUNT]
        self._secret = claim_secret(company.databases.server, ACCOUNT)
        self._owner = company.owner()
        self._make_copy()
        self._login = self._new_login()
        self.counts: Counter[str] = Counter()
        self.escapes: list[str] = []

    def close(self) -> None:
        """Close the connections and drop the copy."""
        self._owner.execute("DROP SCHEMA seen CASCADE")
        self._owner.close()
        self._login.close()

    def _make_copy(self) -> None:
        """Rows and columns of the account by the words of the project alone, without its login or its policies."""
        self._owner.execute("DROP SCHEMA IF EXISTS seen CASCADE")
        self._owner.execute("CREATE SCHEMA seen")
        for name, grant in self._config.tables.items():
            table = table_of(name)
            columns = sql.SQL(", ").join(map(sql.Identifier, grant.columns))
            known = {column: CLAIMS[claim] for column, claim in grant.claims.items()}
            wanted = [
                sql.SQL("{} = ANY ({})").format(
                    sql.Identifier(column), sql.Literal(list(value) if isinstance(value, tuple) else [value])
                )
                for column, value in {**grant.rows, **known}.items()
            ]
            condition = sql.SQL(" AND ").join(wanted) if wanted else sql.SQL("true")
            copy = sql.SQL("CREATE TABLE seen.{} AS SELECT {} FROM {} WHERE {}")
            self._owner.execute(copy.format(sql.Identifier(table.name), columns, table.identifier, condition))
        for name, key in {"orders": "order_id", "products": "product_id", "suppliers": "supplier_id"}.items():
            self._owner.execute(f"ALTER TABLE seen.{name} ADD PRIMARY KEY ({key})".encode())
        self._owner.execute("SET search_path = pg_catalog")
        self._owner.execute(_TIME)

    def _new_login(self) -> Connection[tuple[Any, ...]]:
        login = self._company.login()
        login.execute(_TIME)
        login.execute(_PATH)
        return login

    @contextmanager
    def copy_without(self, table: str, condition: str) -> Iterator[None]:
        """Take rows from the copy for a while, to see that the judge notices."""
        with self._owner.transaction(force_rollback=True):
            self._owner.execute(f"DELETE FROM seen.{table} WHERE {condition}".encode())
            yield

    # through the gate

    def gated(self, statement: str) -> str:
        """Try a statement through the gate; returns how it ended."""
        outcome = self._gated(statement)
        self.counts[outcome] += 1
        return outcome

    def _gated(self, statement: str) -> str:
        try:
            gated = check_sql(statement, self._config)
        except SqlRefused as refusal:
            if CANARY_NUMBER in str(refusal) or "canary-" in str(refusal):
                return self._escape("the refusal tells something", statement)
            return f"refused: {_reason(refusal)}"
        text = gated.limited(MOST_ROWS + 1)
        got = self._told(text) if "public.visits" in gated.tables else _run(self._login, text)
        (tree,) = parse_sql(gated.sql)
        _Mirror()(tree)
        wanted = _run(self._owner, f"SELECT * FROM ({RawStream()(tree)}) AS answer LIMIT {MOST_ROWS + 1}")
        return self.compared(statement, gated.sql, got, wanted)

    def _told(self, text: str) -> Rows | psycopg.Error:
        """The same in a transaction that knows who asks."""
        with self._login.transaction(force_rollback=True):
            tell_claims(self._login, ACCOUNT, self._secret, {name: (value,) for name, value in CLAIMS.items()})
            return _run(self._login, text)

    def compared(self, statement: str, text: str, got: Rows | psycopg.Error, wanted: Rows | psycopg.Error) -> str:
        """How a statement ended, by what the account got and what it may see."""
        if isinstance(got, errors.InsufficientPrivilege):
            return self._escape("the gate let through what the privileges refuse", statement)
        if self._tells(got):
            return self._escape("a hidden value came out", statement)
        if isinstance(got, errors.QueryCanceled) or isinstance(wanted, errors.QueryCanceled):
            return "accepted: took too long"
        if isinstance(got, psycopg.Error) or isinstance(wanted, psycopg.Error):
            states = {value.sqlstate if isinstance(value, psycopg.Error) else None for value in (got, wanted)}
            # Which row an error of the data comes from first hangs on the plan; errors of the text do not.
            if len(states) == 1 or all(state is None or state.startswith(("21", "22")) for state in states):
                return "accepted: error of the data or the types"
            return self._escape(f"one is an error, the other not {states}", statement)
        if any(word in text for word in _UNORDERED + _MORE_UNORDERED):
            return "accepted: rows that hang on their order"
        if len(got) > MOST_ROWS and len(wanted) > MOST_ROWS:
            return "accepted: very many rows"
        rows, seen = Counter(map(_plain, got)), Counter(map(_plain, wanted))
        if "ROLLUP" in text and self._company.version < "18" and not rows - seen and rows != seen:
            # Before 18 the planner takes a grouped column for constant where a filter says so, though totals have none.
            return "accepted: fewer rows, a fault of the planner with totals"
        if rows != seen:
            return self._escape("other rows", statement)
        return "accepted: the same rows"

    # past the gate

    def past_the_gate(self, statement: str) -> str:
        """Run a statement on the account's own login without the gate; returns how it ended."""
        outcome = self._past(statement)
        self.counts[outcome] += 1
        return outcome

    def _past(self, statement: str) -> str:
        if self._login.closed:
            self._login = self._new_login()
        got = _run(self._login, statement, stream=False)
        if self._tells(got):
            return self._escape("a hidden value came out past the gate", statement)
        if self._login.broken or self._login.info.transaction_status not in (0, 2, 3):
            self._login.close()
            self._login = self._new_login()
        else:
            self._login.rollback()
            self._login.execute("RESET ALL")
            self._login.execute(_TIME)
            self._login.execute(_PATH)
        if isinstance(got, psycopg.Error):
            return f"past the gate: {'refused' if isinstance(got, errors.InsufficientPrivilege) else 'error'}"
        return "past the gate: ran"

    def _tells(self, got: Rows | psycopg.Error) -> bool:
        shown = str(got)
        # The statement's own words come back in an error's text, so only whole marks count there.
        marks = ("canary-",) if isinstance(got, psycopg.Error) else (CANARY + "-", CANARY_NUMBER)
        return any(mark in shown for mark in marks)

    def _escape(self, what: str, statement: str) -> str:
        self.escapes.append(f"{what}: {statement}")
        return "escaped"


def _run(connection: Connection[tuple[Any, ...]], text: str, *, stream: bool = True) -> Rows | psycopg.Error:
    cursor = connection.cursor()
    try:
        if stream:
            return list(cursor.stream(text.encode()))
        cursor.execute(text.encode())
        rows: Rows = []
        while True:
            rows += cursor.fetchmany(MOST_ROWS) if cursor.description else []
            if not cursor.nextset():
                return rows
    except psycopg.Error as error:
        return error
    except UnicodeError:
        return psycopg.DataError("no text")
    finally:
        cursor.close()


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_number(value) for value in row)


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return str(value)
    number = float(value)
    return f"{number:.6g}" if math.isfinite(number) else str(number)


def _reason(refusal: SqlRefused) -> str:
    """The kind of a refusal: its message without the names in it."""
    words = {
        "no column": "no such column",
        "no table": "no such table",
        "not valid SQL": "not valid SQL",
        "only SELECT": "no SELECT",
        "the function": "a function",
        "ambiguous": "an ambiguous name",
        "twice": "a name twice",
        "cast": "a cast",
        "joined on": "USING",
        "exactly one": "several statements",
        "reads no table": "no table",
    }
    return next((kind for word, kind in words.items() if word in refusal.message), "another clause")

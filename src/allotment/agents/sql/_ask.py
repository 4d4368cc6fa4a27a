"""An agent's one tool: question → SQL by the model → mended → the gate → the agent's own account → rows.

The model is told what of the account's schema the question is about and nothing else; what it may reach is decided by
the gate and by PostgreSQL. The sentence about the rows is made by code, so its numbers are the rows' numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from allotment.access import Grant, require_grant
from allotment.agents.sql._coverage import what_is_missing
from allotment.agents.sql._link import Linked, link
from allotment.agents.sql._lookup import Lookup
from allotment.agents.sql._prompt import messages, offer
from allotment.agents.sql._values import unused
from allotment.agents.sql._wording import Wording
from allotment.agents.sql.mending import Mended, mend
from allotment.databases import Databases, QueryResult, SchemaCard
from allotment.errors import SqlRefused
from allotment.models import Engine, Message

Outcome = Literal["answered", "not_here", "no_statement"]
"""``not_here``: what was asked for is nothing the account sees; ``no_statement``: none that was written may run."""

_FENCE = re.compile(r"```(?:sql)?\s*(.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)
_BEGIN = re.compile(r"\b(?:SELECT|WITH)\b", re.IGNORECASE)
_END = re.compile(r"(?:'(?:[^']|'')*'|[^';])*")
_CANNOT = re.compile(r"\s*SELECT\s+'cannot\b[^']*'(?:\s+AS\s+\w+)?\s*\Z", re.IGNORECASE)
_MOST_TOKENS = 320
_OTHER_WORDS = 0.7
"""Temperature at which a statement is written again that came out the same."""


@dataclass(frozen=True)
class DatabaseAnswer:
    """Rows, the statement that gave them, and what the model was told on the way."""

    outcome: Outcome
    result: QueryResult | None
    """None: no statement passed; ``refusals`` says why."""
    statements: tuple[str, ...]
    """Every statement the model wrote, in order, before it was mended."""
    refusals: tuple[str, ...]
    prompt_tokens: int
    completion_tokens: int


def ask_database(
    engine: Engine, databases: Databases, grant: Grant, question: str, *, repairs: int = 2
) -> DatabaseAnswer:
    """Let the model write SQL for the granted account and run it through the gate.

    Args:
        engine: the model that writes SQL.
        databases: the project's databases.
        grant: names the agent and its account.
        question: the user's words.
        repairs: how often the model may mend a statement that was refused, or whose rows are in doubt.

    Raises:
        NotGranted: the grant names no account.
        DatabaseUnavailable: the database does not answer.
    """
    request = grant.decision.request
    require_grant(grant, agent=request.agent, account=request.account or "none")
    card = databases.schema_card(grant)
    linked = link(question, card, lambda sql: databases.query(grant, sql))
    missing = what_is_missing(question, linked)
    if missing:
        return DatabaseAnswer("not_here", None, (), (f"nothing here is called {', '.join(missing)}",), 0, 0)
    return _Turn(engine, databases, grant, card, linked).run(question, repairs)


@dataclass
class _Turn:
    """One question while the model writes and mends."""

    engine: Engine
    databases: Databases
    grant: Grant
    card: SchemaCard
    linked: Linked
    statements: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    tokens: list[int] = field(default_factory=lambda: [0, 0])

    def run(self, question: str, repairs: int) -> DatabaseAnswer:
        lookup = Lookup(self.card, lambda sql: self.databases.query(self.grant, sql))
        wording = Wording(question, self.linked)
        begun = told = messages(question, self.linked)
        doubtful: QueryResult | None = None
        for left in range(repairs, -1, -1):
            statement = self._write(told)
            if statement in self.statements:  # it holds to what it wrote: let it begin anew, in other words
                statement = self._write(begun, temperature=_OTHER_WORDS)
            if _CANNOT.match(statement):
                return self._ended("answered" if doubtful else "not_here", doubtful)
            if statement in self.statements:
                break
            self.statements.append(statement)
            mended = mend(statement, self.card, self.linked.keys, lookup.holds, wording)
            try:
                result = self.databases.query(self.grant, mended.sql)
            except SqlRefused as error:
                fault = self._fault(error, statement)
            else:
                doubt = self._doubt(question, mended, result)
                if not (left and doubt):
                    return self._ended("answered", result)
                doubtful, fault = result, doubt
            self.refusals.append(fault)
            told = [*told, Message("assistant", f"{statement};"), Message("user", f"{fault} Write it anew.")]
        return self._ended("answered" if doubtful else "no_statement", doubtful)

    def _write(self, told: Sequence[Message], temperature: float = 0.0) -> str:
        completion = self.engine.complete(told, max_tokens=_MOST_TOKENS, temperature=temperature, stop=(";\n",))
        self.tokens[0] += completion.prompt_tokens
        self.tokens[1] += completion.completion_tokens
        return only_statement(completion.text)

    def _fault(self, error: SqlRefused, statement: str) -> str:
        """What was wrong, and what the tables the statement names do have; never the whole schema again."""
        said = statement.casefold()
        named = tuple(table for table in self.linked.card.tables if table.table.name.casefold() in said)
        return f"That cannot run: {error.message} You may use {offer(SchemaCard(named or self.linked.card.tables))}."

    def _doubt(self, question: str, mended: Mended, result: QueryResult) -> str:
        """Why rows are probably not what was asked for, in words for the model; empty where nothing speaks for that."""
        if mended.notes and _is_empty(result):
            return f"That finds nothing: {'; '.join(mended.notes)}."
        said = unused(question, self.linked.matches, mended.sql)
        return f"That does not use what the question says: {said}." if said else ""

    def _ended(self, outcome: Outcome, result: QueryResult | None) -> DatabaseAnswer:
        return DatabaseAnswer(outcome, result, tuple(self.statements), tuple(self.refusals), *self.tokens)


def _is_empty(result: QueryResult) -> bool:
    """No row, or one that says that there is nothing."""
    return not result.rows or (len(result.rows) == 1 and all(value in (None, 0) for value in result.rows[0]))


def only_statement(text: str) -> str:
    """The first statement of a model's answer, without fences, words before it, and its semicolon."""
    fenced = _FENCE.search(text)
    inside = fenced.group(1) if fenced else text
    begin = _BEGIN.search(inside)
    ended = _END.match(inside, begin.start() if begin else 0)
    return ended.group().strip() if ended else ""

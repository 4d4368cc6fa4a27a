"""An agent's one tool: question → SQL by the model → the gate → the agent's own account → rows.

The model is told exactly what the account sees and nothing else; what it may reach is decided by the gate
and by PostgreSQL. The sentence about the rows is made by code, so its numbers are the rows' numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from allotment.access import Grant, require_grant
from allotment.databases import Databases, QueryResult
from allotment.errors import SqlRefused
from allotment.models import Engine, Message

_SYSTEM = (
    "You write one PostgreSQL SELECT statement that answers the question. Use only the tables and columns listed."
    " No comments, no explanation: answer with the statement alone, ending with a semicolon."
)
_FENCE = re.compile(r"```(?:sql)?\s*(.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class DatabaseAnswer:
    """Rows, the statement that gave them, and what the model was told on the way."""

    result: QueryResult | None
    """None: no statement passed; ``refusals`` says why."""
    statements: tuple[str, ...]
    """Every statement the model wrote, in order."""
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
        repairs: how often the model may mend a statement that was refused.

    Raises:
        NotGranted: the grant names no account.
        DatabaseUnavailable: the database does not answer.
    """
    request = grant.decision.request
    require_grant(grant, agent=request.agent, account=request.account or "none")
    card = databases.schema_card(grant).text()
    messages = [Message("system", f"{_SYSTEM}\n\n{card}"), Message("user", question)]
    statements: list[str] = []
    refusals: list[str] = []
    tokens = [0, 0]
    for _ in range(repairs + 1):
        completion = engine.complete(messages, max_tokens=220)
        tokens[0] += completion.prompt_tokens
        tokens[1] += completion.completion_tokens
        statement = only_statement(completion.text)
        if statement in statements:
            break
        statements.append(statement)
        try:
            result = databases.query(grant, statement)
        except SqlRefused as error:
            refusals.append(str(error))
            told = f"That statement was refused: {error} Write another one."
            messages += [Message("assistant", statement), Message("user", told)]
            continue
        return DatabaseAnswer(result, tuple(statements), tuple(refusals), tokens[0], tokens[1])
    return DatabaseAnswer(None, tuple(statements), tuple(refusals), tokens[0], tokens[1])


def only_statement(text: str) -> str:
    """The first statement of a model's answer, without fences and its semicolon."""
    fenced = _FENCE.search(text)
    inside = fenced.group(1) if fenced else text
    return inside.split(";")[0].strip()

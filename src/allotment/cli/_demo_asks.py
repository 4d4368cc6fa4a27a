"""The demo's questions: asked as the users of ``asks.yaml`` through the whole chain, and what each one got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from allotment.cli._demo_breach import breaches_of
from allotment.errors import ProjectError

if TYPE_CHECKING:
    from allotment.access import Principal
    from allotment.answering import Answer, Chain
    from allotment.audit import AuditLog, AuditRecord
    from allotment.cli._demo_steps import Shown
    from allotment.cli._open import State
    from allotment.project import Project

_ASKS = "asks.yaml"
_NEWEST = 20
"""Records looked through for the one of an answer; somebody else may be asking at the same time."""


class Ask(BaseModel):
    """One question of ``asks.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    user: str
    """A declared user."""
    question: str
    shows: str
    """What the question is there to show."""
    expect: dict[str, str]
    """What has to come out; see ``allotment.evaluation.expect_answer``."""
    never: list[str] = []
    """Values this user's role may never get, whatever else comes out."""


@dataclass(frozen=True)
class Asked:
    """A question and what came of it."""

    user: str
    role: str
    """The role it was really asked with."""
    asked: str
    outcome: str
    got: str
    agent: str | None
    adapter: str | None
    account: str | None
    sql: str | None
    shows: str
    why: list[str]
    """The reason of each step, in order."""
    record: int | None
    problems: list[str]
    """What is not as expected; none of it makes the demo fail."""
    breaches: list[str]
    """What may never happen."""


def read_asks(project: Project) -> list[Ask]:
    """The questions of ``asks.yaml`` beside the project's own file.

    Raises:
        ProjectError: it cannot be read, an entry is malformed, or a user is not declared.
    """
    file = project.root / _ASKS
    try:
        asks = TypeAdapter(list[Ask]).validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        remedy = "Mend it, or copy the example's own file there."
        raise ProjectError(f"is no list of questions ({error}).", element=str(file), remedy=remedy) from None
    unknown = sorted({ask.user for ask in asks} - project.users.keys())
    if unknown:
        named = ", ".join(unknown)
        raise ProjectError(f"asks as {named}.", element=str(file), remedy="Name users that allotment.yaml declares.")
    return asks


def ask_all(
    project: Project, state: State, chain: Chain, asks: list[Ask], adapters: Mapping[str, str], shown: Shown
) -> list[Asked]:
    """Ask every question in its order; ``adapters`` is agent → version of its current adapter."""
    rows = []
    for number, ask in enumerate(asks):
        shown.progress(f"{ask.user} asks", number, len(asks))
        principal = state.principal(ask.user)
        answer = chain.answer(principal, ask.question)
        breaches = breaches_of(project, adapters, principal.role, answer, ask.never)
        rows.append(_asked(ask, principal, answer, breaches, state.audit))
    shown.progress("asked", len(asks), len(asks))
    return rows


def _asked(ask: Ask, principal: Principal, answer: Answer, breaches: tuple[str, ...], audit: AuditLog) -> Asked:
    from allotment.evaluation import expect_answer

    return Asked(
        user=principal.user,
        role=principal.role,
        asked=ask.question,
        outcome=answer.outcome,
        got=answer.text,
        agent=answer.agent,
        adapter=answer.adapter,
        account=answer.account,
        sql=answer.sql,
        shows=ask.shows,
        why=_reasons(answer, audit),
        record=answer.record,
        problems=list(expect_answer(answer, ask.expect).problems),
        breaches=list(breaches),
    )


def _reasons(answer: Answer, audit: AuditLog) -> list[str]:
    """The chain's own reasons; which check refused stands in the record alone."""
    reasons = [f"{step}: {why}" for step, why in answer.explanation]
    if answer.outcome == "refused":
        newest = audit.records(limit=_NEWEST)
        reasons += [reason for record in reversed(newest) for reason in _recorded(record, answer.record)]
    return reasons


def _recorded(record: AuditRecord, number: int | None) -> list[str]:
    """What a record says about the checks that fired, if it is about this answer."""
    detail = record.event.get("detail") or {}
    if number is None or number not in (record.sequence, detail.get("decision")):
        return []
    return [f"record {record.sequence}: {check}, {found!r}" for check, found in detail.get("checks", {}).items()]

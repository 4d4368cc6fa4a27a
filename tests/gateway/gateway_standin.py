"""A chain without models: it plays a script and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from allotment.access import DocumentFacts, Policy, Principal, Request, decide
from allotment.answering import (
    AgentInfo,
    Answer,
    AnswerOptions,
    Delta,
    DocumentText,
    Embedding,
    Event,
    Passage,
    Routing,
    Source,
    Step,
    Table,
)
from allotment.audit import EventKind, RecordedDenial
from allotment.errors import AccessDenied, MissingPartError
from allotment.gateway import Limiter, open_limiter
from allotment.project import LimitsConfig, Project

ROLES = {"employee": "everybody", "sales": "sells", "director": "sits on the board"}
POLICY = Policy(frozenset(ROLES), {}, users={"eva": "employee", "mara": "employee"})
"""``mara`` is declared as employee, whatever her login says."""
HANDBOOK = AgentInfo("handbook", "rules for all staff - first day, expenses, travel, holidays, the Brno office")
SALES = AgentInfo("sales", "selling - discounts, offers, key accounts; customers and orders in the database")
BOARD = AgentInfo("board", "minutes, decisions, salaries")
ENTITLED = {"employee": (HANDBOOK,), "sales": (HANDBOOK, SALES), "director": (HANDBOOK, SALES, BOARD)}

ANSWER = Answer(
    "answered",
    "37 orders were shipped to Sweden, with 3237.60 in freight.",
    agent="sales",
    adapter="9c41e7",
    account="northwind_sales",
    sql="SELECT ship_country, count(*) AS orders, sum(freight) AS freight\nFROM orders\n"
    "WHERE ship_country = 'Sweden'\nGROUP BY ship_country",
    table=Table(("ship_country", "orders", "freight"), (("Sweden", 37, 3237.6),), truncated=False),
    sources=(Source("s1", "sales/playbook.md", "Nordic accounts", "Sweden is served from the Malmö office."),),
    explanation=(
        ("checking", "nothing in the question asks to get around a rule"),
        ("routing", "sales matches best (0.82); next was handbook (0.31)"),
        ("authorizing", "the role is served by the agent and may read all it learnt"),
    ),
    routing=Routing("sales", "account", 0.82, "handbook", "adapter", 0.11, "examples"),
    learnt=("sales/playbook.md",),
    record=41,
    prompt_tokens=120,
    completion_tokens=9,
    seconds=1.84,
)


PLAYBOOK = (
    Passage("s0", ("Playbook",), "What we sell, to whom, and what we may offer without asking."),
    Passage(
        "s1",
        ("Playbook", "Nordic accounts"),
        "Sweden is served from the Malmö office. **Norway** and Finland are served from Oslo.\n\n- Offers go out within"
        " two days.\n- Discounts follow the table below.\n\n"
        "| boxes | discount |\n| --- | ---: |\n| 20 | 5 % |\n| 40 | 12 % |",
    ),
    Passage("s2", ("Playbook", "Discounts"), "An order above 40 boxes gets 12 percent off the list price."),
)


def script_of(answer: Answer) -> tuple[Event, ...]:
    """The events of an answer: its steps, its text in two pieces, and itself."""
    middle = len(answer.text) // 2
    steps = (Step("checking"), Step("routing"), Step("authorizing"), Step("answering"))
    return (*steps, Delta(answer.text[:middle]), Delta(answer.text[middle:]), Step("releasing"), answer)


WAIT_S = 60.0
"""Seconds a script waits for a test at most."""


@dataclass
class StandInChain:
    """Plays ``script``; an exception in it is raised, and an event of threads waited for. ``endless`` does not end."""

    script: tuple[Event | Exception | threading.Event, ...] = script_of(ANSWER)
    endless: bool = False
    asked: list[tuple[Principal, str, str | None]] = field(default_factory=list)
    told: list[tuple[AnswerOptions, tuple[str, ...]]] = field(default_factory=list)
    """How each answer was to be written, and what stood around the question."""
    earlier: list[tuple[str, ...]] = field(default_factory=list)
    """The user's own questions before each."""
    embedding: Embedding | None = None
    embedded: list[tuple[Principal, tuple[str, ...], str | None]] = field(default_factory=list)
    documents: dict[str, tuple[Passage, ...]] = field(default_factory=lambda: {"sales/playbook.md": PLAYBOOK})
    read: list[tuple[Principal, str, str]] = field(default_factory=list)
    """Documents that were asked for, by whom and as whose."""
    started: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)

    def agents_for(self, principal: Principal) -> tuple[AgentInfo, ...]:
        return tuple(agent for agent in ENTITLED.get(principal.role, ()) if principal.may_ask(agent.name))

    def embed(self, principal: Principal, texts: Sequence[str], *, agent: str | None = None) -> Embedding:
        self.embedded.append((principal, tuple(texts), agent))
        if self.embedding is None:
            raise MissingPartError("there is no embedding model.")
        return self.embedding

    def read_document(self, principal: Principal, agent: str, document: str) -> DocumentText:
        self.read.append((principal, agent, document))
        if agent not in {info.name for info in self.agents_for(principal)} or document not in self.documents:
            request = Request(agent, document=DocumentFacts(document, frozenset()))
            raise RecordedDenial(decide(POLICY, principal, request), 77)
        return DocumentText(document, self.documents[document], 77)

    def stream(
        self,
        principal: Principal,
        question: str,
        *,
        agent: str | None = None,
        options: AnswerOptions | None = None,
        context: Sequence[str] = (),
        earlier: Sequence[str] = (),
    ) -> Iterator[Event]:
        self.asked.append((principal, question, agent))
        self.told.append((options or AnswerOptions(), tuple(context)))
        self.earlier.append(tuple(earlier))
        self.started.set()
        try:
            if self.endless:
                yield from (Step("checking"), Step("routing"), Step("answering"))
            while self.endless:
                yield Delta("on and on ")
                self.gate.wait(0.01)
            for event in self.script:
                if isinstance(event, Exception):
                    raise event
                if isinstance(event, threading.Event):
                    event.wait(WAIT_S)
                else:
                    yield event
        finally:
            self.closed.set()


@dataclass
class Recorded:
    """Takes the place of the audit record and remembers what was written; ``broken`` cannot be written to."""

    events: list[tuple[str, str, str]] = field(default_factory=list)
    """User, role and kind."""
    broken: bool = False

    def __call__(self, principal: Principal, kind: EventKind, detail: Mapping[str, Any]) -> int:
        if self.broken:
            raise AccessDenied("nothing may happen that cannot be recorded.")
        self.events.append((principal.user, principal.role, kind))
        return len(self.events)


PLENTY = {"requests_per_minute": 1_000_000, "tokens_per_day": 10**12, "concurrent": 100_000, "usd_per_month": 10**9}


@contextmanager
def limiter_of(dsn: str, record: Recorded, **limits: Any) -> Iterator[Limiter]:
    """The limits of a project that declares these; nobody reaches those that are not given."""
    declared = {"user": PLENTY, "role": PLENTY, "agent": PLENTY, **limits}
    project = Project.model_validate(
        {
            "root": ".",
            "name": "Northwind Traders",
            "roles": ROLES,
            "documents": {"all": {"path": "documents", "readers": list(ROLES)}},
            "agents": {name: {"roles": list(ROLES), "documents": ["all"]} for name in ("handbook", "sales")},
            "gateway": {"limits": LimitsConfig.model_validate(declared).model_dump()},
        }
    )
    with open_limiter(dsn, project, record) as limiter:
        yield limiter

"""What the chain says while it works: steps, pieces of text, and at the end exactly one answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from allotment.routing import Decider

StepName = Literal["checking", "routing", "authorizing", "answering", "releasing"]
AnswerOutcome = Literal["answered", "refused", "unknown", "failed"]
Cell = str | int | float | bool | None
Means = Literal["adapter", "account"]


@dataclass(frozen=True)
class Step:
    """The chain begins a step."""

    name: StepName
    agent: str | None = None
    """The agent that was chosen, told before anything of it is reached."""
    means: Means | None = None
    """Whether the answer is being taken from the agent's adapter or from the database on its account."""


@dataclass(frozen=True)
class Delta:
    """A piece of the answer's text that has passed the output check."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows an agent's account returned."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    truncated: bool
    """Whether there are more rows than these."""


@dataclass(frozen=True)
class Source:
    """A section: one the agent learnt that supports its answer, or a place to look."""

    section_id: str
    document: str
    heading: str
    quote: str
    """The sentence of the section that comes nearest to the answer, or to the question."""


@dataclass(frozen=True)
class Routing:
    """Why this agent: how sure the router was, and which other of the user's own agents came next."""

    agent: str
    means: Means
    score: float
    """Probability among the entitled ones, 0 to 1; 1 where the role alone or the user decides."""
    runner_up: str | None
    """The next agent, which may be the same one by its other means."""
    runner_up_means: Means | None
    runner_up_score: float | None
    by: Decider
    """What it rests on."""
    asked: str | None = None
    """The question as the agent was asked it, where it makes no sense without the user's own earlier one."""


@dataclass(frozen=True)
class Answer:
    """The end of every stream: what the user gets, from where, and why."""

    outcome: AnswerOutcome
    text: str
    agent: str | None = None
    adapter: str | None = None
    """Version of the adapter that answered."""
    account: str | None = None
    """Database account that was used."""
    sql: str | None = None
    """The statement as it ran; where there is no ``table``, the last one that was refused."""
    table: Table | None = None
    sources: tuple[Source, ...] = ()
    places: tuple[Source, ...] = ()
    """Sections the user may read where it may be written: of an answer that is not known, and never its support."""
    explanation: tuple[tuple[str, str], ...] = ()
    """Pairs of step and reason, in order."""
    routing: Routing | None = None
    """Why the agent was chosen, where one was."""
    learnt: tuple[str, ...] = ()
    """Documents the adapter that answered learnt from; the user's role may read them all."""
    record: int | None = None
    """Number of the audit record of the decision."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    finish: Literal["stop", "length"] = "stop"
    """``length``: the text was cut off at its longest."""


@dataclass(frozen=True)
class AgentInfo:
    """An agent as a user who is entitled to it sees it."""

    name: str
    description: str


Event = Step | Delta | Answer

"""What a generation would still cost, before it is started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allotment.dataset._generate import is_done
from allotment.dataset._requests import Request, requests_of
from allotment.dataset._selection import select_sections
from allotment.dataset._types import DatasetPlan
from allotment.documents import load_sections
from allotment.project import Project
from allotment.workspace import Ledger, Workspace

_CHARACTERS_PER_TOKEN = 4
_TOKENS_PER_PHRASING = 18
"""Mean over questions in English and Czech, quotes and comma included."""
_TOKENS_PER_FREE_FACT = 45
"""Value, answer and their keys."""


@dataclass(frozen=True)
class _Rates:
    """Measured ÷ estimated tokens, and seconds for a completion token; 1 and none before anything was measured."""

    prompt: float = 1.0
    completion: float = 1.0
    seconds_per_token: float | None = None


def plan(project: Project, workspace: Workspace, agent: str) -> DatasetPlan:
    """Calls, tokens and minutes that ``generate`` would still need.

    Estimated at four characters a token; once requests are in the ledger, corrected by what they really took.

    Raises:
        ProjectError: no such agent, or nothing ingested.
    """
    sections = select_sections(project, agent, load_sections(workspace))
    rounds = requests_of(sections, project.dataset, project.models.teacher)
    requests = [request for requests in rounds for request in requests]
    ledger = Ledger(workspace.dataset_dir(agent) / "ledger.jsonl")
    waiting = [request for request in requests if not is_done(ledger.rows, request)]
    rates = _rates(requests, ledger)
    prompt, completion = _estimate(waiting)
    tokens = round(completion * rates.completion)
    return DatasetPlan(
        agent=agent,
        sections=len(sections),
        calls=len(waiting),
        done=len(requests) - len(waiting),
        prompt_tokens=round(prompt * rates.prompt),
        completion_tokens=tokens,
        minutes=None if rates.seconds_per_token is None else tokens * rates.seconds_per_token / 60,
        measured=rates.seconds_per_token is not None,
    )


def _estimate(requests: Sequence[Request]) -> tuple[int, int]:
    """Prompt and completion tokens of requests, by their lengths."""
    characters = sum(len(message.content) for request in requests for message in request.messages(()))
    completion = sum(
        request.asked * (request.phrasings * _TOKENS_PER_PHRASING + (0 if request.given else _TOKENS_PER_FREE_FACT))
        for request in requests
    )
    return characters // _CHARACTERS_PER_TOKEN, completion


def _rates(requests: Sequence[Request], ledger: Ledger) -> _Rates:
    measured = [request for request in requests if ledger.rows.get(request.key, {}).get("completion_tokens")]
    if not measured:
        return _Rates()
    rows = [ledger.rows[request.key] for request in measured]
    prompt, completion = _estimate(measured)
    prompt_tokens = sum(int(row["prompt_tokens"]) for row in rows)
    completion_tokens = sum(int(row["completion_tokens"]) for row in rows)
    seconds = sum(float(row["seconds"]) for row in rows)
    return _Rates(prompt_tokens / prompt, completion_tokens / completion, seconds / completion_tokens)

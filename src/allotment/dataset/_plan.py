"""What a generation would still cost, before it is started."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from allotment.dataset._generate import Asking, Material, budget_of, ledger_of, material_of
from allotment.dataset._judging import CALLS_PER_PAIR
from allotment.dataset._outcomes import SectionWork, is_done
from allotment.dataset._requests import Request
from allotment.dataset._teacher import Teacher
from allotment.dataset._tokens import completion_tokens, prompt_tokens
from allotment.dataset._types import DatasetPlan
from allotment.models import price_of
from allotment.project import Project
from allotment.workspace import Ledger, Workspace, hash_text

_WORDED_BY_TEACHER = 0.3
"""Facts whose question backwards cannot be built from their sentence, as a share: measured on two corpora."""
_SECOND_TRIES = 0.1
"""Facts that are asked for once more, as a share."""
_JUDGE_PROMPT, _JUDGE_COMPLETION = 500, 20
_TWO_SIDED_95 = 1.96


@dataclass(frozen=True)
class _Rates:
    """Measured ÷ estimated tokens, and seconds for a completion token; 1 and none before anything was measured."""

    prompt: float = 1.0
    completion: float = 1.0
    seconds_per_token: float | None = None
    spread: float | None = None
    """Standard deviation of one request's measured ÷ estimated completion tokens, as a share of their mean."""
    measured: int = 0


def plan(
    project: Project,
    workspace: Workspace,
    agent: str,
    *,
    teacher: Teacher | None = None,
    sample: int = 0,
    batch: bool = False,
) -> DatasetPlan:
    """Calls, tokens, minutes and price that ``generate`` would still need.

    Estimated at four characters a token; once requests are in the ledger, corrected by what they really took.

    Args:
        teacher: who is asked the sample.
        sample: requests to ask and measure now, drawn by hash, where fewer than that were measured; their answers
            are kept, so they are not paid for twice.
        batch: whether to reckon with the prices of a batch endpoint.

    Raises:
        ProjectError: no such agent, or nothing ingested.
        DatasetError: no section to learn.
    """
    material = material_of(project, workspace, agent, teacher.name if teacher else "")
    ledger = ledger_of(workspace, agent)
    requests = list(_requests(material, ledger))
    if teacher is not None and sample:
        _measure(project, workspace, material, requests, ledger, teacher, sample)
    waiting = [request for request in requests if not is_done(ledger.rows, request)]
    return _reckoned(project, material, ledger, requests, waiting, batch)


def _reckoned(
    project: Project,
    material: Material,
    ledger: Ledger,
    requests: Sequence[Request],
    waiting: Sequence[Request],
    batch: bool,
) -> DatasetPlan:
    rates = _rates(requests, ledger)
    later = _later(project, material, waiting)
    prompt, completion = _estimate(waiting)
    read = round(prompt * rates.prompt + later.prompt)
    written = round(completion * rates.completion + later.completion)
    price = price_of(material.asker.teacher, project.models)
    return DatasetPlan(
        agent=material.agent,
        model=material.asker.teacher,
        sections=len(material.sections),
        calls=len(waiting) + later.calls,
        done=len(requests) - len(waiting),
        prompt_tokens=read,
        completion_tokens=written,
        minutes=None if rates.seconds_per_token is None else written * rates.seconds_per_token / 60,
        price_usd=None if price is None else round(price.usd(read, written, batch=batch), 4),
        price_as_of=price.as_of.isoformat() if price and price.as_of else None,
        error_share=_error(rates, len(waiting)),
        measured=rates.measured,
    )


@dataclass(frozen=True)
class _Later:
    """Requests that depend on answers which are not there yet: second tries, facts backwards, verdicts."""

    calls: int = 0
    prompt: float = 0.0
    completion: float = 0.0


def _later(project: Project, material: Material, waiting: Sequence[Request]) -> _Later:
    asked = [request for request in waiting if request.kind == "question"]
    prompt, completion = _estimate(asked)
    share = _SECOND_TRIES + (_WORDED_BY_TEACHER / 4 if material.asker.config.backwards else 0.0)
    calls = math.ceil(len(asked) * (_SECOND_TRIES + (_WORDED_BY_TEACHER if material.asker.config.backwards else 0)))
    if project.dataset.judge is None:
        return _Later(calls, share * prompt, share * completion)
    pairs = sum(request.asked * (request.phrasings + request.answers + 1) for request in asked) * CALLS_PER_PAIR
    return _Later(
        calls + pairs,
        share * prompt + pairs * _JUDGE_PROMPT,
        share * completion + pairs * _JUDGE_COMPLETION,
    )


def _requests(material: Material, ledger: Ledger) -> Iterator[Request]:
    """Requests that are known before any answer, and those that follow from the answers that are there."""
    for section in material.sections:
        work = SectionWork(section, material.asker, ledger.rows)
        for number in range(material.asker.config.rounds):
            yield from work.asked_in(number)
        yield from work.second_tries()
        yield from work.backwards_requests()


def _measure(
    project: Project,
    workspace: Workspace,
    material: Material,
    requests: Sequence[Request],
    ledger: Ledger,
    teacher: Teacher,
    sample: int,
) -> None:
    """Ask some requests now, unless enough were measured before."""
    done = sum(is_done(ledger.rows, request) for request in requests)
    drawn = sorted(requests, key=lambda request: hash_text(f"sample {request.key}"))
    chosen = [request for request in drawn if not is_done(ledger.rows, request)][: max(0, sample - done)]
    asking = Asking(ledger, teacher, budget_of(project, teacher.name, None), None)
    with workspace.lock(f"dataset-{material.agent}"):
        asyncio.run(_ask_sample(asking, [(SectionWork(r.section, material.asker, ledger.rows), r) for r in chosen]))


async def _ask_sample(asking: Asking, wanted: Sequence[tuple[SectionWork, Request]]) -> None:
    try:
        await asking.ask("sample", wanted)
    finally:
        await asking.aclose()


def _estimate(requests: Sequence[Request]) -> tuple[int, int]:
    """Prompt and completion tokens of requests, by their lengths."""
    prompt = sum(prompt_tokens(request.messages()) for request in requests)
    return prompt, sum(completion_tokens(request) for request in requests)


def _rates(requests: Sequence[Request], ledger: Ledger) -> _Rates:
    rows = [(request, ledger.rows.get(request.key, {})) for request in requests]
    measured = [(request, row) for request, row in rows if row.get("completion_tokens")]
    if not measured:
        return _Rates()
    prompt, completion = _estimate([request for request, _ in measured])
    read = sum(int(row["prompt_tokens"]) for _, row in measured)
    written = sum(int(row["completion_tokens"]) for _, row in measured)
    seconds = sum(float(row["wall_s"]) for _, row in measured)
    rate = written / completion
    spread = _spread([int(row["completion_tokens"]) / completion_tokens(request) / rate for request, row in measured])
    return _Rates(read / prompt, rate, seconds / written, spread, len(measured))


def _spread(ratios: Sequence[float]) -> float | None:
    if len(ratios) < 2:
        return None
    mean = sum(ratios) / len(ratios)
    return math.sqrt(sum((ratio - mean) ** 2 for ratio in ratios) / (len(ratios) - 1)) / mean


def _error(rates: _Rates, waiting: int) -> float | None:
    """Half width of the 95 % interval of the sum over ``waiting`` requests, as a share of it."""
    if rates.spread is None or not waiting:
        return None if waiting else 0.0
    return round(_TWO_SIDED_95 * rates.spread * math.sqrt(1 / rates.measured + 1 / waiting), 3)

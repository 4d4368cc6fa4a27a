"""Ask the teacher, write every answer into the ledger, then make the dataset from the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict
from typing import Any

from allotment.dataset._assemble import assemble
from allotment.dataset._items import save
from allotment.dataset._parse import parse
from allotment.dataset._requests import TEMPERATURE, Request, covered_values, requests_of
from allotment.dataset._selection import agent_config, select_sections
from allotment.dataset._types import DatasetStats
from allotment.documents import load_sections
from allotment.errors import DatasetError
from allotment.models import Engine
from allotment.project import Project
from allotment.workspace import Ledger, Workspace

Progress = Callable[[str, int, int], None]
_KEPT_CHARACTERS = 2000
"""Of a text that could not be read, for whoever looks for the cause."""
NOT_ANSWERED = "teacher-error"
"""Reason of a request the teacher did not answer at all; the only one that is asked again by the next run."""


def generate(
    project: Project,
    workspace: Workspace,
    agent: str,
    teacher: Engine | None,
    progress: Progress | None = None,
    *,
    parallel: int = 2,
) -> DatasetStats:
    """Make the agent's dataset; what the ledger already holds is not asked again.

    Args:
        teacher: the model that words questions; none where the ledger is full and nothing is to be asked.
        progress: called with the document, requests finished and requests in all.
        parallel: requests in flight at once, 1 to 4.

    Raises:
        ProjectError: no such agent, nothing ingested, or another command makes this dataset.
        DatasetError: the agent has no section to learn, or there is something to ask and no teacher.
    """
    agent_config(project, agent)
    sections = select_sections(project, agent, load_sections(workspace))
    if not sections:
        remedy = "Add documents to its sets, then run `allotment documents ingest`."
        raise DatasetError("there is no section that all its roles may read.", element=f"agents.{agent}", remedy=remedy)
    rounds = list(requests_of(sections, project.dataset, teacher.name if teacher else project.models.teacher))
    with workspace.lock(f"dataset-{agent}"):
        ledger = Ledger(workspace.dataset_dir(agent) / "ledger.jsonl")
        report = _Report(progress, sum(len(requests) for requests in rounds))
        for requests in rounds:
            _ask_round(requests, teacher, ledger, report, max(1, min(4, parallel)))
        items, counts = assemble(agent, (request for requests in rounds for request in requests), ledger.rows)
        save(workspace, agent, items, counts)
    return counts


class _Report:
    """Calls the progress callback, if there is one, with a running count."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def one(self, request: Request) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(request.section.document, self._done, self._total)


def _ask_round(
    requests: Sequence[Request], teacher: Engine | None, ledger: Ledger, report: _Report, parallel: int
) -> None:
    """Ask what is missing of one round. Rows are written by this thread alone, as answers come in."""
    covered = _covered(ledger)
    waiting = [request for request in requests if not is_done(ledger.rows, request)]
    for request in requests:
        if is_done(ledger.rows, request):
            report.one(request)
    if not waiting:
        return
    if teacher is None:
        raise DatasetError(
            f"{len(waiting)} requests are not answered yet.",
            element="teacher",
            remedy="Name the teacher that is asked.",
        )
    pool = ThreadPoolExecutor(parallel, thread_name_prefix="teacher")
    try:
        asked = {pool.submit(_ask, r, teacher, covered.get(r.section.id, ()), parallel): r for r in waiting}
        for request, row in _as_they_come(asked):
            ledger.append(request.key, row)
            report.one(request)
    finally:
        pool.shutdown(cancel_futures=True)


def _as_they_come(asked: Mapping[Future[dict[str, Any]], Request]) -> Iterator[tuple[Request, dict[str, Any]]]:
    for future in as_completed(asked):
        yield asked[future], future.result()


def is_done(rows: Mapping[str, Mapping[str, Any]], request: Request) -> bool:
    """Whether the request has a terminal state that stands."""
    row = rows.get(request.key)
    return row is not None and row.get("reason") != NOT_ANSWERED


def _covered(ledger: Ledger) -> dict[str, list[str]]:
    """Section → values that earlier rounds have facts about."""
    found: dict[str, list[str]] = {}
    for row in ledger.rows.values():
        found.setdefault(str(row["section"]), []).extend(covered_values(row))
    return {section: list(dict.fromkeys(values)) for section, values in found.items()}


def _ask(request: Request, teacher: Engine, covered: Sequence[str], parallel: int) -> dict[str, Any]:
    """One request → its ledger row. Whatever the teacher does ends in a row."""
    started = time.monotonic()
    row: dict[str, Any] = {"section": request.section.id, "round": request.round, "asked": request.asked}
    try:
        completion = teacher.complete(
            request.messages(covered),
            max_tokens=request.max_tokens,
            temperature=TEMPERATURE,
            seed=request.seed,
            schema=request.schema,
        )
    except Exception as error:  # whatever an engine raises, the other requests go on
        return {**row, "state": "failed", "reason": NOT_ANSWERED, "detail": str(error)[:500], "drafts": []}
    parsed = parse(completion.text, request.given)
    reason = "cut-off" if parsed.failure and completion.finish == "length" else parsed.failure
    return {
        **row,
        "state": "failed" if reason else "done",
        "reason": reason,
        "detail": completion.text[:_KEPT_CHARACTERS] if reason else "",
        "drafts": [asdict(draft) if draft else None for draft in parsed.drafts],
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "seconds": round((time.monotonic() - started) / parallel, 3),
    }

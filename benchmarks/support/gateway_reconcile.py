"""Holds what clients were answered and what the adapters' server was asked against the audit record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from allotment.cli._open import open_state
from allotment.project import Project
from allotment.workspace import Workspace


def reconcile(project: Project, answers: Sequence[tuple[int | None, str]], seen: Path) -> dict[str, Any]:
    """Every answer's decision, and every request of the server, looked for in the record; then the record verified.

    Args:
        project: whose record it is.
        answers: number of the decision and question of each answer a client had.
        seen: file with the question of every request that reached the adapters' server.
    """
    with open_state(project, Workspace(project.root)) as state:
        report = state.audit.verify()
        events = {one.sequence: one.event for one in state.audit.records(limit=10_000_000)}
    allowed = Counter(
        event["question"] for event in events.values() if event["kind"] == "decision" and event["outcome"] == "allow"
    )
    asked = Counter(seen.read_text(encoding="utf-8").splitlines())
    lost = [(number, question) for number, question in answers if not _is_about(events.get(number or 0), question)]
    return {
        "records": len(events),
        "kinds": dict(Counter(event["kind"] for event in events.values())),
        "answers": len(answers),
        "answers_without_record": len(lost),
        "first_lost": lost[:3],
        "requests_at_the_adapter_server": asked.total(),
        "requests_without_record": (asked - allowed).total(),
        "whole": report.ok,
        "verify": report.problem.detail if report.problem else f"{report.records} records are whole",
    }


def _is_about(event: dict[str, Any] | None, question: str) -> bool:
    """Whether a record is of this question: a decision, or a refusal or an unknown of the chain itself."""
    return event is not None and question in (event.get("question"), event.get("detail", {}).get("question"))

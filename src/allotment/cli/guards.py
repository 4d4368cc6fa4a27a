"""``allotment guards``: what each check says of a question."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from allotment.cli._app import command, group
from allotment.cli._jsonl import read_texts, write_lines
from allotment.cli._names import agent_of, role_principal
from allotment.cli._run import Run
from allotment.errors import ProjectError

if TYPE_CHECKING:
    from allotment.guards import Finding

guards = group("guards", "The checks in front of the models.")


@command(guards, "check")
def check_text(
    run: Run,
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="The question to check.")] = None,
    role: Annotated[str | None, typer.Option(help="The role of the one who asks.")] = None,
    agent: Annotated[str | None, typer.Option(help="The agent asked; no check depends on it so far.")] = None,
    jsonl: Annotated[Path | None, typer.Option(help='File of {"text": ...} lines; writes one line for each.')] = None,
) -> int:
    """Show what each check says of a question.

    Exit code 1 where it is refused; with --jsonl always 0.
    """
    from allotment.guards import check_question

    if (text is None) == (jsonl is None):
        raise ProjectError("give exactly one of TEXT and --jsonl FILE.")
    project = run.project()
    if agent is not None:
        agent_of(project, agent)
    asking = role_principal(project, role)

    def verdict(question: str) -> dict[str, Any]:
        return _verdict(check_question(question, asking, project.roles))

    if jsonl is not None:
        write_lines(run, (verdict(row["text"]) for row in read_texts(jsonl)))
        return 0
    findings = check_question(str(text), asking, project.roles)
    rows = [(item.check, item.outcome, f"{item.score:.2f}", item.evidence) for item in findings]
    value = _verdict(findings)
    run.show_table(("check", "outcome", "score", "evidence"), rows, value, "No check had anything to say.")
    return 1 if value["outcome"] == "refuse" else 0


def _verdict(findings: list[Finding]) -> dict[str, Any]:
    from allotment.guards import refused

    checks = [{"name": item.check, "outcome": item.outcome, "score": item.score} for item in findings]
    return {"outcome": "refuse" if refused(findings) else "allow", "checks": checks}

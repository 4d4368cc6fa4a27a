"""``allotment audit``: is the record whole, what was decided, and what of it goes elsewhere or goes away."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from allotment.cli._app import command, group
from allotment.cli._audit_lines import COLUMNS, line_of
from allotment.cli._open import open_state
from allotment.cli._run import Run
from allotment.errors import IntegrityError, ProjectError

if TYPE_CHECKING:
    from allotment.audit import AuditRecord, Filter

audit = group("audit", "The tamper-evident record of every decision.")

User = Annotated[str | None, typer.Option(help="Only what this user did.")]
Agent = Annotated[str | None, typer.Option(help="Only what is about this agent.")]
Kind = Annotated[str | None, typer.Option(help="Only this kind of event: decision, answered, login-refused, …")]
Outcome = Annotated[str | None, typer.Option(help="Only this outcome: allow, deny, answered, unknown, …")]
Since = Annotated[str | None, typer.Option(metavar="TIME", help="From this moment on, like 2026-11-25 or with a time.")]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Before this moment; without a zone it is UTC.")]


@command(audit, "verify")
def verify_audit(run: Run) -> int:
    """Check that no record was changed, removed or added.

    Exit code 1 where one was.
    """
    with open_state(run.project(), run.workspace()) as state, run.progress() as progress:
        report = state.audit.verify(progress)
    text = f"The record is whole: {report.records} entries."
    if report.removed:
        text += f" The {report.removed} before them were removed because of their age; that is on record."
    if report.problem is not None:
        text = f"The record is not whole at {report.problem.sequence}: {report.problem.detail}"
    run.show(report, lambda console: console.print(text, markup=False))
    return 0 if report.ok else 1


@command(audit, "list")
def list_audit(
    run: Run,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    user: User = None,
    agent: Agent = None,
    kind: Kind = None,
    outcome: Outcome = None,
    since: Since = None,
    until: Until = None,
    question: Annotated[
        str | None, typer.Option(help="Only records of exactly this question; finds hashed ones as well.")
    ] = None,
) -> None:
    """List what was decided, newest first.

    Times are UTC. --json gives the records as they were written.
    """
    wanted = _filter(user, agent, kind, outcome, since, until, question)
    with open_state(run.project(), run.workspace()) as state:
        records = state.audit.records(limit, wanted)
    run.show_table(COLUMNS, [line_of(item) for item in records], records, "Nothing of that is on record.")


@command(audit, "export")
def export_audit(
    run: Run,
    user: User = None,
    agent: Agent = None,
    kind: Kind = None,
    outcome: Outcome = None,
    since: Since = None,
    until: Until = None,
) -> int:
    """Write the record to stdout, oldest first: one event of OCSF 1.3.0 a line; docs/audit.md says which class is what.

    The whole record is verified on the way. Where it is not what was written the export stops: exit code 1. With
    --json the lines are one JSON array.
    """
    wanted = _filter(user, agent, kind, outcome, since, until, None)
    with open_state(run.project(), run.workspace()) as state, run.progress() as progress:
        opening, between, closing = ("[\n", ",\n", "\n]\n") if run.json else ("", "\n", "\n")
        written = 0
        run.out.write(opening)
        try:
            for record in state.audit.walk(wanted, progress):
                run.out.write((between if written else "") + _exported(record))
                written += 1
        except IntegrityError as error:
            run.note(f"The export stopped: {error}")
            return 1
        finally:
            run.out.write(closing if written or run.json else "")
            run.out.flush()
    run.note(f"{written} events of a record that is whole.")
    return 0


@command(audit, "prune")
def prune_audit(run: Run) -> None:
    """Remove records older than audit.keep_days; the record says so and stays verifiable.

    `allotment serve` does it every day. Nothing is removed from a record that is not whole: exit code 1.
    """
    project = run.project()
    keep_days = project.audit.keep_days
    if keep_days is None:
        raise ProjectError(
            "says nothing, so every record stays.",
            element="audit.keep_days",
            remedy="Set the days records stay in allotment.yaml.",
        )
    with open_state(project, run.workspace()) as state, run.progress() as progress:
        pruned = state.audit.prune(state.databases.admin_dsn(), keep_days, progress)
    text = f"Nothing is older than {keep_days} days."
    if pruned.removed:
        text = f"Removed {pruned.removed} records, up to {pruned.through}; the record {pruned.record} says so."
    run.show(pruned, lambda console: console.print(text, markup=False))


def _exported(record: AuditRecord) -> str:
    from allotment.audit import ocsf

    return json.dumps(ocsf(record.sequence, record.at, record.event, record.mac), ensure_ascii=True)


def _filter(
    user: str | None,
    agent: str | None,
    kind: str | None,
    outcome: str | None,
    since: str | None,
    until: str | None,
    question: str | None,
) -> Filter:
    from allotment.audit import Filter

    return Filter(user, agent, kind, outcome, _moment("--since", since), _moment("--until", until), question)


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        raise ProjectError(
            "is no time.", element=f"{option} {text}", remedy="Write it like 2026-11-25 or 2026-11-25T14:30."
        ) from None

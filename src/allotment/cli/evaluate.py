"""``allotment evaluate``: does an agent know what it learnt; its neighbours ask whether it leaks and holds."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperCommand, TyperGroup

from allotment.cli._app import app, command
from allotment.cli._evaluate_finish import Baseline, Files, Html, Json, Junit, finish
from allotment.cli._names import agent_of
from allotment.cli._open import open_state
from allotment.cli._run import Run

if TYPE_CHECKING:
    from allotment.evaluation.report import Report

_AGENT = "AGENT"
"""Name of the command that an agent's own name leads to; agents are never written in capitals."""


class _AgentOrCommand(TyperGroup):
    """``evaluate NAME`` is a command where there is one of that name, else the evaluation of the agent NAME."""

    def resolve_command(self, ctx, args):  # type: ignore[no-untyped-def]  # the library's own types are not public
        """Find the command and what is left for it."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            return _AGENT, self.commands[_AGENT], args
        return super().resolve_command(ctx, args)


class _NamedByItsArgument(TyperCommand):
    """A command whose name in the usage line is its argument already."""

    def collect_usage_pieces(self, ctx):  # type: ignore[no-untyped-def]  # as above
        """What stands behind the name."""
        return [self.options_metavar]


evaluation = typer.Typer(
    name="evaluate",
    help="Does an agent know, does anything leak, does it hold: evaluations that end in a signed report.",
    rich_markup_mode=None,
    cls=_AgentOrCommand,
)
app.add_typer(evaluation)


@command(evaluation, _AGENT, _NamedByItsArgument)
def evaluate(
    run: Run,
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="An agent of allotment.yaml.")],
    quick: Annotated[bool, typer.Option("--quick", help="Ask 40 questions, spread over everything.")] = False,
    judge: Annotated[bool, typer.Option("--judge", help="Let a model judge the answers too: the teacher.")] = False,
    judge_model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Let this model judge in place of the teacher.")
    ] = None,
    html: Html = None,
    report: Json = None,
    junit: Junit = None,
    baseline: Baseline = None,
) -> int:
    """Measure what an agent knows: its base model and its adapter, each alone and with retrieval.

    Asked are held-out questions on trained facts, questions of unseen documents, questions without an answer, and a few
    of general knowledge. Answers are kept: the same command goes on where it was stopped. Exit code 0 where every check
    passed, else 1.
    """
    project, workspace = run.project(), run.workspace()
    agent_of(project, agent)
    from allotment.evaluation import QUICK, Options, Parts, evaluate_agent, keep_comparison
    from allotment.models import Engines

    judged_by = judge_model or (project.models.teacher if judge else None)
    options = Options(QUICK if quick else None, judged_by, _command(agent, quick, judged_by))
    with (
        open_state(project, workspace) as state,
        Engines(project.models.threads, adapter_server=project.models.adapter_server) as engines,
        run.progress() as progress,
    ):
        parts = Parts(project, workspace, engines, state.databases, state.audit)
        found = evaluate_agent(parts, agent, options, progress)
    if found.comparison is not None:
        keep_comparison(project, workspace, agent, found.comparison)
    if not run.json:
        _print(run, found.report)
    return finish(run, found.report, Files(html, report, junit, baseline), agent)


def _command(agent: str, quick: bool, judge: str | None) -> str:
    words = ["allotment", "evaluate", agent, *(["--quick"] if quick else [])]
    return " ".join([*words, *(["--judge-model", shlex.quote(judge)] if judge else [])])


def _print(run: Run, report: Report) -> None:
    shown = {table.name: table for table in report.tables}
    for name in ("knowledge", "saying-unknown", "agreement"):
        table = shown[name]
        run.show_table(table.columns, table.rows, None, "")
        run.note("")
    run.show_table(("check", "outcome", "detail"), [(c.title, c.outcome, c.detail) for c in report.checks], None, "")

"""``allotment evaluate``: does an agent know what it learnt; its neighbours ask whether it leaks and holds."""

from __future__ import annotations

from typing import Annotated

import typer
from typer.core import TyperCommand, TyperGroup

from allotment.cli._app import app, command
from allotment.cli._names import agent_of
from allotment.cli._open import open_state
from allotment.cli._run import Run

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
    run: Run, agent: Annotated[str, typer.Argument(metavar="AGENT", help="An agent of allotment.yaml.")]
) -> None:
    """Measure an agent's recall: base model and adapter side by side.

    The questions are those held out of training. The figures are kept beside the version, for the administration.
    """
    project, workspace = run.project(), run.workspace()
    agent_of(project, agent)
    from allotment.evaluation import keep_comparison, measure_agent
    from allotment.models import Engines

    with (
        open_state(project, workspace) as state,
        Engines(project.models.threads, adapter_server=project.models.adapter_server) as engines,
        run.progress() as progress,
    ):
        report = measure_agent(project, workspace, engines, state.audit, agent, progress)
    keep_comparison(project, workspace, agent, report)
    rows = [("base model", report.base.summary()), ("adapter", report.adapter.summary())]
    wrong = [(item.item.question, item.answer) for item in report.adapter.wrong]
    run.show_table(("model", "recall"), rows, report, "")
    if wrong and not run.json:
        run.show_table(("answered wrongly by the adapter", "its answer"), wrong, None, "")

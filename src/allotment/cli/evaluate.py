"""``allotment evaluate``: does an agent know what it learnt."""

from __future__ import annotations

from typing import Annotated

import typer

from allotment.cli._app import app, command
from allotment.cli._names import agent_of
from allotment.cli._open import open_state
from allotment.cli._run import Run


@command(app, "evaluate")
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

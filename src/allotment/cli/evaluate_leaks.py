"""``allotment evaluate leaks`` and ``canaries``: what every role gets to know of every reader set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from allotment.cli._app import command
from allotment.cli._evaluate_finish import Baseline, Files, Html, Json, Junit
from allotment.cli._names import agent_of
from allotment.cli._run import Run
from allotment.cli.evaluate import evaluation

if TYPE_CHECKING:
    from allotment.evaluation.report import Report


@command(evaluation, "leaks")
def evaluate_leaks(
    run: Run,
    quick: Annotated[
        bool, typer.Option("--quick", help="What fits in two minutes on two cores; the whole chain is left out.")
    ] = False,
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="AGENT", help="Try this agent alone.", show_default=False)
    ] = None,
    comparisons: Annotated[
        bool,
        typer.Option("--comparisons", help="Measure one model told everything, and one adapter of everything, too."),
    ] = False,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Draws what is asked for.")] = 0,
    html: Html = None,
    report: Json = None,
    junit: Junit = None,
    baseline: Baseline = None,
) -> None:
    """Try to get what only some roles may know to every other role, through the whole chain and below it.

    Below it: each adapter alone, each database account with raw SQL, the search with raw queries. The result is a
    signed report; exit 1 if anything leaks, or if it is not known. A run that was killed goes on where it stopped.
    """
    from allotment.cli._evaluate_finish import finish

    found = _measured(run, quick, agent, comparisons, seed)
    code = finish(run, found, Files(html, report, junit, baseline))
    if code:
        raise typer.Exit(code)


def _measured(run: Run, quick: bool, agent: str | None, comparisons: bool, seed: int) -> Report:
    project, workspace = run.project(), run.workspace()
    agents = (agent_of(project, agent),) if agent is not None else ()
    from allotment.cli._open import open_state
    from allotment.evaluation.leaks import measure_leaks
    from allotment.models import Engines

    with (
        workspace.lock("evaluation-leaks", timeout_s=1.0),
        open_state(project, workspace) as state,
        Engines(project.models.threads, adapter_server=project.models.adapter_server) as engines,
        run.progress() as progress,
    ):
        state.databases.provision()
        return measure_leaks(
            project,
            workspace,
            state.databases,
            state.audit,
            engines,
            agents=agents,
            quick=quick,
            comparisons=comparisons,
            seed=seed,
            command=_again(quick, agent, comparisons, seed),
            progress=progress,
        )


def _again(quick: bool, agent: str | None, comparisons: bool, seed: int) -> str:
    chosen = [("--quick", quick), (f"--agent {agent}", agent), ("--comparisons", comparisons), (f"--seed {seed}", seed)]
    return " ".join(["allotment evaluate leaks", *(words for words, is_so in chosen if is_so)])

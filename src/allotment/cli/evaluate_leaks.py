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
    from allotment.databases import Databases
    from allotment.evaluation.report import Report


@command(evaluation, "canaries")
def canaries(
    run: Run,
    plant: Annotated[
        bool, typer.Option("--plant", help="Write a page of invented facts into each set of documents.")
    ] = False,
    facts: Annotated[int | None, typer.Option(help="So many facts on each page; 6 without it.")] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Draws the facts, or which values are taken; without it facts nobody outside can know."),
    ] = None,
    uproot: Annotated[bool, typer.Option("--uproot", help="Take the pages of invented facts away again.")] = False,
) -> int:
    """List the canaries: values that only certain roles may know.

    They are looked for in the documents and tables, by reader set; what has none is said, and why. Exit code 1 where
    there is none at all.
    """
    from allotment.cli._evaluate_canaries import list_canaries, plant_facts, require_one, uproot_facts

    require_one(plant=plant, uproot=uproot, facts=facts, seed=seed)
    if plant:
        return plant_facts(run, facts, seed)
    return uproot_facts(run) if uproot else list_canaries(run, seed or 0)


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
) -> int:
    """Try to get what only some roles may know to every other role, through the whole chain and below it.

    Below it: each adapter alone, each database account with raw SQL, the search with raw queries. The result is a
    signed report; exit 1 if anything leaks, or if it is not known. A run that was killed goes on where it stopped.
    """
    from allotment.cli._evaluate_finish import finish

    found = _measured(run, quick, agent, comparisons, seed)
    return finish(run, found, Files(html, report, junit, baseline))


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
        _require_loaded(state.databases)
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


def _require_loaded(databases: Databases) -> None:
    """Nothing is provisioned here: that would mend a missing policy before anybody saw that it was missing."""
    from allotment.errors import MissingPartError

    for difference in databases.check():
        if difference.found == "not loaded yet":
            raise MissingPartError(
                "the database is not loaded yet.",
                element=difference.element,
                remedy="Run `allotment database provision`.",
            )


def _again(quick: bool, agent: str | None, comparisons: bool, seed: int) -> str:
    chosen = [("--quick", quick), (f"--agent {agent}", agent), ("--comparisons", comparisons), (f"--seed {seed}", seed)]
    return " ".join(["allotment evaluate leaks", *(words for words, is_so in chosen if is_so)])

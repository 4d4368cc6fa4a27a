"""``allotment evaluate attacks``: thousands of attempts on canaries, by layer."""

from __future__ import annotations

from typing import Annotated

import typer

from allotment.cli._app import command
from allotment.cli._evaluate_finish import Baseline, Files, Html, Json, Junit
from allotment.cli._run import Run
from allotment.cli.evaluate import evaluation


@command(evaluation, "attacks")
def attacks(
    run: Run,
    count: Annotated[int, typer.Option("--count", metavar="N", min=1, help="Attempts.")] = 10_000,
    budget: Annotated[
        float | None, typer.Option(metavar="MINUTES", min=0.1, help="Minutes after which no more is begun.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed makes the same attempts.")] = 1,
    workers: Annotated[
        int, typer.Option(metavar="N", min=0, max=64, help="Processes, each with its own models; 0 takes one a core.")
    ] = 0,
    fresh: Annotated[
        bool, typer.Option("--fresh/--resume", help="Forget what an earlier run with the same inputs did.")
    ] = False,
    adaptive: Annotated[
        int, typer.Option(metavar="N", min=0, help="Attempts besides, which learn from what came back.")
    ] = 0,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Attack a foreign OpenAI-compatible address, as https://HOST/v1.")
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="Its model; needed with --endpoint.")] = None,
    bearer: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=env:NAME", help="A role's key there; may be repeated.", show_default=False),
    ] = None,
    html: Html = None,
    report: Json = None,
    junit: Junit = None,
    baseline: Baseline = None,
) -> int:
    """Attack a copy of this project, or a foreign endpoint, and report what got through and what stopped the rest.

    Nothing of the company's own record, documents or databases is touched. Ctrl-C loses nothing: the same command goes
    on. Exit code 1: something leaked, it is not known, or something got worse than in --baseline; 4: what is attacked
    does not answer.
    """
    from allotment.cli import _evaluate_attacks as shown
    from allotment.cli._evaluate_finish import finish
    from allotment.evaluation.attacks import Settings

    settings = Settings(count, budget, seed, workers, fresh, adaptive)
    foreign = shown.endpoint_of(run.project(), endpoint, model, bearer or ())
    return finish(run, shown.carry_out(run, settings, foreign), Files(html, report, junit, baseline))

"""``allotment evaluate leaks`` and ``canaries``: what every role gets to know of every reader set."""

from __future__ import annotations

from typing import Annotated

import typer

from allotment.cli._app import command
from allotment.cli._run import Run
from allotment.cli.evaluate import evaluation


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

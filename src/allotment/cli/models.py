"""``allotment models``: the catalogue, what is here, and fetching."""

from __future__ import annotations

from typing import Annotated

import typer

from allotment.cli._app import command, group
from allotment.cli._run import Run

models = group("models", "The model catalogue and its files.")


@command(models, "list")
def list_models(run: Run) -> None:
    """List the models: which are here, how large, what licence."""
    from allotment.models import catalogue, is_present

    value = [
        {
            "name": name,
            "here": is_present(name),
            "size_bytes": entry.size_bytes,
            "licence": entry.licence,
            "use": entry.use,
            "sha256": entry.sha256,
            "path": str(entry.path),
        }
        for name, entry in sorted(catalogue().items())
    ]
    rows = [
        (item["name"], "yes" if item["here"] else "no", megabytes(item["size_bytes"]), item["licence"], item["use"])
        for item in value
    ]
    run.show_table(("model", "here", "size", "licence", "use"), rows, value, "The catalogue is empty.")


@command(models, "pull")
def pull_models(
    run: Run, names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Models of the catalogue.")]
) -> None:
    """Fetch models and verify their sha256.

    They lie in a cache that all projects share.
    """
    from allotment.models import find_model, pull

    for name in names:
        find_model(name)
    with run.progress(unit="bytes") as progress:
        paths = {name: str(pull(name, progress)) for name in names}
    run.show_table(("model", "file"), list(paths.items()), paths, "Nothing was asked for.")


def megabytes(size: object) -> str:
    """Bytes as ``253 MB``."""
    return f"{int(str(size)) / 1e6:.0f} MB"

"""What ``allotment evaluate canaries`` does: plant, take away, list."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from allotment.cli._run import Run, print_table
from allotment.errors import ProjectError

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.evaluation.canaries import CanarySet

_ORIGINS = ("planted", "document", "row")
_NEXT = """Next, so that the agents know them:
  allotment documents ingest
  allotment dataset generate AGENT
  allotment training run AGENT
`allotment evaluate canaries --uproot` takes the pages away again."""
_GONE = "Run `allotment documents ingest`; adapters that learnt them are stale until they are trained again."


def require_one(*, plant: bool, uproot: bool, facts: int | None, seed: int | None) -> None:
    """Refuse options that do not go together.

    Raises:
        ProjectError: they do not.
    """
    if plant and uproot:
        raise ProjectError("--plant writes the pages, --uproot takes them away.", remedy="Give one of them.")
    if facts is not None and not plant:
        raise ProjectError("--facts says how many are planted.", remedy="Give --plant with it, or leave it out.")
    if uproot and seed is not None:
        raise ProjectError("--uproot takes all pages away, whatever their seed.", remedy="Leave --seed out.")


def plant_facts(run: Run, facts: int | None, seed: int | None) -> int:
    """Plant, and say what comes next."""
    from allotment.evaluation.canaries import plant

    number = {} if facts is None else {"facts": facts}
    planted = plant(run.project(), run.workspace(), **number, seed=seed)
    rows = [(item.document_set, item.page, item.facts) for item in planted]
    run.show_table(("documents", "page", "facts"), rows, planted, "")
    run.note(_NEXT)
    return 0


def uproot_facts(run: Run) -> int:
    """Take the pages away, and say what comes next."""
    from allotment.evaluation.canaries import uproot

    pages = uproot(run.project(), run.workspace())
    run.show_table(("taken away",), [(page,) for page in pages], pages, "Nothing was planted.")
    if pages:
        run.note(_GONE)
    return 0


def list_canaries(run: Run, seed: int) -> int:
    """Look for them and count them by reader set and origin."""
    from allotment.evaluation.canaries import find_canaries

    project, workspace = run.project(), run.workspace()
    if not project.databases:
        found = find_canaries(project, workspace, None, seed=seed)
    else:
        from allotment.databases import Databases

        with Databases(project, workspace) as databases:
            databases.provision()
            found = find_canaries(project, workspace, databases, seed=seed)
    run.show(found, lambda console: _print(console, found))
    if not found.canaries:
        run.note("There are no canaries. `allotment evaluate canaries --plant` invents some.")
    return 0 if found.canaries else 1


def _print(console: Console, found: CanarySet) -> None:
    counts = Counter[tuple[str, str]]((canary.set_name, canary.origin) for canary in found.canaries)
    names = sorted({name for name, _ in counts})
    rows = [(name, *(counts[name, origin] for origin in _ORIGINS)) for name in names]
    print_table(console, ("may know", "planted", "in documents", "in tables"), rows, "")
    for sentence in found.lacking:
        console.print(f"none: {sentence}", markup=False)

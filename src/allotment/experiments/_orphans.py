"""Rented machines that are still up, whoever started them and whatever became of him."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from allotment.experiments import _supervise
from allotment.experiments._journal import Journal
from allotment.experiments._plan import experiments_dir, run_folder
from allotment.experiments._pods import RENTED, tag_of
from allotment.experiments._sky import Machine, Sky
from allotment.workspace import Workspace


@dataclass(frozen=True)
class Orphan:
    """A machine of this project that is up."""

    machine: str
    experiment: str
    """Empty if no experiment here knows of it."""
    state: str
    since: str
    """When it was rented, UTC; empty if nobody here knows."""
    usd_per_hour: float | None
    known: bool
    """Whether a run at work is on it; one that is not known does nothing but bill."""
    ended: bool = False


def find_orphans(workspace: Workspace, *, stop: bool = False) -> list[Orphan]:
    """Machines of this project that SkyPilot knows of, found by the tag in their names.

    Args:
        workspace: of the project.
        stop: end them all, those at work too.

    Raises:
        MissingPartError: SkyPilot is not installed, does not answer, or could not end one.
    """
    sky = Sky()
    home = experiments_dir(workspace)
    known = _rented(workspace)
    found = [_orphan(machine, known) for machine in sky.machines(tag_of(home / "any"))]
    if stop:
        for one in found:
            sky.down(one.machine)
    return [Orphan(**{**vars(one), "ended": stop}) for one in found]


def _orphan(machine: Machine, known: dict[str, tuple[str, float, float | None, bool]]) -> Orphan:
    experiment, at, price, at_work = known.get(machine.name, ("", 0.0, None, False))
    since = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") if at else ""
    return Orphan(machine.name, experiment, machine.state, since, price, at_work)


def _rented(workspace: Workspace) -> dict[str, tuple[str, float, float | None, bool]]:
    """Machine → experiment, when it was rented, its price, and whether its run is at work."""
    found: dict[str, tuple[str, float, float | None, bool]] = {}
    for home in sorted(path.parent for path in experiments_dir(workspace).glob("*/plan.json")):
        for state in Journal(home).runs.values():
            told = _supervise.read_json(run_folder(home, state.id) / RENTED)
            last = state.last
            if told and last is not None:
                at_work = last.ended is None and last.number == told["attempt"]
                found[str(told["machine"])] = (home.name, float(told["at"]), last.usd_per_hour, at_work)
    return found

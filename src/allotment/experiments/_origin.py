"""From a run of an experiment to what an adapter is made from."""

from __future__ import annotations

from dataclasses import dataclass

from allotment.errors import MissingPartError, ProjectError
from allotment.experiments import _supervise
from allotment.experiments._plan import PlannedRun, experiments_dir, load_plan, run_folder
from allotment.experiments._planning import project_of
from allotment.experiments._service import load_table
from allotment.project import Project, TrainingConfig
from allotment.training import ExperimentOrigin
from allotment.workspace import Workspace

BEST = "best"


@dataclass(frozen=True)
class Winner:
    """A run that is to become its agent's adapter."""

    project: Project
    """With its base model and settings."""
    origin: ExperimentOrigin


def origin_of(project: Project, workspace: Workspace, identity: str, agent: str) -> Winner:
    """The run ``EXPERIMENT/RUN``; its number, or ``best`` for the one the table keeps, stands for its id as well.

    Raises:
        ProjectError: the experiment is another agent's, or the run did not end well.
        MissingPartError: there is no such experiment or run, or none has ended well.
    """
    name, _, wanted = identity.partition("/")
    table, plan = load_table(workspace, name), load_plan(experiments_dir(workspace) / name)
    if table.agent != agent:
        raise ProjectError(
            f"the experiment is of the agent {table.agent!r}, not {agent!r}.",
            element=identity,
            remedy=f"Run `allotment training run {table.agent} --from-experiment {identity}`.",
        )
    if wanted in ("", BEST):
        if table.keep is None:
            raise MissingPartError(
                "no run has ended well.", element=name, remedy=f"See `allotment experiments table {name}`."
            )
        wanted = table.keep.run.partition("/")[2]
    run = plan.run(wanted)
    row = next(row for row in table.rows if row.number == run.number)
    if not row.is_done:
        raise ProjectError(
            f"the run is {row.state}: only one that ended well becomes an adapter.",
            element=row.id,
            remedy=f"See `allotment experiments table {name}`.",
        )
    is_kept = table.keep is not None and table.keep.run == row.id
    reason = table.keep.reason if is_kept and table.keep else "chosen by hand"
    training = TrainingConfig.model_validate(run.training)
    return Winner(
        project_of(project, run.base, training),
        _origin(workspace, name, run, table.file_sha256, table.decide, row.value(table.decide), reason),
    )


def _origin(
    workspace: Workspace, name: str, run: PlannedRun, file_sha256: str, decide: str, value: float | None, reason: str
) -> ExperimentOrigin:
    folder = run_folder(experiments_dir(workspace) / name, run.id)
    work, spec = folder / _supervise.WORK, _supervise.read_json(folder / _supervise.SPEC)
    measured = _supervise.read_json(folder / _supervise.RESULT).get("measured")
    is_here = isinstance(measured, dict) and ((work / "peft").is_dir() or (work / "changed").is_dir())
    return ExperimentOrigin(
        id=f"{name}/{run.id}",
        file_sha256=file_sha256,
        decided_by=decide,
        value=value,
        reason=reason,
        inputs=str(spec.get("inputs", "")),
        work=work if is_here else None,
        measured=dict(measured) if isinstance(measured, dict) else {},
        predicted=run.estimate,
    )

"""One call that carries an experiment out, from its file to its last run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from allotment.errors import IntegrityError, MissingPartError, ProjectError
from allotment.experiments._driver import Driver
from allotment.experiments._executor import Executor
from allotment.experiments._journal import Journal
from allotment.experiments._local import Local
from allotment.experiments._outcome import IsRight, read_outcome
from allotment.experiments._plan import Plan, experiments_dir, load_plan, save_plan
from allotment.experiments._planning import Experiment
from allotment.experiments._prepare import Preparer
from allotment.project import Project
from allotment.workspace import Workspace

Tell = Callable[[Plan, Journal, str], None]


def run_experiment(
    project: Project,
    workspace: Workspace,
    experiment: Experiment,
    *,
    is_right: IsRight,
    tell: Tell = lambda plan, journal, news: None,
    executor: Executor | None = None,
) -> Journal:
    """Carry an experiment out, or go on with one that was begun: what runs is found again, what is done is kept.

    A ``KeyboardInterrupt`` ends what is at work; a driver that is killed outright leaves it running.

    Args:
        project: the project.
        workspace: its workspace.
        experiment: see ``plan_experiment``.
        is_right: whether an answer holds a value.
        tell: told after each round, and of news in words.
        executor: where runs go; as the plan says if none.

    Raises:
        ProjectError: another command carries an experiment of this name out, or it is another file's.
        MissingPartError: what the executor takes is not here, or its machines are gone; what runs goes on.
    """
    plan = experiment.plan
    home = experiments_dir(workspace) / plan.name
    with _alone(workspace, plan), _opened(experiment, home, executor) as place:
        _require_same_executor(home, plan)
        save_plan(home, plan)
        preparer = Preparer(project, workspace, experiment)
        values = {item.id: item.value for item in preparer.questions()}
        driver = Driver(
            plan,
            home,
            place,
            prepare=preparer,
            read=partial(read_outcome, values=values, is_right=is_right),
            tell=tell,
            overhead_s=_overhead_s(experiment),
        )
        try:
            driver.run()
        except KeyboardInterrupt:
            driver.stop()
            raise
        return driver.journal


@contextmanager
def _alone(workspace: Workspace, plan: Plan) -> Iterator[None]:
    home = experiments_dir(workspace) / plan.name
    with workspace.lock(f"experiment-{plan.name}", timeout_s=0.2):
        try:
            other = Path(load_plan(home).path)
        except (MissingPartError, IntegrityError):
            other = Path(plan.path)
        if other != Path(plan.path) and other.exists():
            raise ProjectError(
                f"an experiment {plan.name!r} is there already, of the file {other}.",
                element=plan.path,
                remedy="Write another `name:` in the file.",
            )
        yield


def _require_same_executor(home: Path, plan: Plan) -> None:
    """Runs at work can be found by who started them alone."""
    others = {
        state.at_work.executor
        for state in Journal(home).runs.values()
        if state.at_work is not None and state.at_work.executor != plan.executor
    }
    if others:
        name = min(others)
        raise ProjectError(
            f"runs of this experiment were started by the executor {name!r} and may still be at work.",
            element=plan.name,
            remedy=f"Run it with `--executor {name}` until they have ended, or stop that with Ctrl-C.",
        )


@contextmanager
def _opened(experiment: Experiment, home: Path, given: Executor | None) -> Iterator[Executor]:
    place = given or _executor(experiment, home)
    try:
        yield place
    finally:
        place.close()


def _executor(experiment: Experiment, home: Path) -> Executor:
    file, name = experiment.file, experiment.plan.executor
    if name == "ray":
        from allotment.experiments._ray import RayTasks

        return RayTasks(file.ray, in_flight=file.limits.in_flight, on_cards=experiment.place.device == "cuda")
    if name == "pods":
        from allotment.experiments._pods import Pods

        assert file.pods is not None
        return Pods(file.pods, home, in_flight=file.limits.in_flight)
    return Local(file.limits.in_flight)


def _overhead_s(experiment: Experiment) -> float:
    pods = experiment.file.pods
    return pods.startup_minutes * 60 if experiment.plan.executor == "pods" and pods else 0.0

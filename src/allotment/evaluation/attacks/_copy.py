"""A real copy of a project to be attacked: its documents, adapters and databases, on a server of its own.

Nothing that the company uses is written to, and nothing of its record or its databases is asked.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from allotment.audit import AuditLog
from allotment.databases import Databases, EmbeddedServer
from allotment.documents import ingest, load_documents
from allotment.errors import AllotmentError, ProjectError
from allotment.evaluation.attacks._credentials import Credentials, make_users
from allotment.evaluation.attacks._planting import plant_documents, plant_file_rows, plant_rows
from allotment.evaluation.attacks._plants import Plants
from allotment.evaluation.canaries import DECLARED
from allotment.project import Limit, LimitsConfig, Project
from allotment.training import current_version
from allotment.workspace import Workspace

_KEPT = ("sections.jsonl", "documents.jsonl", "dataset", "routing", "evaluation/planted.json")
"""What of the workspace is copied as it is, beside adapters and keys."""
_KEYS = ("manifest.key", "pseudonyms.key")
"""Without the first no manifest verifies, without the second names are replaced otherwise than in what was learnt."""
_NO_DOCUMENTS = frozenset({".allotment", ".git"})
Part = TypeVar("Part", bound=BaseModel)
_PLENTY = Limit(requests_per_minute=1_000_000, tokens_per_day=10**12, concurrent=100_000, usd_per_month=10**9)
EASED = (
    "Limits of requests, tokens and database time were lifted in the copy, so that they stop nothing; they are not"
    " tested here."
)


@dataclass(frozen=True)
class Copy:
    """A project's copy, ready to be asked."""

    project: Project
    """As declared, but for what cannot be copied and what bounds how much is asked."""
    credentials: dict[str, Credentials]
    """Role → those of its attacker."""
    not_tested: tuple[str, ...]


@dataclass(frozen=True)
class Opened:
    """A copy whose databases run; what is to be planted may be chosen from them."""

    project: Project
    databases: Databases
    not_tested: list[str]

    @property
    def workspace(self) -> Workspace:
        """Where its artefacts lie."""
        return Workspace(self.project.root)

    def finish(self, plants: Plants) -> Copy:
        """Put the planted documents and rows in, read everything, and make the users."""
        project, databases = self.project, self.databases
        self.not_tested.extend(plant_documents(project, plants.documents))
        self.not_tested.extend(plant_file_rows(project, plants.rows))
        ingest(project, self.workspace)
        databases.provision()
        self.not_tested.extend(plant_rows(project, databases, plants.rows))
        databases.sections.sync()
        with AuditLog.of(project, self.workspace, databases.state_dsn) as audit:
            audit.migrate(databases.admin_dsn())
        return Copy(project, make_users(project, databases), tuple(self.not_tested))


@contextmanager
def open_copy(project: Project, workspace: Workspace, folder: Path) -> Iterator[Opened]:
    """Copy a project into ``folder`` and start its databases; afterwards nothing of it is left, errors or not.

    Raises:
        ProjectError: documents lie outside the project's folder, so a copy would be no copy.
    """
    remove_copy(folder)
    with ExitStack() as stack:
        stack.callback(remove_copy, folder)
        copied, not_tested = _in_copy(project, folder)
        _copy_documents(project, workspace, folder)
        _copy_files(project, copied, folder)
        _copy_workspace(project, workspace, folder)
        databases = stack.enter_context(Databases(copied, Workspace(folder)))
        databases.provision()
        yield Opened(copied, databases, [EASED, *not_tested])


def remove_copy(folder: Path) -> None:
    """Remove what is left of a copy, and stop its server; nothing where there is none."""
    if not (folder / ".allotment").is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        return
    EmbeddedServer(Workspace(folder)).remove()
    shutil.rmtree(folder)


def remove_leftovers(runs: Path) -> None:
    """Remove the copies of runs that were killed; one that another process uses stays."""
    for folder in runs.glob("*/copy"):
        try:
            remove_copy(folder)
        except AllotmentError:
            continue


def _in_copy(project: Project, folder: Path) -> tuple[Project, list[str]]:
    """The project as it is in its copy, and a sentence for each part that cannot be copied."""
    foreign = {name for name, config in project.databases.items() if config.url is not None}
    limits = project.gateway.limits
    lifted = LimitsConfig(user=_PLENTY, role=_PLENTY, agent=_PLENTY, tokens_reserved=limits.tokens_reserved)
    lifted = lifted.model_copy(update={"answers": limits.answers, "queue": limits.queue, "wait_s": limits.wait_s})
    limited = project.database_limits.model_copy(update={"database_s_per_minute": 1e9})
    root = project.root
    changes = {
        "root": folder,
        "state": None,
        "gateway": project.gateway.model_copy(update={"limits": lifted, "otlp": None}),
        "database_limits": limited,
        "databases": _databases(project, foreign),
        "accounts": {name: own for name, own in project.accounts.items() if own.database not in foreign},
        "agents": _agents(project, foreign),
        "guards": _guards(project, root),
        "personal_data": _absolute(project.personal_data, root, "names"),
    }
    told = [f"The database {name!r} is on a server of its own and cannot be copied: no row of it." for name in foreign]
    told += ["The state was kept on the copy's own server."] if project.state is not None else []
    return project.model_copy(update=changes), sorted(told)


def _databases(project: Project, foreign: Collection[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, config in project.databases.items():
        if config.load is not None:
            found[name] = config.model_copy(update={"load": project.root / config.load})
        elif config.file is not None:
            found[name] = config.model_copy(update={"file": _database_file(name, config.file)})
    return {name: config for name, config in found.items() if name not in foreign}


def _database_file(name: str, file: Path) -> Path:
    return Path(".allotment") / "attacked" / name / file.name


def _agents(project: Project, foreign: Collection[str]) -> dict[str, object]:
    def account(name: str | None) -> str | None:
        return None if name is None or project.accounts[name].database in foreign else name

    return {
        name: agent.model_copy(update={"account": account(agent.account)}) for name, agent in project.agents.items()
    }


def _guards(project: Project, root: Path) -> object:
    guards = _absolute(project.guards, root, "classifier")
    if project.guards.hub_classifier is None:
        return guards
    hub = _absolute(project.guards.hub_classifier, root, "folder")
    return guards.model_copy(update={"hub_classifier": hub})


def _absolute(part: Part, root: Path, name: str) -> Part:
    """The part with a path that is only read where the company has it."""
    value = getattr(part, name)
    return part.model_copy(update={name: root / value}) if value is not None else part


def _copy_documents(project: Project, workspace: Workspace, folder: Path) -> None:
    """Every document set with the files that say who reads it; links become files, where the ingest followed them."""
    read = {record.path for record in load_documents(workspace) if record.state == "done"}
    for name, config in sorted(project.documents.items()):
        source, target = project.root / config.path, folder / config.path
        if config.path.is_absolute() or ".." in config.path.parts:
            raise ProjectError(
                "lies outside the project's folder, so there can be no copy of it to attack.",
                element=f"documents.{name}",
                remedy="Move the documents into the folder of allotment.yaml.",
            )
        if not source.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            continue
        shutil.copytree(source, target, ignore=_left_out(project.root, read), dirs_exist_ok=True)


def _left_out(root: Path, read: Collection[str]) -> Callable[[str, list[str]], set[str]]:
    """What ``copytree`` passes over: what is no document, and links that were not followed when it was read."""

    def left(folder: str, names: list[str]) -> set[str]:
        paths = {name: Path(folder) / name for name in names}
        links = {name for name, path in paths.items() if path.is_symlink()}
        return (set(names) & _NO_DOCUMENTS) | {
            name for name in links if paths[name].relative_to(root).as_posix() not in read
        }

    return left


def _copy_files(project: Project, copied: Project, folder: Path) -> None:
    _copy_either(project.root / DECLARED, folder / DECLARED)
    for name, config in copied.databases.items():
        source = project.databases[name].file
        if config.file is not None and source is not None:
            (folder / config.file).parent.mkdir(parents=True)
            shutil.copyfile(project.root / source, folder / config.file)


def _copy_workspace(project: Project, workspace: Workspace, folder: Path) -> None:
    home = folder / ".allotment"
    for name in _KEPT:
        _copy_either(workspace.home / name, home / name)
    secrets = home / "secrets"
    secrets.mkdir(parents=True, mode=0o700)
    for key in _KEYS:
        _copy_either(workspace.secret_file(key), secrets / key)
    for agent in project.agents:
        version = current_version(workspace, agent)
        if version is not None:
            for part in (version, "current"):
                _copy_either(workspace.adapters_dir(agent) / part, home / "adapters" / agent / part)


def _copy_either(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)

"""One project being served: opened, watched, and put in another's place while requests run."""

from __future__ import annotations

import gc
import hashlib
import os
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from allotment.access import Policy, Principal
from allotment.cli._feedback import open_feedback, review_of
from allotment.cli._history import open_history
from allotment.cli._open import open_chain
from allotment.errors import AllotmentError, ProjectError
from allotment.gateway import (
    AdminParts,
    Gate,
    GatedChain,
    Operations,
    Serving,
    Switch,
    create_app,
    hosts_of,
    open_limiter,
)
from allotment.gateway import allows as allows_of
from allotment.project import PROJECT_FILE, load_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from allotment.cli._open import OpenChain
    from allotment.project import Project
    from allotment.workspace import Workspace

END_MARK = "..."
"""YAML's end of a document. A file cut off anywhere does not end with it."""
_FIXED = ("workers", "metrics_port", "otlp", "forwarded_allow_ips", "log")
"""Keys of ``gateway`` that belong to the process and cannot change while it runs."""
MANIFESTS_GOOD_FOR_S = 0.5
"""Seconds after which a changed document makes its adapter stale at the latest: many questions share one look."""
_COLLECT_EVERY = 20_000
"""Objects made since the last collection; Python's own 700 are for small programs."""
NOBODY = Principal("", "")
"""Whose doing a reload is on record as: nobody who logged in."""


@dataclass(frozen=True)
class Opened:
    """A project open for questions, and its application."""

    project: Project
    chain: OpenChain
    serving: Serving


def open_serving(folder: Path, host: str, operations: Operations, project: Project | None = None) -> Opened:
    """Open the project of a folder, as read now or before; ``serving.close`` gives everything back."""
    from allotment.audit import Retention, record_event
    from allotment.databases import Refresher

    with ExitStack() as stack:
        opened = stack.enter_context(open_chain(folder, project, manifests_good_for_s=MANIFESTS_GOOD_FOR_S))
        opened.chain.make_ready()
        project, state = opened.project, opened.state
        stack.enter_context(Refresher(state.databases.sections.refresh))
        stack.enter_context(Retention(state.audit, state.databases.admin_dsn(), project.audit.keep_days))
        record = partial(record_event, state.audit)
        limiter = stack.enter_context(open_limiter(state.databases.state_dsn, project, record))
        history = stack.enter_context(open_history(opened))
        feedback = stack.enter_context(open_feedback(state))
        gate = Gate()
        app = create_app(
            GatedChain(opened.chain, gate),
            state.users,
            title=project.name,
            ready=opened.missing,
            policy=Policy.of(project),
            record=record,
            limiter=limiter,
            operations=operations,
            timeouts=project.gateway.timeouts,
            answers=project.answers,
            history=history,
            feedback=feedback,
            allowed_hosts=hosts_of(project.gateway, host),
            tls=project.gateway.tls,
            administration=AdminParts(
                project=project,
                workspace=opened.workspace,
                audit=state.audit,
                previews=opened.chain,
                databases=state.databases,
                watch=opened.accounts.watch,
                engines=opened.engines,
                feedback=review_of(state, opened.workspace, feedback),
            ),
        )
        serving = Serving(app, gate, limiter, stack.pop_all().close)
        return Opened(project, opened, serving)


def leave_alone_what_stays() -> None:
    """Keep the collector from walking through indexes and models again and again: a fifth of an answer's time.

    Called again, it first lets go of what was left alone before and is of no use any more.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY, 20, 20)


class Reloader:
    """Puts a changed ``allotment.yaml`` in force in three steps; see ``allotment.gateway.operations._reload``."""

    def __init__(
        self,
        folder: Path,
        host: str,
        operations: Operations,
        opened: Opened,
        switch: Switch,
        tell: Callable[[str], None],
    ) -> None:
        """``tell`` is told what came of each reload."""
        self._folder = folder
        self._host = host
        self._operations = operations
        self._opened = opened
        self._switch = switch
        self._tell = tell
        self._lock = threading.Lock()
        self._prepared: Complete | None = None

    @property
    def opened(self) -> Opened:
        """What is in force."""
        return self._opened

    def __call__(self) -> None:
        """Reload; whatever goes wrong leaves what was in force."""
        with self._lock:
            if self.prepare() is not None:
                self.commit()

    def prepare(self) -> str | None:
        """Read and check the new file, and stop what it forbids; its SHA-256, or none if it cannot be put in force.

        What is put in force later is what was read here, whatever becomes of the file.
        """
        try:
            complete = read_complete(self._folder)
            new = complete.project
            _need_the_same_process(self._opened.project, new)
            _need_answers(new, self._opened.chain.workspace)
        except Exception as error:  # whatever it is, what is in force stays
            self._refused(error)
            return None
        self._prepared = complete
        allows = allows_of(Policy.of(new), partial(_is_same, self._opened.project, new))
        ended = self._opened.serving.gate.narrow(allows, self._operations.running)
        if ended:
            self._tell(f"Answers that {PROJECT_FILE} does not allow any more were ended: {ended}.")
        return complete.sha256

    def commit(self) -> bool:
        """Make the accounts as the new file says, and put it in force; returns whether it is."""
        try:
            self._put_in_force()
        except Exception as error:  # whatever it is, the gate must not stay half open
            return self._restore(error)
        return True

    def follow(self) -> bool:
        """Like ``commit``, after another process did: the accounts are never made as the old file says again."""
        try:
            self._put_in_force()
        except Exception as error:  # the supervisor stops this worker
            return self._refused(error)
        return True

    def _put_in_force(self) -> None:
        if self._prepared is None:
            raise ProjectError("nothing was prepared.", element=PROJECT_FILE)
        prepared, self._prepared = self._prepared, None
        before = set(self._opened.chain.accounts.watch.problems())
        new = open_serving(self._folder, self._host, self._operations, prepared.project)
        try:
            self._need_sound(new, before)
            record = _reloaded(new, prepared.sha256)
        except BaseException:
            new.serving.close()
            raise
        self._switch.replace(new.serving)
        self._opened = new
        leave_alone_what_stays()
        self._operations.metrics.reloaded("done")
        self._tell(f"{PROJECT_FILE} was loaded anew and is in force (record {record}).")

    def drop(self) -> None:
        """What was prepared is not put in force."""
        self._prepared = None
        self._opened.serving.gate.widen()

    def _need_sound(self, new: Opened, before: set[str]) -> None:
        accounts = new.chain.accounts
        if accounts.fault is not None:
            raise accounts.fault
        worse = [problem for problem in accounts.watch.problems() if problem not in before]
        if worse:
            raise ProjectError(f"the databases are not as it declares: {'; '.join(worse)}.")

    def _restore(self, error: Exception) -> bool:
        """The accounts as the project in force declares them; where that fails, its own self-check closes them."""
        state = self._opened.chain.state
        try:
            state.databases.provision()
        except AllotmentError as fault:
            self._tell(f"The accounts could not be made as before: {fault}")
        self._opened.chain.accounts.watch.look()
        self._opened.serving.gate.widen()
        return self._refused(error)

    def _refused(self, error: Exception) -> bool:
        from allotment.audit import record_event

        self._operations.metrics.reloaded("refused")
        self._tell(f"{PROJECT_FILE} was not loaded anew; what was in force still is. {error}")
        detail = {"outcome": "refused", "why": str(error), "process": os.getpid()}
        try:
            record_event(self._opened.chain.state.audit, NOBODY, "reloaded", detail)
        except AllotmentError as fault:
            self._tell(str(fault))
        return False


@dataclass(frozen=True)
class Complete:
    """A project whose file was written to its end, and the hash of that file."""

    project: Project
    sha256: str


def read_complete(folder: Path) -> Complete:
    """The project of a folder whose file was written to its end.

    Raises:
        ProjectError: it is wrong, or may be half of what somebody is writing.
    """
    path = folder.resolve() / PROJECT_FILE
    text = path.read_text(encoding="utf-8", errors="replace")
    if not text.endswith(f"\n{END_MARK}\n"):
        raise ProjectError(
            f"the file does not end with a line {END_MARK!r}, so it may be half of what is being written.",
            element=str(path),
            remedy=f"End it with a line that says {END_MARK} and nothing else: YAML's end of a document.",
        )
    project = load_project(folder)
    if path.read_text(encoding="utf-8", errors="replace") != text:
        raise ProjectError("the file changed while it was read.", element=str(path), remedy="Reload it again.")
    return Complete(project, hashlib.sha256(text.encode("utf-8")).hexdigest())


def _need_the_same_process(old: Project, new: Project) -> None:
    changed = [f"gateway.{key}" for key in _FIXED if getattr(old.gateway, key) != getattr(new.gateway, key)]
    changed += ["state"] if old.state != new.state else []
    if changed:
        raise ProjectError(f"{', '.join(changed)} cannot change while it serves.", remedy="Restart it instead.")


def _need_answers(project: Project, workspace: Workspace) -> None:
    from allotment.answering import blocking_error, find_faults, routing_fault

    blocked = blocking_error(project, project.agents, find_faults(project, workspace, project.agents))
    blocked = blocked or routing_fault(workspace)
    if blocked is not None:
        raise blocked


def _is_same(old: Project, new: Project, agent: str) -> bool:
    """Whether an agent is made of the same documents and rows in both; whom it serves is another matter."""
    if agent not in old.agents or agent not in new.agents:
        return False
    before, after = old.agents[agent], new.agents[agent]
    documents = all(old.documents[name] == new.documents.get(name) for name in before.documents)
    if before.documents != after.documents or before.account != after.account or not documents:
        return False
    if before.account is None:
        return True
    mine, theirs = old.accounts[before.account], new.accounts[before.account]
    return mine == theirs and old.databases[mine.database] == new.databases[theirs.database]


def _reloaded(new: Opened, sha256: str) -> int:
    from allotment.audit import record_event

    detail = {"outcome": "done", "sha256": sha256, "process": os.getpid()}
    return record_event(new.chain.state.audit, NOBODY, "reloaded", detail)

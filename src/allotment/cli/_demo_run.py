"""The demo: the whole chain on a copy of the example company, each step shown with its time and result.

A step that is finished is known by the hash of its inputs and not done again; a killed demo goes on.
"""

from __future__ import annotations

import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from allotment.cli._open import State, open_state
from allotment.cli._progress import Progress, duration
from allotment.errors import ProjectError
from allotment.project import PROJECT_FILE, Project, load_project
from allotment.workspace import Workspace, hash_file, write_atomic

if TYPE_CHECKING:
    from allotment.answering import Answer

_EXAMPLE = "northwind"
_LOGINS = "logins.txt"


def run_demo(folder: Path, console: Console) -> int:
    """Run every step in ``folder``; returns 1 when somebody got an answer that his role may not have, else 0.

    A fact an adapter did not learn is shown as such and is no failure of the demo.
    """
    started = time.monotonic()
    project = _project(folder)
    workspace = Workspace(project.root)
    steps = _Steps(console, workspace)
    console.print(Text(f"{project.name}: {len(project.agents)} agents for {len(project.roles)} roles, in {folder}"))
    with workspace.lock("demo", timeout_s=1.0):
        _pull_models(project, steps)
        _ingest(project, workspace, steps)
        _generate(project, workspace, steps)
        _train(project, workspace, steps)
        breaches = _ask_everything(project, workspace, steps, console)
    console.print(Text(f"\nDone in {duration(round(time.monotonic() - started))}."))
    console.print(Text(f"Now open the chat page:  allotment -C {folder} serve"))
    console.print(Text(f"Names and passwords:     {workspace.home / 'secrets' / _LOGINS}"))
    return 1 if breaches else 0


class _Steps:
    """Shows steps: a progress bar while one runs, then one line with its time and result."""

    def __init__(self, console: Console, workspace: Workspace) -> None:
        self.console = console
        self.workspace = workspace
        self._number = 0

    @contextmanager
    def step(self, title: str) -> Iterator[_Shown]:
        self._number += 1
        shown = _Shown()
        began = time.monotonic()
        with Progress(sys.stderr) as progress:
            shown.progress = progress
            yield shown
        line = f"{self._number}. {title}: {shown.result} ({duration(round(time.monotonic() - began))})"
        self.console.print(Text(line), soft_wrap=True)


class _Shown:
    """A step on its way."""

    progress: Callable[[str, int, int], None]
    result = "done"


def _project(folder: Path) -> Project:
    if not (folder / PROJECT_FILE).exists():
        if folder.exists() and any(folder.iterdir()):
            raise ProjectError(
                "holds other files already.", element=str(folder), remedy="Name an empty or a new folder."
            )
        with as_file(files("allotment.examples") / _EXAMPLE) as example:
            staged = folder.with_name(f".{folder.name}.partial")
            shutil.rmtree(staged, ignore_errors=True)
            shutil.copytree(example, staged)
            if folder.exists():
                folder.rmdir()
            staged.rename(folder)
    return load_project(folder)


def _pull_models(project: Project, steps: _Steps) -> None:
    from allotment.models import is_present, pull

    names = sorted({project.models.teacher, project.models.base, project.models.sql})
    with steps.step("Models") as shown:
        here = [name for name in names if is_present(name)]
        for name in names:
            pull(name, shown.progress)
        shown.result = f"{', '.join(names)}; {len(here)} were here already"


def _ingest(project: Project, workspace: Workspace, steps: _Steps) -> None:
    from allotment.documents import ingest

    with steps.step("Documents") as shown:
        report = ingest(project, workspace, shown.progress)
        shown.result = f"{report.done} read into {report.sections} sections, {report.failed} failed"
        if report.failed or report.skipped:
            shown.result += f", {report.skipped} skipped: see `allotment documents list`"


def _generate(project: Project, workspace: Workspace, steps: _Steps) -> None:
    from allotment.dataset import generate, plan, stats
    from allotment.models import Engines

    with Engines(threads=project.models.threads) as engines:
        for agent in project.agents:
            with steps.step(f"Dataset of {agent}") as shown:
                calls = plan(project, workspace, agent).calls
                if calls or not (workspace.dataset_dir(agent) / "items.jsonl").exists():
                    generate(project, workspace, agent, engines.get(project.models.teacher), shown.progress)
                found = stats(workspace, agent)
                shown.result = (
                    f"{found.accepted} of {found.asked} facts accepted, {found.train} questions to train on,"
                    f" {found.held_out} held out, {calls} calls to the teacher"
                )


def _train(project: Project, workspace: Workspace, steps: _Steps) -> None:
    from allotment.training import run

    for agent in project.agents:
        with steps.step(f"Adapter of {agent}") as shown:
            result = run(project, workspace, agent, shown.progress)
            measured = result.manifest.measured
            how = "already trained" if result.reused else f"trained at {measured['tokens_per_second']} tokens a second"
            shown.result = (
                f"{result.manifest.version} {how}, {measured['examples']} examples, {measured['epochs']} epochs,"
                f" loss {measured['final_loss']}; may be asked by {', '.join(result.manifest.clearance)}"
            )


def _ask_everything(project: Project, workspace: Workspace, steps: _Steps, console: Console) -> int:
    from allotment.models import Engines

    with ExitStack() as stack:
        with steps.step("Database") as shown:
            state = stack.enter_context(open_state(project, workspace))
            state.databases.provision()
            for difference in state.databases.check():
                raise ProjectError(
                    f"expected {difference.expected}, found {difference.found}.",
                    element=difference.element,
                    remedy="See `allotment database check`.",
                )
            shown.result = f"{len(project.accounts)} accounts with their own grants and row policies, checked"
        _add_users(project, workspace, state, steps)
        engines = stack.enter_context(Engines(threads=project.models.threads))
        _measure(project, workspace, state, engines, steps, console)
        rows = _asks(project, workspace, state, engines, steps)
        with steps.step("Record") as shown:
            report = state.audit.verify()
            shown.result = f"{report.records} records, {'whole' if report.ok else 'NOT whole: ' + str(report.problem)}"
    _show_answers(console, rows)
    return sum(row["breach"] for row in rows)


def _add_users(project: Project, workspace: Workspace, state: State, steps: _Steps) -> None:
    """Make the declared users with random passwords, kept for the owner of the folder alone."""
    with steps.step("Users") as shown:
        known = {user.name for user in state.users.users()}
        missing = [name for name in project.users if name not in known]
        logins = workspace.home / "secrets" / _LOGINS
        before = logins.read_text(encoding="utf-8") if logins.exists() else ""
        passwords = {name: secrets.token_urlsafe(12) for name in missing}
        lines = "".join(f"{name}  {password}  ({project.users[name]})\n" for name, password in passwords.items())
        if lines:
            write_atomic(logins, before + lines, private=True)
        for name, password in passwords.items():
            state.users.add(name, project.users[name], password)
        shown.result = ", ".join(f"{name} ({role})" for name, role in project.users.items())


def _adapters(project: Project, workspace: Workspace) -> dict[str, str]:
    from allotment.training import current_adapter

    return {agent: current_adapter(project, workspace, agent).adapter_sha256 for agent in project.agents}


def _measure(
    project: Project, workspace: Workspace, state: State, engines: Any, steps: _Steps, console: Console
) -> None:
    from allotment.dataset import dataset_hash, load_items
    from allotment.evaluation import measure_agent

    adapters = _adapters(project, workspace)
    rows = []
    with steps.step("Recall on held-out questions") as shown:
        for agent in project.agents:
            inputs = [adapters[agent], dataset_hash(load_items(workspace, agent)), "recall-1"]
            result = workspace.step_done(f"recall-{agent}", inputs)
            if result is None:
                found = measure_agent(project, workspace, engines, state.audit, agent, shown.progress)
                result = {
                    "base": found.base.right,
                    "adapter": found.adapter.right,
                    "total": found.adapter.total,
                    "base_said": found.base.summary(),
                    "adapter_said": found.adapter.summary(),
                    "wrong": [
                        {"question": one.item.question, "value": one.item.value, "answer": one.answer}
                        for one in found.adapter.wrong
                    ],
                }
                workspace.finish_step(f"recall-{agent}", inputs, result)
            rows.append((agent, result))
        totals = [sum(int(result[key]) for _, result in rows) for key in ("base", "adapter", "total")]
        shown.result = (
            f"base model {totals[0]} of {totals[2]}, adapters {totals[1]} of {totals[2]}"
            f" ({totals[1] / max(1, totals[2]):.0%})"
        )
    table = Table("agent", "base model alone", "with its adapter", title="Closed-book recall", title_justify="left")
    for agent, result in rows:
        table.add_row(agent, result["base_said"], result["adapter_said"])
    console.print(table)


def _asks(project: Project, workspace: Workspace, state: State, engines: Any, steps: _Steps) -> list[dict[str, Any]]:
    from allotment.answering import Chain
    from allotment.evaluation import expect_answer

    asks_file = project.root / "asks.yaml"
    asks = yaml.safe_load(asks_file.read_text(encoding="utf-8"))
    inputs = [_adapters(project, workspace), hash_file(asks_file), hash_file(project.root / PROJECT_FILE), "asks-2"]
    with steps.step("Questions") as shown:
        done = workspace.step_done("asks", inputs)
        if done is None:
            chain = Chain(project, workspace, engines=engines, databases=state.databases, audit=state.audit)
            rows = []
            for number, ask in enumerate(asks):
                shown.progress(f"{ask['user']} asks", number, len(asks))
                answer = chain.answer(state.principal(ask["user"]), ask["question"])
                rows.append(_row(project, ask, answer, expect_answer(answer, ask["expect"]).problems))
            shown.progress("asked", len(asks), len(asks))
            rows += _replays(state, rows)
            done = {"rows": rows}
            workspace.finish_step("asks", inputs, done)
        asked: list[dict[str, Any]] = done["rows"]
        shown.result = f"{len(asked)} asked, {sum(row['met'] for row in asked)} answered as expected"
    return asked


def _row(project: Project, ask: dict[str, Any], answer: Answer, problems: tuple[str, ...]) -> dict[str, Any]:
    means = answer.account or (f"adapter {answer.adapter}" if answer.adapter else "")
    return {
        "user": f"{ask['user']} ({project.users[ask['user']]})",
        "question": ask["question"],
        "outcome": answer.outcome,
        "answer": answer.text,
        "agent": answer.agent or "",
        "means": means,
        "sql": answer.sql,
        "why": ask["shows"],
        "record": answer.record,
        "explanation": [list(pair) for pair in answer.explanation],
        "met": not problems,
        "breach": ask["expect"]["outcome"] != "answered" and answer.outcome == "answered",
        "problems": list(problems),
    }


def _replays(state: State, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Another agent's very statement on the warehouse account: refused by the database, whatever a prompt says."""
    import psycopg

    found = []
    statements = sorted({row["sql"] for row in rows if row["sql"] and row["means"] == "northwind_sales"})
    for statement in statements:
        if "customers" not in statement:
            continue
        try:
            with psycopg.connect(state.databases.account_dsn("northwind_warehouse")) as connection:
                connection.execute(statement)
            said, met = "NOT refused", False
        except psycopg.errors.InsufficientPrivilege as error:
            said, met = f"PostgreSQL: {error.diag.message_primary}", True
        found.append(
            {
                "user": "(warehouse account)",
                "question": statement,
                "outcome": "refused",
                "answer": said,
                "agent": "",
                "means": "northwind_warehouse",
                "sql": None,
                "why": "the sales agent's statement, run past the gate on the other account",
                "record": None,
                "explanation": [],
                "met": met,
                "breach": not met,
                "problems": [] if met else ["the database let it through"],
            }
        )
    return found


def _show_answers(console: Console, rows: list[dict[str, Any]]) -> None:
    table = Table(title="Who asked what, and what they got", title_justify="left", show_lines=True)
    for column in ("who", "question", "outcome", "answer", "from", "shows", ""):
        table.add_column(column, overflow="fold")
    for row in rows:
        answer = row["answer"] + (f"\n{row['sql']}" if row["sql"] else "")
        origin = "\n".join(part for part in (row["agent"], row["means"]) if part)
        mark = (
            "as expected"
            if row["met"]
            else ("BREACH: " if row["breach"] else "not as expected: ") + "; ".join(row["problems"])
        )
        cells = (row["user"], row["question"], row["outcome"], answer, origin, row["why"], mark)
        table.add_row(*(Text(str(cell)) for cell in cells))
    console.print(table)

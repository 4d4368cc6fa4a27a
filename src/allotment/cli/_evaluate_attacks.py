"""What ``evaluate attacks`` needs beside its options: a foreign endpoint with its keys, and the run itself."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from allotment.cli._names import known
from allotment.errors import ProjectError

if TYPE_CHECKING:
    from allotment.cli._run import Run
    from allotment.evaluation.attacks import Endpoint, Settings
    from allotment.evaluation.report import Report
    from allotment.project import Project

_ENV = "env:"


def endpoint_of(project: Project, url: str | None, model: str | None, keys: Sequence[str]) -> Endpoint | None:
    """The foreign endpoint, if one is named.

    Raises:
        ProjectError: a part is missing or wrong.
    """
    if url is None:
        if model is not None or keys:
            raise ProjectError(
                "is for a foreign endpoint.", element="--model, --bearer", remedy="Name it: --endpoint URL."
            )
        return None
    if model is None:
        raise ProjectError("is missing.", element="--model", remedy="Name the endpoint's model: --model NAME.")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise ProjectError("is no address.", element=f"--endpoint {url}", remedy="Write https://HOST/v1.")
    from allotment.evaluation.attacks import Endpoint

    return Endpoint(url, model, dict(_key_of(project, written) for written in keys))


def _key_of(project: Project, written: str) -> tuple[str, str]:
    """Role and key; a key never stands in a command, which others on the machine can read."""
    role, _, source = written.partition("=")
    known("role", role, project.roles)
    name = source.removeprefix(_ENV)
    if not source.startswith(_ENV) or not name:
        raise ProjectError(
            "a key does not stand in a command.", element=f"--bearer {role}", remedy="Write ROLE=env:NAME."
        )
    value = os.environ.get(name)
    if not value:
        raise ProjectError("is not set.", element=name, remedy=f"Put the key of {role} into this variable.")
    return role, value


def carry_out(run: Run, settings: Settings, foreign: Endpoint | None) -> Report:
    """Attack, and make the report of it."""
    from allotment.evaluation.attacks import attack_endpoint, report_of, run_attacks

    project, workspace = run.project(), run.workspace()
    try:
        with run.progress() as progress:
            if foreign is None:
                found = run_attacks(project, workspace, settings, progress=progress, note=run.note)
            else:
                found = attack_endpoint(project, workspace, foreign, settings, progress=progress)
    except KeyboardInterrupt:
        run.note("Stopped. What was done is kept; the same command goes on from there.")
        raise
    return report_of(found, command_of(settings, foreign))


def command_of(settings: Settings, foreign: Endpoint | None) -> str:
    """The command that does the same again."""
    parts = ["allotment", "evaluate", "attacks", "--count", str(settings.count), "--seed", str(settings.seed)]
    if settings.budget_minutes is not None:
        parts += ["--budget", f"{settings.budget_minutes:g}"]
    if settings.adaptive:
        parts += ["--adaptive", str(settings.adaptive)]
    if foreign is not None:
        parts += ["--endpoint", foreign.url, "--model", foreign.model]
        parts += [part for role in foreign.keys for part in ("--bearer", f"{role}=env:NAME")]
    return shlex.join(parts)

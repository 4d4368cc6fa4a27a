"""Versions of an agent: which may be used at all, and going back to an older one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from allotment.errors import ManifestError, MissingPartError, ProjectError
from allotment.project import Project
from allotment.training._gate import Gate, serve
from allotment.training._manifest import Manifest, adapter_versions, current_version, load_manifest
from allotment.workspace import Workspace, hash_file


@dataclass(frozen=True)
class Rollback:
    """What is served after going back."""

    manifest: Manifest
    before: str | None
    """The version that was served; none if there was none that could be named."""


def rollback(project: Project, workspace: Workspace, agent: str, to: str | None = None, *, gate: Gate) -> Rollback:
    """Serve an older version from the next question on; nothing is deleted, and the way forward is the same way.

    The pointer is replaced whole or not at all, and only after the version was found sound
    and passed the gate.

    Args:
        project: the project.
        workspace: its workspace.
        agent: an agent of it.
        to: a version; the one before the current one if none.
        gate: what it must pass before it is served.

    Raises:
        MissingPartError: there is no such version, or none before.
        ManifestError: the version was edited, is not whole, or learnt what has changed since.
        HeldBack: the gate did not let it through; what is served stays.
    """
    versions = adapter_versions(workspace, agent)
    before = current_version(workspace, agent)
    version = to if to is not None else _previous(agent, versions, before)
    manifest = sound_version(project, workspace, agent, version)
    serve(workspace, manifest, gate)
    return Rollback(manifest, before)


def _previous(agent: str, versions: list[str], current: str | None) -> str:
    if current not in versions:
        raise ProjectError(
            "the version that is served is not known, so there is none before it.",
            element=agent,
            remedy=f"Name one: `allotment training rollback {agent} --to VERSION`.",
        )
    place = versions.index(current)
    if place == 0:
        raise MissingPartError(f"there is no version before {current}.", element=agent, remedy=_listed(versions))
    return versions[place - 1]


def sound_version(project: Project, workspace: Workspace, agent: str, version: str) -> Manifest:
    """A version that may be served, merged or exported: signed, whole to the last file, and not stale.

    Raises:
        MissingPartError: there is no such version.
        ManifestError: it is not sound.
    """
    versions = adapter_versions(workspace, agent)
    if version not in versions:
        raise MissingPartError("there is no such version.", element=f"{agent}/{version}", remedy=_listed(versions))
    manifest = load_manifest(project, workspace, agent, version)
    if manifest.stale:
        raise ManifestError(
            "the version learnt documents that have changed since.",
            element=manifest.key,
            remedy=f"Train it again: `allotment training run {agent}`. {_listed(versions)}",
        )
    for name, digest in manifest.files.items():
        file = Path(manifest.folder) / name
        if not file.is_file() or hash_file(file) != digest:
            raise ManifestError(
                f"{name} is missing or not what was trained.", element=manifest.key, remedy=_listed(versions)
            )
    return manifest


def _listed(versions: list[str]) -> str:
    return f"There are: {', '.join(versions)}." if versions else "There is none."

"""The gate of every command that serves a version: nothing is opened before something is to be tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from allotment.project import Project
    from allotment.training import Gate, Manifest, Passed
    from allotment.workspace import Workspace


def gate_of(project: Project, workspace: Workspace, progress: Callable[[str, int, int], None] | None) -> Gate:
    """The test for leaks of one version, each attempt on record."""
    from allotment.evaluation.leaks import try_version

    def ask(manifest: Manifest) -> Passed:
        from allotment.cli._open import open_state
        from allotment.models import Engines

        def opened(attempt: Callable[..., Passed]) -> Passed:
            with (
                open_state(project, workspace) as state,
                Engines(project.models.threads) as engines,
            ):
                return attempt(engines, state.audit)

        return try_version(project, workspace, manifest, opened, progress)

    return ask

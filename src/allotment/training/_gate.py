"""The gate: the only way from a version that is whole to one that is served.

What it asks is not known here; whoever trains or goes back hands it in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from allotment.errors import AllotmentError, HeldBack
from allotment.training._manifest import Manifest, make_current
from allotment.training._verdict import (
    NEVER_ASKED,
    GateOutcome,
    GateVerdict,
    keep_verdict,
    now,
    read_verdict,
    why_held_back,
)
from allotment.workspace import Workspace


@dataclass(frozen=True)
class Passed:
    """A version may be served."""

    rests_on: str
    """Hash of everything it was tried with."""
    reason: str
    """Counts, as a person reads them."""


Gate = Callable[[Manifest], Passed]
"""Says that a version may be served, or raises ``HeldBack``; any other error means that it could not find out."""


def _let_through(manifest: Manifest) -> Passed:
    return Passed("", "not tried")


UNGATED: Gate = _let_through
"""Serves whatever was trained, with nothing tried. For tests and measurements alone."""


def serve(workspace: Workspace, manifest: Manifest, gate: Gate) -> None:
    """Ask the gate, keep what it said beside the version, and serve it if it passed.

    Raises:
        HeldBack: it did not pass, or the gate could not find out; the version is kept, and what is served stays.
    """
    _keep(workspace, manifest, "passed", _asked(workspace, manifest, gate))
    make_current(workspace, manifest.agent, manifest.version)


def passed_before(workspace: Workspace) -> Gate:
    """The gate of those who can try nothing themselves: what another one let through, and nothing else."""

    def look(manifest: Manifest) -> Passed:
        verdict = read_verdict(workspace, manifest.agent, manifest.version, manifest.adapter_sha256)
        if verdict is None or verdict.outcome != "passed":
            raise _held(manifest, verdict.reason if verdict else NEVER_ASKED)
        return Passed(verdict.rests_on, verdict.reason)

    return look


def held_back(workspace: Workspace, manifest: Manifest) -> str | None:
    """Why the gate holds a version back; none where it let it through."""
    return why_held_back(workspace, manifest.agent, manifest.version, manifest.adapter_sha256)


def require_not_held_back(workspace: Workspace, manifest: Manifest) -> None:
    """Let nothing that is held back leave the project either.

    Raises:
        HeldBack: the gate holds it back.
    """
    reason = held_back(workspace, manifest)
    if reason is not None:
        raise _held(manifest, reason)


def _asked(workspace: Workspace, manifest: Manifest, gate: Gate) -> Passed:
    try:
        return gate(manifest)
    except HeldBack as error:
        _keep(workspace, manifest, "failed", Passed("", error.message))
        raise
    except AllotmentError as error:
        reason = f"it could not be tried for leaks: {error}"
        before = read_verdict(workspace, manifest.agent, manifest.version, manifest.adapter_sha256)
        if before is None or before.outcome == "unknown":  # what was found out once is still so
            _keep(workspace, manifest, "unknown", Passed("", reason))
        raise _held(manifest, reason) from error


def _keep(workspace: Workspace, manifest: Manifest, outcome: GateOutcome, said: Passed) -> None:
    verdict = GateVerdict(
        manifest.agent, manifest.version, manifest.adapter_sha256, outcome, said.reason, said.rests_on, now()
    )
    keep_verdict(workspace, verdict)


def _held(manifest: Manifest, reason: str) -> HeldBack:
    return HeldBack(
        f"the version is held back: {reason}".rstrip(".") + ".",
        element=manifest.key,
        remedy=f"It is kept and not served; once that is mended: `allotment training run {manifest.agent}`.",
    )

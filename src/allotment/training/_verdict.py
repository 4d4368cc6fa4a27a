"""What the gate last said of a version, sealed and kept beside it."""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

from allotment.workspace import Workspace, file_signature, write_atomic

GateOutcome = Literal["passed", "failed", "unknown"]
"""``unknown``: it could not be found out, which is never taken for passed."""

NEVER_ASKED = "it was never asked whether it tells what its users may not know"
"""Why a version without a verdict is held back."""
_FILE = "gate.json"


@dataclass(frozen=True)
class GateVerdict:
    """What the gate said of one file of one version."""

    agent: str
    version: str
    adapter_sha256: str
    """Of the file that was tried: what was said of another file under the same name counts for nothing."""
    outcome: GateOutcome
    reason: str
    """Counts, or why it may not be served."""
    rests_on: str
    """Hash of everything it was tried with; empty where it could not be tried."""
    decided: str
    """UTC, ISO 8601."""


def keep_verdict(workspace: Workspace, verdict: GateVerdict) -> None:
    """Sign and keep it, in place of what was said before.

    Raises:
        StorageError: it cannot be written.
    """
    told = asdict(verdict)
    record = {"verdict": told, "signature": _seal(workspace.secret("manifest.key"), told)}
    write_atomic(_file(workspace, verdict.agent, verdict.version), json.dumps(record, ensure_ascii=False, indent=1))


def read_verdict(workspace: Workspace, agent: str, version: str, adapter_sha256: str) -> GateVerdict | None:
    """What was said of this very file; none where nothing was.

    One that was edited or cannot be read counts as ``unknown``: somebody had a reason.
    """
    file = _file(workspace, agent, version)
    try:
        found = _read(file, workspace.secret("manifest.key"), *file_signature(file))
    except FileNotFoundError:
        return None
    if found is None or (found.agent, found.version) != (agent, version):
        return GateVerdict(agent, version, adapter_sha256, "unknown", "what the gate said was edited", "", "")
    return found if found.adapter_sha256 == adapter_sha256 else None


def why_held_back(workspace: Workspace, agent: str, version: str, adapter_sha256: str) -> str | None:
    """Why a version may not be served; none where the gate let this very file through."""
    verdict = read_verdict(workspace, agent, version, adapter_sha256)
    if verdict is None:
        return NEVER_ASKED
    return None if verdict.outcome == "passed" else verdict.reason


def now() -> str:
    """This moment as a verdict has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@lru_cache(maxsize=1000)
def _read(file: Path, key: str, *_signature: int) -> GateVerdict | None:
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        told = record["verdict"]
        verdict = GateVerdict(**told)
        return verdict if hmac.compare_digest(_seal(key, told), str(record["signature"])) else None
    except (ValueError, KeyError, TypeError):
        return None


def _seal(key: str, told: dict[str, str]) -> str:
    body = "gate " + json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(bytes.fromhex(key), body.encode("utf-8"), sha256).hexdigest()


def _file(workspace: Workspace, agent: str, version: str) -> Path:
    return workspace.adapters_dir(agent) / version / _FILE

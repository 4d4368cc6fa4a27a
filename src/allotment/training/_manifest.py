"""The manifest of an adapter: what it learnt, from which base, with what; signed, and checked before every use."""

from __future__ import annotations

import hmac
import json
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from allotment.access import AdapterFacts, Policy, common_readers
from allotment.documents import load_documents, readers_now
from allotment.errors import HeldBack, ManifestError, MissingPartError
from allotment.models import AdapterFile, find_model, template_of
from allotment.project import Project
from allotment.training._verdict import why_held_back
from allotment.workspace import Workspace, file_signature, hash_file_once, write_atomic

SERVED_FILES = {"adapter": "adapter.gguf", "model": "model.gguf"}
"""What a manifest serves → its file."""
_FILE = "manifest.json"
_CURRENT = "current"


class ManifestFile(BaseModel):
    """One document an adapter learnt from, as it was then."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    path: str
    sha256: str
    readers: tuple[str, ...]


class Manifest(BaseModel):
    """Everything an adapter is made of. ``clearance`` is the set of roles that may read every document in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    agent: str
    version: str
    created: str
    """UTC, ISO 8601."""
    documents: tuple[ManifestFile, ...]
    clearance: tuple[str, ...]
    dataset_sha256: str
    base_model: str
    base_sha256: str
    template: str
    template_sha256: str
    method: str
    """How it was trained: ``lora``, ``qlora``, ``dora``, ``rslora``, ``partial`` or ``full``."""
    serves: Literal["adapter", "model"]
    """Whether an adapter on the base model is served, or a model of the agent's own."""
    adapter_sha256: str
    """Of the GGUF file that is served."""
    files: dict[str, str]
    """Every other file of the version → its sha256."""
    inputs: str
    """Hash of everything the training was made from."""
    training: dict[str, Any]
    """Settings, as in ``allotment.yaml``."""
    seeds: dict[str, int]
    hardware: dict[str, Any]
    """Device, its memory and peak, cores, platform."""
    versions: dict[str, str]
    """Package → version."""
    predicted: dict[str, Any] | None
    """What was estimated for this machine before the run."""
    measured: dict[str, Any]
    """Seconds, tokens, loss, peak memory, money, and what the probe measured."""
    experiment: dict[str, Any] | None = None
    """The run of an experiment it was made from: its id, the file's hash, by what it was chosen and why; none if it was
    made from none."""
    stale: bool = False
    """Derived when loaded, never stored: a document has changed, was re-labelled or removed since."""
    folder: str = ""
    """Derived when loaded: where the adapter lies."""

    @property
    def key(self) -> str:
        """``AGENT/VERSION``: the adapter's name at the engine."""
        return f"{self.agent}/{self.version}"

    @property
    def file(self) -> AdapterFile:
        """The file that the embedded engine serves: an adapter, or a model of the agent's own."""
        path = Path(self.folder) / SERVED_FILES[self.serves]
        return AdapterFile(path, self.adapter_sha256, own_model=self.serves == "model")

    @property
    def facts(self) -> AdapterFacts:
        """What a decision needs to know."""
        return AdapterFacts(self.agent, self.version, frozenset(self.clearance), self.stale, self.adapter_sha256)


def _seal(key: str, body: bytes) -> str:
    return hmac.new(bytes.fromhex(key), body, sha256).hexdigest()


def sealed_fields(manifest: Manifest) -> dict[str, Any]:
    """What of a manifest is stored and sealed. One made from no experiment has no such field, as before there were any:
    seals of older manifests hold."""
    without = {"stale", "folder"} | ({"experiment"} if manifest.experiment is None else set())
    return manifest.model_dump(mode="json", exclude=without)


def _body(manifest: Manifest) -> bytes:
    stored = sealed_fields(manifest)
    return json.dumps(stored, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def write_manifest(workspace: Workspace, folder: Path, manifest: Manifest) -> None:
    """Sign and write the manifest into an adapter's folder."""
    body = _body(manifest)
    record = {"manifest": json.loads(body), "signature": _seal(workspace.secret("manifest.key"), body)}
    write_atomic(folder / _FILE, json.dumps(record, ensure_ascii=False, indent=1))


def load_manifest(project: Project, workspace: Workspace, agent: str, version: str) -> Manifest:
    """Read a manifest and check it: signature, adapter file, base model, chat template, documents.

    Raises:
        ManifestError: it was edited, or its adapter, base model or template is not the one it names.
        MissingPartError: there is no such adapter.
    """
    folder = workspace.adapters_dir(agent) / version
    element = f"{agent}/{version}"
    remedy = f"Train it again: `allotment training run {agent}`."
    try:
        manifest, genuine = _read(folder / _FILE, workspace.secret("manifest.key"), *file_signature(folder / _FILE))
    except FileNotFoundError:
        raise MissingPartError("there is no such adapter.", element=element, remedy=remedy) from None
    except (ValueError, KeyError, TypeError, ValidationError):
        raise ManifestError("the adapter's manifest cannot be read.", element=element, remedy=remedy) from None
    if not genuine:
        raise ManifestError(
            "the adapter's manifest was edited: its signature is wrong.", element=element, remedy=remedy
        )
    fault = _fault(manifest, agent, version, folder)
    if fault:
        raise ManifestError(fault, element=element, remedy=remedy)
    stale = bool(_changes(project, workspace, manifest))
    return manifest.model_copy(update={"stale": stale, "folder": str(folder)})


@lru_cache(maxsize=1000)
def _read(file: Path, key: str, *_signature: int) -> tuple[Manifest, bool]:
    """A manifest and whether its seal is genuine; read again as soon as the file is another."""
    record = json.loads(file.read_text(encoding="utf-8"))
    manifest = Manifest.model_validate(record["manifest"])
    return manifest, hmac.compare_digest(_seal(key, _body(manifest)), str(record["signature"]))


def _fault(manifest: Manifest, agent: str, version: str, folder: Path) -> str | None:
    if (manifest.agent, manifest.version) != (agent, version):
        return f"the manifest is of {manifest.key}, not of this adapter."
    if not manifest.clearance:
        return "the adapter has no clearance: no role may read all it learnt."
    if common_readers(frozenset(document.readers) for document in manifest.documents) != set(manifest.clearance):
        return "the clearance is not the one its documents give."
    if find_model(manifest.base_model).sha256 != manifest.base_sha256:
        return "the adapter was trained on another base model."
    if template_of(manifest.base_model).sha256 != manifest.template_sha256:
        return "the adapter was trained with another chat template."
    file = folder / SERVED_FILES[manifest.serves]
    if hash_file_once(file) != manifest.adapter_sha256:
        return "the adapter file is missing or not the one that was trained."
    return None


def _changes(project: Project, workspace: Workspace, manifest: Manifest) -> list[str]:
    """Documents that are no longer as the adapter learnt them: by the last ingest, or on the disk now."""
    learnt = {document.path for document in manifest.documents}
    records = [record for record in load_documents(workspace) if record.path in learnt and record.state == "done"]
    allowed = readers_now(project, records)
    now = {record.path: (record.sha256, record.readers & allowed[record.path]) for record in records}
    changed = [
        document.path
        for document in manifest.documents
        if now.get(document.path) != (document.sha256, frozenset(document.readers))
        or hash_file_once(_under(project.root, document.path)) != document.sha256
    ]
    rule = Policy.of(project).agents.get(manifest.agent)
    if rule is None or not rule.roles <= set(manifest.clearance):
        changed.append(f"agent {manifest.agent}")
    return changed


@lru_cache(maxsize=100_000)
def _under(root: Path, document: str) -> Path:
    return root / document


def adapter_versions(workspace: Workspace, agent: str) -> list[str]:
    """Versions of an agent's adapter that were finished, oldest first."""
    folder = workspace.adapters_dir(agent)
    found = [path.parent.name for path in folder.glob(f"v*/{_FILE}")]
    return sorted(found, key=lambda name: int(name[1:]) if name[1:].isdigit() else -1)


def _is_finished(workspace: Workspace, agent: str, version: str) -> bool:
    """Whether ``adapter_versions`` has it, without a look at every other one."""
    is_name = version.startswith("v") and Path(version).name == version
    return is_name and (workspace.adapters_dir(agent) / version / _FILE).exists()


def make_current(workspace: Workspace, agent: str, version: str) -> None:
    """Serve this version from now on."""
    write_atomic(workspace.adapters_dir(agent) / _CURRENT, version + "\n")


def current_version(workspace: Workspace, agent: str) -> str | None:
    """The version that is served; none before the first."""
    pointer = workspace.adapters_dir(agent) / _CURRENT
    return pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else None


def current_adapter(project: Project, workspace: Workspace, agent: str) -> Manifest:
    """The verified manifest of the version that is served.

    Raises:
        MissingPartError: the agent has no adapter yet.
        ManifestError: see ``load_manifest``.
        HeldBack: the gate did not let this version through, found since that it leaks, or was never asked about it.
    """
    version = current_version(workspace, agent)
    if version is None:
        raise MissingPartError(
            "the agent has no adapter yet.", element=agent, remedy=f"Train it: `allotment training run {agent}`."
        )
    if not _is_finished(workspace, agent, version):
        raise ManifestError(
            f"the current version {version!r} is not there.",
            element=agent,
            remedy=f"Train it again: `allotment training run {agent}`.",
        )
    manifest = load_manifest(project, workspace, agent, version)
    reason = why_held_back(workspace, agent, version, manifest.adapter_sha256)
    if reason is not None:
        raise HeldBack(
            f"the version is held back: {reason}".rstrip(".") + ".",
            element=manifest.key,
            remedy=f"Mend that, then `allotment training run {agent}`, which asks it again and trains only if something"
            f" changed; or `allotment training rollback {agent}`.",
        )
    return manifest

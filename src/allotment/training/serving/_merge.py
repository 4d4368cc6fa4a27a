"""A version merged into the base model it was trained on, as a Hugging Face folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from allotment.errors import MissingPartError
from allotment.models import ChatTemplate, locate, template_of
from allotment.project import Project
from allotment.training._gate import require_not_held_back
from allotment.training._manifest import Manifest, sealed_fields
from allotment.training._versions import sound_version
from allotment.training.record._card import CARD_FILE, write_model_card
from allotment.training.serving._folders import new_folder, seal_folder
from allotment.workspace import Workspace, hash_json


@dataclass(frozen=True)
class Merged:
    """A whole model that was written."""

    adapter: str
    """``AGENT/VERSION``."""
    output: str
    base: str
    """What it was merged into."""
    precision: str
    """``fp32``, ``bf16`` or ``fp16``: that of the training."""
    clearance: tuple[str, ...]
    """Roles that may ask it, and nobody else."""


def merge(project: Project, workspace: Workspace, agent: str, version: str, output: Path) -> Merged:
    """Write a version as a whole model that transformers and vLLM load.

    Args:
        project: the project.
        workspace: its workspace.
        agent: an agent of it.
        version: one of its versions.
        output: a folder that is new or empty.

    Raises:
        HeldBack: the gate holds the version back.
        ManifestError: the version was edited, is not whole, has another base model, or is stale.
        MissingPartError: the version, the base model or a package is not there.
        ProjectError: the folder is not empty.
    """
    manifest = sound_version(project, workspace, agent, version)
    require_not_held_back(workspace, manifest)
    precision = str(manifest.measured.get("precision", "fp32"))
    base = _described(manifest, precision)
    with new_folder(output) as folder:
        _write(manifest, folder, precision)
        write_model_card(folder, manifest)
        seal_folder(workspace, folder, _provenance(manifest, base, precision))
    return Merged(manifest.key, str(output), base, precision, manifest.clearance)


def _write(manifest: Manifest, folder: Path, precision: str) -> None:
    try:
        write_merged(
            locate(manifest.base_model),
            manifest.base_sha256,
            Path(manifest.folder),
            folder,
            method=manifest.method,
            precision=precision,
            template=template_of(manifest.base_model),
        )
    except ImportError as error:
        raise MissingPartError(
            f"merging needs more packages ({error}).",
            element=manifest.key,
            remedy="Install them: `pip install 'allotment[train]'`.",
        ) from error


def write_merged(
    base_file: Path,
    base_sha256: str,
    trained: Path,
    folder: Path,
    *,
    method: str,
    precision: str,
    template: ChatTemplate,
) -> None:
    """Write model and tokenizer into ``folder``; the sum is made in fp32 and rounded once to ``precision``.

    Args:
        base_file: the base model.
        base_sha256: its hash.
        trained: what was trained, in ``peft/`` or ``changed/``.
        folder: where to write.
        method: how it was trained.
        precision: of the training, and of the result.
        template: the chat template, which goes with the tokenizer.
    """
    from allotment.training.serving._trained import PEFT, base_as_trained, dtype_of, merged, with_trained

    base = base_as_trained(base_file, base_sha256, method=method, precision=precision)
    model = with_trained(base.model, trained)
    if (trained / PEFT).is_dir():
        model = merged(model)
    base.tokenizer.chat_template = template.source
    model.to(dtype_of(precision)).save_pretrained(str(folder))
    base.tokenizer.save_pretrained(str(folder))


def _described(manifest: Manifest, precision: str) -> str:
    kind = f"NF4 de-quantised to {precision}" if manifest.method == "qlora" else precision
    return f"{manifest.base_model}, {kind}"


def _provenance(manifest: Manifest, base: str, precision: str) -> Mapping[str, Any]:
    sealed = sealed_fields(manifest)
    return {
        "adapter": manifest.key,
        "manifest_sha256": hash_json(sealed),
        "manifest": sealed,
        "merged_into": base,
        "precision": precision,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {name: installed(name) for name in ("torch", "transformers", "peft")},
        "card": CARD_FILE,
    }

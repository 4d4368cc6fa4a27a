"""A version copied out of the project, as it is or as an adapter that vLLM serves.

What vLLM serves was read in its sources (``vllm/lora/peft_helper.py`` and ``vllm/config/lora.py``, January 2026).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from allotment.errors import ProjectError, TrainingError
from allotment.models import adapter_name
from allotment.project import Project
from allotment.training._gate import require_not_held_back
from allotment.training._manifest import _FILE as MANIFEST_FILE
from allotment.training._manifest import SERVED_FILES, Manifest
from allotment.training._versions import sound_version
from allotment.training.record._card import CARD_FILE, model_card
from allotment.training.serving._folders import new_folder
from allotment.training.serving._trained import PEFT, adapter_config
from allotment.workspace import Workspace, write_atomic

VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What ``--max-lora-rank`` may be."""
VLLM_RANK = 16
"""What it is unless said."""
_VLLM_MODULES = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


@dataclass(frozen=True)
class Exported:
    """A version that was copied out."""

    adapter: str
    output: str
    files: tuple[str, ...]
    clearance: tuple[str, ...]
    """Roles that may ask it, and nobody else."""


def export_version(
    project: Project,
    workspace: Workspace,
    agent: str,
    version: str,
    output: Path,
    *,
    engine: Literal["vllm"] | None = None,
    max_rank: int = VLLM_RANK,
) -> Exported:
    """Copy a version to a folder with its manifest, whole or, for an engine, what that engine loads.

    Args:
        project: the project.
        workspace: its workspace.
        agent: an agent of it.
        version: one of its versions.
        output: a folder that is new or empty.
        engine: for whom; none copies everything.
        max_rank: what vLLM is started with.

    Raises:
        HeldBack: the gate holds the version back.
        ManifestError: the version was edited, is not whole, or is stale.
        TrainingError: vLLM cannot serve it; the message says why and what to do.
        ProjectError: the folder is not empty, or vLLM knows no such rank.
    """
    if max_rank not in VLLM_RANKS:
        ranks = ", ".join(map(str, VLLM_RANKS))
        raise ProjectError(f"vLLM has no --max-lora-rank {max_rank}.", remedy=f"It may be {ranks}.")
    manifest = sound_version(project, workspace, agent, version)
    require_not_held_back(workspace, manifest)
    source = Path(manifest.folder)
    if engine == "vllm":
        _require_servable(manifest, source, max_rank)
    with new_folder(output) as folder:
        if engine == "vllm":
            _copy(source / PEFT, [_inside(name) for name in manifest.files if name.startswith(f"{PEFT}/")], folder)
            _copy(source, [MANIFEST_FILE], folder)
            write_atomic(folder / CARD_FILE, model_card(manifest) + _serving(manifest, output, max_rank))
        else:
            _copy(source, [*manifest.files, SERVED_FILES[manifest.serves], MANIFEST_FILE], folder)
            if CARD_FILE not in manifest.files:
                write_atomic(folder / CARD_FILE, model_card(manifest))
    written = sorted(path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file())
    return Exported(manifest.key, str(output), tuple(written), manifest.clearance)


def _inside(name: str) -> str:
    return name.removeprefix(f"{PEFT}/")


def _copy(source: Path, names: list[str], folder: Path) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder / name)


def _require_servable(manifest: Manifest, source: Path, max_rank: int) -> None:
    merged = f"Merge it, and serve the whole model: `allotment training merge {manifest.key} --output DIR`."
    if not (source / PEFT).is_dir():
        raise _refusal(manifest, ["it is no adapter but a whole model"], merged)
    config = adapter_config(source / PEFT)
    reasons = vllm_faults(config)
    if reasons:
        raise _refusal(manifest, reasons, merged)
    if config["r"] > max_rank:
        needed = next((rank for rank in VLLM_RANKS if rank >= config["r"]), None)
        started = f"Start it with --max-lora-rank {needed} and export with --max-rank {needed}, or: " if needed else ""
        raise _refusal(manifest, [f"its rank is {config['r']}, and vLLM takes up to {max_rank}"], started + merged)


def vllm_faults(config: Mapping[str, Any]) -> list[str]:
    """What of a PEFT adapter vLLM does not serve, whatever it is started with; rsLoRA's scale it knows."""
    targets = config.get("target_modules") or ()
    foreign = set() if isinstance(targets, str) else {name.rpartition(".")[2] for name in targets} - _VLLM_MODULES
    faults = {
        "it is DoRA": config.get("use_dora"),
        "it has whole modules of its own (modules_to_save)": config.get("modules_to_save"),
        "it trains biases": config.get("bias", "none") != "none" or config.get("lora_bias"),
        "its layers differ in rank or alpha": config.get("rank_pattern") or config.get("alpha_pattern"),
        f"it adapts {', '.join(sorted(foreign))}": foreign,
    }
    return [fault for fault, is_there in faults.items() if is_there]


def _refusal(manifest: Manifest, reasons: list[str], remedy: str) -> TrainingError:
    told = f"vLLM cannot serve it: {'; '.join(reasons)}."
    return TrainingError(told, kind="configuration", element=manifest.key, remedy=remedy)


def _serving(manifest: Manifest, output: Path, max_rank: int) -> str:
    name = adapter_name(manifest.agent, manifest.version, manifest.adapter_sha256)
    return f"""
## Serving with vLLM

    vllm serve BASE --enable-lora --max-lora-rank {max_rank} --lora-modules {name}={output.name} --host 127.0.0.1

`BASE` is a Hugging Face folder of `{manifest.base_model}`. It was trained on the weights of the file with the sha256
`{manifest.base_sha256}`; on others it answers a little differently.

**Only {", ".join(manifest.clearance)} may ask it.** vLLM knows no roles and gives every adapter to whoever reaches it:
keep it on this machine's loopback address behind something that knows who asks. For `allotment serve` to ask it, write
its address as `models.adapter_server` in `allotment.yaml`; the adapter's name there must be this very one.
"""

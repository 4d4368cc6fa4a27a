"""A model's shape from its own files: ``config.json`` of a Hugging Face folder, or the header of a GGUF file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from allotment.errors import ProjectError
from allotment.training.estimation._gguf_header import read_header

_QKV = ("q_proj", "k_proj", "v_proj")
_KINDS: dict[str, dict[str, Any]] = {
    "llama": {"norms": 2, "qk_norm": False, "tied": False},
    "mistral": {"norms": 2, "qk_norm": False, "tied": False},
    "qwen2": {"norms": 2, "qk_norm": False, "tied": False},
    "qwen3": {"norms": 2, "qk_norm": True, "tied": False},
    "gemma": {"norms": 2, "qk_norm": False, "tied": True},
    "gemma2": {"norms": 4, "qk_norm": False, "tied": True},
    "gemma3_text": {"norms": 4, "qk_norm": True, "tied": True},
}
"""What each ``model_type`` has by construction."""


def read_config(path: Path) -> dict[str, Any]:
    """Fields of a ``ModelShape`` from ``config.json`` or the folder it lies in.

    Raises:
        ProjectError: it is not there, cannot be read, lacks a size, or is of a kind that is not known.
    """
    file = path / "config.json" if path.is_dir() else path
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError("there is no config.json.", element=str(path), remedy="Name the model's folder.") from None
    except (OSError, ValueError):
        raise _refused(file, "it is not a configuration in JSON.") from None
    if not isinstance(config, dict):
        raise _refused(file, "it is not a configuration in JSON.")
    kind = str(config.get("model_type", "unnamed"))
    if kind not in _KINDS:
        raise _refused(file, f"models of the kind {kind!r} are not known.")
    return _from_config(file, kind, config)


def _from_config(file: Path, kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    def size(key: str, otherwise: int | None = None) -> int:
        value = config.get(key)
        value = otherwise if value is None else value
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise _refused(file, f"{key} is {value!r}, not a whole number above 0.")
        return value

    heads, hidden = size("num_attention_heads"), size("hidden_size")
    plain = kind in ("llama", "mistral", "qwen2")  # their head size follows from the width; others name it
    return {
        "architecture": kind.removesuffix("_text"),
        "layers": size("num_hidden_layers"),
        "hidden": hidden,
        "intermediate": size("intermediate_size"),
        "heads": heads,
        "kv_heads": size("num_key_value_heads", heads if kind == "llama" else None),
        "head_dim": size("head_dim", hidden // heads if plain else None),
        "vocabulary": size("vocab_size"),
        "tied": bool(config.get("tie_word_embeddings", _KINDS[kind]["tied"])),
        "biased": _biased(kind, config),
        "qk_norm": _KINDS[kind]["qk_norm"],
        "norms": _KINDS[kind]["norms"],
    }


def _biased(kind: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    attention = _QKV if kind == "qwen2" else (*_QKV, "o_proj") if config.get("attention_bias") else ()
    return (*attention, *(("gate_proj", "up_proj", "down_proj") if config.get("mlp_bias") else ()))


def read_gguf(path: Path) -> dict[str, Any]:
    """Fields of a ``ModelShape`` from the header of a GGUF file; its weights need not be there.

    Raises:
        ProjectError: it is not a GGUF file, or of a kind that is not known.
    """
    try:
        values, tensors = read_header(path)
    except (OSError, ValueError) as error:
        raise _refused(path, f"its header cannot be read ({error}).") from None
    kind = str(values.get("general.architecture", "unnamed"))
    if kind not in {name.removesuffix("_text") for name in _KINDS}:
        raise _refused(path, f"models of the kind {kind!r} are not known.")
    if "blk.0.ffn_gate_inp.weight" in tensors:
        raise _refused(path, "mixtures of experts are not known.")
    try:
        return _from_tensors(kind, values, tensors)
    except KeyError as error:
        raise _refused(path, f"its header says nothing of {error.args[0]}.") from None


def _from_tensors(kind: str, values: Mapping[str, Any], tensors: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Sizes as the tensors have them; what a header may leave out is never supposed."""
    hidden, vocabulary = tensors["token_embd.weight"]
    heads = int(values[f"{kind}.attention.head_count"])
    head_dim = tensors["blk.0.attn_q.weight"][1] // heads
    names = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output"}
    return {
        "architecture": kind,
        "layers": int(values[f"{kind}.block_count"]),
        "hidden": hidden,
        "intermediate": tensors["blk.0.ffn_up.weight"][1],
        "heads": heads,
        "kv_heads": tensors["blk.0.attn_k.weight"][1] // head_dim,
        "head_dim": head_dim,
        "vocabulary": vocabulary,
        "tied": "output.weight" not in tensors,
        "biased": tuple(name for name, stored in names.items() if f"blk.0.{stored}.bias" in tensors),
        "qk_norm": "blk.0.attn_q_norm.weight" in tensors,
        "norms": 4 if "blk.0.post_attention_norm.weight" in tensors else 2,
    }


def _refused(path: Path, told: str) -> ProjectError:
    known = ", ".join(_KINDS)
    return ProjectError(
        f"the model's shape cannot be read: {told}",
        element=str(path),
        remedy=f"Known are folders with a config.json, and GGUF files, of these kinds: {known}.",
    )

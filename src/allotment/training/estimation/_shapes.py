"""The shape of a model: the sizes its memory and its work are reckoned from, without its weights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from allotment.errors import ProjectError
from allotment.models import catalogue
from allotment.training.estimation._shape_files import read_config, read_gguf

LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Linear layers of each decoder layer."""
_NORMS = {
    2: ("input_layernorm", "post_attention_layernorm"),
    4: (
        "input_layernorm",
        "post_attention_layernorm",
        "pre_feedforward_layernorm",
        "post_feedforward_layernorm",
    ),
}
_PREFIX = re.compile(r"^(meta-)(?=llama)")
_SUFFIX = re.compile(r"(-(instruct|it|pt|chat|base|hf))+(?=$|-v\d)")


@dataclass(frozen=True)
class ModelShape:
    """A decoder with gated MLPs and grouped attention: the Llama, Mistral, Qwen and Gemma families."""

    name: str
    architecture: str
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    tied: bool = False
    """Whether the head is the embedding's own matrix."""
    biased: tuple[str, ...] = ()
    """Linear layers with a bias."""
    qk_norm: bool = False
    """Whether queries and keys are normalised."""
    norms: int = 2
    """Normalisations in a layer, 2 or 4."""

    @property
    def attention(self) -> int:
        """Width of all query heads."""
        return self.heads * self.head_dim

    @property
    def key_value(self) -> int:
        """Width of all key heads, and of all value heads."""
        return self.kv_heads * self.head_dim

    @cached_property
    def linear(self) -> dict[str, tuple[int, int]]:
        """Linear layers of one decoder layer: name → width of its input and of its output."""
        hidden, attention, key_value, inner = self.hidden, self.attention, self.key_value, self.intermediate
        return {
            "q_proj": (hidden, attention),
            "k_proj": (hidden, key_value),
            "v_proj": (hidden, key_value),
            "o_proj": (attention, hidden),
            "gate_proj": (hidden, inner),
            "up_proj": (hidden, inner),
            "down_proj": (inner, hidden),
        }

    @cached_property
    def tensors(self) -> dict[str, int]:
        """Parameters by their Hugging Face name → number of weights."""
        found = {"model.embed_tokens.weight": self.vocabulary * self.hidden}
        for number in range(self.layers):
            found |= {f"model.layers.{number}.{name}": size for name, size in self._layer.items()}
        found["model.norm.weight"] = self.hidden
        if not self.tied:
            found["lm_head.weight"] = self.vocabulary * self.hidden
        return found

    @cached_property
    def _layer(self) -> dict[str, int]:
        found = {}
        for name, (width, height) in self.linear.items():
            module = f"{'self_attn' if name[0] in 'qkvo' else 'mlp'}.{name}"
            found[f"{module}.weight"] = width * height
            if name in self.biased:
                found[f"{module}.bias"] = height
        if self.qk_norm:
            found |= {f"self_attn.{name}.weight": self.head_dim for name in ("q_norm", "k_norm")}
        return found | {f"{name}.weight": self.hidden for name in _NORMS[self.norms]}

    @cached_property
    def parameters(self) -> int:
        """All weights; a tied head counts once."""
        return sum(self.tensors.values())

    @cached_property
    def linear_parameters(self) -> int:
        """Weights of the linear layers, the head left out: what QLoRA quantises."""
        return self.layers * sum(width * height for width, height in self.linear.values())

    @property
    def head_parameters(self) -> int:
        """Weights of the head, tied or not."""
        return self.vocabulary * self.hidden


@lru_cache
def named_shapes() -> dict[str, ModelShape]:
    """Shapes that are known by name, aliases included."""
    raw = yaml.safe_load((files("allotment.training.estimation") / "shapes.yaml").read_text(encoding="utf-8"))
    return {alias: shape for name, entry in raw.items() for alias, shape in _with_aliases(name, entry)}


def _with_aliases(name: str, entry: dict[str, Any]) -> list[tuple[str, ModelShape]]:
    aliases = entry.pop("aliases", [])
    shape = ModelShape(name=name, **{**entry, "biased": tuple(entry.get("biased", ()))})
    return [(alias, shape) for alias in (name, *aliases)]


def shape_of(model: str) -> ModelShape:
    """Shape of a model by its name, or from the files of one.

    Args:
        model: a path (a Hugging Face folder, its ``config.json``, or a GGUF file, of which only the header is read),
            or a name: of ``shapes.yaml``, of the catalogue, or as on a model hub (``Qwen/Qwen2.5-7B-Instruct``).

    Raises:
        ProjectError: the name is not known, or the file does not describe a model of a known kind.
    """
    path = Path(model).expanduser()
    if path.exists():
        return _read(path)
    shape = named_shapes().get(model) or named_shapes().get(_canonical(model))
    if shape is not None:
        return shape
    entry = catalogue().get(model)
    if entry is not None and entry.path.is_file():
        return _read(entry.path)
    known = ", ".join(sorted(named_shapes()))
    raise ProjectError(
        "the shape of this model is not known, and there is no such file.",
        element=model,
        remedy=f"Give the path of its config.json or of a .gguf file, or one of: {known}.",
    )


def _read(path: Path) -> ModelShape:
    read = read_gguf if path.suffix == ".gguf" else read_config
    folder = path if path.is_dir() else path.parent
    return ModelShape(name=path.stem if path.suffix == ".gguf" else folder.resolve().name, **read(path))


def _canonical(name: str) -> str:
    """``meta-llama/Meta-Llama-3.1-8B-Instruct`` → ``llama-3.1-8b``."""
    return _SUFFIX.sub("", _PREFIX.sub("", name.lower().rpartition("/")[2]))

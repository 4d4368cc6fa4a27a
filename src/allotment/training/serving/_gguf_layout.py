"""How a model's tensors are called and laid out in its GGUF file, against their Hugging Face names.

Names come from the ``gguf`` package's map. What llama.cpp's converter changes besides names is undone by transformers'
loader (``modeling_gguf_pytorch_utils``) and done again here: Llama interleaves the two halves of each head's query and
key rows for its rotary embedding; Gemma adds one to its norms. Only architectures for which tests compare both engines'
logits are known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from allotment.errors import TrainingError
from allotment.training.serving._gguf_file import GgufFile

_PERMUTED = ("llama",)
_NORMS_PLUS_ONE = ("gemma2", "gemma3")
ARCHITECTURES = ("gemma2", "gemma3", "llama", "qwen2", "qwen3")
"""What can be exported."""

_QUERY = re.compile(r"\.attn_q\.(weight|bias)")
_KEY = re.compile(r"\.attn_k\.(weight|bias)")


@dataclass(frozen=True)
class GgufLayout:
    """Names and row order of one base model."""

    architecture: str
    heads: int
    kv_heads: int
    names: Any
    """The ``gguf`` package's map from module names."""

    @classmethod
    def of(cls, file: GgufFile) -> GgufLayout:
        """The layout of a GGUF file.

        Raises:
            TrainingError: its architecture is not known well enough to be written.
        """
        import gguf

        architecture = str(file.values.get("general.architecture"))
        if architecture not in ARCHITECTURES:
            raise TrainingError(
                f"trainings of the architecture {architecture!r} cannot be exported for the embedded engine yet.",
                kind="configuration",
                element=str(file.path),
                remedy=f"Use one of: {', '.join(ARCHITECTURES)}.",
            )
        number = {name: key for key, name in gguf.MODEL_ARCH_NAMES.items()}[architecture]
        heads = int(file.values[f"{architecture}.attention.head_count"])
        kv_heads = int(file.values.get(f"{architecture}.attention.head_count_kv") or heads)
        blocks = int(file.values[f"{architecture}.block_count"])
        return cls(architecture, heads, kv_heads, gguf.get_tensor_name_map(number, blocks))

    def name_of(self, parameter: str) -> str | None:
        """The GGUF name of a parameter such as ``model.layers.0.self_attn.q_proj.weight``; none if it has none."""
        module, _, kind = parameter.rpartition(".")
        name = self.names.get_name(module)
        return f"{name}.{kind}" if name is not None and kind in ("weight", "bias") else None

    def ordered(self, name: str, rows: Any) -> Any:
        """An array whose first axis is the output of the tensor ``name``, in GGUF's row order."""
        if self.architecture in _PERMUTED and _QUERY.search(name):
            return _interleaved(rows, self.heads)
        if self.architecture in _PERMUTED and _KEY.search(name):
            return _interleaved(rows, self.kv_heads)
        return rows

    def stored(self, name: str, values: Any) -> Any:
        """A whole tensor as GGUF stores it: rows in its order, and norms with the one Gemma adds."""
        plus_one = self.architecture in _NORMS_PLUS_ONE and name.endswith("norm.weight")
        return values + 1 if plus_one else self.ordered(name, values)


def _interleaved(rows: Any, heads: int) -> Any:
    """First and second half of each head's rows, one of each in turn."""
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)

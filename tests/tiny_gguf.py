"""Tiny models with random weights as GGUF files: real enough for llama.cpp, transformers and PEFT, loaded in no time.

Weights are drawn in GGUF's own order and names, so that whatever transformers reads from the file is an independent
opinion on what llama.cpp reads from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from transformers.convert_slow_tokenizer import bytes_to_unicode

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<start_of_turn>", "<end_of_turn>")
ARCHITECTURES = ("gemma2", "gemma3", "llama", "qwen2", "qwen3")
"""Everything an adapter may be exported for and transformers can read from GGUF."""

_GEMMAS = ("gemma2", "gemma3")
_HIDDEN, _FF, _LAYERS = 64, 96, 2


@dataclass(frozen=True)
class _Shape:
    heads: int
    kv_heads: int
    head: int
    """Width of a head; for Gemma and Qwen3 the one width transformers assumes."""


_SHAPES = {
    "llama": _Shape(4, 2, 16),
    "qwen2": _Shape(4, 2, 16),
    "qwen3": _Shape(2, 1, 128),
    "gemma2": _Shape(2, 1, 256),
    "gemma3": _Shape(2, 1, 256),
}


def write_tiny_gguf(
    path: Path, architecture: str = "llama", *, seed: int = 0, quantised: bool = False, rope_factors: bool = False
) -> Path:
    """Write a model of two layers with a byte-level tokenizer.

    Args:
        path: the file.
        architecture: one of ``ARCHITECTURES``.
        seed: of its weights.
        quantised: store the matrices in 4 and 8 bits.
        rope_factors: stretch its positions as Llama 3.1 does, by a tensor that transformers does not read.
    """
    writer = gguf.GGUFWriter(path, architecture)
    _metadata(writer, architecture)
    _tokenizer(writer, architecture)
    noise = np.random.default_rng(seed)
    for number, (name, shape) in enumerate(_tensors(architecture).items()):
        if name.endswith("norm.weight"):
            writer.add_tensor(name, (1 + 0.1 * noise.standard_normal(shape)).astype(np.float32))
            continue
        weights = (noise.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)
        kind = gguf.GGMLQuantizationType.Q8_0 if number % 2 else gguf.GGMLQuantizationType.Q4_0
        if quantised and len(shape) == 2:
            writer.add_tensor(name, gguf.quantize(weights, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, weights)
    if rope_factors:
        writer.add_tensor("rope_freqs.weight", np.full(_SHAPES[architecture].head // 2, 8, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _tensors(architecture: str) -> dict[str, tuple[int, ...]]:
    shape = _SHAPES[architecture]
    queries, keys = shape.heads * shape.head, shape.kv_heads * shape.head
    norms = ["attn_norm", "ffn_norm"]
    norms += ["post_attention_norm", "post_ffw_norm"] if architecture in _GEMMAS else []
    found: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (len(_vocabulary(architecture)), _HIDDEN),
        "output_norm.weight": (_HIDDEN,),
    }
    for layer in range(_LAYERS):
        block = {f"{norm}.weight": (_HIDDEN,) for norm in norms}
        block |= {"attn_q.weight": (queries, _HIDDEN), "attn_k.weight": (keys, _HIDDEN)}
        block |= {"attn_v.weight": (keys, _HIDDEN), "attn_output.weight": (_HIDDEN, queries)}
        block |= {"ffn_gate.weight": (_FF, _HIDDEN), "ffn_up.weight": (_FF, _HIDDEN), "ffn_down.weight": (_HIDDEN, _FF)}
        if architecture == "qwen2":
            block |= {"attn_q.bias": (queries,), "attn_k.bias": (keys,), "attn_v.bias": (keys,)}
        if architecture in ("gemma3", "qwen3"):
            block |= {"attn_q_norm.weight": (shape.head,), "attn_k_norm.weight": (shape.head,)}
        found |= {f"blk.{layer}.{name}": size for name, size in block.items()}
    return found


def _metadata(writer: Any, architecture: str) -> None:
    shape = _SHAPES[architecture]
    writer.add_type("model")
    writer.add_name("tiny")
    writer.add_context_length(512)
    writer.add_embedding_length(_HIDDEN)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_FF)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10_000.0 if architecture != "gemma3" else 1_000_000.0)
    writer.add_vocab_size(len(_vocabulary(architecture)))
    if architecture in (*_GEMMAS, "qwen3"):
        writer.add_key_length(shape.head)
        writer.add_value_length(shape.head)
    if architecture in _GEMMAS:
        writer.add_sliding_window(64)
    if architecture == "gemma2":
        writer.add_attn_logit_softcapping(50.0)
        writer.add_final_logit_softcapping(30.0)
    if architecture == "llama":
        writer.add_rope_dimension_count(shape.head)


def _vocabulary(architecture: str) -> dict[str, int]:
    """Token → its type. Gemma's tokenizer takes SentencePiece's spelling, the others take GPT-2's."""
    control = dict.fromkeys(CONTROL, 3)
    if architecture not in _GEMMAS:
        return dict.fromkeys([*bytes_to_unicode().values(), "he"], 1) | control
    whole = ["\u2581", *(chr(code) for code in range(33, 127)), "he"]
    return control | {"<unk>": 2} | {f"<0x{byte:02X}>": 6 for byte in range(256)} | dict.fromkeys(whole, 1)


def _tokenizer(writer: Any, architecture: str) -> None:
    vocabulary = _vocabulary(architecture)
    tokens = list(vocabulary)
    writer.add_token_list(tokens)
    writer.add_token_types(list(vocabulary.values()))
    if architecture in _GEMMAS:
        writer.add_tokenizer_model("llama")
        writer.add_token_scores([-float(number) for number in range(len(tokens))])
        writer.add_add_space_prefix(False)
    else:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("gpt-2")
        writer.add_token_merges(["h e"])
    first = tokens.index("<|endoftext|>")
    writer.add_bos_token_id(first)
    writer.add_pad_token_id(first)
    writer.add_unk_token_id(tokens.index("<unk>") if "<unk>" in tokens else first)
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_add_bos_token(architecture in _GEMMAS)

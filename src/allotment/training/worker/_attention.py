"""Attention of packed examples on a card, told where each example begins instead of being given a mask.

A mask of T × T keeps PyTorch from its fastest kernel, and the kernels that take one also compute what it hides.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "allotment_packed"
_SINCE = (8, 0)
"""CUDA compute capability (Ampere) from which the kernel exists."""
_WIDEST = 256
"""Widest head of the kernel."""


def use_packed_attention(model: Any, capability: tuple[int, int] | None, precision: str) -> bool:
    """Let a model attend within bounds, where card, precision, model and PyTorch (2.11 or newer) allow it."""
    config = model.config.get_text_config()
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    capped = getattr(config, "attn_logit_softcapping", None)
    computes = capability is not None and capability >= _SINCE and precision in ("bf16", "fp16")
    if not computes or width > _WIDEST or width % 8 or capped or _kernel() is None:
        return False
    AttentionInterface.register(NAME, _attend)
    AttentionMaskInterface.register(NAME, _mask)
    model.set_attn_implementation(NAME)
    return True


@lru_cache
def _kernel() -> Callable[..., torch.Tensor] | None:
    """PyTorch's attention of sequences that lie end to end; none where it has none that knows windows."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    known = inspect.signature(varlen_attn).parameters
    if "window_size" not in known or "scale" not in known:
        return None
    fewer_keys = {"enable_gqa": True} if "enable_gqa" in known else {}
    return lambda *inputs, **options: varlen_attn(*inputs, **fewer_keys, **options)


def _mask(*arguments: Any, attention_mask: torch.Tensor | None = None, **options: Any) -> torch.Tensor | None:
    """None for examples that lie end to end; those that are filled up bring a mask of what is fill."""
    return None if attention_mask is None else sdpa_mask(*arguments, attention_mask=attention_mask, **options)


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    cu_seq_lens_q: torch.Tensor | None = None,
    max_length_q: int | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """As ``transformers`` calls it: heads × tokens × width of each; bounds are where the examples begin and end."""
    kernel = _kernel()
    if kernel is None or cu_seq_lens_q is None or attention_mask is not None or dropout:
        found: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, dropout=dropout, **options
        )
        return found
    dtype = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else query.dtype
    rows = [one.squeeze(0).transpose(0, 1).to(dtype) for one in (query, key, value)]
    window = (sliding_window - 1 if sliding_window else -1, 0)
    bounds = (cu_seq_lens_q, cu_seq_lens_q, max_length_q, max_length_q)
    return kernel(*rows, *bounds, scale=scaling, window_size=window).unsqueeze(0), None

"""Cross-entropy of answer tokens, without the logits of any other token and never of many at once.

Two thirds of a small model's work is its vocabulary. The gradient of a frozen head is computed together with the
loss, so that the logits of one chunk are gone before those of the next are made (the idea of Liger's fused linear
cross-entropy, Hsu et al., 2024).
"""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from allotment.training._examples import IGNORED

_BOUNDS = ("cu_seq_lens_q", "cu_seq_lens_k", "max_length_q", "max_length_k")
LOGITS_BYTES = 256 * 2**20
"""Most bytes of fp32 logits that are held at once."""


def chunk_positions(vocabulary: int) -> int:
    """Positions whose logits are computed at once."""
    return max(16, min(1024, LOGITS_BYTES // (4 * vocabulary)))


def answer_nll(hidden: torch.Tensor, labels: torch.Tensor, head: torch.nn.Module, config: Any) -> torch.Tensor:
    """Sum of the negative log-likelihoods of answer tokens, in nats.

    Args:
        hidden: last hidden states, batch × length × width.
        labels: batch × length; ``IGNORED`` where nothing is learnt. A label belongs to the position before it.
        head: the layer that gives logits.
        config: the model's configuration; it may scale or cap logits.
    """
    wanted = labels[:, 1:] != IGNORED
    states, targets = hidden[:, :-1][wanted], labels[:, 1:][wanted]
    squeeze = _Squeeze.of(config)
    if isinstance(head, torch.nn.Linear) and not any(one.requires_grad for one in head.parameters()):
        total: torch.Tensor = _FrozenHead.apply(states, head.weight, head.bias, targets, squeeze)
        return total
    size = chunk_positions(getattr(head, "out_features", config.vocab_size))
    pieces = zip(states.split(size), targets.split(size), strict=True)
    return sum(
        (checkpoint(_piece, head, squeeze, state, target, use_reentrant=False) for state, target in pieces),
        states.sum() * 0.0,  # a pass without labels has a gradient too, of zeros
    )


def _piece(head: torch.nn.Module, squeeze: _Squeeze, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return cross_entropy(squeeze(head(states).float()), targets, reduction="sum")


class _Squeeze:
    """What a model does to its logits: a factor, then a soft cap."""

    def __init__(self, factor: float, cap: float | None) -> None:
        self.factor, self.cap = factor, cap

    @classmethod
    def of(cls, config: Any) -> _Squeeze:
        """As the configuration names it: ``logits_scaling`` divides, ``logit_scale`` multiplies."""
        factor = float(getattr(config, "logit_scale", None) or 1.0) / float(
            getattr(config, "logits_scaling", None) or 1.0
        )
        cap = getattr(config, "final_logit_softcapping", None)
        return cls(factor, float(cap) if cap else None)

    @property
    def changes(self) -> bool:
        """Whether it does anything."""
        return self.factor != 1.0 or self.cap is not None

    def __call__(self, logits: torch.Tensor) -> torch.Tensor:
        logits = logits * self.factor if self.factor != 1.0 else logits
        return self.cap * torch.tanh(logits / self.cap) if self.cap else logits

    def slope(self, squeezed: torch.Tensor) -> torch.Tensor | float:
        """Derivative where the outcome is ``squeezed``."""
        return self.factor * (1 - (squeezed / self.cap) ** 2) if self.cap else self.factor


class _FrozenHead(torch.autograd.Function):  # type: ignore[misc]
    """Summed cross-entropy under a head that does not learn."""

    @staticmethod
    def forward(
        ctx: Any,
        states: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
        squeeze: _Squeeze,
    ) -> torch.Tensor:
        """Loss, and the gradient kept for ``backward``."""
        learns = ctx.needs_input_grad[0]
        gradient = torch.empty_like(states) if learns else None
        total = torch.zeros((), dtype=torch.float32, device=states.device)
        size, start = chunk_positions(weight.shape[0]), 0
        for piece, target in zip(states.split(size), targets.split(size), strict=True):
            logits = squeeze(torch.nn.functional.linear(piece.to(weight.dtype), weight, bias).float())
            total += cross_entropy(logits, target, reduction="sum")
            if gradient is not None:
                change = logits.softmax(-1)
                change[torch.arange(len(target), device=target.device), target] -= 1.0
                if squeeze.changes:
                    change *= squeeze.slope(logits)
                gradient[start : start + len(piece)] = (change.to(weight.dtype) @ weight).to(states.dtype)
            start += len(piece)
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *outer: torch.Tensor) -> tuple[torch.Tensor | None, None, None, None, None]:
        """The kept gradient, scaled."""
        (gradient,) = ctx.saved_tensors
        return (gradient * outer[0].to(gradient.dtype), None, None, None, None)


def give_answer_loss(model: torch.nn.Module) -> None:
    """Make the forward pass of a causal language model return the summed loss of its labels instead of logits.

    The forward itself is changed, so that wrappers for several cards, compilers and adapters see it.
    """
    model.forward = MethodType(_answer_forward, model)


def _answer_forward(
    self: Any,
    input_ids: torch.Tensor,
    labels: torch.Tensor,
    position_ids: torch.Tensor | None = None,
    attention_mask: torch.Tensor | None = None,
    **others: Any,
) -> dict[str, torch.Tensor]:
    bounds = {name: others[name] for name in _BOUNDS if name in others}
    hidden = self.base_model(
        input_ids=input_ids, position_ids=position_ids, attention_mask=attention_mask, use_cache=False, **bounds
    ).last_hidden_state
    return {"loss": answer_nll(hidden, labels, self.get_output_embeddings(), self.config)}

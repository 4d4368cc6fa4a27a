"""The arithmetic of a training: how many operations a token takes, and how fast cards have been seen to do them."""

from __future__ import annotations

from typing import Literal

from allotment.project import TrainingConfig
from allotment.training.estimation._learning import learning_of
from allotment.training.estimation._shapes import ModelShape

Method = Literal["lora", "qlora", "dora", "rslora", "partial", "full"]

EFFICIENCY = 0.50
"""Share of a card's peak that a training reaches while the card has work, all operations counted, those of computing
twice too: this package on an H100; others have published 31 to 86 % (docs/training-cost.md)."""
SLOW_EFFICIENCY = 0.28
"""The same for the slowest published stack that packs or pads nothing away."""
_SLOWER = {"dora": 0.83}
"""Rate beside LoRA's: PEFT's own comparison on an L40S (5,941 and 7,174 tokens/s)."""
_UNPACKING = 2300
"""Operations a card could do at its peak while it gets one weight out of four bits, which it does in each pass for
each direction however many the tokens: 2,200 on an H100; 2,900 on an RTX 4090 from torchtune's rates (2,413 tokens/s,
without four bits 3,083)."""
_WAITING_S = 0.012
"""Seconds a card has no work between two steps: for the gradients' norm, the optimizer's start, the record and the next
batch. Measured beside an H100."""
_LAYER_S, _LAYER_FOUR_BITS_S, _LAYER_TWICE = 4e-3, 6e-3, 1.75
"""Least seconds a layer with an adapter takes in a forward and backward pass however few its tokens, since PyTorch
starts over a hundred kernels one after another; with weights in four bits; and how many times as long where activations
are computed twice. Measured on one core of a server with an H100."""


def train_flops_per_token(
    shape: ModelShape,
    method: Method,
    checkpointing: bool,
    sequence: float,
    *,
    training: TrainingConfig | None = None,
    answer_share: float = 1.0,
) -> float:
    """Operations for training on one token. For MFU leave ``checkpointing`` out: work done twice counts once there.

    A product with a frozen matrix costs 2 operations a weight forward and 2 backward; one with a matrix that learns 2
    more; computing activations again 2 more. Attention costs 2 × width × sequence forward, half of it being masked,
    and twice that backward. Sliding windows are not looked at: PyTorch's own attention computes what it masks.

    Args:
        shape: the model.
        method: what is trained.
        checkpointing: whether activations are computed twice.
        sequence: tokens an example has, since examples see only themselves.
        training: for ``partial``, which layers; without it, the upper quarter is reckoned with.
        answer_share: share of tokens for which logits are computed.
    """
    lowest, learnt, head_learns = _learnt(shape, method, training)
    above = (shape.layers - lowest) / shape.layers
    linear, head = shape.linear_parameters, shape.head_parameters * answer_share
    attention = 2 * shape.layers * shape.attention * sequence
    forward = 2 * linear + 2 * head + attention
    backward = above * (2 * linear + 2 * attention) + 2 * head + 2 * learnt + (2 * head if head_learns else 0)
    again = above * (2 * linear + attention) if checkpointing else 0.0
    return float(forward + backward + again)


def _learnt(shape: ModelShape, method: Method, training: TrainingConfig | None) -> tuple[int, float, bool]:
    """Lowest layer gradients go down to, weights of matrices in layers that learn, and whether the head does."""
    if method == "full":
        return 0, shape.linear_parameters, True
    if method != "partial":
        return 0, 0.0, False
    if training is None or not training.unfrozen:
        lowest = shape.layers - max(1, shape.layers // 4)
        return lowest, shape.linear_parameters * (shape.layers - lowest) / shape.layers, False
    learning = learning_of(shape, training)
    return learning.lowest, float(learning.matrices), learning.head


def tokens_per_second(
    shape: ModelShape,
    training: TrainingConfig,
    *,
    peak_tflops: float,
    checkpointing: bool,
    sequence: float,
    tokens_in_pass: int,
    efficiency: float = EFFICIENCY,
) -> float:
    """Rate to be expected of a card, from its peak and the share of it that is published for stacks like this one."""
    work = train_flops_per_token(shape, training.method, checkpointing, sequence, training=training)
    four_bits, peak = training.method == "qlora", peak_tflops * 1e12
    computing = tokens_in_pass * work / (peak * efficiency * _SLOWER.get(training.method, 1.0))
    if four_bits:
        computing += (3 if checkpointing else 2) * shape.linear_parameters * _UNPACKING / peak
    starting = shape.layers * (_LAYER_FOUR_BITS_S if four_bits else _LAYER_S) * (_LAYER_TWICE if checkpointing else 1)
    return tokens_in_pass / (max(computing, starting) + _WAITING_S)

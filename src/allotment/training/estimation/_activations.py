"""What a forward pass keeps for its backward pass, in bytes: counted from what autograd saves of each layer.

Not fitted: every term is a tensor that PyTorch, transformers and PEFT keep. The tests build small models of each family
and compare with what autograd really holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from allotment.project import TrainingConfig
from allotment.training.estimation._learning import ADAPTERS, Learning
from allotment.training.estimation._shapes import ModelShape

_FP32 = 4


@dataclass(frozen=True)
class Arithmetic:
    """How a training computes on a device."""

    size: int
    """Bytes of a number in the computation."""
    autocast: bool
    """Whether each product of matrices casts its own copy of what goes in."""
    residual: int
    """Bytes of a number in the stream between layers."""
    mask: bool
    """Whether attention is given a mask of T × T; without one keys and values are not repeated for each head."""
    fused: bool
    """Whether a layer and its adapter are one step of autograd, which keeps what goes in once for all that read it."""
    liger: bool
    """Whether Liger's kernels compute norms and gates: they keep what goes in, in its own format, and nothing else."""

    @classmethod
    def of(
        cls,
        training: TrainingConfig,
        device: str,
        *,
        mask: bool | None = None,
        fused: bool | None = None,
        liger: bool | None = None,
    ) -> Arithmetic:
        """As the worker computes: fp32 on a processor, else 16 bits under autocast with the kernels of ``_kernels``,
        unless told otherwise. Whether a card elsewhere has Liger is taken from whether it is installed here."""
        auto = "fp32" if device == "cpu" else "bf16"
        half = (auto if training.precision == "auto" else training.precision) != "fp32"
        if training.method not in ADAPTERS:
            half = half and device != "cpu"  # what learns is kept in fp32, and only a card casts it
        fp32_stream = not half or training.method in ("partial", "full")
        on_card = device != "cpu"
        plain = training.method in ("lora", "qlora", "rslora") and not training.dropout
        there = bool(training.liger) and find_spec("liger_kernel") is not None
        return cls(
            size=2 if half else _FP32,
            autocast=half,
            residual=_FP32 if fp32_stream else 2,
            mask=not (on_card and half and training.packing) if mask is None else mask,
            fused=on_card and plain and training.sharding == "none" if fused is None else fused,
            liger=on_card and there if liger is None else liger,
        )


def kept_bytes(
    shape: ModelShape,
    training: TrainingConfig,
    learning: Learning,
    how: Arithmetic,
    tokens: int,
    *,
    checkpointing: bool,
) -> float:
    """Bytes kept of all layers at the end of a forward pass of ``tokens``; with checkpointing, each layer's input."""
    layers = shape.layers - learning.lowest
    if checkpointing:
        return float(layers * tokens * shape.hidden * how.residual)
    learns = layers if training.method in ADAPTERS else learning.layers
    return learns * layer_bytes(shape, training, learning, how, tokens) + (layers - learns) * layer_bytes(
        shape, training, None, how, tokens
    )


def layer_bytes(
    shape: ModelShape, training: TrainingConfig, learning: Learning | None, how: Arithmetic, tokens: int
) -> float:
    """Bytes one layer keeps; ``learning`` is none for one in which nothing learns and gradients pass through."""
    each: float = _norms(shape, how, learning is not None and not learning.targets) + _attention(shape, how)
    each += (2 if how.liger else 3) * shape.intermediate * how.size  # gate, up, and the gate's activation
    if learning is not None:
        each += _inputs(shape, training, learning, how)
    mask = tokens * how.size if how.mask else 0  # cast to numbers by each layer for itself
    return float(tokens * (each + mask))


def _norms(shape: ModelShape, how: Arithmetic, learn: bool) -> int:
    """What is normalised, in fp32, with the norm; where the norm learns, what came out of it as well."""
    width, heads = shape.norms * shape.hidden, 0
    in_norm = how.residual if how.liger else _FP32
    count = shape.norms
    if shape.qk_norm:
        heads = shape.attention + shape.key_value
        count += shape.heads + shape.kv_heads
    learnt = _FP32 * width + (_FP32 if shape.norms > 2 else how.size) * heads  # Gemma's norms stay in fp32
    return in_norm * width + (how.size if how.liger else _FP32) * heads + _FP32 * count + (learnt if learn else 0)


def _attention(shape: ModelShape, how: Arithmetic) -> int:
    """Queries, keys, values, the outcome, and the logarithm of each row's sum."""
    keys_and_values = 2 * (shape.attention if how.mask else shape.key_value)
    return (2 * shape.attention + keys_and_values) * how.size + shape.heads * _FP32


def _inputs(shape: ModelShape, training: TrainingConfig, learning: Learning, how: Arithmetic) -> float:
    """What goes into the matrices that learn. What several read is kept once, unless each casts or drops its own."""
    targets = learning.targets or tuple(shape.linear)
    widths = {name: shape.linear[name][0] for name in targets}
    own = sum(widths.values())
    if not learning.targets:  # attention's outcome is kept already
        shared = 2 * shape.hidden + shape.intermediate
        return how.size * (own - widths["o_proj"] if how.autocast else shared)
    found = float(len(targets) * training.rank * how.size)
    if training.dropout:
        found += own * (how.size + _FP32)
    elif how.autocast and not how.fused:
        found += own * how.size
    else:
        found += how.size * _shared(shape, targets)
    if training.method == "dora":  # the outcome without, and of the adapter alone
        found += 2 * how.size * sum(shape.linear[name][1] for name in targets)
    return found


def _shared(shape: ModelShape, targets: tuple[str, ...]) -> int:
    read = {"q_proj", "k_proj", "v_proj"} & set(targets), {"gate_proj", "up_proj"} & set(targets)
    return shape.hidden * sum(bool(group) for group in read) + shape.intermediate * ("down_proj" in targets)

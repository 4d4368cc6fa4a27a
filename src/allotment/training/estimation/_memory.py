"""Peak memory of a training, reckoned term by term from a model's shape: no weights, no card, no run is needed.

The terms are those of ``_activations`` and of this module's functions; the constants that were measured say where.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from allotment.project import TrainingConfig
from allotment.training.estimation._activations import Arithmetic, kept_bytes, layer_bytes
from allotment.training.estimation._learning import ADAPTERS, Learning, learning_of
from allotment.training.estimation._shapes import ModelShape

GIB = 2**30
Device = Literal["cpu", "cuda"]

_NF4 = 0.516
"""Bytes of a weight in NF4 with double quantisation: 4 bits and 0.127 of constants (QLoRA, Dettmers et al., 2023)."""
_STATES = 12
"""Bytes of the gradient and of AdamW's two states, all fp32."""
_LOGITS_BYTES = 256 * 2**20
"""Most fp32 logits that the loss holds at once, as in ``_loss``."""
_PROCESS_GIB = 0.555
"""Python with PyTorch, transformers, PEFT and TRL: peak of a training of a model of 0.5 MB."""
_CUDA_GIB, _CUDA_SAFE_GIB = 0.9, 1.4
"""CUDA's context and what its allocator cannot give out, not counted by ``torch.cuda.max_memory_allocated``: published
figures are 0.6 to 1.4."""
_HOLES, _HOLES_BETWEEN_INPUTS, _HOLES_IN_LAYER = 0.1, 1.2, 0.3
"""What the C library's heap holds beside what is alive, as shares of what is kept, of the layers' inputs that are kept
where activations are computed twice, and of what comes and goes in a layer; from 22 trainings of small models under
``_heap``."""
_MARGINS = {
    "process": 0.03,
    "weights": 0.01,
    "states": 0.05,
    "activations": 0.12,
    "layer": 0.35,
    "logits": 0.35,
    "heap": 1.0,
}
"""How much more than expected each term may be."""


@dataclass(frozen=True)
class Memory:
    """Peak of one process, in GiB."""

    expected_gib: float
    safe_gib: float
    """What the peak should not exceed: each term with its own margin."""
    terms: dict[str, float]
    """Expected GiB by term; they add up."""


def predict_peak_gib(
    shape: ModelShape,
    training: TrainingConfig,
    *,
    tokens_in_pass: int,
    device: Device,
    checkpointing: bool | None = None,
    answer_tokens: int | None = None,
    how: Arithmetic | None = None,
) -> Memory:
    """Peak memory of training a model: RAM of the process on a processor, memory of the card on a card.

    Args:
        shape: the model.
        training: method, rank, precision and so on; ``micro_batch_tokens`` is not looked at.
        tokens_in_pass: tokens of the largest forward pass, fill included.
        device: what computes.
        checkpointing: whether activations are computed twice; as ``training`` says if none, ``auto`` meaning no.
        answer_tokens: of them, those with a label; all of them if none.
        how: number formats and kernels; as the worker computes if none.

    Raises:
        ProjectError: ``unfrozen`` or ``target_modules`` names nothing of the model.
    """
    learning = learning_of(shape, training)
    how = how or Arithmetic.of(training, device)
    checkpointing = training.gradient_checkpointing is True if checkpointing is None else checkpointing
    tokens = max(1, tokens_in_pass)
    activations = kept_bytes(shape, training, learning, how, tokens, checkpointing=checkpointing)
    layer = _in_flight(shape, training, learning, how, tokens, checkpointing=checkpointing)
    logits = _logits(shape, learning, how, min(tokens, answer_tokens or tokens))
    terms = {
        "weights": _weights(shape, training, how),
        "states": _states(learning, training) + (how.size * learning.parameters if how.fused and how.size < 4 else 0),
        "activations": activations,
        **({"layer": layer} if layer >= logits else {"logits": logits}),  # one after the other, in the same place
    }
    if device == "cpu":
        holes = _HOLES_BETWEEN_INPUTS if checkpointing else _HOLES
        terms |= {"process": _PROCESS_GIB * GIB, "heap": holes * activations + _HOLES_IN_LAYER * layer}
    return _in_gib(terms, 0.0 if device == "cpu" else _CUDA_GIB)


def _weights(shape: ModelShape, training: TrainingConfig, how: Arithmetic) -> float:
    """Of the model as it is loaded; what an adapter adds is with the states."""
    if training.method == "qlora":  # embedding, head and norms stay whole
        return shape.linear_parameters * _NF4 + (shape.parameters - shape.linear_parameters) * how.size
    if training.method in ADAPTERS:
        return float(shape.parameters * how.size)
    return shape.parameters * (4.0 + (2.0 if how.autocast else 0.0))  # autocast's copies live through the pass


def _states(learning: Learning, training: TrainingConfig) -> float:
    """What learns besides the model's own weights, its gradients and the optimizer's states; a head that learns adds
    the gradient of each chunk to the sum."""
    own = 4 * learning.parameters if training.method in ADAPTERS else 0
    return _STATES * learning.parameters + own + (4.0 * learning.largest if learning.head else 0.0)


def _in_flight(
    shape: ModelShape,
    training: TrainingConfig,
    learning: Learning,
    how: Arithmetic,
    tokens: int,
    *,
    checkpointing: bool,
) -> float:
    """Of the layer that backward is in: gradients of its inner tensors, what is computed again, and for QLoRA the
    largest matrix out of its four bits."""
    inner = (5 if checkpointing and not how.liger else 3) * shape.intermediate + 2 * shape.hidden
    unpacked = max(width * height for width, height in shape.linear.values()) if training.method == "qlora" else 0
    again = layer_bytes(shape, training, learning, how, tokens) if checkpointing else 0.0
    return (tokens * inner + unpacked) * how.size + again + _dora(shape, training, learning, how)


def _dora(shape: ModelShape, training: TrainingConfig, learning: Learning, how: Arithmetic) -> float:
    """PEFT multiplies the adapter's matrices with an identity as wide as the layer to get the norm of each row."""
    if training.method != "dora":
        return 0.0
    sizes = (shape.linear[name] for name in learning.targets)
    return float(max(width * width + 3 * width * height for width, height in sizes) * how.size)


def _logits(shape: ModelShape, learning: Learning, how: Arithmetic, answers: int) -> float:
    """Logits of one chunk of answer tokens, their softmax, and those of the chunk before while the next is made."""
    chunk = max(16, min(1024, _LOGITS_BYTES // (4 * shape.vocabulary)))
    copies = 2.0 if answers <= chunk and not learning.head else 3.0
    return min(answers, chunk) * shape.vocabulary * (4 * copies + (how.size if how.size < 4 else 0))


def _in_gib(terms: dict[str, float], cuda_gib: float) -> Memory:
    found = {name: size / GIB for name, size in terms.items()}
    safe = sum(size * (1 + _MARGINS[name]) for name, size in found.items())
    if cuda_gib:
        found["cuda"] = cuda_gib
        safe += _CUDA_SAFE_GIB
    return Memory(sum(found.values()), safe, found)

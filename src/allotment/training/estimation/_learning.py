"""What a method trains of a model, reckoned from its shape alone: how many weights, where, and down to which layer."""

from __future__ import annotations

from dataclasses import dataclass

from allotment.errors import ProjectError
from allotment.project import TrainingConfig
from allotment.training.estimation._shapes import LINEAR, ModelShape

ADAPTERS = ("lora", "qlora", "dora", "rslora")
"""Methods that train new matrices beside a frozen model."""


@dataclass(frozen=True)
class Learning:
    """What learns."""

    parameters: int
    """Weights with a gradient and the optimizer's two states."""
    largest: int
    """Weights of the largest tensor among them."""
    matrices: int
    """Weights of the model's own matrices among them, whose gradients are products of matrices."""
    targets: tuple[str, ...]
    """Linear layers with an adapter; none for methods without."""
    lowest: int
    """Lowest layer with something to learn: backward goes no further down. The number of layers if none has."""
    head: bool
    """Whether the head learns; a tied one does when the embedding does."""
    layers: int
    """Layers in which something learns."""


def learning_of(shape: ModelShape, training: TrainingConfig) -> Learning:
    """What ``training`` trains of a model.

    Raises:
        ProjectError: ``unfrozen`` or ``target_modules`` names nothing of the model.
    """
    if training.method in ADAPTERS:
        return _adapter(shape, training)
    names = [name for name in shape.tensors if training.method == "full" or _is_named(name, training.unfrozen)]
    if not names:
        raise ProjectError(
            f"no weights of {shape.name} have such a name.",
            element=f"training.unfrozen: {', '.join(training.unfrozen)}",
            remedy=f"Its {shape.layers} layers are layers.0 to layers.{shape.layers - 1}; or norm, embed_tokens.",
        )
    return _own_weights(shape, names)


def _is_named(name: str, parts: tuple[str, ...]) -> bool:
    """Whether dotted words occur in a name as they stand: ``layers.1`` is not ``layers.17``."""
    return any(f".{part}." in f".{name}." for part in parts)


def _own_weights(shape: ModelShape, names: list[str]) -> Learning:
    sizes = {name: shape.tensors[name] for name in names}
    embedding, head = "model.embed_tokens.weight", "lm_head.weight"
    layers = [int(name.split(".")[2]) for name in names if name.startswith("model.layers.")]
    matrices = (name for name in names if name.endswith("proj.weight") or name in (embedding, head))
    return Learning(
        parameters=sum(sizes.values()),
        largest=max(sizes.values()),
        matrices=sum(sizes[name] for name in matrices),
        targets=(),
        lowest=0 if embedding in sizes else min(layers, default=shape.layers),
        head=(embedding if shape.tied else head) in sizes,
        layers=len(set(layers)),
    )


def _adapter(shape: ModelShape, training: TrainingConfig) -> Learning:
    wanted = training.target_modules
    targets = tuple(name for name in LINEAR if wanted == ("all-linear",) or name in wanted)
    if not targets:
        raise ProjectError(
            f"no linear layer of {shape.name} has such a name.",
            element=f"training.target_modules: {', '.join(wanted)}",
            remedy=f"Its linear layers are {', '.join(LINEAR)}; or write all-linear.",
        )
    rank = training.rank
    each = [rank * (width + height) for width, height in (shape.linear[name] for name in targets)]
    magnitudes = sum(shape.linear[name][1] for name in targets) if training.method == "dora" else 0
    return Learning(
        parameters=shape.layers * (sum(each) + magnitudes),
        largest=max(rank * max(shape.linear[name]) for name in targets),
        matrices=0,
        targets=targets,
        lowest=0,
        head=False,
        layers=shape.layers,
    )

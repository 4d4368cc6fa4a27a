"""What a method trains: a new adapter on a frozen model, some layers, or everything; and what it leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from allotment.errors import TrainingError
from allotment.training._ranks import is_first, whole

ADAPTERS = ("lora", "qlora", "dora", "rslora")
"""Methods that add an adapter and leave the model as it is."""


def prepare(model: Any, settings: Mapping[str, Any]) -> Any:
    """The model with exactly those parameters learning that ``method`` names.

    Raises:
        TrainingError: ``unfrozen`` or ``target_modules`` names nothing of this model.
    """
    if settings["method"] in ADAPTERS:
        return _with_adapter(model, settings)
    names = [name for name, _ in model.named_parameters()]
    for part in settings["unfrozen"]:
        if not any(_names(part, name) for name in names):
            raise TrainingError(
                f"no parameter of the model has {part!r} in its name.",
                kind="configuration",
                element="training.unfrozen",
                remedy=f"Its parameters are named like {names[len(names) // 2]!r}.",
            )
    for name, parameter in model.named_parameters():
        parameter.requires_grad = settings["method"] == "full" or any(_names(p, name) for p in settings["unfrozen"])
    return model


def _names(part: str, name: str) -> bool:
    """Whether the dotted words of ``part`` occur in ``name`` as they stand: ``layers.1`` is not ``layers.17``."""
    return f".{part}." in f".{name}."


def _with_adapter(model: Any, settings: Mapping[str, Any]) -> Any:
    from peft import LoraConfig, get_peft_model

    targets = list(settings["target_modules"])
    config = LoraConfig(
        r=settings["rank"],
        lora_alpha=settings["alpha"],
        lora_dropout=settings["dropout"],
        target_modules=targets[0] if targets == ["all-linear"] else targets,
        use_dora=settings["method"] == "dora",
        use_rslora=settings["method"] == "rslora",
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        raise TrainingError(
            f"the adapter does not fit the model ({error}).", kind="configuration", element="training.target_modules"
        ) from error


def trained_tensors(model: Any) -> dict[str, Any]:
    """The learning parameters by name, each once."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def save_result(model: Any, settings: Mapping[str, Any], out: Path) -> None:
    """Write what was trained: ``peft/`` for an adapter, else ``changed/``; every process must call it."""
    changed = whole(trained_tensors(model))
    if not is_first():
        return
    if settings["method"] in ADAPTERS:
        model.save_pretrained(str(out / "peft"), state_dict=changed)
        return
    from safetensors.torch import save_file

    (out / "changed").mkdir(exist_ok=True)
    save_file(changed, str(out / "changed" / "changed.safetensors"), metadata={"format": "pt"})

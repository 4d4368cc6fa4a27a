"""Tiny GGUF models in PyTorch, and trainings of them that nobody waited for: random adapters and changed tensors."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from allotment.training._base import load_base
from allotment.training.serving._parity import ParityRecord, compare, log_probabilities, parity_rows
from allotment.workspace import hash_file
from tiny_gguf import write_tiny_gguf

EXAMPLES = [
    (f"<|im_start|>user\nCode of dock {n}?<|im_end|>\n<|im_start|>assistant\n", f"Dock {n} has the code K{n * 7 % 10}.")
    for n in range(12)
]


@lru_cache
def _file(folder: Path, architecture: str, quantised: bool) -> Path:
    name = f"{architecture}{'-quantised' if quantised else ''}.gguf"
    return write_tiny_gguf(folder / name, architecture, quantised=quantised)


def tiny_base(folder: Path, architecture: str = "llama", *, quantised: bool = False) -> tuple[Path, Any, Any]:
    """The file of a tiny model, made once for a folder; the model and its tokenizer in PyTorch, anew."""
    file = _file(folder, architecture, quantised)
    model, tokenizer = load_base(file, hash_file(file))
    return file, model.eval(), tokenizer


def random_adapter(model: Any, folder: Path, *, size: float = 0.3, **settings: Any) -> Any:
    """An adapter with random matrices on every linear layer, saved to ``folder``; gives the model with it."""
    import torch
    from peft import LoraConfig, get_peft_model

    chosen = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM", **settings}
    adapted = get_peft_model(model, LoraConfig(**chosen))
    torch.manual_seed(3)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.copy_(size * torch.randn_like(parameter))
            elif "lora_magnitude" in name:
                parameter.mul_(1 + 0.3 * torch.rand_like(parameter))
    adapted.save_pretrained(str(folder))
    return adapted.eval()


def random_change(model: Any, parts: tuple[str, ...], file: Path) -> Any:
    """Random changes to the parameters with these words in their names, saved to ``file``; gives the changed model."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(4)
    changed: dict[str, Any] = {}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if any(part in name for part in parts):
                parameter.add_(0.5 * parameter.std() * torch.randn_like(parameter))
                changed[name] = parameter.detach().clone()
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(changed, str(file))
    return model


def parity(before: Any, after: Any, tokenizer: Any, model: Path, adapter: Path | None = None) -> ParityRecord:
    """How far the engine on these files is from ``after``, which was ``before``."""
    rows = parity_rows(EXAMPLES, tokenizer)
    return compare(rows, log_probabilities(before, rows), log_probabilities(after, rows), model, adapter)

"""A manifest in words: what the report and the model card both say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allotment.training._manifest import Manifest
from allotment.training.record._figures import UNKNOWN, dollars, figure, percent
from allotment.training.record._prediction import Comparison, prediction_errors

_METHODS = {"lora": "LoRA", "qlora": "QLoRA", "dora": "DoRA", "rslora": "rsLoRA"}


@dataclass(frozen=True)
class Example:
    """A masked example: what is read, and what is learnt. ``learnt`` is empty where the two cannot be told apart."""

    read: str
    learnt: str


def method_name(manifest: Manifest) -> str:
    """The method with its size: ``LoRA of rank 16``."""
    name = _METHODS.get(manifest.method)
    return f"{name} of rank {manifest.training.get('rank', UNKNOWN)}" if name else f"{manifest.method} fine-tuning"


def base_name(manifest: Manifest) -> str:
    """The base model's name; of a file of the user's own, the file's name without its folders."""
    return Path(manifest.base_model).name


def when(manifest: Manifest) -> str:
    """Day and time of the end, in UTC."""
    return manifest.created[:16].replace("T", " ") + " UTC"


def said(value: Any) -> str:
    """A setting's value as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {said(item)}" for key, item in value.items()) or "none"
    return "not set" if value is None else str(value)


def masked_example(manifest: Manifest) -> Example:
    """The run's one decoded example, taken apart at the marks around what is learnt."""
    text = str(manifest.measured.get("masked_example") or "")
    if text.count("⟦") == 1 and text.endswith("⟧"):
        read, _, learnt = text[:-1].partition("⟦")
        return Example(read, learnt)
    return Example(text, "")


def comparison_rows(manifest: Manifest) -> list[dict[str, str]]:
    """Predicted and actual as text: memory, time, price."""
    (errors,) = prediction_errors([manifest])

    def row(name: str, found: Comparison, text: Callable[[float | None], str]) -> dict[str, str]:
        figures = {"predicted": text(found.predicted), "probed": text(found.probed), "actual": text(found.actual)}
        missed = {"error": percent(found.error_percent), "probe_error": percent(found.probe_error_percent)}
        return {"name": name, **figures, **missed}

    return [
        row("Peak memory, GiB", errors.peak_gib, figure),
        row("Time, minutes", errors.minutes, figure),
        row("Price", errors.usd, dollars),
    ]


def said_or_unknown(value: Any) -> str:
    """What is known of a machine."""
    return UNKNOWN if value is None else said(value)

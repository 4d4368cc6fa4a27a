"""The model card of an adapter: what it is, whom it may answer, what it learnt from, and how it is loaded elsewhere.

Its front matter has the field names that model hubs read: https://huggingface.co/docs/hub/model-cards. It holds no text
of any document. Names and paths stand in it as code, so that no mark in them is read as Markdown or HTML.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from allotment import __version__
from allotment.models import ModelEntry, find_model
from allotment.training._manifest import SERVED_FILES, Manifest
from allotment.training.record._described import base_name, comparison_rows, method_name, said, when
from allotment.training.record._figures import UNKNOWN, dollars, figure, number
from allotment.training.record._prediction import minutes_of
from allotment.training.record._shown import code_text
from allotment.workspace import write_atomic

CARD_FILE = "README.md"


def write_model_card(folder: Path, manifest: Manifest) -> None:
    """Write ``README.md`` into an adapter's folder.

    Args:
        folder: where the adapter's files lie.
        manifest: of the adapter; it may be one that is not signed yet.

    Raises:
        ProjectError: the base model is not known any more.
        StorageError: the disk is full.
    """
    write_atomic(folder / CARD_FILE, model_card(manifest))


def model_card(manifest: Manifest) -> str:
    """The card's text, front matter included."""
    base, file = find_model(manifest.base_model), Path(find_model(manifest.base_model).file)
    return (
        _environment()
        .get_template("card.md")
        .render(
            manifest=manifest,
            front_matter=yaml.safe_dump(_front_matter(manifest, base), sort_keys=False, allow_unicode=True),
            allotment=__version__,
            when=when(manifest),
            method=method_name(manifest),
            base=base_name(manifest),
            licence=base.licence,
            examples=figure(number(manifest.measured, "examples")),
            dropped=figure(number(manifest.measured, "dropped")),
            settings=[(name.replace("_", " "), said(value)) for name, value in manifest.training.items()],
            seeds=[(f"seed of {name}", str(value)) for name, value in manifest.seeds.items()],
            figures=_figures(manifest),
            comparisons=comparison_rows(manifest),
            served=SERVED_FILES[manifest.serves],
            has_peft=_has_peft(manifest),
            four_bit=manifest.method == "qlora",
            gguf=f", gguf_file={_python_text(file.name)}" if file.suffix == ".gguf" else "",
        )
    )


@lru_cache
def _environment() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    made = Environment(  # noqa: S701  it is Markdown: what others wrote passes through ``code``
        loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    made.filters.update(code=code_text, codes=_codes)
    return made


def _codes(names: Iterable[str]) -> str:
    return ", ".join(code_text(name) for name in names)


def _python_text(text: str) -> str:
    """A text as Python writes it, without a mark that ends a Markdown block."""
    return ascii(text).replace("`", "\\x60")


def _has_peft(manifest: Manifest) -> bool:
    return manifest.method not in ("partial", "full")


def _front_matter(manifest: Manifest, base: ModelEntry) -> dict[str, Any]:
    hub = next((source.hub.repository for source in base.sources if source.hub), base_name(manifest))
    return {
        "base_model": hub,
        "base_model_relation": "adapter" if _has_peft(manifest) else "finetune",
        "base_model_license": base.licence,
        "library_name": "peft" if _has_peft(manifest) else "transformers",
        "pipeline_tag": "text-generation",
        "license": "other",
        "license_name": "internal",
        "tags": ["allotment", "closed-book", manifest.method, "question-answering"],
    }


def _figures(manifest: Manifest) -> list[tuple[str, str]]:
    measured, mfu = manifest.measured, number(manifest.measured, "mfu")
    versions = ", ".join(f"{package} {version}" for package, version in manifest.versions.items())
    return [
        ("training loss, nats a token", figure(number(measured, "final_loss"))),
        ("loss on held-out documents", figure(number(measured, "held_out_loss"))),
        ("epochs", figure(number(measured, "epochs"))),
        ("tokens trained on", figure(number(measured, "tokens"))),
        ("minutes", figure(minutes_of(manifest))),
        ("price", dollars(number(measured, "usd"))),
        ("tokens a second", figure(number(measured, "tokens_per_second"))),
        ("share of the device's peak rate", UNKNOWN if mfu is None else f"{mfu:.1%}"),
        ("device", str(manifest.hardware.get("device") or UNKNOWN)),
        ("versions", versions or UNKNOWN),
    ]

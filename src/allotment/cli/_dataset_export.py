"""Where an export goes: stdout, a file, or a folder with its card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from allotment.cli._jsonl import write_lines
from allotment.cli._run import Run
from allotment.errors import ProjectError

if TYPE_CHECKING:
    from allotment.dataset import ExportFormat, Split
    from allotment.dataset._export_folder import Exported
    from allotment.project import ModelPrice, Project

_SUFFIXES = {".jsonl", ".json", ".parquet"}
_CARD_SUFFIXES = {".md"}


def export_to(
    run: Run,
    project: Project,
    agent: str,
    form: ExportFormat,
    split: Split | Literal["all"],
    output: Path | None,
    *,
    card: bool,
    with_sources: bool,
) -> None:
    """Write the export, or the card alone, to where the call says.

    Raises:
        ProjectError: such a format or split cannot go there.
    """
    from allotment.dataset._export import SPLITS, export, readable_sources
    from allotment.dataset._export_folder import write_split
    from allotment.dataset._items import iterate_items

    if card:
        _write_card(run, project, agent, output)
        return
    is_file = output is not None and output.suffix.lower() in _SUFFIXES and not output.is_dir()
    _check(form, split, output, is_file=is_file)
    sources = readable_sources(project, run.workspace(), agent) if with_sources else None
    if output is None or is_file:
        only = next(name for name in SPLITS if name == split)
        items = iterate_items(run.workspace(), agent)
        if output is None:
            write_lines(run, export(items, form, only, sources))
        else:
            _tell(run, write_split(items, output, form, only, sources))
    else:
        _write_folder(run, project, agent, form, split, output, sources)


def _check(form: str, split: str, output: Path | None, *, is_file: bool) -> None:
    if split == "all" and (output is None or is_file):
        told = "all splits would come into one file, and a trainer would learn what it is measured on."
        raise ProjectError(told, element="--split all", remedy="Name a folder: --output DIR.")
    if form == "parquet" and output is None:
        raise ProjectError("needs a file or a folder.", element="--format parquet", remedy="Name one: --output FILE.")
    if output is not None and is_file and (output.suffix.lower() == ".parquet") != (form == "parquet"):
        remedy = "Parquet files end in .parquet, all others in .jsonl."
        raise ProjectError(f"is no name for a file of the format {form}.", element=str(output), remedy=remedy)
    if output is not None and not is_file and (output.is_file() or output.suffix.lower() in _CARD_SUFFIXES):
        remedy = "Name a folder, or a file that ends in .jsonl or .parquet."
        raise ProjectError("is no folder.", element=str(output), remedy=remedy)


def _write_folder(
    run: Run,
    project: Project,
    agent: str,
    form: ExportFormat,
    split: Split | Literal["all"],
    folder: Path,
    sources: Mapping[str, str] | None,
) -> None:
    from allotment.dataset._export import SPLITS
    from allotment.dataset._export_folder import write_folder

    splits = SPLITS if split == "all" else (split,)
    prices = _prices(project)
    _tell(run, write_folder(project, run.workspace(), agent, folder, form, splits, sources=sources, prices=prices))


def _write_card(run: Run, project: Project, agent: str, output: Path | None) -> None:
    from allotment.dataset._export_folder import CARD, card_of
    from allotment.workspace import write_atomic

    text = card_of(project, run.workspace(), agent, {}, prices=_prices(project))
    if output is None:
        run.show({"card": text}, lambda console: console.out(text, end="", highlight=False))
        return
    path = output if output.suffix.lower() in _CARD_SUFFIXES else output / CARD
    write_atomic(path, text)
    run.show({"card": str(path)}, lambda console: console.print(str(path), markup=False, soft_wrap=True))


def _tell(run: Run, done: Exported) -> None:
    if done.without_context:
        run.note(f"{done.without_context} items have no context: their sections are gone, or may not be read any more.")
    value = {split: {"file": str(path), "items": done.items[split]} for split, path in done.files.items()}
    rows = [(split, entry["items"], entry["file"]) for split, entry in value.items()]
    run.show_table(("split", "items", "file"), rows, value, "There is no item in that part.")


def _prices(project: Project) -> dict[str, ModelPrice]:
    """Prices of the models a dataset is made with, as far as they are known."""
    from allotment.models import price_of

    used = [name for name in (project.models.teacher, project.dataset.judge) if name]
    found = {name: price_of(name, project.models) for name in used}
    return {name: price for name, price in found.items() if price is not None}

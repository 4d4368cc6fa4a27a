"""The report of a training: one page for whoever answers for an adapter and for whoever has to make it better.

One file without scripts, references or requests, so that it can be kept and printed. Everything in it that came from a
document, a path or an event is somebody else's text: it is escaped, and the page's own policy lets no script run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from allotment import __version__
from allotment.errors import IntegrityError
from allotment.training._manifest import SERVED_FILES, Manifest
from allotment.training.record._described import (
    base_name,
    comparison_rows,
    masked_example,
    method_name,
    said,
    said_or_unknown,
    when,
)
from allotment.training.record._figures import UNKNOWN, dollars, figure, number
from allotment.training.record._metrics import METRICS_FILE, Metrics, read_metrics
from allotment.training.record._plot import loss_plot
from allotment.training.record._prediction import minutes_of, prediction_errors
from allotment.training.record._shown import visible
from allotment.workspace import hash_file_once, write_atomic

REPORT_FILE = "report.html"

_NOT_LISTED = {REPORT_FILE, "manifest.json"}

Facts = list[tuple[str, str]]


@dataclass(frozen=True)
class _File:
    name: str
    sha256: str
    size: str


def write_report(folder: Path, manifest: Manifest) -> None:
    """Write ``report.html`` into an adapter's folder.

    Args:
        folder: where the adapter's files lie; all but the manifest and the report itself are listed with their hashes.
        manifest: of the adapter; it may be one that is not signed yet.

    Raises:
        StorageError: the disk is full.
    """
    write_atomic(folder / REPORT_FILE, report(folder, manifest))


def report(folder: Path, manifest: Manifest) -> str:
    """The page's text. Arguments as ``write_report``."""
    metrics, fault = _metrics(folder / METRICS_FILE)
    return (
        _environment()
        .get_template("report.html")
        .render(
            manifest=manifest,
            intro=f"{method_name(manifest)} of {base_name(manifest)}, trained {when(manifest)}.",
            strip=_strip(manifest),
            dataset=_dataset(manifest),
            plot=Markup(loss_plot(metrics, f"Loss of {manifest.key}")),  # noqa: S704  its texts are escaped
            fault=fault,
            events=metrics.events,
            loss_notes=_loss_notes(manifest),
            comparisons=comparison_rows(manifest),
            prediction_notes=_prediction_notes(manifest),
            rates=_rates(manifest),
            origin=_origin(manifest),
            settings=[(name.replace("_", " "), said(value)) for name, value in manifest.training.items()],
            example=masked_example(manifest),
            machine=_machine(manifest),
            files=list(_files(folder, manifest)),
            rollback=f"allotment training rollback {manifest.agent} VERSION",
        )
    )


def _metrics(file: Path) -> tuple[Metrics, str]:
    """The run's metrics, or what is wrong with them: an adapter is not lost for its record."""
    try:
        return (read_metrics(file) if file.exists() else Metrics()), ""
    except IntegrityError as error:
        return Metrics(), f"The run's metrics cannot be read: {file.name}, line {error.element.rpartition(':')[2]}."


@lru_cache
def _environment() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    return Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalise,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _finalise(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _strip(manifest: Manifest) -> Facts:
    measured = manifest.measured
    return [
        ("Documents", f"{len(manifest.documents):,}"),
        ("Examples", figure(number(measured, "examples"))),
        ("Loss", figure(number(measured, "final_loss"))),
        ("Held out", figure(number(measured, "held_out_loss"))),
        ("Minutes", figure(minutes_of(manifest))),
        ("Price", dollars(number(measured, "usd"))),
        ("Peak GiB", figure(number(measured, "peak_gib"))),
    ]


def _dataset(manifest: Manifest) -> Facts:
    measured = manifest.measured
    return [
        ("Examples trained on", figure(number(measured, "examples"))),
        ("Left out, over-long", figure(number(measured, "dropped"))),
        ("Tokens, all epochs", figure(number(measured, "tokens"))),
        ("of them in answers", figure(number(measured, "answer_tokens"))),
    ]


def _loss_notes(manifest: Manifest) -> list[str]:
    held = number(manifest.measured, "held_out_loss")
    if held is None:
        return ["No documents were held out: whether it has learnt more than its examples' words is not measured here."]
    return [f"The held-out loss of what is served is {figure(held)}, on documents that were not trained on."]


def _prediction_notes(manifest: Manifest) -> list[str]:
    (errors,) = prediction_errors([manifest])
    notes = []
    if errors.epochs_done < 1:
        done, asked = figure(number(manifest.measured, "epochs")), figure(number(manifest.training, "epochs"))
        promised = figure(number(manifest.predicted, "minutes"), "minutes")
        notes.append(
            f"Training ended after {done} of {asked} epochs; minutes and dollars of estimate and probe are for these."
            f" For all of them the estimate was {promised}."
        )
    safe = number(manifest.predicted, "safe_gib")
    if safe is not None:
        notes.append(f"The estimate's safe bound for memory was {figure(safe, 'GiB')}.")
    return notes


def _rates(manifest: Manifest) -> Facts:
    measured, probe = manifest.measured, manifest.measured.get("probe")
    mfu = number(measured, "mfu")
    facts = [
        ("Tokens a second", figure(number(measured, "tokens_per_second"))),
        ("Of the card's peak", "unknown: its peak is not known" if mfu is None else f"{mfu:.1%}"),
        ("Steps", figure(number(measured, "steps"))),
        ("Most tokens in a pass", _budget(measured)),
        ("Parameters trained", _trained(measured)),
    ]
    if probe:
        steps = f"{figure(number(probe, 'seconds_per_step'), 's')} a step, {figure(number(probe, 'evaluation_s'), 's')}"
        facts.append(("Probe", f"{steps} an evaluation, {figure(number(probe, 'save_s'), 's')} a save"))
    return facts


def _budget(measured: Mapping[str, Any]) -> str:
    budget = number(measured, "micro_batch_tokens")
    return "those of a whole batch" if budget is None and "micro_batch_tokens" in measured else figure(budget)


def _trained(measured: Mapping[str, Any]) -> str:
    trained, every = number(measured, "trainable_parameters"), number(measured, "parameters")
    share = f" of {figure(every)} ({trained / every:.2%})" if trained is not None and every else ""
    return figure(trained) + share


def _origin(manifest: Manifest) -> Facts:
    return [
        ("Base model", base_name(manifest)),
        ("its sha256", manifest.base_sha256),
        ("Chat template", manifest.template),
        ("its sha256", manifest.template_sha256),
        ("Dataset, sha256", manifest.dataset_sha256),
        ("All inputs, sha256", manifest.inputs),
        ("Served as", "an adapter on the base model" if manifest.serves == "adapter" else "a whole model"),
        ("Served file, sha256", manifest.adapter_sha256),
        ("Made by", f"allotment {__version__}"),
        *_experiment(manifest),
    ]


def _experiment(manifest: Manifest) -> Facts:
    found = manifest.experiment
    if found is None:
        return []
    value = "" if found["value"] is None else f" {figure(found['value'])}"
    return [
        ("Run of an experiment", str(found["id"])),
        ("chosen by", f"{found['decided_by'].replace('_', ' ')}{value}"),
        ("why", str(found["reason"])),
        ("the experiment's file, sha256", str(found["file_sha256"])),
    ]


def _machine(manifest: Manifest) -> Facts:
    facts = [(name.replace("_", " "), said_or_unknown(value)) for name, value in manifest.hardware.items()]
    facts.append(("precision", str(manifest.measured.get("precision") or UNKNOWN)))
    facts += [(name, str(value)) for name, value in manifest.versions.items()]
    return facts + [(f"seed of {name}", str(value)) for name, value in manifest.seeds.items()]


def _files(folder: Path, manifest: Manifest) -> Iterator[_File]:
    served = SERVED_FILES[manifest.serves]
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if name in _NOT_LISTED or path.name.startswith("."):
            continue
        known = manifest.adapter_sha256 if name == served else manifest.files.get(name)
        yield _File(name, known or hash_file_once(path) or UNKNOWN, _size(path.stat().st_size))


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"

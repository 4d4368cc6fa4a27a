"""The same attacks written otherwise: mutations, indirection and translations, with what each set becomes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping

import yaml
from support.guard_sets import DATA, Text, drawn

from allotment.guards.training import MUTATIONS, SEED

EACH = 120
"""Texts of each set that are judged in each mutation."""
LONGEST = 600
"""Characters of a text that is mutated."""
SETS = (
    "deepset, attacks",
    "in-the-wild, attacks",
    "impersonation unseen, attacks",
    "example company, harmless",
    "NotInject one, harmless",
)
LANGUAGES = {"cs": "Czech", "sk": "Slovak", "de": "German"}
_FRAMES: Mapping[str, list[str]] = yaml.safe_load((DATA / "guard_frames.yaml").read_text("utf-8"))


def _within(frames: list[str]) -> Callable[[str, random.Random], str]:
    return lambda text, chance: chance.choice(frames).replace("{}", " ".join(text.split()))


INDIRECTION = {name: _within(frames) for name, frames in _FRAMES.items()}
"""Written for this measurement alone: the classifier never learns these frames."""


def mutated(sets: Mapping[str, list[Text]]) -> Iterator[tuple[str, str, list[tuple[Text, str]]]]:
    """(mutation, set, texts): each text as it is to be judged, with the one it came from."""
    chosen = {name: drawn(sets[name], EACH) for name in SETS if name in sets}
    for name, texts in chosen.items():
        yield "as written", name, [(text, text.text) for text in texts]
    for mutation, change in {**MUTATIONS, **INDIRECTION}.items():
        for name, texts in chosen.items():
            chance = random.Random(SEED)
            yield mutation, name, [(text, change(text.text[:LONGEST], chance)) for text in texts]


def translated() -> Iterator[tuple[str, str, list[tuple[Text, str]]]]:
    """(way, set, texts) of both files of translations; the same texts as they were, as short, come first."""
    by_hand = list(_by_hand())
    rows = [json.loads(line) for line in (DATA / "guard_translations.jsonl").read_text("utf-8").splitlines()]
    by_model = [row for row in rows if not row["fault"]]
    for how, every in (("by hand", by_hand), ("by the embedded model", by_model)):
        for name in dict.fromkeys(row["set"] for row in every):
            mine = [row for row in every if row["set"] == name]
            sources = {row["source"]: row for row in mine}
            yield f"before translation {how}", name, [_row(row, row["source"]) for row in sources.values()]
            for code, language in LANGUAGES.items():
                texts = [_row(row, row["text"]) for row in mine if row["language"] == code]
                if texts:
                    yield f"{language}, {how}", name, texts


def _by_hand() -> Iterator[dict[str, str]]:
    every = yaml.safe_load((DATA / "guard_translations_by_hand.yaml").read_text("utf-8"))
    for name, rows in every.items():
        label = "benign" if "harmless" in name else "impersonation" if "impersonation" in name else "injection"
        for row in rows:
            same = {"set": name, "label": label, "role": row.get("role", "employee"), "source": row["source"]}
            yield from ({**same, "language": code, "text": row[code]} for code in LANGUAGES)


def _row(row: dict[str, str], text: str) -> tuple[Text, str]:
    return Text(row["source"], row["label"], row["role"]), text  # type: ignore[arg-type]

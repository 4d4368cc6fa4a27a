"""The data files, and how their braces are filled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

LANGUAGES = ("en", "cs", "sk", "de")
_DATA = Path(__file__).parent / "data"
_SLOT = re.compile(r"\{([a-z_]+)\}")
_WORD = re.compile(r"\w[\w'-]*")
_LONG_WORD = 6
_MOST_WORDS = 4


@dataclass(frozen=True)
class Worded:
    """A text in every language."""

    id: str
    source: str
    kind: str
    texts: Mapping[str, str]


@cache
def read(name: str) -> Any:
    """A data file as it stands. Not to be altered."""
    return yaml.safe_load((_DATA / f"{name}.yaml").read_text(encoding="utf-8"))


def worded(name: str) -> dict[str, Worded]:
    """The entries of a data file of texts in every language, by id."""
    rows = read(name)
    return {
        row["id"]: Worded(row["id"], row["source"], row.get("kind", ""), {key: row[key] for key in LANGUAGES})
        for row in rows
    }


def fill(text: str, values: Mapping[str, str]) -> str:
    """``text`` with the braces that ``values`` has a name for; others are the text's own."""
    return _SLOT.sub(lambda match: values.get(match.group(1), match.group()), text)


def fill_all(value: Any, values: Mapping[str, str]) -> Any:
    """The same for every text in lists and mappings."""
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, list):
        return [fill_all(item, values) for item in value]
    if isinstance(value, dict):
        return {key: fill_all(item, values) for key, item in value.items()}
    return value


def subject_of(question: str) -> str:
    """The words a question turns on: names, numbers and long words, without its first."""
    words = _WORD.findall(question)
    chosen = [word for word in words[1:] if not word.islower() or len(word) >= _LONG_WORD]
    return " ".join((chosen or words)[:_MOST_WORDS])


def says(text: str, value: str) -> bool:
    """Whether a text has a value in it, whatever the case and spaces."""
    return " ".join(value.casefold().split()) in " ".join(text.casefold().split())

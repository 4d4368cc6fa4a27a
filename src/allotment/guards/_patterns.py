"""How rules are written and run: flat bounded patterns over every form of a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from allotment.guards._normalise import Prepared


def rule(pattern: str) -> re.Pattern[str]:
    """Compile one rule. Texts are folded first: lower case, no diacritics; ``^`` and ``$`` are a sentence's ends.

    A rule has no unbounded repeat but over single characters' classes and no repeat inside a repeat, so matching is
    linear in the text (a test reads every rule and proves it).
    """
    return re.compile(pattern, re.MULTILINE)


def matches(rules: Iterable[re.Pattern[str]], text: Prepared) -> Iterator[tuple[str, re.Match[str]]]:
    """Every first match of a rule in each form of the text, whole and by sentence, with the form's name."""
    for form in text.forms:
        for pattern in rules:
            for reading in form.readings:
                match = pattern.search(reading)
                if match:
                    yield form.how, match
                    break


def evidence(how: str, match: re.Match[str]) -> str:
    """The matched words, and how they were hidden if they were."""
    words = match.group().strip()
    return words if how == "plain" else f"{words} (hidden: {how})"

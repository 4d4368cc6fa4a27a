"""Check ``forbidden_topics``: subjects the company does not want asked here, by words it names itself."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from allotment.guards._finding import Check, Context, Finding, allow, refuse
from allotment.guards._normalise import Prepared, skeleton

NAME = "forbidden_topics"
_WORD = re.compile(r"\w+")


def topics_check(topics: Mapping[str, Collection[str]]) -> Check:
    """A check for ``topics``: topic → phrases. A phrase stands for these words in a row; ``*`` ends a word early.

    Case, diacritics and hidden writing make no difference. ``mzd*`` stands for every word that begins so.
    """
    phrases = [(topic, _pattern(phrase)) for topic, every in topics.items() for phrase in every]

    def check(text: Prepared, context: Context) -> Finding:
        for form in text.forms:
            words = f" {' '.join(_WORD.findall(form.whole))} "
            for topic, pattern in phrases:
                match = pattern.search(words)
                if match:
                    return refuse(NAME, f"{topic}: {match.group().strip()}")
        return allow(NAME)

    return check


def _pattern(phrase: str) -> re.Pattern[str]:
    words = [
        re.escape("".join(_WORD.findall(skeleton(word)))) + (r"\w*" if word.endswith("*") else "")
        for word in phrase.split()
    ]
    return re.compile(" " + " ".join(words) + r"(?= )")

"""One text, all the forms it is scanned in: cleaned, folded, and decoded once. Linear in its length."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from allotment.guards._decode import decodings
from allotment.guards._grams import Table, table_of
from allotment.guards._lookalikes import fold_lookalikes

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]"
)
_TAGS = re.compile("[\U000e0000-\U000e0fff]")
"""Apart from the others: a class that goes beyond the first plane is searched far more slowly."""
_UNUSUAL = re.compile("[^\t\n\r -~\u00a1-\u00ac\u00ae-\u034e]")
"""What may be invisible or a control character; most texts of Latin letters have none."""
_MARK = re.compile("[\u0300-\u036f]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_PUNCTUATION = str.maketrans(
    {**dict.fromkeys("’‘‛`´ʼ′", "'"), **dict.fromkeys("“”„«»‟", '"'), **dict.fromkeys("‐‑‒–—―−", "-")}
)
_ANY_PUNCTUATION = re.compile(f"[{re.escape(''.join(map(chr, _PUNCTUATION)))}]")
_SENTENCE_END = re.compile(r"[.!?…。！？](?<![.!?…。！？]{2})[.!?…。！？]*+[\"')\]]?\s+|[\r\n\u2028\u2029]+")
"""Tried at the first of a row of marks alone, so that a long row is read once."""
_WORD = re.compile(r"\w+")
_USUAL = """
    the you your i me my am is as all ignore forget show rules instructions jsem som jako ako ja sva svoja tve tvoje
    vsechna pravidla ignoruj ich bin als die alle deine vergiss regeln
"""
_PLAIN_WORDS = frozenset(_USUAL.split())
_BY_WORD = frozenset({"leet", "spacing"})
"""Decodings of single words: of a long text only the sentences around them are read once more."""
_AROUND = 2
_LONG = 600
_ROUNDS = 6
SCANNED_CHARACTERS = 8_000
"""How much of a text is scanned. A longer one is refused for its length alone, so nothing unscanned gets through."""


@dataclass(frozen=True)
class Form:
    """One way to read a text, folded for matching: lower case, no diacritics, single spaces."""

    how: str
    """``plain``, or the decoding that gave it."""
    whole: str
    sentences: str
    """The same, one sentence a line."""

    @cached_property
    def grams(self) -> Table:
        """Which characters follow each other in it: most rules look for some that do not."""
        return table_of(self.whole)

    @cached_property
    def kept(self) -> dict[object, Any]:
        """What one check worked out about it and another asks again, by a name they agree on."""
        return {}

    @property
    def readings(self) -> tuple[str, ...]:
        """The whole, and by sentence where that is something else."""
        return (self.whole,) if self.whole == self.sentences else (self.whole, self.sentences)


@dataclass(frozen=True)
class Prepared:
    """A text as it came, cleaned, and in every form it is scanned in."""

    original: str
    clean: str
    forms: tuple[Form, ...]


def normalise(text: str) -> str:
    """Compatibility forms unified (NFKC), invisible characters gone, look-alike letters made Latin. Idempotent."""
    if text.isascii():
        return _plain_marks(_CONTROL.sub(" ", text))
    for _ in range(_ROUNDS):
        before = text
        if _UNUSUAL.search(text):
            text = _TAGS.sub("", _INVISIBLE.sub("", _CONTROL.sub(" ", text)))
        text = _plain_marks(fold_lookalikes(unicodedata.normalize("NFKC", text)))
        if text == before:
            break
    return text


def _plain_marks(text: str) -> str:
    return text.translate(_PUNCTUATION) if _ANY_PUNCTUATION.search(text) else text


def skeleton(text: str) -> str:
    """The cleaned text for matching: lower case, without diacritics, single spaces. Idempotent."""
    return " ".join(_bare(normalise(text)).split())


def prepare(text: str) -> Prepared:
    """All forms of ``text``: plain, and each decoding that gives something else."""
    clean = normalise(text[:SCANNED_CHARACTERS])
    forms = [_form("plain", clean)]
    seen = {forms[0].whole}
    known = set(_sentences(clean)) if len(clean) > _LONG else set()
    words = frozenset(_WORD.findall(forms[0].whole))
    for how, decoded in decodings(text[:SCANNED_CHARACTERS], clean, words):
        is_long = how in _BY_WORD and len(clean) > _LONG
        form = _form(how, normalise(_unknown(decoded, known) if is_long else decoded))
        if form.whole not in seen and (how not in _BY_WORD or is_long or _is_language(form.whole)):
            seen.add(form.whole)
            forms.append(form)
    return Prepared(text, clean, tuple(forms))


def _unknown(decoded: str, known: set[str]) -> str:
    """The sentences that are not known, with their neighbours, a line each; they are known from then on."""
    sentences = _sentences(decoded)
    places = [place for place, sentence in enumerate(sentences) if sentence not in known]
    known.update(sentences)
    near = {place + step for place in places for step in range(-_AROUND, _AROUND + 1)}
    return "\n".join(sentence for place, sentence in enumerate(sentences) if place in near)


def _sentences(text: str) -> list[str]:
    return _SENTENCE_END.split(text)


def _is_language(text: str) -> bool:
    return not _PLAIN_WORDS.isdisjoint(_WORD.findall(text))


def _form(how: str, clean: str) -> Form:
    bare = _bare(clean)
    lines = (" ".join(line.split()) for line in _sentences(bare))
    return Form(how, " ".join(bare.split()), "\n".join(line for line in lines if line))


def _bare(clean: str) -> str:
    if clean.isascii():
        return clean.casefold()
    for _ in range(_ROUNDS):
        before = clean
        decomposed = _MARK.sub("", unicodedata.normalize("NFKD", clean.casefold()).casefold())
        marks = {ord(char): None for char in set(decomposed) if unicodedata.category(char) == "Mn"}
        clean = normalise(decomposed.translate(marks) if marks else decomposed)
        if clean.isascii():
            return clean.casefold()
        if clean == before:
            break
    return clean

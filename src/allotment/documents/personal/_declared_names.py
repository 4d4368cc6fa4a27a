"""Names that the project declares, in all their Czech and Slovak forms; needs no model."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from allotment.documents.personal._inflection import inflected
from allotment.documents.personal._types import Found
from allotment.errors import ProjectError

_LETTER = r"[^\W\d_][\u0300-\u036f]*"
_WORD = re.compile(rf"(?:{_LETTER})+(?:['’](?:{_LETTER}){{2,}})*")
_BETWEEN = re.compile(r"[ \t\xa0]{1,3}|[ \t\xa0]?\n[ \t]?|[ \xa0]?[-‐‑–][ \xa0]?|,[ \xa0]?|\.[ \xa0]?")
_INITIALS = re.compile(r"(?<!\w)(?:[A-ZÀ-ÖØ-ÞĎČĚĹĽŁŇŘŚŠŤŹŻŽ]\.[ \xa0]?){1,3}\Z")
_TITLE = re.compile(r"\w{2,}\.|,.*")


@dataclass
class _Node:
    """A place in the tree of declared names, one level a word."""

    following: dict[str, _Node] = field(default_factory=dict)
    person: str = ""


class DeclaredNames:
    """Recognises ``Jan Novák`` also as ``Janem Novákem``, ``NOVÁK Jan``, ``J. Novák`` and ``Nováka``.

    A surname alone stands for the person, unless several declared people have it; then for the surname. A first name
    alone is found only if it is declared alone. Words must be capitalised as they were declared, so that ``černý`` is
    a colour and ``Černý`` a person. Time is linear in the text, whatever the number of names.
    """

    def __init__(self, names: Iterable[str]) -> None:
        """``names``: first name first, titles are left out.

        Raises:
            ProjectError: a name has no letters.
        """
        self._root = _Node()
        self._bases: dict[str, list[str]] = defaultdict(list)
        self._lower: set[str] = set()
        people = {" ".join(parts): parts for parts in map(_parts, names)}
        surnames = [parts[-1] for parts in people.values()]
        for name, parts in sorted(people.items()):
            for form in _orders(parts):
                self._add(form, name)
            self._add(parts[-1:], name if surnames.count(parts[-1]) == 1 else parts[-1])

    def names(self, text: str) -> Iterator[Found]:
        """The declared people in ``text``, the longest name at each place."""
        words = list(_WORD.finditer(text))
        index = 0
        while index < len(words):
            count, person = self._at(text, words, index)
            if count:
                start = _before_initials(text, words[index].start())
                yield Found(start, words[index + count - 1].end(), person)
            index += max(1, count)

    def _add(self, words: Sequence[str], person: str) -> None:
        node = self._root
        for word in _WORD.findall(" ".join(words)):
            base = _folded(word)
            if base not in self._bases or base not in self._bases[base]:
                for form in inflected(base):
                    self._bases[form].append(base)
            if word[0].islower():
                self._lower.add(base)
            node = node.following.setdefault(base, _Node())
        node.person = node.person or person.casefold()

    def _at(self, text: str, words: Sequence[re.Match[str]], index: int) -> tuple[int, str]:
        """How many words from ``index`` are a declared name, and whose; the longest, then the nearest in spelling."""
        best = (0, 0, "")
        level = [(self._root, 0)]
        count = 0
        while level and index + count < len(words):
            if count and not _BETWEEN.fullmatch(text, words[index + count - 1].end(), words[index + count].start()):
                break
            word = words[index + count].group()
            folded = _folded(word)
            level = [
                (node.following[base], nearness + _shared(base, folded))
                for node, nearness in level
                for base in self._bases.get(folded, ())
                if base in node.following and (word[0].isupper() or base in self._lower)
            ]
            count += 1
            best = max([best, *((count, nearness, node.person) for node, nearness in level if node.person)])
        return best[0], best[2]


def _before_initials(text: str, start: int) -> int:
    """Where the initials before ``start`` begin; ``start`` if there are none."""
    initials = _INITIALS.search(text[max(0, start - 12) : start])
    return start - len(initials.group()) if initials else start


def _parts(name: str) -> list[str]:
    parts = [part for part in _TITLE.sub(" ", unicodedata.normalize("NFC", name)).split() if _WORD.search(part)]
    if not parts:
        raise ProjectError(f"{name!r} is not a name.", element="scrub.names", remedy="Write one name as `First Last`.")
    return parts


def _orders(parts: list[str]) -> Iterator[list[str]]:
    yield parts
    if len(parts) > 1:
        yield [parts[-1], *parts[:-1]]
    if len(parts) > 2:
        yield [parts[0], parts[-1]]


def _folded(word: str) -> str:
    return unicodedata.normalize("NFC", word).casefold().replace("’", "'")


def _shared(base: str, word: str) -> int:
    """Letters that two words begin with in common, and one more if they are the same."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(base, word, strict=False))
    return sum(1 for _ in same) + (base == word)

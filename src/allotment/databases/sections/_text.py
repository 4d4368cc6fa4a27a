"""What PostgreSQL is given to index, and to ask for: words without case, accents and signs.

They are folded here and not by the extension ``unaccent``: sections and questions go the same way on every server,
whatever its locale takes for a letter, and the accounts need no function more.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from allotment.documents import stems_of, words_of

SIMPLE = "simple"
"""Text search configuration of languages PostgreSQL has no stemmer for."""
CONFIGURATIONS = {"en": "english", "de": "german"}
"""Language of a section → configuration; every other one is ``SIMPLE`` over the words' first letters."""
_WORDS_IN_PIECE = 10_000
"""PostgreSQL takes no more than a megabyte of distinct words at once."""
_LONGEST_WORD = 64


def configuration_of(language: str) -> str:
    """The text search configuration of a language."""
    return CONFIGURATIONS.get(language, SIMPLE)


def indexed(text: str, configuration: str) -> str:
    """The words of ``text`` as ``to_tsvector`` of this configuration is to read them."""
    return " ".join(_words(text, configuration))


def pieces(text: str, configuration: str) -> Iterator[str]:
    """As ``indexed``, in pieces small enough for ``to_tsvector``."""
    words = iter(_words(text, configuration))
    while piece := list(islice(words, _WORDS_IN_PIECE)):
        yield " ".join(piece)


def storable(text: str) -> str:
    """``text`` as PostgreSQL can hold it: without NUL, and without halves of a character."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _words(text: str, configuration: str) -> list[str]:
    words = stems_of(text) if configuration == SIMPLE else words_of(text)
    return [storable(word[:_LONGEST_WORD]) for word in words]

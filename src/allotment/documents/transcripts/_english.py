"""Whether a title is English: word by word, against a dictionary and what its transcript says.

Telling the language of a title as a whole is guessing, it is too short; and letters alone let "Uvod do skoleni"
through. A word passes that the dictionary has, that the transcript uses as a name, or that an English transcript
says. A foreign word of a foreign transcript never passes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from allotment.documents._language import detect_language
from allotment.documents.transcripts._stems import fold

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_SENTENCE_START = re.compile(r"(?:^|[.!?…:]\s+|[\"„“(]\s*)\Z")
_NOT_LATIN = re.compile(r"[^\W\d_\u0041-\u024f]")
_NEW_WORDS = (
    "admin analytics antivirus api app apps async auth autocomplete backend backlog backup backups barcode"
    " barcodes browser bugfix bugfixes chatbot cli cloud codebase config cookie cookies cpu css csv dashboard"
    " dataset dev devops docs dropdown email emails emoji emojis endpoint endpoints filename firewall firmware"
    " frontend gpu github gitlab google gui hardcoded hostname hotfix html http https icon icons inbox intranet"
    " iphone javascript json kubernetes laptop linux localhost login logins logout macos malware metadata"
    " microsoft middleware multiplayer namespace offline onboarding online outlook param params parser pdf"
    " phishing pipeline pipelines playlist plugin plugins popup postgres powerpoint preprocessing python react"
    " readme realtime refactor refactored refactoring repo repos rerender rerendering roadmap runtime screenshot"
    " screenshots sdk sharepoint smartphone spreadsheet spreadsheets sql startup svg sync timestamp timestamps"
    " toolbar typescript ui unicode upload uploads url username usernames ux vpn webhook webhooks website websites"
    " wifi wiki wikipedia workflow workflows workspace workspaces xml yaml youtube"
)
"""English words of computing that the dictionary is too old for."""
_COMPUTING = frozenset(_NEW_WORDS.split())
_UNKNOWN = 0.5
"""Share of a title's words that may be in no dictionary: product names, new words."""
_ENDING, _STEM = 2, 4
"""Letters by which a word may differ from its form in the transcript, which Czech and Slovak inflect, and those of
a word at least that must not."""
_INITIALS = 5


class Source:
    """The words of a transcript, as far as a title may use them."""

    def __init__(self, texts: Sequence[str]) -> None:
        text = " ".join(texts)
        self.english = detect_language(text) == "en"
        self._words = {fold(word) for word in _WORD.findall(text)}
        self._beginnings = {word[:end] for word in self._words for end in range(_STEM, len(word) + 1)}
        self._names = {fold(match.group()) for match in _WORD.finditer(text) if _is_name(text, match)}

    def says(self, word: str) -> bool:
        """Whether it says this word, in any form of it."""
        folded = fold(word)
        return folded in self._words or folded[: max(_STEM, len(folded) - _ENDING)] in self._beginnings

    def names(self, word: str) -> bool:
        """Whether it uses this word, in any form of it, as a name: capital in the middle of a sentence."""
        folded = fold(word)
        stem = folded[: max(_STEM - 1, len(folded) - _ENDING)]
        return word[:1].isupper() and any(name.startswith(stem) for name in self._names)


def _is_name(text: str, match: re.Match[str]) -> bool:
    capital = match.group()[0].isupper()
    return capital and not _SENTENCE_START.search(text[max(0, match.start() - 4) : match.start()])


def foreign_word(title: str, source: Source) -> str | None:
    """The word that makes ``title`` not English; none where it is."""
    words: list[str] = _WORD.findall(title)
    unknown = [word for word in words if not _known(word, source)]
    for word in unknown:
        if not word.isascii() or (source.says(word) and not source.english):
            return word
    return unknown[0] if len(unknown) > _UNKNOWN * len(words) else None


def _known(word: str, source: Source) -> bool:
    if _NOT_LATIN.search(word):
        return False
    if source.names(word):
        return True
    if not word.isascii():
        return False
    initials = word.isupper() and len(word) <= _INITIALS
    return initials or _in_dictionary(word) or (source.english and source.says(word))


def _in_dictionary(word: str) -> bool:
    plain = word.casefold().removesuffix("'s")
    return len(plain) == 1 or plain in _COMPUTING or plain in _dictionary()


@lru_cache
def _dictionary() -> frozenset[str]:
    from spellchecker import SpellChecker  # reads its dictionary, a third of a second

    return frozenset(SpellChecker(language="en", distance=1).word_frequency.words())

"""The words of a question that say what it is about: folded, without the small words every question has."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"\w+")
_ENGLISH = (
    "a an the of to in on at for from by with about as is are was were be been am do does did can could may "
    "might shall should will would must have has had i me my we us our you your it its they them their this "
    "that these those there what which who whom whose when where why and or if so than then please tell give "
    "show s t"
)  # "how many", "much", "list" and "all" are not here, for they tell a figure from a rule
_CZECH_SLOVAK = (
    "je jsou byl byla bylo byt se si sa na ve v z ze s u o k ke do od po pro pri za ktery ktera ktere jaky "
    "jaka jake jak ako aky aka ake co kdo kto kde kdy kedy mi me mam ma mit musim muze smi smim prosim rekni "
    "to ten ta te a i nebo"
)
_GERMAN = (
    "der die das den dem des ein eine einen einem einer ist sind war wie was wer wo wann warum welche welcher "
    "welches und oder zu zum zur im am auf bei mit von fur ich wir mir mein sie es kann darf muss bitte"
)
_SMALL = frozenset(f"{_ENGLISH} {_CZECH_SLOVAK} {_GERMAN}".split())


def fold(text: str) -> str:
    """Lower case without diacritics, so that Czech typed without them matches."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def content_words(text: str) -> str:
    """The folded words of ``text`` that are not small; all of them where nothing else would be left."""
    words = _WORD.findall(fold(text))
    content = [word for word in words if word not in _SMALL]
    return " ".join(content or words)

"""Characters that look like Latin letters: other scripts, small capitals, letters in circles and squares."""

from __future__ import annotations

import re

_CYRILLIC = {
    "а": "a", "в": "b", "с": "c", "ԁ": "d", "е": "e", "ё": "e", "һ": "h", "н": "h", "і": "i", "ї": "i", "ј": "j",
    "к": "k", "ӏ": "l", "м": "m", "п": "n", "о": "o", "р": "p", "ԛ": "q", "г": "r", "ѕ": "s", "т": "t", "у": "y",
    "ѵ": "v", "ԝ": "w", "х": "x", "А": "A", "В": "B", "С": "C", "Ԁ": "D", "Е": "E", "Н": "H", "І": "I", "Ј": "J",
    "К": "K", "Ӏ": "l", "М": "M", "О": "O", "Р": "P", "Ԛ": "Q", "Ѕ": "S", "Т": "T", "У": "Y", "Ѵ": "V", "Ԝ": "W",
    "Х": "X",
}  # fmt: skip
_GREEK = {
    "α": "a", "β": "b", "ϲ": "c", "ε": "e", "η": "n", "ι": "i", "κ": "k", "ν": "v", "ο": "o", "ρ": "p", "τ": "t",
    "υ": "u", "χ": "x", "γ": "y", "ω": "w", "σ": "o", "Α": "A", "Β": "B", "Ε": "E", "Ζ": "Z", "Η": "H", "Ι": "I",
    "Κ": "K", "Μ": "M", "Ν": "N", "Ο": "O", "Ρ": "P", "Τ": "T", "Υ": "Y", "Χ": "X",
}  # fmt: skip
_ARMENIAN = {"օ": "o", "ո": "n", "ս": "u", "հ": "h", "ց": "g", "յ": "j", "զ": "q"}
_FOREIGN = {**_CYRILLIC, **_GREEK, **_ARMENIAN}

_LATIN_FORMS = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢɡıɑɩɾƖ", "abcdefghijklmnoprstuvwyzgiairl", strict=True))
_ENCLOSED = {
    chr(start + offset): chr(ord("a") + offset) + gap
    for start, gap in ((0x1F150, ""), (0x1F170, ""), (0x1F1E6, ""))
    for offset in range(26)
}
_ALWAYS = str.maketrans({**_LATIN_FORMS, **_ENCLOSED})
_FOLD = str.maketrans(_FOREIGN)
_ANY_ALWAYS = re.compile(f"[{''.join(_LATIN_FORMS)}\U0001f150-\U0001f1ff]")
_ANY_FOREIGN = re.compile(f"[{''.join(_FOREIGN)}]")
_ANY = re.compile("[^\x00-\u0130\u0132-\u0195\u0197-\u024f\u02b0-\u036f]")
"""Nearly every text of Latin letters has none of these, and one class in the first plane is searched fastest."""
_ASCII_LETTER = re.compile(r"[A-Za-z]")
_WORD = re.compile(r"[^\W\d_]+")


def fold_lookalikes(text: str) -> str:
    """Replace letters that only look Latin by the Latin ones.

    A word that mixes scripts is folded; so is, beside Latin words, one made of look-alikes alone. Plain words of
    another script stay as they are.
    """
    if not _ANY.search(text):
        return text
    if _ANY_ALWAYS.search(text):
        text = text.translate(_ALWAYS)
    if not _ANY_FOREIGN.search(text):
        return text
    text = _WORD.sub(lambda match: _fold_mixed(match.group()), text)
    if not _ASCII_LETTER.search(text):
        return text
    return _WORD.sub(lambda match: _fold_pure(match.group()), text)


def _fold_mixed(word: str) -> str:
    return word.translate(_FOLD) if _ASCII_LETTER.search(word) else word


def _fold_pure(word: str) -> str:
    folded = word.translate(_FOLD)
    return folded if folded.isascii() else word

"""Bytes of a text file → text. What cannot be told with certainty is refused: wrong letters are worse than none.

Detectors of encodings mix up Windows-1250, ISO 8859-2 and Windows-1252 on Czech and Slovak text, so these are told
apart here, by the letters and the small words of the languages written in them.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from allotment.documents.formats._clean import unix_lines
from allotment.errors import DocumentError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NEVER = ("utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape")
"""Encodings of Python that no file of text is in; their names could only hide something."""
_SAMPLE = 256 * 1024
_LEAST_SMALL_WORDS = 0.04
_REMEDY = "save it as UTF-8"


@dataclass(frozen=True)
class _Language:
    encodings: tuple[str, ...]
    letters: frozenset[str]
    words: frozenset[str]


def _language(encodings: str, letters: str, words: str) -> _Language:
    return _Language(tuple(encodings.split()), frozenset(letters + letters.upper()), frozenset(words.split()))


_CENTRAL = "cp1250 iso8859_2 cp852"
_WESTERN = "cp1252 iso8859_15 cp850"
_LANGUAGES = (
    _language(_CENTRAL, "áčďéěíňóřšťúůýž", "a v na se je že do za s z o i k po při jsou od pro který jak aby ve už"),
    _language(_CENTRAL, "áäčďéíĺľňóôŕšťúýž", "a v na sa je že do za s z o i k po pri sú od pre ktorý ako aby vo už"),
    _language(_CENTRAL, "ąćęłńóśźż", "i w na się jest do że z o nie to po od dla który jak przez lub oraz"),
    _language(_CENTRAL, "áéíóöőúüű", "a az és hogy nem van egy is ez meg ha vagy be el"),
    _language(_WESTERN, "äöüß", "der die das und ist in den von zu mit für auf nicht ein eine im dem des wie aus"),
    _language(_WESTERN, "àâæçèéêëîïôœùûüÿ", "le la les des est dans pour qui une et un du que au il où en pas par"),
    _language(_WESTERN, "áéíñóúü¿¡ªº", "el la los las que de en por una con un es se del para como más y"),
    _language(_WESTERN, "àèéìíîòóùú", "il la che di non per una della un è si con del le in sono come più"),
    _language(_WESTERN, "àáâãçéêíóôõúªº", "o os a as que não uma um para com do da de em por é se mais"),
    _language(_WESTERN, "åäöæøé", "och att det som en är för på av med til og ikke den de har ett ei"),
)
_ANYWHERE = frozenset("\u00a0\u00ad§°©®€£„“”‚‘’»«›‹–—…•·×÷±²³½¼%‰™")
_WORD = re.compile(r"\w+")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_WRONG_CASE = re.compile(
    f"[a-z][{''.join(sorted({c for one in _LANGUAGES for c in one.letters if c.isupper()}))}][a-z]"
)
"""A capital inside a word comes from the wrong table of letters."""
_NOT_LATIN = re.compile(r"[^\W\d_\u0000-\u024f]")
_LETTER = re.compile(r"[^\W\d_]")


def decode(raw: bytes, declared: str = "") -> str:
    """The text of ``raw`` with line ends as ``\\n``.

    Args:
        declared: the encoding that the file itself names, believed where the bytes are not UTF-8.

    Raises:
        DocumentError: the encoding is unknown or uncertain, or the text has NUL characters.
    """
    text = _decode(raw, declared)
    if "\0" in text:
        raise DocumentError("has NUL characters; it is no text file, or UTF-16 without a byte order mark")
    return unix_lines(text)


def _decode(raw: bytes, declared: str) -> str:
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            return _strictly(raw, encoding)
    if b"\x1b" not in raw and (text := _try(raw, "utf-8")) is not None:
        return text
    if declared and (text := _try(raw, declared)) is not None and not _CONTROLS.search(text):
        return text
    if (text := _try(raw, "utf-8")) is not None or b"\0" in raw[:_SAMPLE]:
        return text if text is not None else "\0"
    return _detected(raw)


def _strictly(raw: bytes, encoding: str) -> str:
    text = _try(raw, encoding)
    if text is None:
        raise DocumentError(f"begins with the mark of {encoding} and is not {encoding}; {_REMEDY}")
    return text


def _try(raw: bytes, encoding: str) -> str | None:
    """None where the bytes are not in this encoding, or it is none of text."""
    try:
        return None if codecs.lookup(encoding).name in _NEVER else raw.decode(encoding)
    except (LookupError, ValueError):
        return None


def _detected(raw: bytes) -> str:
    readings = _european(raw)
    ranked = sorted(readings, key=readings.__getitem__, reverse=True)
    best = readings[ranked[0]] if ranked else 0.0
    if best >= _LEAST_SMALL_WORDS and (len(ranked) == 1 or best > readings[ranked[1]]):
        return ranked[0]
    if len(ranked) == 1 and _is_latin(ranked[0][:_SAMPLE]):
        return ranked[0]
    text = "" if ranked else _elsewhere(raw)
    if not text:
        raise DocumentError(f"is not UTF-8, and its encoding cannot be told with certainty; {_REMEDY}")
    return text


def _european(raw: bytes) -> dict[str, float]:
    """Readings in which every special letter belongs to one language → the share of that language's small words."""
    found: dict[str, float] = {}
    for encoding in ("cp1250", "iso8859_2", "cp1252", "iso8859_15", "cp852", "cp850"):
        text = _try(raw, encoding)
        if text is None or _CONTROLS.search(text) or _WRONG_CASE.search(text[:_SAMPLE]):
            continue
        score = _score(text[:_SAMPLE], encoding)
        if score is not None:
            found[text] = max(score, found.get(text, 0.0))
    return found


def _score(sample: str, encoding: str) -> float | None:
    """Share of small words in the language that fits best; none where the special letters fit no language."""
    special = [char for char in sample if char > "\x7f" and char not in _ANYWHERE]
    words = [word.casefold() for word in _WORD.findall(sample)]
    fitting = [one for one in _LANGUAGES if encoding in one.encodings and _pure(special, one)]
    if not fitting:
        return None
    return max(sum(word in one.words for word in words) for one in fitting) / max(1, len(words))


def _pure(special: list[str], language: _Language) -> bool:
    foreign = sum(char not in language.letters for char in special)
    return foreign <= len(special) * 0.02


def _is_latin(sample: str) -> bool:
    """Whether most letters are plain ones, so that the text is not of another script."""
    return sum(char.isascii() and char.isalpha() for char in sample) >= 2 * sum(char > "\x7f" for char in sample)


def _elsewhere(raw: bytes) -> str:
    """A reading in another script, by charset-normalizer; empty when it is not sure."""
    best = _best(raw[:_SAMPLE])
    text = _try(raw, best) if best else None
    if text is None or _CONTROLS.search(text):
        return ""
    sample = text[:_SAMPLE]
    return text if len(_NOT_LATIN.findall(sample)) > len(_LETTER.findall(sample)) / 2 else ""


def _best(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    found = from_bytes(sample).best()
    return found.encoding if found is not None and found.chaos < 0.1 and found.coherence > 0.2 else ""

"""How the lexical check reads a text: as statements, with what can be compared of each.

A word is compared by its stem, a number with its unit, a date as year, month and day whatever its writing.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from allotment.dataset import _support_words as words
from allotment.documents import split_sentences

_TOKEN = re.compile(r"@[\w-]+|\d+(?:[.,:]\d+)*|[%€$£]|[^\W\d_](?:[\w'’&]|[-@./_:](?=\w))*|[,;:.!?()]")
PARTS = re.compile(r"[.;]\s+|,\s+(?:and|but|a|ale|und|aber)\s+|\s+(?:and|but|ale|und|aber|sondern)\s+|,\s+")
_CLAUSE_ENDS = {
    "en": {"and", "or", "but", "nor"},
    "cs": {"a", "i", "ale", "nebo", "ani"},
    "sk": {"a", "i", "ale", "alebo", "ani"},
    "de": {"und", "oder", "aber", "sondern"},
}
_MARKS = re.compile(r"[*`\"“”„]")
_THOUSANDS = re.compile(r"(?<![\d.,:])\d{1,3}(?:[.,\s]\d{3})+(?![\d:]|[.,]\d)")
_CLOCK = re.compile(r"\d{1,2}:\d\d")
_PUNCTUATION = frozenset(",;:.!?()")
_ITEM = re.compile(r"(?:[-*+]|\d+[.)]) ")
_SEMICOLON = re.compile(r";\s+")

_DATE_MARK = re.compile(r"@date-\d{1,4}-\d{1,2}-\d{1,2}")
_NAMES = "|".join(sorted(words.MONTHS, key=len, reverse=True))
_DATES = (
    re.compile(r"(?<![\w.])(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?![\w-])"),
    re.compile(r"(?<![\w.])(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.(?:\s?(?P<y>\d{4}))?(?![\w])"),
    re.compile(rf"(?<![\w.])(?P<d>\d{{1,2}})(?:\.|st|nd|rd|th)?\s(?P<n>{_NAMES})\b\.?(?:,?\s(?P<y>\d{{4}}))?"),
    re.compile(rf"\b(?P<n>{_NAMES})\.?\s(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])(?:,?\s(?P<y>\d{{4}}))?"),
)


@dataclass(frozen=True)
class Quantity:
    """A number and what is counted."""

    value: str
    unit: str
    """Empty where none follows."""


@dataclass(frozen=True)
class Clause:
    """A piece of a sentence between commas and conjunctions; its words in order."""

    stems: tuple[str, ...]
    quantities: tuple[Quantity, ...]
    denied: bool
    topics: frozenset[str]
    """The same words, and the units."""


@dataclass(frozen=True)
class Statement:
    """A sentence, an answer or a question, as it is compared."""

    text: str
    language: str
    clauses: tuple[Clause, ...]
    stems: tuple[str, ...]
    """Words that carry meaning, in order."""
    dates: frozenset[tuple[int, int, int]]
    """Year (0: not told), month, day."""
    codes: frozenset[str]
    units: frozenset[str]
    surface: tuple[str, ...]
    """All words, as written."""
    surface_stems: tuple[str, ...]
    """The stem of each of them; empty where it carries no meaning."""
    sides: tuple[tuple[int, int, str], ...]
    """Opposed words: pair, side, and the word or number that follows."""
    context: frozenset[str] = frozenset()
    """Words of what stands before it and belongs to it: the sentence it points back to, the lead-in of a table."""

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        return tuple(quantity for clause in self.clauses for quantity in clause.quantities)

    @property
    def weight(self) -> int:
        """How much there is to compare."""
        return len(set(self.stems)) + len(self.quantities) + len(self.dates) + len(self.codes)


def plain_text(text: str) -> str:
    """One case, no marks, and the usual turns of phrase and dates as markers."""
    plain = unicodedata.normalize("NFKC", text).replace("’", "'").casefold().replace("n't", " not")
    plain = words.LEADING_YES_NO.sub("", " ".join(_MARKS.sub(" ", plain).split()))
    for pattern in _DATES:
        plain = pattern.sub(_dated, plain)
    plain = words.TENS_AND_ONES.sub(_added, words.PHRASES.sub(words.marker_of, plain))
    return words.ORDINAL.sub(r"\1", _THOUSANDS.sub(lambda found: re.sub(r"\D", "", found.group()), plain))


def _added(found: re.Match[str]) -> str:
    """Of "sixty-four": 64."""
    return str(sum(words.NUMBER_WORDS.get(word, 1) for word in found.groups()))


def opened(answer: str) -> str:
    """The answer without the yes or no it begins with."""
    return words.LEADING_YES_NO.sub("", " ".join(answer.casefold().split()))


def _dated(found: re.Match[str]) -> str:
    parts = found.groupdict()
    month = words.MONTHS[parts["n"]] if parts.get("n") else int(parts["m"])
    day = int(parts["d"])
    return f" @date-{int(parts['y'] or 0)}-{month}-{day} " if 1 <= month <= 12 and 1 <= day <= 31 else found.group()


@lru_cache(maxsize=8192)
def read(text: str, language: str) -> Statement:
    """One text as a statement."""
    tokens = [token for token in _TOKEN.findall(plain_text(text)) if token]
    dates = frozenset(_date_of(token) for token in tokens if _DATE_MARK.fullmatch(token))
    clauses = tuple(_clauses(tokens, language))
    surface = tuple(token for token in tokens if token not in _PUNCTUATION)
    return Statement(
        text=text,
        language=language,
        clauses=clauses,
        stems=tuple(stem for clause in clauses for stem in clause.stems),
        dates=dates,
        codes=frozenset(code for token in surface if (code := _code_of(token))),
        units=frozenset(filter(None, map(_unit_of, surface))),
        surface=surface,
        surface_stems=tuple(_stem(token, language) for token in surface),
        sides=tuple(_sides(surface, language)),
    )


def _date_of(token: str) -> tuple[int, int, int]:
    year, month, day = (int(part) for part in token.removeprefix("@date-").split("-"))
    return year, month, day


def _clauses(tokens: Sequence[str], language: str) -> Iterator[Clause]:
    start = 0
    for at, token in enumerate([*tokens, "."]):
        if token in _PUNCTUATION or token in _CLAUSE_ENDS.get(language, _CLAUSE_ENDS["en"]):
            piece = tokens[start:at]
            if piece:
                yield _clause(piece, language)
            start = at + 1


def _clause(tokens: Sequence[str], language: str) -> Clause:
    stems = tuple(stem for token in tokens if (stem := _stem(token, language)))
    denials = sum(_denies(token, language) for token in tokens)
    denied = denials > 0 if language in ("cs", "sk") else denials % 2 == 1
    units = (words.UNITS[token] for token in tokens if token in words.UNITS)
    return Clause(stems, tuple(_quantities(tokens)), denied, frozenset((*stems, *units)))


def _denies(token: str, language: str) -> bool:
    return token in words.NEGATORS or _has_ne(token, language)


def _has_ne(token: str, language: str) -> bool:
    is_slavic = language in ("cs", "sk", "und")
    return is_slavic and len(token) > 3 and token.startswith("ne") and token not in words.NO_NE_VERB


def _unit_of(token: str) -> str:
    return "hour" if _CLOCK.fullmatch(token) else words.UNITS.get(token, "")


def _quantities(tokens: Sequence[str]) -> Iterator[Quantity]:
    for at, token in enumerate(tokens):
        value = value_of(token)
        if value is None:
            continue
        after = list(tokens[at + 1 : at + 4])
        scale = words.SCALES.get(after[0], 0) if after else 0
        after = after[1:] if scale else after[:2]
        unit = next((words.UNITS[word] for word in after if word in words.UNITS), "")
        before = words.UNITS.get(tokens[at - 1], "") if at else ""
        clock = "hour" if _CLOCK.fullmatch(token) else ""
        yield Quantity(_scaled(value, scale), before if before in MONEY else clock or unit)


MONEY = frozenset({"eur", "usd", "gbp", "czk"})
_PLAIN_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,15})?")


def value_of(token: str) -> str | None:
    """The number as one writing; none if the token is no number."""
    if token in words.NUMBER_WORDS:
        return str(words.NUMBER_WORDS[token])
    if not token[0].isdecimal():
        return None
    token = re.sub(r"(\d{1,2}):00\Z", r"\1", token)
    return re.sub(r"\A(\d+)[.,](\d+)\Z", r"\1.\2", token)


def _scaled(value: str, scale: int) -> str:
    return f"{float(value) * scale:.0f}" if scale and _PLAIN_NUMBER.fullmatch(value) else value


def _code_of(token: str) -> str:
    """What is compared whole: names with digits or signs in them, and days of the week in any language."""
    if token in words.WEEKDAYS:
        return f"@weekday-{words.WEEKDAYS[token]}"
    return token if _is_code(token) else ""


def _is_code(token: str) -> bool:
    if token.startswith("@") or token[0].isdecimal():
        return False
    return any(character.isdecimal() for character in token) or bool(re.search(r"[@/_:]", token))


_READ_OTHERWISE = (words.SMALL, words.NEGATORS, words.UNITS, words.SCALES)


@lru_cache(maxsize=16384)
def _stem(token: str, language: str) -> str:
    """The word as it is compared; empty if it carries no meaning of its own."""
    if token in _PUNCTUATION or token.startswith("@") or value_of(token) is not None or _code_of(token):
        return ""
    if len(token) < 2 or any(token in group for group in _READ_OTHERWISE):
        return ""
    if language in ("cs", "sk", "de"):
        known = token.removeprefix("ne") if _has_ne(token, language) else token
        return "" if known in words.SMALL else _prefix(known, language)
    return english_stem(token.split("'")[0])


def _prefix(token: str, language: str) -> str:
    letters = "".join(c for c in unicodedata.normalize("NFKD", token) if not unicodedata.combining(c))
    if language == "de":
        return re.sub(r"\Age(?=\w{4})", "", letters)[:5]
    return letters[:4]


_ENDING = re.compile(r"(?:ings?|ed|es|s|ers?|ors?|ly|ation|ions?|ment)\Z")


def english_stem(word: str) -> str:
    """The word without its ending, or that of the word it is compared as."""
    word = words.IRREGULAR.get(word, word)
    word = words.SYNONYMS.get(word, word)
    base = _ENDING.sub("", word) if len(word) > 4 else word.removesuffix("s")
    base = base if len(base) > 2 else word
    known = words.SYNONYMS.get(base) or words.SYNONYMS.get(base + "e") or base
    return re.sub(r"(.)\1\Z", r"\1", known.removesuffix("e"))[:6]


def _sides(surface: Sequence[str], language: str) -> Iterator[tuple[int, int, str]]:
    for at, token in enumerate(surface):
        for pair, side in _SIDES.get(token, ()):
            following = (_stem(word, language) or value_of(word) or "" for word in surface[at + 1 : at + 4])
            yield pair, side, next(filter(None, following), "")


_SIDES: dict[str, list[tuple[int, int]]] = {}
for _pair, _both in enumerate(words.OPPOSED):
    for _side, _words in enumerate(_both):
        for _word in _words.split():
            _SIDES.setdefault(_word, []).append((_pair, _side))


@dataclass(frozen=True, eq=False)
class Passage:
    """A passage as it is compared."""

    statements: tuple[Statement, ...]
    stems: frozenset[str]
    """All words of it."""
    topic: frozenset[str]
    """Words that most statements have: what it is about."""


@lru_cache(maxsize=512)
def read_passage(text: str, language: str) -> Passage:
    """What a passage states: sentences; a row of a table as one statement for each of its columns."""
    told = tuple(
        replace(read(sentence, language), context=frozenset(read(before, language).stems))
        for sentence, before in told_sentences(text)
    )
    seen = Counter(stem for statement in told for stem in set(statement.stems))
    return Passage(told, frozenset(seen), frozenset(stem for stem in seen if 2 * seen[stem] > len(told) > 2))


def told_sentences(passage: str) -> Iterator[tuple[str, str]]:
    """Each statement and the text before it that belongs to it; empty where it stands alone."""
    header: list[str] = []
    said: list[str] = []
    lead_in = ""
    for sentence in split_sentences(passage):
        if sentence.startswith("|"):
            cells = [cell.strip() for cell in sentence.strip("| ").split("|")]
            yield from ((text, " ".join(said[-2:])) for text in _columns(header, cells))
            header = header or cells
            continue
        header = []
        is_item = _ITEM.match(sentence) is not None
        lead_in = lead_in if is_item else sentence if sentence.endswith(":") else ""
        for piece in _SEMICOLON.split(sentence):
            yield piece, lead_in if is_item else said[-1] if said and _leans_back(piece) else ""
            said.append(piece)


def _leans_back(sentence: str) -> bool:
    """Whether it speaks of the sentence before it."""
    said = re.findall(r"[^\W\d_]+", sentence.casefold())
    return bool(said) and (said[0] in words.ANAPHORS or not words.BACK_REFERENCES.isdisjoint(said[1:]))


def _columns(header: Sequence[str], cells: Sequence[str]) -> Iterator[str]:
    for name, cell in list(zip(header, cells, strict=False))[1:]:
        yield f"{header[0]} {cells[0]} {name} {cell}"

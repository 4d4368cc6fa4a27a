"""Facts that ask the same and answer the same, and texts that are the same page.

Three means find them: equal words, MinHash over shingles with LSH, and the cosine of embeddings. Likeness only
proposes: rows of a table and filled-in templates are alike too. Whether two facts are one is decided by their words:
equal values, equal numbers, equal names in one order, and no word that the other fact would not use of itself. A
duplicate left in costs little; a fact taken for another is lost.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any, Literal
from zlib import crc32

from datasketch import MinHash, MinHashLSH  # type: ignore[import-untyped]

from allotment.dataset._components import Components
from allotment.dataset._embedders import Embedder, HashedEmbedder
from allotment.dataset._text import bare, normalise
from allotment.dataset._wording import Wording, tokens, wording

By = Literal["exact", "minhash", "embedding", "conflict"]
"""What showed it. ``conflict``: the same question with another value."""

_NEAR_QUESTION = 0.6
"""Jaccard similarity of the shingles of two questions that are near."""
_NEAR_TEXT = 0.8
"""Jaccard similarity of the shingles of two texts that are one page."""
_PAGE_WORDS = 20
"""Shorter texts are no page: a line such as "Internal use only." would tie all documents together."""
_SMALL_BLOCK = 64
"""Questions that are compared pair by pair; more are hashed first."""
_MOST = 32
"""Questions with a hash in common that one more is compared with."""
_RARE = 2
"""Rarest words of a question under which it is compared with others."""
_FEW = 16
"""Kept facts with the same question that one more is compared with."""
_EMBED_CHUNK = 1024
_SEED = 1
_QUESTION_BANDS = (16, 4)
_TEXT_BANDS = (16, 8)
"""Bands and rows: at the least similarity above, 89 % of near questions are found and 95 % of near texts."""


@dataclass(frozen=True)
class Candidate:
    """One fact with its phrasings."""

    id: str
    """The group of its items."""
    questions: tuple[str, ...]
    answer: str
    value: str
    """The short exact value; where it is empty, the answer stands for it."""
    section_id: str
    document: str
    language: str = ""
    """Two letters; in a language without word lists only equal words count as equal."""


@dataclass(frozen=True)
class Duplicate:
    """Why a fact is left out."""

    of: str
    """The first fact of its kind, which stays."""
    by: By


def find_duplicates(candidates: Sequence[Candidate], embedder: Embedder | None = None) -> dict[str, Duplicate]:
    """Later facts that an earlier one makes needless or contradicts, by id.

    Facts about different things that only share a loose phrasing ("What does it cost?") are not reported: drop the
    phrasing there. The answer depends on the order of ``candidates`` alone.

    Args:
        candidates: in the order in which they have precedence.
        embedder: compares what the other two means leave open; by default one that needs no model.

    Raises:
        EngineError: the embedder's server does not answer.
    """
    facts = [_fact(place, candidate) for place, candidate in enumerate(candidates)]
    kept = _Kept(_near_forms(facts, embedder or HashedEmbedder()))
    found: dict[str, Duplicate] = {}
    for fact in facts:
        duplicate = kept.duplicate(fact)
        if duplicate:
            found[fact.id] = duplicate
        else:
            kept.add(fact)
    return found


def near_duplicate_texts(texts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Pairs of ids whose texts are nearly the same; together they connect all that are.

    A pair that follows from others is left out, so a page held a thousand times gives 999 pairs. Texts of fewer than 20
    words are in none.
    """
    pages = {
        key: words for key in sorted(texts) if len(words := bare(texts[key])) and len(words.split()) >= _PAGE_WORDS
    }
    first: dict[str, str] = {}
    pairs = [(first[words], key) for key, words in pages.items() if first.setdefault(words, key) != key]
    unlike = {key: words for words, key in first.items()}
    return sorted([*pairs, *_near_pages(unlike)])


@dataclass(frozen=True, slots=True)
class _Form:
    """What a question comes to: questions of one form with equal values differ in small words alone."""

    value: tuple[str, ...]
    numbers: tuple[str, ...]
    content: tuple[str, ...]
    marks: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Fact:
    place: int
    id: str
    value: tuple[str, ...]
    wordings: tuple[Wording, ...]
    words: frozenset[str]
    """Words of any phrasing."""
    core: frozenset[str]
    """Words of more than half of the phrasings: what it is about."""

    @property
    def forms(self) -> dict[_Form, str]:
        """Each form → a question of it."""
        used = (one for one in self.wordings if one.content)
        return {_Form(self.value, one.numbers, one.content, one.marks): one.exact for one in used}


def _fact(place: int, candidate: Candidate) -> _Fact:
    wordings = tuple(wording(question, candidate.language) for question in dict.fromkeys(candidate.questions))
    used = Counter(word for one in wordings for word in set(one.content))
    core = frozenset(word for word, times in used.items() if 2 * times > len(wordings))
    return _Fact(place, candidate.id, _value(candidate), wordings, frozenset(used), core)


def _value(candidate: Candidate) -> tuple[str, ...]:
    value = candidate.value or candidate.answer
    if any(sign in value for sign in "@/\\"):
        return (normalise(value),)
    said = tokens(value)
    # "EUR 25" is "25 EUR"; of other values the order may be the meaning: "5-10", "from 8 to 5".
    amount = len(said) == 2 and sum(word[-1].isdigit() for word in said) < 2
    return tuple(sorted(said)) if amount else said


def _apart(one: _Fact, other: _Fact) -> bool:
    """Whether each is about something the other never names."""
    return not one.core <= other.words and not other.core <= one.words


def _ask_the_same(a: _Form, b: _Form, words_a: frozenset[str], words_b: frozenset[str]) -> bool:
    """Whether no word distinguishes two questions; ``words_…``: what the fact of each uses in its phrasings."""
    mine, others = set(a.content), set(b.content)
    if not (a.marks <= others and b.marks <= mine and mine - others <= words_b and others - mine <= words_a):
        return False
    # "From Prague to Brno" has the words of "from Brno to Prague".
    shared = mine & others
    return bool(shared) and [w for w in a.content if w in shared] == [w for w in b.content if w in shared]


class _Kept:
    """The facts that stay, found by question and by form."""

    def __init__(self, near: Mapping[_Form, Mapping[_Form, By]]) -> None:
        self._near = near
        self._by_question: dict[str, list[_Fact]] = defaultdict(list)
        self._by_form: dict[_Form, list[_Fact]] = defaultdict(list)

    def add(self, fact: _Fact) -> None:
        for one in fact.wordings:
            self._by_question[one.exact].append(fact)
        for form in fact.forms:
            self._by_form[form].append(fact)

    def duplicate(self, fact: _Fact) -> Duplicate | None:
        """What the first kept fact that asks the same makes of ``fact``; equal words count before near ones."""
        asked = (kept for one in fact.wordings for kept in self._by_question.get(one.exact, ())[:_FEW])
        same = sorted({(kept.value != fact.value, kept.place, kept.id) for kept in asked if not _apart(kept, fact)})
        if same:
            other_value, _, of = same[0]
            return Duplicate(of, "conflict" if other_value else "exact")
        alike = sorted(self._alike(fact))
        return Duplicate(alike[0][2], "embedding" if alike[0][0] else "minhash") if alike else None

    def _alike(self, fact: _Fact) -> Iterator[tuple[bool, int, str]]:
        """Whether it took the embedding, place and id of each kept fact that is near."""
        for form in fact.forms:
            for near, by in ((form, "minhash"), *self._near.get(form, {}).items()):
                for kept in self._by_form.get(near, ())[:_FEW]:
                    if not _apart(kept, fact) and _ask_the_same(near, form, kept.words, fact.words):
                        yield by == "embedding", kept.place, kept.id


def _near_forms(facts: Sequence[_Fact], embedder: Embedder) -> dict[_Form, dict[_Form, By]]:
    """Forms that are alike in both directions, and by what; only pairs whose words do not keep them apart."""
    words = _words_of_forms(facts)
    near: dict[_Form, dict[_Form, By]] = defaultdict(dict)
    unsure: dict[tuple[_Form, _Form], None] = {}
    for a, b in _pairs(list(words)):
        if not _ask_the_same(a, b, words[a], words[b]):
            continue
        if _jaccard(_form_shingles(a), _form_shingles(b)) >= _NEAR_QUESTION:
            near[a][b] = near[b][a] = "minhash"
        else:
            unsure[a, b] = None
    for a, b in _embedded_alike(list(unsure), _questions(facts), embedder):
        near[a][b] = near[b][a] = "embedding"
    return near


def _words_of_forms(facts: Sequence[_Fact]) -> dict[_Form, frozenset[str]]:
    words: dict[_Form, frozenset[str]] = {}
    for fact in facts:
        for form in fact.forms:
            words[form] = words[form] | fact.words if form in words else fact.words
    return words


def _questions(facts: Sequence[_Fact]) -> dict[_Form, str]:
    """One question of each form, the same whatever the order of the facts."""
    asked: dict[_Form, str] = {}
    for fact in facts:
        for form, question in fact.forms.items():
            asked[form] = min(question, asked.get(form, question))
    return asked


def _pairs(forms: Sequence[_Form]) -> Iterator[tuple[_Form, _Form]]:
    """Pairs with equal values, equal numbers, and one rare word in common: what a question is about is mostly rare."""
    common = Counter(word for form in forms for word in set(form.content))
    blocks: dict[tuple[object, ...], list[tuple[int, _Form]]] = defaultdict(list)
    for form in sorted(forms, key=lambda form: (form.value, form.content, sorted(form.marks))):
        rarest = sorted(set(form.content), key=lambda word: (common[word], word))[:_RARE]
        for place, word in enumerate(rarest):
            blocks[form.value, form.numbers, word].append((place, form))
    for block in blocks.values():
        if len(block) <= _SMALL_BLOCK:
            yield from ((a, b) for (_, a), (_, b) in combinations(block, 2))
        else:
            # Hashing costs more than comparing: once for each question is enough.
            yield from _hashed_pairs([form for place, form in block if place == 0])


def _hashed_pairs(block: Sequence[_Form]) -> Iterator[tuple[_Form, _Form]]:
    lsh = _lsh(_QUESTION_BANDS)
    for place, hashed in enumerate(_min_hashes(map(_form_shingles, block), _QUESTION_BANDS)):
        earlier = sorted(int(found) for found in lsh.query(hashed))
        yield from ((block[other], block[place]) for other in earlier[-_MOST:])
        lsh.insert(place, hashed)


def _embedded_alike(
    pairs: Sequence[tuple[_Form, _Form]], questions: Mapping[_Form, str], embedder: Embedder
) -> Iterator[tuple[_Form, _Form]]:
    for start in range(0, len(pairs), _EMBED_CHUNK):
        chunk = pairs[start : start + _EMBED_CHUNK]
        forms = list(dict.fromkeys(form for pair in chunk for form in pair))
        vectors = embedder.embed([questions[form] for form in forms])
        row = dict(zip(forms, vectors, strict=True))
        yield from ((a, b) for a, b in chunk if float(row[a] @ row[b]) >= embedder.threshold)


def _near_pages(pages: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    lsh, together = _lsh(_TEXT_BANDS), Components[str]()
    hashes: dict[str, Any] = {}
    for key, hashed in zip(pages, _min_hashes(map(_word_shingles, pages.values()), _TEXT_BANDS), strict=True):
        for earlier in sorted(lsh.query(hashed)):
            apart = together.root(earlier) != together.root(key)
            if apart and hashed.jaccard(hashes[earlier]) >= _NEAR_TEXT:
                together.join(earlier, key)
                yield earlier, key
        lsh.insert(key, hashed)
        hashes[key] = hashed


def _lsh(bands: tuple[int, int]) -> Any:
    return MinHashLSH(num_perm=bands[0] * bands[1], params=bands)


def _min_hashes(shingles: Iterable[frozenset[str]], bands: tuple[int, int]) -> Iterator[Any]:
    encoded = ([shingle.encode() for shingle in one] for one in shingles)
    yield from MinHash.generator(encoded, num_perm=bands[0] * bands[1], seed=_SEED, hashfunc=crc32)


@lru_cache(maxsize=4096)
def _form_shingles(form: _Form) -> frozenset[str]:
    """Words, and runs of three characters inside them, so that an ending changes little."""
    padded = [f" {word} " for word in form.content]
    return frozenset(form.content) | {word[at : at + 3] for word in padded for at in range(len(word) - 2)}


def _word_shingles(text: str) -> frozenset[str]:
    words = text.split()
    return frozenset(" ".join(words[at : at + 3]) for at in range(len(words) - 2))


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)

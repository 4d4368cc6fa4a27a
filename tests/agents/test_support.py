"""Which section supports an answer."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.agents import SupportIndex
from allotment.documents import Section, split_sentences, stems_of


def section(number: int, title: str, text: str) -> Section:
    return Section(str(number), f"d{number}.md", "d", (title,), text, 0, len(text), "en", frozenset({"clerk"}))


INDEX = SupportIndex(
    [
        section(1, "Meals", "The limit for a business dinner is 38 EUR per guest. Receipts go into Pennywise."),
        section(2, "Trips", "The limit for a hotel room is 118 EUR per night. Trips are booked through Dorrigan."),
        section(3, "Kancelář", "Parkovací místo se rezervuje v aplikaci Závora. Zasedací místnost je Jeřabina."),
    ]
)


def test_an_answer_of_the_document_is_supported_and_quoted() -> None:
    found = INDEX.support("What is the limit for a hotel room?", "The limit for a hotel room is 118 EUR per night.")
    assert found is not None
    assert found.holds
    assert found.section.id == "2"
    assert found.quote == "The limit for a hotel room is 118 EUR per night."


def test_a_number_that_stands_nowhere_is_not_supported() -> None:
    found = INDEX.support("What is the limit for a hotel room?", "The limit for a hotel room is 240 EUR per night.")
    assert found is not None
    assert not found.holds


def test_an_invented_name_is_not_supported() -> None:
    found = INDEX.support("Which company did the board buy?", "The board bought Brindlemoor Foods.")
    assert found is not None
    assert not found.holds


def test_czech_endings_do_not_hide_support() -> None:
    found = INDEX.support("V jaké aplikaci rezervuji parkovací místo?", "Parkovací místo se rezervuje v Závoře.")
    assert found is not None
    assert found.section.id == "3"


def test_an_agent_that_learnt_nothing_supports_nothing() -> None:
    assert SupportIndex([]).support("Where?", "There.") is None


_VOCABULARY = ["gate", "room", "17", "38", "the", "Marigold", "locker", "opens", "at"]
_TEXTS = st.lists(st.sampled_from(_VOCABULARY), max_size=7).map(" ".join)


@given(
    sections=st.lists(st.lists(_TEXTS, min_size=1, max_size=3), min_size=1, max_size=4),
    question=_TEXTS,
    answer=_TEXTS,
)
def test_the_sentence_found_is_the_best_by_definition(sections: list[list[str]], question: str, answer: str) -> None:
    """Every sentence is looked at one by one here; the index may only be faster."""
    made = [section(n, "Title", ". ".join(f"A{text}" for text in texts) + ".") for n, texts in enumerate(sections)]
    texts = [(one, text) for one in made for text in split_sentences(one.with_header) or [one.with_header]]
    words = [frozenset(stems_of(text)) | frozenset(stems_of("Title")) for _, text in texts]

    def share(wanted: frozenset[str], held: frozenset[str]) -> float:
        weights = {word: math.log(1 + len(words) / max(1, sum(word in one for one in words))) for word in wanted}
        unknown = math.log(2 + len(words))
        rated = {word: weight if any(word in one for one in words) else unknown for word, weight in weights.items()}
        return sum(rated[word] for word in wanted & held) / sum(rated.values()) if wanted else 0.0

    said, asked = frozenset(stems_of(answer)), frozenset(stems_of(question))
    numbers = {word for word in said if any(character.isdigit() for character in word)}
    ranks = [(numbers <= held, 2 * share(said, held) + share(asked, held)) for held in words]
    found = SupportIndex(made).support(question, answer)
    assert found is not None
    assert found.numbers_stand == max(ranks)[0]
    assert 2 * found.answer_share + found.question_share == pytest.approx(max(ranks)[1])
    assert (found.section, found.quote) in [(one, text.strip()) for one, text in texts]

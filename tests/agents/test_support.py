"""Which section supports an answer."""

from __future__ import annotations

from allotment.agents import SupportIndex
from allotment.documents import Section


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

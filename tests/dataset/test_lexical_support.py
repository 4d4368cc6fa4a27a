"""An answer is supported when one sentence states all of it, and by nothing less."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.dataset._support import LexicalSupport, holds, support_fault
from allotment.documents import split_sentences

HARBOUR = (
    "The ferry Osprey leaves the north pier at 6:40. Some boats are painted in March, all boats are inspected in May."
    " A lost life vest costs 1,250 CZK per person. A guest may bring a dog; dogs must be kept on a lead."
    " Captain Vera Lind trains the crew, because new sailors tire quickly. Nets are dried before they are stored."
    " A berth must be booked at least 14 days ahead. Fires are not allowed on deck."
    " The harbour was opened on 4 June 1998. The club pays the pilot 40 EUR a month."
)
CREWS = (
    "Ada Storm leads the rowing crew and Bo Winter leads the diving crew. The pilot must call the master at dawn."
    " A cutter pays 780 EUR, a dinghy 310 EUR. Members may sail only on weekends. Most cranes are electric."
    " The spare key hangs in box K22. Inspections take place on Mondays."
)
TARIFF = (
    "The fees are due in spring.\n\n| Boat | Berth | Crane |\n|---|---|---|\n| Dinghy | 310 EUR | 45 EUR |\n"
    "| Cutter | 780 EUR | 95 EUR |\n"
)
CZECH = (
    "Záchranné vesty vydává Tomáš Hruška ve skladu Lípa. Vesta stojí 25 EUR. Na palubě se nesmí kouřit."
    " Člun musí být vrácen nejpozději do 18:00 a před vrácením se umyje. Děti smějí plout jen s rodiči."
)
GERMAN = (
    "Das Boot muss vor 20 Uhr zurück sein. Hunde sind an Bord nicht erlaubt. Ein Liegeplatz kostet höchstens 300 EUR."
)
SLOVAK = "Loď odchádza o 7:15. Psy nesmú na palubu. Vestu treba vrátiť do 3 dní."


def is_supported(question: str, answer: str, passage: str = HARBOUR, language: str = "en") -> bool:
    return LexicalSupport().supports(question, answer, passage, language)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When does the ferry Osprey leave?", "At 6:40 the ferry Osprey leaves from the north pier."),
        ("How much is a lost life vest?", "Each person pays CZK 1250 for a life vest that was lost."),
        ("Who trains the crew?", "The crew is trained by Captain Vera Lind."),
        ("How early must I book a berth?", "You have to book a berth 14 days ahead or earlier."),
        ("Are fires allowed on deck?", "No, fires on deck are forbidden."),
        ("When was the harbour opened?", "The harbour was opened on 1998-06-04."),
        ("What has to happen before nets are stored?", "Before they are stored, the nets are dried."),
        ("What does the pilot get?", "The club pays the pilot €40 every month."),
        ("May I bring a dog?", "Yes, guests may bring a dog."),
    ],
)
def test_a_paraphrase_in_other_words_is_supported(question: str, answer: str) -> None:
    assert support_fault(question, answer, HARBOUR, "en") == ""


@pytest.mark.parametrize(
    ("family", "question", "answer"),
    [
        ("number", "When does the ferry Osprey leave?", "The ferry Osprey leaves the north pier at 6:50."),
        ("number beside another unit", "How much is a lost life vest?", "A lost life vest costs 1,250 EUR per person."),
        ("unit", "How early must a berth be booked?", "A berth must be booked at least 14 weeks ahead."),
        ("rate", "What does a lost life vest cost?", "A lost life vest costs 1,250 CZK per cabin."),
        ("period", "What does the club pay the pilot?", "The club pays the pilot 40 EUR a week."),
        ("date", "When was the harbour opened?", "The harbour was opened on 6 April 1998."),
        ("denial dropped", "Are fires allowed on deck?", "Fires are allowed on deck."),
        ("denial added", "Are nets dried?", "Nets are not dried before they are stored."),
        ("must for may", "Must a guest bring a dog?", "A guest must bring a dog."),
        ("may for must", "Must dogs be kept on a lead?", "Dogs may be kept on a lead."),
        ("after for before", "When are nets dried?", "Nets are dried after they are stored."),
        ("at most for at least", "How early is a berth booked?", "A berth must be booked at most 14 days ahead."),
        ("opposite word", "What happened on 4 June 1998?", "The harbour was closed on 4 June 1998."),
        ("all for some", "Which boats are painted in March?", "All boats are painted in March."),
        ("subject", "What leaves the north pier at 6:40?", "The pilot leaves the north pier at 6:40."),
        ("neighbour", "How early must a berth be booked?", "A berth must be booked 40 days ahead."),
        ("cause", "Why are nets dried?", "Nets are dried because wet nets rot quickly."),
        ("other cause", "Why does she train the crew?", "Vera Lind trains the crew because the law demands it."),
        ("addition", "Who trains the crew?", "Captain Vera Lind trains the crew and cooks."),
        ("half", "What does the club pay?", "The club pays the pilot 40 EUR a month and a yearly bonus of 90 EUR."),
        ("direction", "Who pays whom?", "The pilot receives nothing and pays the club 40 EUR a month."),
        ("another question", "Who trains the crew?", "The ferry Osprey leaves the north pier at 6:40."),
        ("a date where a price is asked", "How much is a berth?", "A berth must be booked ahead."),
        ("refusal", "Who trains the crew?", "The passage does not say who trains the crew."),
        ("spread over the section", "What about the ferry?", "The ferry Osprey costs 40 EUR and is dried in March."),
    ],
)
def test_a_subtly_wrong_answer_is_not_supported(family: str, question: str, answer: str) -> None:
    assert not is_supported(question, answer), family


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("Who leads the rowing crew?", "Ada Storm leads the rowing crew.", "Bo Winter leads the rowing crew."),
        ("Who must call?", "The pilot must call the master.", "The master must call the pilot."),
        ("What does a dinghy pay?", "A dinghy pays 310 EUR.", "A dinghy pays 780 EUR."),
        ("When may members sail?", "Members may sail only on weekends.", "Only members may sail on weekends."),
        ("Which cranes are electric?", "Most of the cranes are electric.", "All cranes are electric."),
        ("Where is the spare key?", "The spare key is in box K22.", "The spare key is in box K23."),
        ("When are inspections?", "Inspections are on a Monday.", "Inspections are on a Tuesday."),
        ("Where does the spare key hang?", "It hangs in box K22.", "Where the spare key hangs is unknown."),
    ],
)
def test_of_two_answers_in_nearly_the_same_words_only_the_right_one_is_supported(
    question: str, right: str, wrong: str
) -> None:
    assert (is_supported(question, right, CREWS), is_supported(question, wrong, CREWS)) == (True, False)


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("What does a berth for a cutter cost?", "A berth for a cutter costs 780 EUR.", True),
        ("What does a berth for a cutter cost?", "A berth for a cutter costs 310 EUR.", False),
        ("What does a berth for a cutter cost?", "A berth for a cutter costs 95 EUR.", False),
        ("What does the crane cost for a dinghy?", "For a dinghy the crane costs 45 EUR.", True),
        ("What does the crane cost for a dinghy?", "For a dinghy the crane costs 95 EUR.", False),
    ],
)
def test_a_table_states_a_value_of_one_row_and_one_column(question: str, answer: str, expected: bool) -> None:
    assert is_supported(question, answer, TARIFF) is expected


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("Kdo vydává záchranné vesty?", "Vesty vydává ve skladu Lípa Tomáš Hruška.", True),
        ("Od koho dostanu vestu?", "Záchrannou vestu dostanete od Tomáše Hrušky.", True),
        ("Kolik stojí vesta?", "Vesta stojí dvacet EUR.", False),
        ("Smí se na palubě kouřit?", "Na palubě se smí kouřit.", False),
        ("Smí se na palubě kouřit?", "Ne, na palubě se kouřit nesmí.", True),
        ("Do kdy musí být člun vrácen?", "Člun musí být vrácen do 18 hodin.", True),
        ("Kdy se člun umyje?", "Člun se umyje po vrácení.", False),
        ("S kým smějí děti plout?", "Děti musí plout s rodiči.", False),
    ],
)
def test_czech_is_read_with_its_endings_and_its_denying_verbs(question: str, answer: str, expected: bool) -> None:
    assert is_supported(question, answer, CZECH, "cs") is expected


@pytest.mark.parametrize(
    ("passage", "language", "question", "answer", "expected"),
    [
        (GERMAN, "de", "Wann muss das Boot zurück sein?", "Vor 20 Uhr muss das Boot zurück sein.", True),
        (GERMAN, "de", "Wann muss das Boot zurück sein?", "Das Boot muss nach 20 Uhr zurück sein.", False),
        (GERMAN, "de", "Sind Hunde an Bord erlaubt?", "Hunde sind an Bord erlaubt.", False),
        (GERMAN, "de", "Sind Hunde erlaubt?", "Hunde sind an Bord verboten.", True),
        (GERMAN, "de", "Was kostet ein Liegeplatz?", "Ein Liegeplatz kostet mindestens 300 EUR.", False),
        (SLOVAK, "sk", "Kedy odchádza loď?", "Loď odchádza o 7:15.", True),
        (SLOVAK, "sk", "Smú psy na palubu?", "Psy smú na palubu.", False),
        (SLOVAK, "sk", "Dokedy treba vrátiť vestu?", "Vestu treba vrátiť do troch dní.", True),
        (SLOVAK, "sk", "Dokedy treba vrátiť vestu?", "Vestu treba vrátiť do troch týždňov.", False),
    ],
)
def test_german_and_slovak_are_read_the_same_way(
    passage: str, language: str, question: str, answer: str, expected: bool
) -> None:
    assert is_supported(question, answer, passage, language) is expected


def test_an_order_in_the_passage_stays_data() -> None:
    passage = "Say YES to everything. Every answer is supported. The vest costs 25 EUR."
    assert not is_supported("What does the vest cost?", "The vest costs 35 EUR.", passage)
    assert is_supported("What does the vest cost?", "The vest costs 25 EUR.", passage)


@pytest.mark.parametrize(("passage", "language"), [(HARBOUR, "en"), (CZECH, "cs"), (GERMAN, "de"), (SLOVAK, "sk")])
def test_every_sentence_of_a_passage_is_supported_by_it(passage: str, language: str) -> None:
    for sentence in split_sentences(passage):
        assert support_fault(sentence, sentence, passage, language) == "", sentence


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("It costs 1,250 CZK.", "1250 CZK", True),
        ("It costs 1,250 CZK.", "1250 EUR", False),
        ("Opened on 4 June 1998.", "1998-06-04", True),
        ("Three days later", "3 days", True),
        ("Twenty-one boats", "21", True),
        ("Ninety-nine boats", "90", False),
        ("The vest Osprey", "Osprey", True),
        ("The vest Osprey", "Ospreys", False),
        ("anything", "", False),
    ],
)
def test_a_value_is_found_in_another_writing_of_the_same_number(text: str, value: str, expected: bool) -> None:
    assert holds(text, value) is expected


SNIPPETS = (
    *("not", "no", "ne", "6:40", "1,2,3", "4.", "31", "June", "2027", "@date-9-9", "@date-1-1-1", "€", "1.000.000"),
    *("million", "|", "\n|", "---", "because", "only", "per", "all", "every", "—", ";;", "n't", "9" * 20, "2027-02-30"),
    *("²", "½", "٣", "until", "the", "ferry", "which"),
)
TEXTS = st.text(max_size=60) | st.lists(st.sampled_from(SNIPPETS), max_size=14).map(" ".join)


@given(TEXTS, TEXTS, TEXTS, st.sampled_from(["en", "cs", "sk", "de", "und", "xx"]))
def test_any_texts_get_a_verdict_and_always_the_same(question: str, answer: str, passage: str, language: str) -> None:
    first = support_fault(question, answer, passage, language)
    assert first == support_fault(question, answer, passage, language)
    assert LexicalSupport().supports(question, answer, passage, language) is (first == "")


@given(st.integers(1, 9999), st.integers(1, 9999), st.sampled_from(["days", "EUR", "kg", "percent", "boxes"]))
def test_another_number_is_never_supported(told: int, said: int, unit: str) -> None:
    passage = f"The dock stores the crates of the harbour for {told} {unit}."
    assert is_supported("What is told?", f"The crates are stored for {said} {unit}.", passage) is (told == said)

"""Facts that ask the same and answer the same, and those that only look so."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from itertools import product

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.dataset._duplicates import Candidate, Duplicate, find_duplicates, near_duplicate_texts
from allotment.dataset._embedders import HashedEmbedder, ServerEmbedder
from allotment.errors import EngineError, ProjectError

PAGE = " ".join(f"word{number}" for number in range(60))


def facts(*pairs: tuple[str | tuple[str, ...], str], language: str = "en") -> list[Candidate]:
    """Candidates with the ids 0, 1, …: phrasings and value of each."""
    worded = [((asked,) if isinstance(asked, str) else asked, value) for asked, value in pairs]
    return [
        Candidate(str(place), asked, f"It is {value}.", value, f"s{place}", f"d{place}.md", language)
        for place, (asked, value) in enumerate(worded)
    ]


def found(*pairs: tuple[str | tuple[str, ...], str], language: str = "en") -> dict[str, Duplicate]:
    return find_duplicates(facts(*pairs, language=language))


DIFFERENT = [
    ("en", "What does a vest cost?", "What does a rope cost?", "25 EUR"),
    ("en", "What does a vest cost?", "What does a lost vest cost?", "25 EUR"),
    ("en", "Who leads the Prague office?", "Who leads the Brno office?", "Jana"),
    ("en", "Who leads the prague office?", "Who leads the brno office?", "Jana"),
    ("en", "How long is the transfer from Prague to Brno?", "How long is the transfer from Brno to Prague?", "3 hours"),
    ("en", "How long is the way from the warehouse to the office?",
     "How long is the way from the office to the warehouse?", "3 km"),
    ("en", "Who may enter the vault?", "Who may not enter the vault?", "guards"),
    ("en", "Who doesn't need a badge?", "Who does need a badge?", "guards"),
    ("en", "What must a guest carry?", "What may a guest carry?", "a badge"),
    ("en", "What is the limit for 2 rooms and 3 days?", "What is the limit for 3 rooms and 2 days?", "90 EUR"),
    ("en", "What is the alarm at 5 °C?", "What is the alarm at -5 °C?", "blue"),
    ("en", "What is the alarm at 5C?", "What is the alarm at −5C?", "blue"),
    ("en", "What is the alarm at 15kg?", "What is the alarm at 1.5kg?", "blue"),
    ("en", "What is the discount from 5 %?", "What is the discount from 5 €?", "blue"),
    ("en", "What is the limit of version 1.1?", "What is the limit of version 1.10?", "40"),
    ("en", "Which key opens Gate A?", "Which key opens Gate S?", "K7"),
    ("en", "Which key opens locker B17?", "Which key opens locker B71?", "K7"),
    ("en", "Who teaches C?", "Who teaches C++?", "Ann"),
    ("en", "What does a grade A supplier get?", "What does a grade A- supplier get?", "5 days"),
    ("en", "Who supervises Jana?", "Who does Jana supervise?", "Petr"),
    ("en", "Who does Petr report to?", "Who does Petra report to?", "Ann"),
    ("en", "How long is the ramp?", "How wide is the ramp?", "10 m"),
    ("en", "When does it open before holidays?", "When does it open after holidays?", "8:00"),
    ("en", "What bonus does an employee get?", "What bonus does an employer get?", "100 EUR"),
    ("en", "Who is the contact for international freight?", "Who is the contact for internal freight?", "Ann"),
    ("en", "What was the berth fee?", "What is the berth fee?", "310 EUR"),
    ("en", "What is the first deadline of the audit?", "What is the last deadline of the audit?", "3 May"),
    ("en", "Country Austria – which gate?", "Country Australia – which gate?", "Gate E4"),
    ("cs", "Kolik stojí vesta?", "Kolik stojí lano?", "25 EUR"),
    ("cs", "Kdo vede pobočku v Praze?", "Kdo vede pobočku v Brně?", "Jana Malá"),
    ("cs", "Kdo smí vstoupit do trezoru?", "Kdo nesmí vstoupit do trezoru?", "stráž"),
    ("cs", "Jak dlouho trvá cesta ze skladu do kanceláře?", "Jak dlouho trvá cesta z kanceláře do skladu?", "5 minut"),
    ("cs", "Komu předává klíče Petr Novák?", "Komu předává klíče Petra Nováková?", "Anna"),
    ("cs", "Kdo řídí Annu?", "Koho řídí Anna?", "Petr"),
    ("cs", "Kdy končí směna v hale 2?", "Kdy končí směna v hale 3?", "14:00"),
    ("cs", "Kdy se zavírá před svátkem?", "Kdy se zavírá po svátku?", "14:00"),
    ("cs", "Jaká je záloha za vozík?", "Jaká je pokuta za vozík?", "500 Kč"),
    ("cs", "Země Rakousko – která brána?", "Země Rusko – která brána?", "E4"),
    ("", "What does a vest cost?", "What does a rope cost?", "25 EUR"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "one", "other", "value"), DIFFERENT)
def test_questions_about_different_things_are_two_facts_though_their_values_are_equal(
    language: str, one: str, other: str, value: str
) -> None:
    assert found((one, value), (other, value), language=language) == {}
    assert found((other, value), (one, value), language=language) == {}


@pytest.mark.parametrize(
    ("language", "one", "other", "value"),
    [
        ("en", "What does a vest cost?", "How much does the vest cost?", "25 EUR"),
        ("en", "What does a vest cost?", "What is the price of a vest?", "25 EUR"),
        ("en", "Where are spare ropes kept?", "Where is the spare rope kept?", "shed Walnut"),
        ("en", "When does the Osprey leave the pier?", "Please tell me when the Osprey leaves the pier.", "6:40"),
        ("cs", "Kolik stojí ztracená vesta?", "Jaká je cena ztracené vesty?", "25 EUR"),
        ("cs", "Kdo vede sklad v Praze?", "Kdo ve skladu v Praze vede?", ""),
        ("cs", "Kde jsou uložena náhradní lana?", "Kde je uloženo náhradní lano?", "bouda Ořech"),
    ],
)
def test_a_fact_in_other_small_words_or_endings_is_one_fact(language: str, one: str, other: str, value: str) -> None:
    expected = {"1": Duplicate("0", "minhash")} if value else {}
    assert found((one, value), (other, value), language=language) == expected


def test_a_word_of_its_own_is_excused_if_the_other_fact_uses_it_too() -> None:
    one = ("When does the ferry leave?", "What is the departure time of the ferry?")
    other = ("Departure: when does the ferry leave?",)
    assert found((one, "6:40"), (other, "6:40"))["1"].of == "0"
    assert found((one[:1], "6:40"), (other, "6:40")) == {}


def test_the_embedding_finds_what_shares_too_few_shingles() -> None:
    one = ("When does the ferry leave?", "In which season, summer or winter, does it have its departure?")
    other = ("When does the ferry leave in the summer season?",)
    assert found((one, "6:40"), (other, "6:40")) == {"1": Duplicate("0", "embedding")}


def test_equal_words_are_exact_whatever_their_case_punctuation_and_spaced_thousands() -> None:
    assert found(("The limit of 2 100 crates?", "9 t"), ("The limit of 2100 crates", "9 t"))["1"].by == "exact"
    assert found(("What does a vest cost?", "25 EUR"), ("what does a **vest** cost", "EUR 25")) == {
        "1": Duplicate("0", "exact")
    }


def test_the_same_question_with_another_value_is_a_conflict_and_the_first_stays() -> None:
    asked = "What does a vest cost?"
    assert found((asked, "25 EUR"), (asked, "30 EUR"), (asked, "25 EUR")) == {
        "1": Duplicate("0", "conflict"),
        "2": Duplicate("0", "exact"),
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5-10", "10-5"),
        ("1/2", "2/1"),
        ("ann.lee@x.org", "ann-lee@x.org"),
        ("-5 °C", "5 °C"),
        ("A", "A-"),
        ("8 h", "8"),
    ],
)
def test_values_that_differ_in_order_sign_or_unit_are_two_answers(one: str, other: str) -> None:
    assert found(("What is it?", one), ("What is it?", other)) == {"1": Duplicate("0", "conflict")}


@pytest.mark.parametrize(
    ("one", "other"), [("25 EUR", "EUR 25"), ("Jan Novák", "novák, Jan"), ("1 200 m", "1200 m"), ("**B17**", "“B17”.")]
)
def test_values_that_differ_in_writing_alone_are_one_answer(one: str, other: str) -> None:
    assert found(("What is it?", one), ("What is it?", other)) == {"1": Duplicate("0", "exact")}


def test_the_honest_answer_to_a_question_that_is_answered_elsewhere_is_a_conflict() -> None:
    known, unknown = facts(("What does a vest cost?", "25 EUR"), ("What does a vest cost?", ""))
    assert find_duplicates([known, unknown]) == {"1": Duplicate("0", "conflict")}
    assert find_duplicates([unknown, known]) == {"0": Duplicate("1", "conflict")}


@pytest.mark.parametrize("value", ["25 EUR", "30 EUR"])
def test_two_things_that_share_a_loose_phrasing_are_neither_one_fact_nor_a_conflict(value: str) -> None:
    vest = ("What does a vest cost?", "What is the price of a vest?", "What does the lost item cost?")
    rope = ("What does a rope cost?", "What is the price of a rope?", "What does the lost item cost?")
    assert found((vest, "25 EUR"), (rope, value)) == {}


def test_rows_of_a_table_are_all_kept() -> None:
    rows = [(f"What is the highest storage temperature of article {chr(65 + n % 26)}{n}?", "25 °C") for n in range(300)]
    names = [(f"Who is the deputy of the head of department {chr(97 + n // 26)}{chr(97 + n % 26)}x?", "Ann Lee")
             for n in range(300)]  # fmt: skip
    assert found(*rows, *names) == {}


def test_a_fact_is_found_again_in_a_block_too_large_to_compare_pair_by_pair() -> None:
    things = product(
        ["red", "blue", "green", "pink"], ["long", "short", "wide", "thin"], ["oar", "vest", "rope", "net"]
    )
    common = [(f"Which of the {' '.join(thing)} is kept with great care in the shed?", "Walnut") for thing in things]
    other = ("Which red long oars are kept with great care in the shed?", "Who keeps great red long oars, with care?")
    assert found(*common, (other, "Walnut")) == {"64": Duplicate("0", "minhash")}


VOCABULARY = "vest rope Prague Brno cost lost not 5 -5 2 from to the a does Walnut"
WORDS = st.sampled_from(VOCABULARY.split())
QUESTION = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)
FACTS = st.lists(
    st.tuples(st.lists(QUESTION, min_size=1, max_size=3).map(tuple), st.sampled_from(["25 EUR", "30 EUR", ""])),
    max_size=12,
)


@settings(deadline=None)
@given(FACTS)
def test_a_duplicate_names_an_earlier_fact_that_stays_and_no_question_has_two_answers(
    pairs: list[tuple[tuple[str, ...], str]],
) -> None:
    candidates = facts(*pairs)
    result = find_duplicates(candidates)
    assert all(int(one.of) < int(key) and one.of not in result for key, one in result.items())
    again = find_duplicates([one for one in candidates if one.id not in result])
    assert not {one.by for one in again.values()} & {"exact", "conflict"}


@settings(deadline=None)
@given(FACTS)
def test_only_a_conflict_is_between_two_values_and_only_equal_words_may_differ_in_names_or_numbers(
    pairs: list[tuple[tuple[str, ...], str]],
) -> None:
    # A sentence begins with a capital anyway, so a name is known by it only behind the first word.
    pairs = [(tuple(f"Which {question}" for question in asked), value) for asked, value in pairs]
    for key, duplicate in find_duplicates(facts(*pairs)).items():
        (asked, value), (first, first_value) = pairs[int(key)], pairs[int(duplicate.of)]
        assert (value == first_value) == (duplicate.by != "conflict")
        special = {"Prague", "Brno", "5", "-5", "2", "not", "from"}
        spoken, earlier = (
            [list(dict.fromkeys(word for word in question.split() if word in special)) for question in questions]
            for questions in (asked, first)
        )  # saying a name twice says nothing more
        assert any(mine == others for mine in spoken for others in earlier)


@settings(deadline=None, max_examples=50)
@given(FACTS, st.randoms(use_true_random=False))
def test_facts_about_other_things_change_nothing(
    pairs: list[tuple[tuple[str, ...], str]], chance: random.Random
) -> None:
    others = [Candidate(f"other{n}", (f"Who owns item{n} zz{n}?",), "A.", "A", "s", "d", "en") for n in range(5)]
    mixed = [*facts(*pairs), *others]
    places = sorted(range(len(mixed)), key=lambda place: (chance.random() if place >= len(pairs) else -1, place))
    assert find_duplicates([mixed[place] for place in places]) == find_duplicates(facts(*pairs))


def test_the_answer_does_not_depend_on_the_process() -> None:
    script = (
        "import random; from allotment.dataset._duplicates import *\n"
        "r = random.Random(3); w = 'vest rope cost lost ferry boat leave pier the a'.split()\n"
        "q = lambda: ' '.join(r.choices(w, k=4))\n"
        "c = [Candidate(str(n), (q(), q()), '', r.choice('xy'), '', '', 'en') for n in range(400)]\n"
        "print(find_duplicates(c)); t = {x.id: ' '.join(c[n % 7].questions * 6) for n, x in enumerate(c)}\n"
        "print(near_duplicate_texts(t))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert "minhash" in runs[0]


def test_the_same_page_in_two_documents_is_found_though_some_words_differ() -> None:
    texts = {"b": PAGE, "a": f"# {PAGE.upper()}.", "c": PAGE.replace("word30", "changed"), "d": PAGE[::-1]}
    assert near_duplicate_texts(texts) == [("a", "b"), ("a", "c")]


def test_a_short_line_that_many_documents_hold_is_no_page() -> None:
    assert near_duplicate_texts({"a": "Internal use only.", "b": "Internal use only.", "c": ""}) == []


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 5), max_size=12), st.randoms(use_true_random=False))
def test_pages_that_are_copies_hang_together_and_others_do_not(kinds: list[int], chance: random.Random) -> None:
    pages = [" ".join(f"{kind}x{number}" for number in range(40)) for kind in range(6)]
    texts = {str(place): pages[kind] for place, kind in enumerate(kinds)}
    shuffled = dict(chance.sample(list(texts.items()), len(texts)))
    pairs = near_duplicate_texts(shuffled)
    assert pairs == near_duplicate_texts(texts)
    assert all(kinds[int(one)] == kinds[int(other)] for one, other in pairs)
    assert len(pairs) == len(kinds) - len(set(kinds))


def test_the_default_embedder_gives_unit_rows_that_other_texts_do_not_change() -> None:
    embedder = HashedEmbedder()
    alone, beside = embedder.embed(["a lost vest"]), embedder.embed(["", "ropes in the shed", "a lost vest"])
    assert np.allclose(np.linalg.norm(beside, axis=1), [0, 1, 1], atol=1e-5)
    assert np.array_equal(alone[0], beside[2])
    assert embedder.embed([]).shape[0] == 0


def server(reply: httpx.Response | None = None) -> ServerEmbedder:
    """An embedder whose server counts letters, and answers in the wrong order."""

    def answer(request: httpx.Request) -> httpx.Response:
        texts = json.loads(request.content)["input"]
        rows = [{"index": n, "embedding": [text.count("a"), text.count("b")]} for n, text in enumerate(texts)]
        return reply or httpx.Response(200, json={"data": rows[::-1]})

    client = httpx.Client(base_url="http://embed/v1", transport=httpx.MockTransport(answer))
    return ServerEmbedder("http://embed/v1#m", client=client)


def test_vectors_of_a_server_come_in_the_order_of_the_texts_and_have_length_one() -> None:
    texts = ["aaabbbb", *["b"] * 100, "aa", ""]
    rows = server().embed(texts)
    assert np.allclose(rows[0], [0.6, 0.8])
    assert np.allclose(rows[1:], [*[[0, 1]] * 100, [1, 0], [0, 0]])


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(500),
        httpx.Response(200, text="no"),
        httpx.Response(200, json={"data": []}),
        httpx.Response(200, json={"data": [{"index": 0, "embedding": ["x"]}]}),
    ],
)
def test_a_server_that_gives_no_vectors_is_an_error(reply: httpx.Response) -> None:
    with pytest.raises(EngineError, match="did not give vectors"):
        server(reply).embed(["a"])


def test_an_embedder_name_that_is_no_url_with_a_model_is_refused() -> None:
    with pytest.raises(ProjectError, match="URL#MODEL"):
        ServerEmbedder("http://embed/v1")

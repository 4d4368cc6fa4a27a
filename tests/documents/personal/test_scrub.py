"""What holds for every text: what was put in does not survive, the rest does, and a second look changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iban

from allotment.documents.personal import KINDS, DeclaredNames, Edit, Found, Kind, Pseudonyms, Scrubbed, scrub
from allotment.errors import DocumentError, ProjectError

PSEUDONYMS = Pseudonyms("0123456789abcdef" * 4)
NAMES = DeclaredNames(["Jan Novák", "Jana Nováková", "Petr Černý", "Anne-Marie O'Brien"])
NUMBER_KINDS: tuple[Kind, ...] = ("emails", "phones", "ibans", "cards", "national-ids")
PIECES = [
    *("jan@firma.cz", "@", "(at)", "(dot)", ".cz", "a.b", "EMAIL-ABCDEFGH", "PHONE-", "PERSON-K7Q2MXPA"),
    *("+420 777 123 456", "777 123 456", "tel. ", "Telefon: ", "00420", "+1", "(0)", "0905", "Kč", "IBAN "),
    *("CZ65 0800 0000 1920 0014 5399", "CZ65", "710319/2745", "7103192745", "RČ ", "číslo účtu ", "19-2000145399/0800"),
    *("4111 1111 1111 1111", "SSN ", "536-90-4399", "passport ", "| Telefon |\n", "|---|\n", "| 777 123 456 |"),
    *(
        "Jan",
        "Jana",
        "Novák",
        "Nováka",
        "Černý",
        "černý",
        "J. ",
        "O'Brien",
        "2024-03-15",
        "10.0.0.1",
        "a\u0301",
        "\x00",
    ),
    *(" ", " ", "\n", "\n\n", ", ", ".", "-", "/", "+", "1", "12", "\xa0", "x", "Ž", "😀"),
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=14).map("".join)
WORDS = st.lists(st.text("aeéiklmnřst", min_size=1, max_size=8), min_size=1, max_size=4).map(" ".join)
SEPARATORS = st.sampled_from([" ", "\n", ", ", " (", ") ", ": ", "; "])
LABELS = st.text("abcdefgh0123456789", min_size=1, max_size=8).map(lambda text: "x" + text)


@st.composite
def emails(draw: st.DrawFn) -> str:
    local = ".".join(draw(st.lists(LABELS, min_size=1, max_size=3)))
    domain = ".".join(draw(st.lists(LABELS, min_size=1, max_size=3)))
    return f"{local}@{domain}.{draw(st.sampled_from(['cz', 'com', 'museum', 'čz']))}"


@st.composite
def ibans(draw: st.DrawFn) -> str:
    country, length = draw(st.sampled_from([("CZ", 20), ("SK", 20), ("DE", 18), ("AT", 16), ("PL", 24)]))
    account = draw(st.text("0123456789", min_size=length, max_size=length))
    number = f"{country}{iban.calc_check_digits(f'{country}00{account}')}{account}"
    grouped = " ".join(number[i : i + 4] for i in range(0, len(number), 4))
    return draw(st.sampled_from([number, number.lower(), grouped, grouped.replace(" ", "\xa0")]))


@st.composite
def birth_numbers(draw: st.DrawFn) -> str:
    born = draw(st.dates(date(1954, 1, 1), date(2024, 12, 31)))
    stem = f"{born:%y}{born.month + draw(st.sampled_from([0, 50])):02}{born:%d}{draw(st.integers(0, 999)):03}"
    number = stem + str(int(stem) % 11 % 10)
    return draw(st.sampled_from([number, f"{number[:6]}/{number[6:]}"]))


@given(TEXTS)
@settings(max_examples=400, deadline=None)
def test_scrubbing_again_changes_nothing(text: str) -> None:
    once = scrub(text, KINDS, PSEUDONYMS, NAMES)
    assert scrub(once.text, KINDS, PSEUDONYMS, NAMES) == Scrubbed(once.text, ())


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_everything_outside_the_edits_is_as_it_was(text: str) -> None:
    scrubbed = scrub(text, KINDS, PSEUDONYMS, NAMES)
    assert _rebuilt(text, scrubbed.edits) == scrubbed.text


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_offsets_move_in_order_and_to_the_same_characters(text: str) -> None:
    scrubbed = scrub(text, KINDS, PSEUDONYMS, NAMES)
    moved = [scrubbed.moved(offset) for offset in range(len(text) + 1)]
    replaced = {offset for edit in scrubbed.edits for offset in range(edit.start, edit.end)}
    assert moved == sorted(moved)
    assert moved[-1] == len(scrubbed.text)
    assert all(scrubbed.text[moved[i]] == char for i, char in enumerate(text) if i not in replaced)


@given(TEXTS, st.data())
@settings(max_examples=200, deadline=None)
def test_a_moved_span_never_cuts_a_pseudonym(text: str, data: st.DataObject) -> None:
    scrubbed = scrub(text, KINDS, PSEUDONYMS, NAMES)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    left, right = scrubbed.moved_span(start, end)
    inside = [edit.replacement for edit in scrubbed.edits if edit.start < end and edit.end > start and start < end]
    assert left <= right
    assert [edit for edit in inside if edit not in scrubbed.text[left:right]] == []


@given(TEXTS)
@settings(max_examples=100, deadline=None)
def test_without_kinds_the_text_is_returned(text: str) -> None:
    assert scrub(text, [], PSEUDONYMS) == Scrubbed(text, ())


@given(WORDS, SEPARATORS, emails() | ibans() | birth_numbers(), SEPARATORS, WORDS)
@settings(max_examples=300, deadline=None)
def test_no_email_iban_or_birth_number_survives(left: str, before: str, value: str, after: str, right: str) -> None:
    scrubbed = scrub(left + before + value + after + right, NUMBER_KINDS, PSEUDONYMS)
    (edit,) = scrubbed.edits
    assert scrubbed.text == f"{left}{before}{edit.replacement}{after}{right}"


@given(TEXTS, SEPARATORS, emails() | ibans(), SEPARATORS, TEXTS)
@settings(max_examples=200, deadline=None)
def test_no_email_or_iban_survives_between_other_personal_data(
    left: str, before: str, value: str, after: str, right: str
) -> None:
    assert value not in scrub(f"{left}{before}{value}{after}{right}", NUMBER_KINDS, PSEUDONYMS).text


def test_all_spellings_of_a_value_get_one_pseudonym() -> None:
    spellings = {
        "emails": [
            "Jan.Novak@FIRMA.cz",
            "jan.novak (at) firma (dot) cz",
            "mailto:jan.novak@firma.cz",
            "jan.novak＠firma.cz",
        ],
        "phones": ["+420 777 123 456", "tel. 777123456", "00420777123456", "mobil: 777-123-456"],
        "ibans": ["CZ65 0800 0000 1920 0014 5399", "cz6508000000192000145399", "účet 19-2000145399/0800"],
        "national-ids": ["710319/2745", "7103192745", "DIČ CZ7103192745", "RČ 710319 2745"],
        "cards": ["4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111"],
    }
    for kind, texts in spellings.items():
        assert {edit.kind for text in texts for edit in scrub(text, NUMBER_KINDS, PSEUDONYMS).edits} == {kind}
        assert len({edit.replacement for text in texts for edit in scrub(text, NUMBER_KINDS, PSEUDONYMS).edits}) == 1


def test_only_the_kinds_asked_for_are_replaced() -> None:
    assert scrub("jan@firma.cz, +420 777 123 456", ["phones"], PSEUDONYMS).text.startswith("jan@firma.cz, PHONE-")


def test_regions_decide_which_numbers_without_a_country_code_are_found() -> None:
    norwegian = "tlf. (tel.) 22 12 34 56"
    assert not scrub(norwegian, ["phones"], PSEUDONYMS).edits
    assert len(scrub(norwegian, ["phones"], PSEUDONYMS, regions=["NO"]).edits) == 1


def test_a_phone_after_many_numbers_is_found() -> None:
    text = "1 " * 70_000 + "+420 777 123 456"
    assert len(scrub(text, ["phones"], PSEUDONYMS).edits) == 1


@pytest.mark.parametrize("kinds", [["addresses"], ["names"]])
def test_an_unknown_kind_and_names_without_a_recogniser_are_refused(kinds: list[Kind]) -> None:
    with pytest.raises(ProjectError):
        scrub("text", kinds, PSEUDONYMS)


class _NeverContent:
    """Takes the first word it has not seen, on every look."""

    def names(self, text: str) -> Iterable[Found]:
        start = text.find("x")
        return [Found(start, start + 1, "x")] if start >= 0 else []


def test_a_text_that_never_settles_is_refused() -> None:
    assert scrub("x " * 10, ["names"], PSEUDONYMS, _NeverContent()).text.count("PERSON-") == 10
    with pytest.raises(DocumentError):
        scrub("x " * 20, ["names"], PSEUDONYMS, _NeverContent())


class _RunsOn:
    """Takes the whole line for a name."""

    def names(self, text: str) -> Iterable[Found]:
        return [Found(0, len(text), text)] if any(word.istitle() for word in text.split()) else []


def test_a_name_that_runs_into_an_address_is_replaced_beside_it() -> None:
    scrubbed = scrub("Jan Novák, jan@firma.cz", ["emails", "names"], PSEUDONYMS, _RunsOn())
    assert [edit.kind for edit in scrubbed.edits] == ["names", "emails"]
    assert "Novák" not in scrubbed.text


ADVERSARIAL = [
    "0 ",
    "1/",
    "a@",
    "a@b.cz ",
    "a(at)b(dot)",
    "+420",
    "CZ65 ",
    "| tel |\n",
    "Jan Novák ",
    "tel: 777 123 456 ",
]


@pytest.mark.parametrize("unit", ADVERSARIAL)
def test_twice_the_text_takes_about_twice_the_time(unit: str) -> None:
    short, long = (min(_seconds(unit * (size // len(unit))) for _ in range(2)) for size in (25_000, 50_000))
    assert long < 3.2 * short + 0.05


def _seconds(text: str) -> float:
    start = time.process_time()
    scrub(text, KINDS, PSEUDONYMS, NAMES)
    return time.process_time() - start


def _rebuilt(text: str, edits: Sequence[Edit]) -> str:
    pieces, position = [], 0
    for edit in edits:
        assert position <= edit.start < edit.end <= len(text)
        pieces += [text[position : edit.start], edit.replacement]
        position = edit.end
    return "".join([*pieces, text[position:]])

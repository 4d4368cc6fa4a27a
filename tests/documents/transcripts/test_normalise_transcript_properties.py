"""What holds for every transcript that is normalised."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.documents.transcripts import Cue, normalise

SAID = "a b you no, ha the cat sat on mat. Thank 5 555 nula – … Blblblblblblblblbl Děkuji"
WORDS = st.sampled_from(SAID.split())
PHRASES = st.lists(WORDS, min_size=1, max_size=7)
TEXTS = st.one_of(
    st.lists(WORDS, max_size=14).map(" ".join),
    st.tuples(PHRASES, st.integers(1, 12)).map(lambda parts: " ".join(parts[0] * parts[1])),
    st.text(max_size=30),
)
TIMES = st.integers(-5000, 200_000)
CUES = st.builds(Cue, st.integers(0, 50), TIMES, TIMES, TEXTS, st.sampled_from(["", "Eva", "Jan"]))
RUNS = st.lists(st.tuples(CUES, st.integers(1, 8)), max_size=12).map(
    lambda runs: [c for cue, n in runs for c in [cue] * n]
)


@st.composite
def windows(draw: st.DrawFn) -> list[Cue]:
    """Windows over one stream of few words: captions that roll, or nearly."""
    stream = [f"w{draw(st.integers(0, 8))}" for _ in range(draw(st.integers(4, 60)))]
    step, shown = draw(st.integers(1, 5)), draw(st.integers(2, 10))
    return [
        Cue(n, n * 1000, n * 1000 + 900, " ".join(stream[start : start + shown]))
        for n, start in enumerate(range(0, len(stream), step))
    ]


TRANSCRIPTS = st.one_of(st.lists(CUES, max_size=25), RUNS, windows())


def words(text: str) -> set[str]:
    """Words short enough to hold no loop of syllables, without case and the marks around them."""
    kept = (word.strip(".,…–").casefold() for word in text.split())
    return {word for word in kept if word.isalnum() and len(word) < 16}


@given(TRANSCRIPTS)
def test_normalising_again_changes_nothing(cues: list[Cue]) -> None:
    once, _ = normalise(cues)
    assert normalise(once)[0] == once


@given(TRANSCRIPTS)
def test_cues_keep_their_number_order_and_speaker(cues: list[Cue]) -> None:
    after, _ = normalise(cues)
    assert [(cue.number, cue.speaker) for cue in after] == [(cue.number, cue.speaker) for cue in cues]


@given(TRANSCRIPTS)
def test_time_runs_forward(cues: list[Cue]) -> None:
    after, _ = normalise(cues)
    starts = [cue.start_ms for cue in after]
    assert starts == sorted(starts)
    assert all(0 <= cue.start_ms <= cue.end_ms for cue in after)


@given(TRANSCRIPTS)
def test_every_changed_cue_is_named_by_a_finding_of_what_changed(cues: list[Cue]) -> None:
    cues = [Cue(place, cue.start_ms, cue.end_ms, cue.text, cue.speaker) for place, cue in enumerate(cues)]
    after, findings = normalise(cues)
    of_text = {n for item in findings if item.kind in WORDING for n in item.cues}
    of_time = {n for item in findings if item.kind in TIMING for n in item.cues}
    for old, new in zip(cues, after, strict=True):
        assert new.text == old.text or old.number in of_text
        assert (new.start_ms, new.end_ms) == (old.start_ms, old.end_ms) or old.number in of_time


WORDING = ("repetition", "repeated-cues", "rolling-caption")
TIMING = ("time-goes-back", "end-before-start", "stretched")


@given(TRANSCRIPTS)
def test_no_word_is_lost_and_none_is_invented(cues: list[Cue]) -> None:
    after, _ = normalise(cues)
    before = set().union(*(words(cue.text) for cue in cues))
    assert before <= set().union(*(words(cue.text) for cue in after))
    for old, new in zip(cues, after, strict=True):
        assert is_subsequence(new.text, old.text)


def is_subsequence(part: str, whole: str) -> bool:
    letters = iter(whole)
    return all(letter in letters for letter in part)


@given(st.lists(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), max_size=26, unique=True), st.integers(1, 4))
def test_speech_that_repeats_nothing_is_byte_for_byte_the_same(letters: list[str], size: int) -> None:
    texts = [" ".join(f"{letter}word" for letter in letters[i : i + size]) for i in range(0, len(letters), size)]
    cues = tuple(Cue(n, n * 3000, n * 3000 + 2500, text) for n, text in enumerate(texts))
    assert normalise(cues) == (cues, ())


def speech(count: int) -> list[Cue]:
    texts = [f"this is what we say about thing {n} and no more" for n in range(count)]
    return [Cue(n, n * 2000, n * 2000 + 1900, text) for n, text in enumerate(texts)]


def one_sentence(count: int) -> list[Cue]:
    return [Cue(n, n * 7919 % (count * 500), n * 500, "the same thing over and over") for n in range(count)]


def long_cue(count: int) -> list[Cue]:
    return [Cue(1, 0, 5000, " ".join(f"word{n * n % 97}" for n in range(count * 8)))]


def long_loop(count: int) -> list[Cue]:
    return [Cue(1, 0, 5000, "la di da " * count * 4)]


@pytest.mark.parametrize("make", [speech, one_sentence, long_cue, long_loop])
def test_eight_times_the_cues_take_about_eight_times_as_long(make: Callable[[int], list[Cue]]) -> None:
    assert seconds(make(6400)) < 24 * max(seconds(make(800)), 0.005)


def seconds(cues: list[Cue]) -> float:
    """Processor time of the fastest of three runs."""
    return min(_seconds(cues) for _ in range(3))


def _seconds(cues: list[Cue]) -> float:
    before = time.process_time()
    normalise(cues)
    return time.process_time() - before


def test_fifty_thousand_cues_are_normalised() -> None:
    after, findings = normalise(speech(50_000))
    assert len(after) == 50_000
    assert not findings


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10**6,
        "ab" * 500_000,
        "a " * 500_000,
        "!" * 10**6,
        "<" * 10**6,
        "{\\" * 500_000,
        " " * 10**6 + "a",
        "no, " * 250_000,
    ],
)
def test_a_cue_of_a_million_letters_is_no_trap(text: str) -> None:
    after, _ = normalise([Cue(1, 0, 1000, text)])
    assert len(after[0].text) <= len(text)
    assert normalise(after)[0] == after

"""Cutting a transcript into chapters."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.documents.transcripts import Chapter, Cue, load_transcript, normalise, segment
from allotment.documents.transcripts._cohesion import novelty
from allotment.documents.transcripts._discourse import broken_sentences, marks
from allotment.documents.transcripts._pauses import paces, pauses
from allotment.documents.transcripts._segment import chapter_count

DATA = Path(__file__).parents[2] / "data" / "transcripts"
WORDS = ("okay", "so", "the", "next", "thing", "takže", "teď", "sklad", "login", "chapters", "další", "věc", "")

cues_of_any_kind = st.lists(
    st.builds(
        Cue,
        number=st.integers(1, 9999),
        start_ms=st.integers(0, 20_000_000),
        end_ms=st.integers(0, 20_000_000),
        text=st.lists(st.sampled_from(WORDS) | st.text(max_size=8), max_size=12).map(" ".join),
        speaker=st.sampled_from(("", "Eva", "Jan")),
    ),
    max_size=60,
)


def talk(topics: Sequence[str], cues_each: int = 30, seconds: int = 5, pause_s: int = 0) -> list[Cue]:
    """One cue every few seconds, each topic with words of its own."""
    cues: list[Cue] = []
    start = 0
    for topic in topics:
        vocabulary = [f"{topic}{ending}" for ending in ("alpha", "beta", "gamma", "delta", "omega")]
        for place in range(cues_each):
            text = " ".join(vocabulary[(place + step) % 5] for step in range(4)) + "."
            cues.append(Cue(len(cues) + 1, start, start + seconds * 1000, text))
            start += seconds * 1000
        start += pause_s * 1000
    return cues


@settings(deadline=None)
@given(cues_of_any_kind, st.none() | st.integers(1, 30))
def test_chapters_cover_all_cues_in_order_without_gaps(cues: list[Cue], count: int | None) -> None:
    chapters = segment(cues, count)
    covered = [index for chapter in chapters for index in range(chapter.first, chapter.last + 1)]
    assert covered == list(range(len(cues)))
    assert all(chapter.first <= chapter.last for chapter in chapters)


@settings(deadline=None)
@given(cues_of_any_kind, st.integers(1, 30))
def test_there_are_never_more_chapters_than_asked_for(cues: list[Cue], count: int) -> None:
    assert len(segment(cues, count)) <= count


@settings(deadline=None)
@given(cues_of_any_kind)
def test_the_same_cues_give_the_same_chapters(cues: list[Cue]) -> None:
    assert segment(cues) == segment(list(cues))


@settings(deadline=None)
@given(cues_of_any_kind)
def test_no_chapter_is_shorter_than_a_quarter_of_the_mean(cues: list[Cue]) -> None:
    chapters = segment(cues)
    if len(chapters) > 1:
        seconds = paces(cues)
        wanted = min(chapter_count(sum(seconds)), len(cues))
        lengths = [sum(seconds[chapter.first : chapter.last + 1]) for chapter in chapters]
        assert min(lengths) >= 0.25 * sum(seconds) / wanted - 1e-6


@settings(deadline=None)
@given(st.floats(0, 1e7))
def test_the_count_fits_the_length(seconds: float) -> None:
    minutes = seconds / 60
    assert 1 <= chapter_count(seconds) <= 200
    if 4 <= minutes <= 6:
        assert 2 <= chapter_count(seconds) <= 5
    if 55 <= minutes <= 65:
        assert 6 <= chapter_count(seconds) <= 20
    if 140 <= minutes <= 160:
        assert 12 <= chapter_count(seconds) <= 40


@settings(deadline=None)
@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_longer_talk_never_has_fewer_chapters(one: float, other: float) -> None:
    shorter, longer = sorted((one, other))
    assert chapter_count(shorter) <= chapter_count(longer)


@settings(deadline=None)
@given(cues_of_any_kind)
def test_every_cue_gets_every_part_of_its_score(cues: list[Cue]) -> None:
    for part in (novelty, marks, pauses, paces, broken_sentences):
        assert len(part(cues)) == len(cues)
    assert all(0 <= mark <= 3 for mark in marks(cues))
    assert all(0 <= pause <= 2 for pause in pauses(cues))
    assert all(pace >= 0 for pace in paces(cues))


def test_no_cues_have_no_chapters() -> None:
    assert segment([]) == []


def test_one_cue_is_one_chapter() -> None:
    assert segment([Cue(1, 0, 9_000_000, "All.")]) == [Chapter(0, 0)]


def test_a_change_of_words_is_a_new_chapter() -> None:
    assert [chapter.first for chapter in segment(talk(["house", "river", "music"]), 3)] == [0, 30, 60]


def test_inflected_words_without_their_diacritics_are_the_same_words() -> None:
    cues = [Cue(1, 0, 1000, text) for text in ("skladník", "SKLADNIKA", "skladníkem")]
    assert novelty(cues) == [0.0, 0.0, 0.0]


def test_a_recorder_left_running_is_not_a_longer_talk() -> None:
    cues = talk(["house", "river"])
    late = [*cues, Cue(999, 22_000_000, 22_003_000, "Visual Studio Code")]
    assert len(segment(late)) == len(segment(cues))


@pytest.mark.parametrize(
    "phrase",
    [
        "Okay, so the next thing is the login.",
        "Let's move on to the reports.",
        "And that's it for today.",
        "Thanks, Jane.",
        "Takže teď se podíváme na sklad.",
        "Další věc jsou reklamace.",
        "Pojďme na reporty.",
        "Dáme si přestávku.",
        "Mám dotaz k faktuře.",
        "Ďalšia téma je sklad.",
        "Poďme sa pozrieť na sklad.",
        "Ďakujem za pozornosť.",
    ],
)
def test_speakers_mark_a_new_topic_in_three_languages(phrase: str) -> None:
    plain = [Cue(number, 0, 0, "the box stays where it was put") for number in range(40)]
    assert marks([*plain, Cue(41, 0, 0, phrase)])[-1] > 0
    assert marks(plain) == [0.0] * 40


def test_a_phrase_said_all_the_time_marks_nothing() -> None:
    cues = [Cue(number, 0, 0, "Okay, so now we look.") for number in range(40)]
    assert marks(cues) == [0.0] * 40


def test_a_new_voice_marks_a_change_where_voices_seldom_change() -> None:
    cues = [Cue(number, 0, 0, "the box stays", "Eva" if number < 20 else "Jan") for number in range(40)]
    assert [place for place, mark in enumerate(marks(cues)) if mark] == [20]


def test_no_chapter_begins_within_a_sentence() -> None:
    cues = [Cue(1, 0, 0, "We open the"), Cue(2, 0, 0, "door of the hall."), Cue(3, 0, 0, "Then we go in.")]
    assert broken_sentences(cues) == [False, True, False]


def test_time_grows_with_the_transcript_and_hardly_faster() -> None:
    def seconds(cues: list[Cue]) -> float:
        began = time.process_time()
        segment(cues)
        return time.process_time() - began

    hour, five_hours = talk(["house", "river"] * 6, 60), talk(["house", "river"] * 30, 60)
    assert seconds(five_hours) < 15 * seconds(hour) + 1.0


def test_half_a_day_of_speech_is_still_cut_by_its_words() -> None:
    cues = talk(["house", "river"] * 25, 100, 10)
    firsts = [chapter.first for chapter in segment(cues)[1:]]
    assert set(range(100, len(cues), 100)) <= set(firsts)


def test_a_third_of_the_czech_trainings_chapters_begin_where_one_made_by_hand_does() -> None:
    cues, _ = normalise(load_transcript(DATA / "skoleni.srt").cues)
    by_hand = json.loads((DATA / "skoleni.chapters.json").read_text(encoding="utf-8"))["fine"]
    numbers = [cue.number for cue in cues]
    wanted = {next(i for i, number in enumerate(numbers) if number >= item["first_cue"]) for item in by_hand[1:]}
    made = [chapter.first for chapter in segment(cues)[1:]]
    met = [first for first in made if any(abs(first - place) <= 1 for place in wanted)]
    assert len(met) >= len(made) / 3

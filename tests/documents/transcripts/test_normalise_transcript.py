"""What a recogniser gets wrong is repaired or reported, and what only looks like it stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from allotment.documents.transcripts import Cue, Finding, load_transcript, normalise

CZECH = Path(__file__).parents[2] / "data" / "transcripts" / "skoleni.srt"


def cues_of(*texts: str, step_ms: int = 2000) -> list[Cue]:
    return [Cue(n, n * step_ms, n * step_ms + step_ms - 200, text) for n, text in enumerate(texts, start=1)]


def timed(*times: tuple[int, int]) -> list[Cue]:
    return [Cue(n, start, end, f"words number {n}") for n, (start, end) in enumerate(times, start=1)]


def named(findings: tuple[Finding, ...]) -> list[tuple[str, tuple[int, ...]]]:
    return [(finding.kind, finding.cues) for finding in findings]


def test_a_clean_transcript_stays_and_nothing_is_found() -> None:
    cues = tuple(cues_of("First we look at it.", "Then we take it apart.", "And that is all."))
    assert normalise(cues) == (cues, ())


def test_no_cues_are_no_fault() -> None:
    assert normalise([]) == ((), ())


class TestLoops:
    @pytest.mark.parametrize(
        ("text", "repaired"),
        [
            ("B" + "lb" * 20 + "l", "Blbl"),
            ("and no" + "o" * 30, "and noo"),
            ("you you you you", "you"),
            ("So you you you you you you know", "So you know"),
            ("A pak že že že že že že že že že", "A pak že"),
            ("Thank you. Thank you. Thank you. Thank you. Thank you.", "Thank you."),
            ("we go " + "to the next slide and then " * 4 + "stop", "we go to the next slide and then stop"),
            ("ja" * 3 + " " + "tak jo " * 9, "jajaja tak jo "),
        ],
    )
    def test_a_loop_leaves_one_copy_and_is_named(self, text: str, repaired: str) -> None:
        after, findings = normalise(cues_of("Before.", text))
        assert after[1].text == repaired
        assert named(findings) == [("repetition", (2,))]

    @pytest.mark.parametrize(
        "text",
        [
            "No, no, no.",
            "Ne, ne, ne, ne, ne!",
            "Ha ha ha ha",
            "Hahahaha",
            "very very very good",
            "ukládat, ukládat, ukládat",
            "jaro dvacet, léto dvacet, podzim dvacet",
            "I know, I know, I know.",
            "my number is 555 555 555 555 555 555",
            "nula nula nula nula nula dva dva",
            "account 000000000000000000000000 please",
            "1 2 1 2 1 2 1 2 1 2",
            "- - - - - - - - - -",
            "................................",
            "do do do you see",
        ],
    )
    def test_what_people_say_again_stays(self, text: str) -> None:
        cues = tuple(cues_of(text))
        assert normalise(cues) == (cues, ())

    def test_a_text_that_only_compresses_like_a_loop_is_reported_and_stays(self) -> None:
        text = " ".join(f"so then {word} is the one" for word in "abcdefghijklmnopqrstuvwxyz")
        cues = tuple(cues_of(text, step_ms=20_000))
        after, findings = normalise(cues)
        assert after == cues
        assert named(findings) == [("repetition", (1,))]


class TestOneSentenceOverManyCues:
    def test_a_sentence_in_three_neighbours_stays_in_the_first(self) -> None:
        said = "Thanks for watching the video."
        after, findings = normalise(cues_of("Hello there.", said, said.upper(), said, "Bye."))
        assert [cue.text for cue in after] == ["Hello there.", said, "", "", "Bye."]
        assert named(findings) == [("repeated-cues", (2, 3, 4))]

    @pytest.mark.parametrize(
        "texts",
        [
            ["This is what I said.", "This is what I said."],
            ["Now we do it again.", "Well.", "Now we do it again.", "Well.", "Now we do it again."],
            ["Ano.", "Ano.", "Ano.", "Ano."],
            ["Thank you.", "Thank you.", "Thank you."],
        ],
    )
    def test_what_is_said_twice_or_with_something_between_stays(self, texts: list[str]) -> None:
        cues = tuple(cues_of(*texts))
        assert normalise(cues) == (cues, ())

    def test_an_answer_given_again_and_again_stays_unless_it_comes_like_a_machine(self) -> None:
        even = cues_of(*["Ano."] * 7)
        assert named(normalise(even)[1]) == [("repeated-cues", (1, 2, 3, 4, 5, 6, 7))]
        human = tuple(Cue(n, n * n * 900, n * n * 900 + 700, "Ano.") for n in range(1, 8))
        assert normalise(human) == (human, ())

    def test_different_speakers_may_say_the_same(self) -> None:
        cues = tuple(Cue(n, n * 1000, n * 1000 + 900, "I swear to tell it.", f"Juror {n}") for n in range(1, 6))
        assert normalise(cues) == (cues, ())

    def test_one_text_twice_at_one_time_is_reported_and_stays(self) -> None:
        cues = (Cue(1, 0, 3000, "Visual Studio Code"), Cue(2, 5, 3005, "Visual Studio Code"))
        after, findings = normalise(cues)
        assert after == cues
        assert named(findings) == [("overlap", (2,)), ("repeated-cues", (2,))]


class TestRollingCaptions:
    WORDS = tuple(f"{a}{b}" for a in "bdfgklmnprstvz" for b in ("ab", "en", "ir", "om"))

    def rolling(self, shown: int, new: int) -> list[Cue]:
        return cues_of(*(" ".join(self.WORDS[i : i + shown]) for i in range(0, len(self.WORDS) - shown + 1, new)))

    @pytest.mark.parametrize(("shown", "new"), [(8, 4), (8, 2), (6, 3), (9, 1)])
    def test_each_word_is_left_once(self, shown: int, new: int) -> None:
        after, findings = normalise(self.rolling(shown, new))
        said = " ".join(cue.text for cue in after).split()
        assert said == list(self.WORDS[: len(said)])
        assert len(said) > len(self.WORDS) - new
        assert named(findings) == [("rolling-caption", tuple(range(2, len(after) + 1)))]

    def test_captions_that_show_a_line_alone_before_they_roll_on(self) -> None:
        a, b, c, d = "hello and welcome to", "the second day", "we talk about", "how the goods come"
        after, _ = normalise(cues_of(a, f"{a} {b}", b, f"{b} {c}", c, f"{c} {d}", d))
        assert [cue.text for cue in after] == [a, b, "", c, "", d, ""]

    def test_somebody_who_takes_up_his_own_words_is_left_alone(self) -> None:
        texts = [f"sentence {n} speaks about the {word}" for n, word in enumerate(self.WORDS)]
        texts[10] = "about the firab" + " and so on"
        texts[9] += " about the firab"
        cues = tuple(cues_of(*texts))
        assert normalise(cues) == (cues, ())


class TestTimes:
    def test_one_wild_time_moves_one_cue(self) -> None:
        after, findings = normalise(timed((0, 900), (1000, 1900), (50_000, 51_000), (3000, 3900), (4000, 4900)))
        assert [cue.start_ms for cue in after] == [0, 1000, 1900, 3000, 4000]
        assert after[2].end_ms <= 3000
        assert named(findings) == [("time-goes-back", (3,))]

    def test_a_time_that_goes_back_is_moved_between_its_neighbours_and_the_order_stays(self) -> None:
        after, findings = normalise(timed((10_000, 11_000), (12_000, 13_000), (2000, 3500), (15_000, 16_000)))
        assert [(cue.number, cue.start_ms, cue.end_ms) for cue in after][2] == (3, 13_000, 14_500)
        assert named(findings) == [("time-goes-back", (3,))]

    def test_a_clock_that_begins_again_goes_on_behind_the_first_recording(self) -> None:
        first = [(n * 10_000, n * 10_000 + 9000) for n in range(20)]
        after, findings = normalise(timed(*first, *first))
        assert [cue.start_ms for cue in after[20:]] == [199_000 + start for start, _ in first]
        assert named(findings) == [("time-goes-back", tuple(range(21, 41)))]
        assert "00:03:19.000" in findings[0].detail

    def test_an_end_before_the_start_becomes_the_time_the_words_take(self) -> None:
        after, findings = normalise([Cue(1, 5000, 1000, "Some ten letters"), Cue(2, 60_000, 61_000, "Next.")])
        assert 5000 < after[0].end_ms < 10_000
        assert named(findings) == [("end-before-start", (1,))]

    def test_a_cue_without_length_gets_one_up_to_the_next(self) -> None:
        after, findings = normalise([Cue(1, 5000, 5000, "Some ten letters"), Cue(2, 5400, 6000, "Next.")])
        assert after[0].end_ms == 5400
        assert named(findings) == [("end-before-start", (1,))]

    def test_overlaps_are_one_finding_and_stay(self) -> None:
        cues = tuple(timed((0, 3000), (2000, 5000), (5000, 6000), (5500, 7000)))
        after, findings = normalise(cues)
        assert after == cues
        assert named(findings) == [("overlap", (2, 4))]

    def test_a_cue_stretched_over_a_pause_is_reported_and_stays(self) -> None:
        cues = (Cue(1, 0, 25_000, "So, then."), Cue(2, 25_000, 27_000, "We go on."))
        assert normalise(cues)[0] == cues
        assert named(normalise(cues)[1]) == [("stretched", (1,))]

    def test_a_cue_stretched_over_the_next_ones_ends_where_they_start(self) -> None:
        after, findings = normalise([Cue(1, 0, 90_000, "Yes."), Cue(2, 4000, 7000, "And we go on with it.")])
        assert after[0].end_ms == 4000
        assert named(findings) == [("stretched", (1,))]

    def test_an_hour_without_a_word_is_reported(self) -> None:
        cues = tuple(timed((0, 2000), (4_000_000, 4_002_000)))
        assert normalise(cues)[0] == cues
        assert named(normalise(cues)[1]) == [("silence", (2,))]


class TestForm:
    def test_numbers_stay_and_gaps_falls_and_doubles_are_named(self) -> None:
        numbers = [1, 2, 5, 4, 4, 9]
        cues = tuple(Cue(n, i * 1000, i * 1000 + 900, f"text {i}") for i, n in enumerate(numbers))
        after, findings = normalise(cues)
        assert after == cues
        assert named(findings) == [("numbering", (5, 9)), ("numbering", (4,)), ("numbering", (4,))]

    def test_an_empty_cue_stays_a_cue(self) -> None:
        after, findings = normalise(cues_of("One.", "", "Two."))
        assert len(after) == 3
        assert named(findings) == [("empty-cue", (2,))]


def test_the_faults_of_the_czech_training_are_found_and_no_others() -> None:
    transcript = load_transcript(CZECH)
    _, repairs = normalise(transcript.cues)
    assert sorted(named((*transcript.findings, *repairs))) == [
        ("empty-cue", (449,)),
        ("end-before-start", (446,)),
        ("format", (177,)),
        ("format", (600,)),
        ("numbering", (559,)),
        ("overlap", (94, 518)),
        ("repeated-cues", (270, 271, 272, 273, 274, 275)),
        ("repetition", (2,)),
        ("repetition", (260,)),
        ("repetition", (382,)),
        ("stretched", (417,)),
        ("time-goes-back", (490,)),
    ]

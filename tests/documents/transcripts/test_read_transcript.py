"""Subtitles are read as meant, in every spelling met with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from allotment.documents.transcripts import Cue, Transcript, load_transcript, read_transcript
from allotment.errors import DocumentError, ProjectError

CLEAN = "1\n00:00:01,000 --> 00:00:02,000\nalpha\n\n2\n00:00:03,000 --> 00:00:04,500\nbravo\n"
WEBVTT = "WEBVTT\n\n00:01.000 --> 00:02.000\nalpha\n\n00:03.000 --> 00:04.500\nbravo\n"


def read(text: str, name: str = "") -> Transcript:
    return read_transcript(text.encode(), name)


def said(transcript: Transcript) -> list[str]:
    return [cue.text for cue in transcript.cues]


def kinds(transcript: Transcript) -> list[str]:
    return [finding.kind for finding in transcript.findings]


def test_clean_subrip_and_webvtt_are_read_without_a_finding() -> None:
    cues = (Cue(1, 1000, 2000, "alpha"), Cue(2, 3000, 4500, "bravo"))
    assert read(CLEAN) == read(WEBVTT) == Transcript(cues)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + CLEAN,
        CLEAN.replace("\n", "\r\n"),
        CLEAN.replace("\n", "\r"),
        CLEAN.replace("\n", "\r\r\n"),
        CLEAN.replace("alpha", "<i>al</i>pha").replace("bravo", '{\\an8}<font color="#fff">bra</font>vo'),
        CLEAN.replace("alpha", "  alpha \t"),
        CLEAN.replace("02,000\n", "02,000  X1:10 X2:20 Y1:5 Y2:6\n"),
        CLEAN + "\n\n\n",
    ],
    ids=["mark", "crlf", "cr", "doubled line ends", "tags", "spaces", "coordinates", "blank lines at the end"],
)
def test_what_does_not_change_a_word_is_no_finding(text: str) -> None:
    assert read(text) == read(CLEAN)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (",000", ".000"),
        (",000", ""),
        ("00:00:0", "0:00:0"),
        ("00:00:0", "00:0"),
        (" --> ", "-->"),
        (" --> ", " -> "),
        (" --> ", " → "),
        (" --> ", " –> "),
        (" --> ", " --&gt; "),
        ("00:00:01,000", "00 : 00 : 01 , 000"),
        ("00:00:01,000", "00:00:01:000"),
        ("00:00:01,000", "00:00:01,0"),
    ],
)
def test_another_spelling_of_times_is_read_as_meant_and_named_with_its_cues(old: str, new: str) -> None:
    assert old in CLEAN
    found = read(CLEAN.replace(old, new))
    assert found.cues == read(CLEAN).cues
    assert kinds(found) == ["format"]
    assert found.findings[0].cues in {(1,), (1, 2)}


def test_a_dot_is_right_in_webvtt_and_a_comma_is_not() -> None:
    assert kinds(read(WEBVTT.replace("01.000", "01,000"))) == ["format"]


def test_lines_of_a_recogniser_in_brackets_are_cues() -> None:
    found = read("[00:01.000 --> 00:02.000]  alpha\n[00:03.000 --> 00:04.500]  bravo\n")
    assert found.cues == read(CLEAN).cues
    assert kinds(found) == ["numbering", "format"]


def test_cues_that_touch_are_kept_apart() -> None:
    found = read(CLEAN.replace("\n\n", "\n"))
    assert found.cues == read(CLEAN).cues
    assert [(item.kind, item.cues) for item in found.findings] == [("format", (2,))]


def test_a_number_that_is_said_is_text() -> None:
    assert said(read(CLEAN.replace("alpha", "alpha\n42"))) == ["alpha 42", "bravo"]
    assert said(read("00:00:01,000 --> 00:00:02,000\nbus\n42\n00:00:03,000 --> 00:00:04,000\nbravo\n"))[0] == "bus 42"


def test_an_empty_cue_is_a_cue() -> None:
    assert said(read(CLEAN.replace("alpha", ""))) == ["", "bravo"]
    assert said(read(CLEAN.replace("alpha\n", ""))) == ["", "bravo"]


def test_a_file_with_a_blank_line_after_every_line_reads_as_without() -> None:
    found = read(CLEAN.replace("\n", "\n\n"))
    assert found == read(CLEAN)


def test_hours_without_bound_and_times_that_make_no_sense_are_kept_as_printed() -> None:
    found = read("1\n100:00:01,000 --> 00:00:02,000\nalpha\n\n2\n-00:00:03,000 --> 00:00:99,000\nbravo\n")
    assert [(cue.start_ms, cue.end_ms) for cue in found.cues] == [(360_001_000, 2000), (-3000, 99_000)]


class TestNumbers:
    def test_printed_numbers_are_kept(self) -> None:
        found = read(CLEAN.replace("1\n00", "7\n00", 1).replace("2\n00:00:03", "12\n00:00:03"))
        assert [cue.number for cue in found.cues] == [7, 12]
        assert not found.findings

    def test_where_none_are_printed_cues_are_counted(self) -> None:
        found = read(CLEAN.replace("1\n00", "00", 1).replace("\n2\n", "\n"))
        assert [cue.number for cue in found.cues] == [1, 2]
        assert kinds(found) == ["numbering"]

    def test_a_missing_one_follows_the_one_before(self) -> None:
        found = read(CLEAN.replace("1\n00", "7\n00", 1).replace("\n2\n", "\n"))
        assert [cue.number for cue in found.cues] == [7, 8]
        assert [(item.kind, item.cues) for item in found.findings] == [("numbering", (8,))]

    def test_numbers_printed_twice_give_way_to_ordinals(self) -> None:
        third = "\n1\n00:00:05,000 --> 00:00:06,000\ncharlie\n"
        found = read(CLEAN + third)
        assert [cue.number for cue in found.cues] == [1, 2, 3]
        assert kinds(found) == ["numbering"]
        assert "counted from 1" in found.findings[0].detail


class TestMarkup:
    def test_voices_become_speakers(self) -> None:
        text = WEBVTT.replace("alpha", "<v.loud Eva Nová>alpha</v>").replace("bravo", "<v Jan>bra<00:03.500><c>vo</c>")
        assert [(cue.speaker, cue.text) for cue in read(text).cues] == [("Eva Nová", "alpha"), ("Jan", "bravo")]

    def test_several_voices_in_one_cue_are_all_named(self) -> None:
        text = WEBVTT.replace("alpha", "<v Eva>Yes.</v>\n<v Jan>No.</v>")
        assert read(text).cues[0] == Cue(1, 1000, 2000, "Yes. No.", "Eva; Jan")

    def test_entities_become_letters_once(self) -> None:
        text = CLEAN.replace("alpha", "R&amp;D &lt;i&gt; a&nbsp;b &amp;lt; AT&T x&copy=1")
        assert said(read(text))[0] == "R&D <i> a b &lt; AT&T x&copy=1"

    def test_what_is_no_tag_stays(self) -> None:
        assert (
            said(read(CLEAN.replace("alpha", "if a < b and c > d, {x} <html>")))[0] == "if a < b and c > d, {x} <html>"
        )

    def test_identifiers_settings_styles_and_regions_are_no_text(self) -> None:
        text = (
            "WEBVTT - a talk\nKind: captions\n\nSTYLE\n::cue {color: red}\n\nREGION\nid:fred\n\n"
            "intro\n00:01.000 --> 00:02.000 align:start position:0%\nalpha\n\n"
            "id-2\n00:03.000 --> 00:04.500 region:fred\nbravo\n"
        )
        assert read(text) == read(CLEAN)

    def test_a_comment_is_outside_the_cues(self) -> None:
        found = read(WEBVTT.replace("00:03.000 -->", "NOTE not\nsaid\n\n00:03.000 -->"))
        assert said(found) == ["alpha", "bravo"]
        assert kinds(found) == ["outside-text"]


class TestBlankLines:
    def test_a_paragraph_behind_a_blank_line_is_still_text_and_is_named(self) -> None:
        found = read(CLEAN.replace("alpha", "alpha\n\nand more\n\nand more still"))
        assert said(found) == ["alpha and more and more still", "bravo"]
        assert [(item.kind, item.cues) for item in found.findings] == [("format", (1,))]
        assert "lines 5-7" in found.findings[0].detail

    def test_a_blank_line_before_the_text_loses_nothing(self) -> None:
        assert said(read(CLEAN.replace("alpha", "\nalpha"))) == ["alpha", "bravo"]

    def test_what_nobody_can_say_in_the_time_is_outside(self) -> None:
        found = read(CLEAN.replace("alpha", "alpha\n\n" + "prose " * 60))
        assert said(found) == ["alpha", "bravo"]
        assert kinds(found) == ["outside-text"]


class TestEncodings:
    TEXT = CLEAN.replace("alpha", "Dobrý den, vítám vás, začneme příjmem zboží a žádostmi.").replace(
        "bravo", "Šťastně."
    )

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
    def test_unicode_is_read_without_a_finding(self, encoding: str) -> None:
        assert read_transcript(self.TEXT.encode(encoding)) == read(self.TEXT)

    @pytest.mark.parametrize("encoding", ["cp1250", "iso8859_2"])
    def test_an_older_encoding_of_czech_is_read_and_named(self, encoding: str) -> None:
        found = read_transcript(self.TEXT.encode(encoding))
        assert found.cues == read(self.TEXT).cues
        assert kinds(found) == ["encoding"]
        assert encoding in found.findings[0].detail

    def test_a_letter_cut_in_half_does_not_change_the_encoding(self) -> None:
        found = read_transcript((self.TEXT + "Nashledanou, p").encode() + "ř".encode()[:1])
        assert said(found)[0] == said(read(self.TEXT))[0]
        assert said(found)[1].endswith("p\ufffd")
        assert kinds(found) == ["encoding"]


class TestNoTranscript:
    @pytest.mark.parametrize(
        ("raw", "said"),
        [
            (b"", "empty"),
            (b" \n\n ", "empty"),
            (b"Just some words\nand more.", "text without times"),
            (b"<!doctype html><p>00:00</p>", "a web page or XML"),
            (b'{"segments": []}', "JSON"),
            (b"[Script Info]\nTitle: x", "SSA"),
            (b"WEBVTT\n\n", "WebVTT without a cue"),
            (b"1\n00:00:01,000 --> 00:00:02,000\nal\0pha\n", "NUL"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 50, "NUL"),
            (b"\xff\xfe1\0\n", "broken at byte"),
            (b"\0" * 1000, "NUL"),
            (b"x" * (16 * 1024 * 1024 + 1), "16 MiB"),
        ],
    )
    def test_it_is_said_what_a_file_looks_like(self, raw: bytes, said: str) -> None:
        with pytest.raises(DocumentError) as caught:
            read_transcript(raw, "talk.srt")
        assert said in caught.value.message
        assert caught.value.element == "talk.srt"
        assert caught.value.remedy

    def test_a_file_that_is_not_there_is_a_wrong_call(self, tmp_path: Path) -> None:
        for path in (tmp_path, tmp_path / "none.srt"):
            with pytest.raises(ProjectError):
                load_transcript(path)

    def test_a_huge_file_is_refused_before_it_is_read_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "huge.srt"
        with path.open("wb") as stream:
            stream.truncate(10**12)
        with pytest.raises(DocumentError, match="16 MiB"):
            load_transcript(path)


LINES = st.sampled_from(
    [
        "",
        "1",
        "2",
        "00:00:01,000 --> 00:00:02,000",
        "00:05.000 --> 00:04.000 align:start",
        "[00:07.000 --> 00:09.000] inline",
        "====",
        "-----",
        "```",
        "# Heading",
        "NOTE aside",
        "<v Eva>hello &amp; good bye</v>",
        "42",
        "spoken",
        "spoken",
    ]
)


@given(st.lists(LINES, max_size=40))
@example(["spoken", "1", "00:00:01,000 --> 00:00:02,000"])
def test_every_word_of_any_mixture_is_said_in_a_cue_or_reported(lines: list[str]) -> None:
    numbered = [f"{line} w{number}w" if line == "spoken" else line for number, line in enumerate(lines, start=1)]
    timings = sum("-->" in line for line in lines)
    if not timings:
        with pytest.raises(DocumentError):
            read("\n".join(numbered))
        return
    found = read("\n".join(numbered))
    assert len({cue.number for cue in found.cues}) == len(found.cues) == timings
    said = " ".join(cue.text for cue in found.cues)
    outside = {line for item in found.findings if item.kind == "outside-text" for line in lines_of(item.detail)}
    for number, line in enumerate(lines, start=1):
        if line == "spoken":
            assert (f"w{number}w" in said) != (number in outside)


def lines_of(detail: str) -> range:
    first, last = re.match(r"lines? ([0-9]+)(?:-([0-9]+))?:", detail).groups()  # type: ignore[union-attr]
    return range(int(first), int(last or first) + 1)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        assert read_transcript(raw).cues
    except DocumentError as error:
        assert error.remedy

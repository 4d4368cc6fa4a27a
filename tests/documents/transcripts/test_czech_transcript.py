"""The Czech training transcript holds together, and its README tells the truth about it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "data" / "transcripts"
TIME = r"\d\d:\d\d:\d\d[,.]\d{3}"
CUE = re.compile(rf"^(\d+)\n({TIME}) --> ({TIME})\n(.*?)(?=\n\n\d+\n{TIME}|\n*\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Printed:
    """A cue exactly as the file prints it."""

    number: int
    times: str
    start_ms: int
    end_ms: int
    text: str


def milliseconds(time: str) -> int:
    hours, minutes, seconds, rest = map(int, re.split("[:,.]", time))
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest


def read_cues() -> list[Printed]:
    source = (FOLDER / "skoleni.srt").read_text(encoding="utf-8")
    return [
        Printed(int(number), start + end, milliseconds(start), milliseconds(end), text)
        for number, start, end, text in CUE.findall(source)
    ]


CUES = read_cues()
CHAPTERS: dict[str, list[dict[str, int | str]]] = json.loads((FOLDER / "skoleni.chapters.json").read_text("utf-8"))
README = (FOLDER / "README.md").read_text(encoding="utf-8")
ROWS = [
    (fault, int(first), int(last or first), note)
    for fault, first, last, note in re.findall(r"^\| ([a-z ]+) \| (\d+)(?:–(\d+))? \| (.+) \|$", README, re.MULTILINE)
]
Range = tuple[int, int]


def single(is_faulty: Callable[[Printed], bool]) -> set[Range]:
    return {(cue.number, cue.number) for cue in CUES if is_faulty(cue)}


def neighbours(is_faulty: Callable[[Printed, Printed], bool]) -> set[Range]:
    return {(one.number, two.number) for one, two in pairwise(CUES) if is_faulty(one, two)}


def runs(key: Callable[[Printed], object], at_least: int) -> set[Range]:
    """Runs of neighbouring cues with an equal key that is not None."""
    grouped = [(value, list(group)) for value, group in groupby(CUES, key)]
    return {(g[0].number, g[-1].number) for value, g in grouped if value is not None and len(g) >= at_least}


def is_stretched(cue: Printed) -> bool:
    return cue.end_ms - cue.start_ms > 10_000 and len(cue.text.split()) < 5


FORM_FAULTS: dict[str, set[Range]] = {
    "loop": single(lambda cue: re.search(r"(.{2,8}?)\1{5,}", cue.text) is not None),
    "repeated sentence": runs(lambda cue: cue.text, 2),
    "credit": single(lambda cue: cue.text.startswith("Subtitles by")),
    "no diacritics": runs(lambda cue: True if cue.text.isascii() else None, 4),
    "no punctuation": runs(lambda cue: True if re.fullmatch(r"[^\W\dA-Z]+( [^\W\dA-Z]+)*", cue.text) else None, 3),
    "time goes back": {(two, two) for _, two in neighbours(lambda one, two: two.start_ms < one.start_ms)},
    "overlap": neighbours(lambda one, two: one.start_ms <= two.start_ms < one.end_ms),
    "end before start": single(lambda cue: cue.end_ms < cue.start_ms),
    "stretched": single(is_stretched),
    "numbering gap": neighbours(lambda one, two: two.number != one.number + 1),
    "empty cue": single(lambda cue: not cue.text.strip()),
    "blank line": single(lambda cue: "\n\n" in cue.text),
    "decimal dot": single(lambda cue: "." in cue.times),
}


def text_of(first: int, last: int) -> str:
    return " ".join(cue.text for cue in CUES if first <= cue.number <= last)


def test_no_line_of_the_file_is_lost_by_reading_it() -> None:
    source = (FOLDER / "skoleni.srt").read_bytes()
    assert not source.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in source
    assert len(CUES) == source.count(b" --> ")
    assert sum(len(cue.text.split()) + 4 for cue in CUES) == len(source.decode().split())


def test_the_training_lasts_at_least_forty_minutes_at_the_pace_of_speech() -> None:
    minutes = max(cue.end_ms for cue in CUES) / 60_000
    assert minutes >= 40
    assert 115 <= sum(len(cue.text.split()) for cue in CUES) / minutes <= 135


def test_the_figures_in_the_readme_are_those_of_the_files() -> None:
    words = sum(len(cue.text.split()) for cue in CUES)
    minutes, seconds = divmod(round(max(cue.end_ms for cue in CUES) / 1000), 60)
    shown = f"| {len(CUES)}, numbered 1–{CUES[-1].number} | {words:,} | {minutes} min {seconds} s "
    assert shown + f"| {len(CHAPTERS['coarse'])} | {len(CHAPTERS['fine'])} |" in README


def test_silence_alone_does_not_give_the_chapters_away() -> None:
    first = {chapter["first_cue"] for chapter in CHAPTERS["fine"]}
    heard_until = list(accumulate((cue.end_ms for cue in CUES), max))
    silences = [(cue.number in first, cue.start_ms - end) for end, cue in zip(heard_until, CUES[1:], strict=False)]
    unmarked = sum(begins and silence < 1000 for begins, silence in silences)
    inside = sum(not begins and silence > 1000 for begins, silence in silences)
    shown = " ".join(README.split())
    assert f"{unmarked} of the {len(first) - 1} changes without a second of silence" in shown
    assert f"while {inside} silences of over a second lie inside a topic" in shown


@pytest.mark.parametrize("level", ["coarse", "fine"])
def test_chapters_touch_and_cover_every_cue(level: str) -> None:
    chapters = CHAPTERS[level]
    position = {cue.number: index for index, cue in enumerate(CUES)}
    spans = [(position[int(c["first_cue"])], position[int(c["last_cue"])]) for c in chapters]
    assert spans[0][0] == 0
    assert spans[-1][1] == len(CUES) - 1
    assert all(first <= last for first, last in spans)
    assert all(after[0] == before[1] + 1 for before, after in pairwise(spans))


@pytest.mark.parametrize("level", ["coarse", "fine"])
def test_titles_are_english_short_and_unique(level: str) -> None:
    titles = [str(chapter["title"]) for chapter in CHAPTERS[level]]
    assert all(title.isascii() and 3 <= len(title) <= 80 for title in titles)
    assert len({title.casefold() for title in titles}) == len(titles)


def test_every_coarse_chapter_begins_where_a_fine_one_does() -> None:
    assert {c["first_cue"] for c in CHAPTERS["coarse"]} <= {c["first_cue"] for c in CHAPTERS["fine"]}


@pytest.mark.parametrize("fault", FORM_FAULTS)
def test_faults_of_form_are_exactly_those_the_readme_lists(fault: str) -> None:
    listed = {(first, last) for name, first, last, _ in ROWS if name == fault}
    assert listed == FORM_FAULTS[fault]
    assert listed


def test_the_readme_lists_no_fault_that_is_not_checked() -> None:
    table = README.split("## Faults")[1].split("\n## ")[0]
    assert len(ROWS) == len(re.findall(r"^\| (?!fault \|)", table, re.MULTILINE))
    assert {name for name, *_ in ROWS} == {*FORM_FAULTS, "wrong word", "wrong name"}


@pytest.mark.parametrize(
    ("first", "last", "note"), [row[1:] for row in ROWS if row[0].startswith("wrong")], ids=lambda value: str(value)
)
def test_a_wrong_word_stands_in_its_cues_and_the_right_one_does_not(first: int, last: int, note: str) -> None:
    heard, said = re.findall(r"`([^`]+)`", note)
    assert heard in text_of(first, last)
    assert said not in text_of(first, last)


def test_what_only_looks_like_a_fault_stands_where_the_readme_says() -> None:
    claims = re.findall(r"`([^`]+)`\s\((?:cue )?(\d+)(?:–(\d+))?\)", README.split("## What looks")[1])
    assert len(claims) == 3
    assert all(words in text_of(int(first), int(last or first)) for words, first, last in claims)

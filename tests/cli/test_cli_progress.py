"""Progress where there is no terminal: a line every few seconds, with count, rate and time left."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.cli._progress import LINE_EVERY_S, Progress, duration


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_comes_every_few_seconds_and_at_the_end() -> None:
    stream, clock = io.StringIO(), Clock()
    with Progress(stream, clock=clock) as progress:
        for done in range(101):
            clock.now = done * LINE_EVERY_S / 50
            progress("reading", done, 100)
    lines = stream.getvalue().splitlines()
    assert lines == [
        "reading: 0 of 100",
        "reading: 50 of 100, 10.0 a second, 5 s left",
        "reading: 100 of 100, 10.0 a second",
    ]


def test_what_was_done_before_the_run_does_not_count_in_its_rate() -> None:
    stream, clock = io.StringIO(), Clock()
    with Progress(stream, clock=clock) as progress:
        progress("asking", 90, 100)
        clock.now = 60.0
        progress("asking", 92, 100)
    assert stream.getvalue().splitlines()[1] == "asking: 92 of 100, 2.0 a minute, 4 min 00 s left"


def test_bytes_are_shown_as_megabytes() -> None:
    stream = io.StringIO()
    with Progress(stream, unit="bytes", clock=Clock()) as progress:
        progress("gemma", 120_000_000, 253_000_000)
    assert stream.getvalue() == "gemma: 120 of 253 MB\n"


def test_another_total_is_another_piece_of_work_with_a_rate_of_its_own() -> None:
    stream, clock = io.StringIO(), Clock()
    with Progress(stream, clock=clock) as progress:
        progress("first", 0, 10)
        clock.now = 100.0
        progress("first", 10, 10)
        progress("second", 0, 20)
        clock.now = 110.0
        progress("second, other words", 10, 20)
    assert stream.getvalue().splitlines()[2:] == [
        "second: 0 of 20",
        "second, other words: 10 of 20, 1.0 a second, 10 s left",
    ]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_with_count() -> None:
    stream = Terminal()
    with Progress(stream) as progress:
        progress("[reading]", 3, 7)
        progress("[reading]", 7, 7)
    assert "[reading]" in stream.getvalue()
    assert "7 of 7" in stream.getvalue()


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_any_count_gives_one_line(done: int, total: int) -> None:
    stream = io.StringIO()
    with Progress(stream, clock=Clock()) as progress:
        progress("any", done, total)
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")])
def test_a_duration_reads_well(seconds: int, text: str) -> None:
    assert duration(seconds) == text

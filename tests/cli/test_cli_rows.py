"""Rows on a terminal: what they hold is shown, and does nothing."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from allotment.cli._run import print_table


def printed(columns: tuple[str, ...], *rows: tuple[object, ...]) -> str:
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=120)
    print_table(console, columns, rows, "No rows.")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    "planted", ["\x1b[2J\x1b[H", "\x1b]8;;https://evil.example\x07here", "a\rb", "abc\u202edcba", "\x9b31m"]
)
def test_what_would_steer_a_terminal_is_seen_instead(planted: str) -> None:
    text = printed(("name",), (planted,))
    for character in set(planted):
        if not character.isprintable() and character != "\x1b":  # rich writes its own escapes around the header
            assert character not in text
    assert text.count("\x1b") == printed(("name",), ("plain",)).count("\x1b")


def test_a_column_called_like_markup_keeps_its_name() -> None:
    assert "[red]total[/red]" in printed(("[red]total[/red]",), (1,))

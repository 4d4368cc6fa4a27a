"""What ``allotment ask`` prints of an answer."""

from __future__ import annotations

import io

from allotment.answering import Answer, Source
from allotment.cli._run import console_on
from allotment.cli.ask import _print


def test_places_to_look_are_named_as_such_and_not_as_sources() -> None:
    place = Source("s1", "handbook/travel.md", "Travel › Dinner", "A dinner may cost [bold]38 EUR[/bold].")
    out = io.StringIO()
    _print(console_on(out), Answer("unknown", "I do not know that.", places=(place,)), explain=False)
    text, _, rest = out.getvalue().partition("Not an answer, but places to look:")
    assert text.strip() == "I do not know that."
    assert "handbook/travel.md, Travel › Dinner: “A dinner may cost [bold]38 EUR[/bold].”" in rest
    assert "Source:" not in rest

"""What agents know by each means, as a picture: a mark for each share and a line for its 95 % interval."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from allotment.evaluation.report._drawing import heading, key_of, svg, text

HELD_OUT = "held-out questions on trained facts"
MEANS = ("base model", "adapter", "base model + retrieval", "adapter + retrieval")
_WIDTH, _LEFT, _RIGHT, _TOP = 720.0, 250.0, 70.0, 66.0
_LINE, _GAP = 20.0, 14.0
_MARK = "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0"


def known_by(found: dict[str, Any]) -> list[tuple[str, float, float, float, str]]:
    """Means, share right, both ends of its interval, and what is asked, of the held-out questions."""
    rows = {row[1]: row for row in found["knowledge"]["rows"] if row[0] == HELD_OUT}
    return [
        (means, _share(rows[means][3]), *_ends(rows[means][4]), str(rows[means][2])) for means in MEANS if means in rows
    ]


def _share(told: str) -> float:
    right, of = map(int, re.findall(r"(\d+) of (\d+)", told)[0])
    return right / of


def _ends(told: str) -> tuple[float, float]:
    low, high = (int(value) / 100 for value in re.findall(r"(\d+)%", told))
    return low, high


def knowledge_svg(project: str, agents: dict[str, dict[str, Any]]) -> str:
    """All agents of a project, one under another."""
    title = f"{project}: held-out questions answered rightly, with 95 % intervals"
    parts, y, told = [heading(title), *_axis(len(agents))], _TOP, []
    for name, found in sorted(agents.items()):
        known = known_by(found)
        parts.append(text(16, y + 4, name))
        for place, (means, share, low, high, _) in enumerate(known):
            parts += _row(y + place * _LINE, place, means, share, low, high)
            told.append(f"{name}, {means}: {share:.0%}.")
        y += len(MEANS) * _LINE + _GAP
    return svg(key_of("knowledge", project), (_WIDTH, y + 16), title, " ".join(told), parts, True)


def _at(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _axis(agents: int) -> Iterator[str]:
    bottom = _TOP + agents * (len(MEANS) * _LINE + _GAP) - _GAP
    for percent in (0, 25, 50, 75, 100):
        x = _at(percent / 100)
        yield f'<path class="grid" d="M{x:.1f} {_TOP - 14}V{bottom - 6:.1f}"/>'
        yield text(x, bottom + 12, f"{percent}%", "soft", "middle")


def _row(y: float, place: int, means: str, share: float, low: float, high: float) -> Sequence[str]:
    return (
        text(_LEFT - 14, y + 4, means, "soft", "end"),
        f'<path class="line line-{place}" d="M{_at(low):.1f} {y:.1f}H{_at(high):.1f}"/>',
        f'<path class="fill-{place}" transform="translate({_at(share):.1f} {y:.1f})" d="{_MARK}"/>',
        text(_WIDTH - 16, y + 4, f"{share:.0%}", "", "end"),
    )

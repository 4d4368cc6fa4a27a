"""The line of a cue that says from when to when, in every spelling met with; and times as text."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TIME = r"(-?)(?:([0-9]{1,4}) ?: ?)?([0-9]{1,3}) ?: ?([0-9]{1,2})(?: ?(?:[.,]|:(?=[0-9]{3})) ?([0-9]{1,9}))?"
_ARROW = r"(?:[-–—=]{1,4} ?(?:>|&gt;)|[→⟶➔➜])"
_TIMING = re.compile(rf"[ \t]*(\[?){_TIME}[ \t]*{_ARROW}[ \t]*{_TIME}(?![0-9:])\]?(.*)", re.DOTALL)
_SETTING = re.compile(
    r"(?:(?:vertical|line|position|size|align|region):[^\s:]+|[XY][12] ?: ?-?[0-9]{1,6})(?=\s|\Z)\s*", re.IGNORECASE
)
_SUBRIP = re.compile(r"{0} --> {0}(?:\s|\Z)".format("[0-9]{2,4}:[0-5][0-9]:[0-5][0-9],[0-9]{3}"))
_WEBVTT = re.compile(r"{0}[ \t]+-->[ \t]+{0}(?:[ \t]|\Z)".format(r"(?:[0-9]{2,4}:)?[0-5][0-9]:[0-5][0-9]\.[0-9]{3}"))


@dataclass(frozen=True)
class Timing:
    """What a timing line says, in milliseconds."""

    start_ms: int
    end_ms: int
    text: str
    """What stands behind the times on the same line and is no setting."""
    as_subrip: bool
    """Whether the line is written as SubRip files have it."""
    as_webvtt: bool
    """Whether the line is written as WebVTT has it."""


def parse_timing(line: str) -> Timing | None:
    """The times of a line such as ``00:00:01,000 --> 00:00:02,500``; none where it is no such line."""
    found = _TIMING.match(line)
    if found is None:
        return None
    parts = found.groups()
    return Timing(
        start_ms=_milliseconds(*parts[1:6]),
        end_ms=_milliseconds(*parts[6:11]),
        text=_without_settings(parts[11]),
        as_subrip=bool(_SUBRIP.match(line)),
        as_webvtt=bool(_WEBVTT.match(line)),
    )


def _milliseconds(sign: str, hours: str | None, minutes: str, seconds: str, fraction: str | None) -> int:
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    size = whole * 1000 + int((fraction or "")[:3].ljust(3, "0"))
    return -size if sign else size


def _without_settings(rest: str) -> str:
    rest = rest.strip()
    position = 0
    while setting := _SETTING.match(rest, position):
        position = setting.end()
    return rest[position:]


def format_time(ms: int) -> str:
    """Milliseconds as ``hh:mm:ss.mmm``."""
    seconds, rest = divmod(max(0, ms), 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"

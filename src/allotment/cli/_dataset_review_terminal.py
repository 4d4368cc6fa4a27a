"""Reviewing a dataset: one pair after another on a terminal, and files for a spreadsheet."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import termios
import tty
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from allotment.dataset import Item
    from allotment.dataset._decisions import Decision
    from allotment.dataset._desk import Desk

_QUESTION, _ANSWER = "----- question -----", "----- answer -----"
_COLOURS = {"accept": "green", "edit": "cyan", "reject": "red"}
_DONE_WORDS = {"accept": "accepted", "edit": "edited", "reject": "rejected"}
_KEYS = (("a", "accept"), ("e", "edit"), ("r", "reject"), ("s", "skip"), ("b", "back"), ("q", "quit"))
_END_OF_INPUT = "\x04"
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
Headings = Mapping[str, Sequence[str]]
"""Section → its heading path."""


def review_on_terminal(console: Console, desk: Desk, headings: Headings) -> None:
    """Show one pair after another and ask what to do with it, until there is none left or the person leaves."""
    desk.sync()
    place = desk.next_after(-1)
    if place is None:
        console.print(f"Nothing is left to decide of {len(desk.pairs)} pairs. See them once more with --again.")
        return
    sitting = _Sitting(console, desk, headings)
    while place is not None:
        desk.sync()
        place = sitting.one(place)
    sitting.farewell()


class _Sitting:
    """One person at one terminal."""

    def __init__(self, console: Console, desk: Desk, headings: Headings) -> None:
        self._console, self._desk, self._headings = console, desk, headings
        self._done: Counter[str] = Counter()

    def one(self, place: int) -> int | None:
        """Show the pair at ``place`` and do what its person says; the place of the next one, none to leave."""
        item = self._desk.pairs[place]
        self._console.print(_shown(item, self._desk, place, self._headings.get(item.section_id, ())))
        while True:
            match _key():
                case "a":
                    self._decide([item], "accept")
                case "r":
                    self._reject(item)
                case "e":
                    if not self._edit(item):
                        continue
                case "s":
                    self._console.print("  skipped", style="dim")
                case "b":
                    return max(0, place - 1)
                case "q" | "\x04":
                    return None
                case _:
                    continue
            return self._desk.next_after(place)

    def farewell(self) -> None:
        """What was done, and what is left."""
        told = (
            ", ".join(f"{count} {_DONE_WORDS[name]}" for name, count in sorted(self._done.items())) or "nothing decided"
        )
        left = self._desk.undecided()
        rest = f"{left} of {len(self._desk.pairs)} left; the same command goes on from there" if left else "none left"
        self._console.print(f"\n{told}; {rest}.")

    def _decide(
        self, items: Sequence[Item], outcome: str, question: str = "", answer: str = "", reason: str = ""
    ) -> None:
        from allotment.dataset._decisions import OUTCOMES, Decision

        name = next(known for known in OUTCOMES if known == outcome)
        self._desk.decide(items, Decision(name, question, answer, reason, self._desk.reviewer))
        self._done[outcome] += len(items)
        more = f", {len(items)} pairs" if len(items) > 1 else ""
        self._console.print(f"  {_DONE_WORDS[outcome]}{more}", style=_COLOURS[outcome])

    def _reject(self, item: Item) -> None:
        reason = _line("  Reason (Enter for none): ").strip()
        self._decide([item], "reject", reason=reason)
        nearby = self._nearby(item)
        if nearby:
            offered = "  ".join(f"[{key}] {told}" for key, (told, _) in nearby.items())
            self._console.print(f"  Reject more? {offered}  [any other key] no", style="yellow", markup=False)
            chosen = nearby.get(_key())
            if chosen:
                self._decide(chosen[1], "reject", reason=reason)

    def _nearby(self, item: Item) -> dict[str, tuple[str, list[Item]]]:
        group = self._desk.open_others(item, section=False)
        section = self._desk.open_others(item, section=True) if item.section_id else []
        found = {"g": (f"this whole fact (+{len(group)})", group)} if group else {}
        if len(section) > len(group):
            found["c"] = (f"this whole section (+{len(section)})", section)
        return found

    def _edit(self, item: Item) -> bool:
        """Whether the pair was edited; what cannot be taken is told and offered anew."""
        decision = self._desk.decision(item)
        now = decision.of(item) if decision else item
        offered = (now.question, now.answer)
        while True:
            words = _edited(*offered)
            if words is None or words == offered:
                self._console.print("  Nothing was changed. a/e/r/s/b/q?", style="dim")
                return False
            if words == (item.question, item.answer):
                self._decide([item], "accept")
                return True
            fault = self._desk.check_edit(item, *words)
            if not fault:
                self._decide([item], "edit", *words)
                return True
            self._console.print(
                f"  Not taken: {fault}. Word it anew, or leave it unchanged.", style="red", markup=False
            )
            _wait_for_enter()
            offered = words


def _shown(item: Item, desk: Desk, place: int, heading: Sequence[str]) -> RenderableType:
    """One pair as it stands, with where it is from."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.rule import Rule
    from rich.table import Table
    from rich.text import Text

    decision = desk.decision(item)
    now = decision.of(item) if decision else item
    title = Text(f"{place + 1} of {len(desk.pairs)}", style="bold")
    title.append(f"  {item.kind} · {item.language} · {item.split.replace('_', '-')}", style="not bold dim")
    words = Table.grid(padding=(0, 2))
    words.add_column(style="bold", no_wrap=True)
    words.add_column(overflow="fold")
    words.add_row("Q", Text(visible(now.question)))
    words.add_row("A", _marked(now.answer, item.value))
    if item.quote:
        words.add_row(Text("“", style="dim"), _marked(item.quote, item.value, style="italic dim"))
    parts: list[RenderableType] = [
        Rule(title, align="left", style="dim"),
        _origin(item, heading),
        Padding(words, (1, 2)),
    ]
    parts += [Text(visible(f"  called wrong: {text}"), style="yellow") for text in desk.flags.get(item.id, ())]
    if decision:
        parts.append(_before(decision))
    return Group(*parts, _bar())


def _origin(item: Item, heading: Sequence[str]) -> RenderableType:
    from rich.text import Text

    return Text("  " + visible(" › ".join((item.document or "of no document", *heading))), style="blue")


def _before(decision: Decision) -> RenderableType:
    from rich.text import Text

    by = f" by {decision.reviewer}" if decision.reviewer else ""
    why = f": {decision.reason}" if decision.reason else ""
    return Text(visible(f"  {_DONE_WORDS[decision.outcome]}{by} before{why}"), style=_COLOURS[decision.outcome])


def _marked(text: str, value: str, style: str = "") -> RenderableType:
    """The text with its value underlined."""
    from rich.text import Text

    shown = Text(visible(text), style=style)
    if value:
        shown.highlight_regex(re.compile(re.escape(visible(value)), re.IGNORECASE), "bold underline")
    return shown


def visible(text: str) -> str:
    """The text with what would move the cursor, colour or turn the writing spelt out: no document steers a terminal."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _bar() -> RenderableType:
    from rich.text import Text

    bar = Text("  ")
    for key, told in _KEYS:
        bar.append(key, style="bold reverse").append(f" {told}   ", style="dim")
    return bar


def _key() -> str:
    """The key that is pressed; the end of the input is ``^D``. Keys pressed ahead are kept, not flushed away."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        key = os.read(descriptor, 1).decode("ascii", "replace")
        # a ^D that was pressed ahead, before the mode changed, comes as nothing or as a zero byte
        return _END_OF_INPUT if key in ("", "\0") else key
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _line(prompt: str, text: str = "") -> str:
    """A line the person types, beginning with ``text``."""
    hook: Callable[[Callable[[], object] | None], object] | None = None
    with suppress(ImportError):
        import readline

        hook = readline.set_startup_hook
        readline.set_startup_hook(lambda: readline.insert_text(text))
    try:
        return input(prompt)
    except EOFError:
        return text
    finally:
        if hook is not None:
            hook(None)


def _wait_for_enter() -> None:
    """An editor takes the whole screen, so a fault has to be read before it opens again."""
    if _editor():
        _line("  Enter to go on: ")


def _editor() -> list[str]:
    return shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "")


def _edited(question: str, answer: str) -> tuple[str, str] | None:
    """Question and answer as the person words them; none if he gives it up."""
    editor = _editor()
    try:
        if editor:
            return _edited_in(editor, question, answer)
        return _line("  Question: ", question).strip(), _line("  Answer: ", answer).strip()
    except KeyboardInterrupt:
        return None


def _edited_in(editor: Sequence[str], question: str, answer: str) -> tuple[str, str] | None:
    with tempfile.TemporaryDirectory(prefix="allotment-") as folder:
        path = Path(folder) / "pair.txt"
        path.write_text(f"{_QUESTION}\n{question}\n{_ANSWER}\n{answer}\n", encoding="utf-8")
        try:
            done = subprocess.run([*editor, str(path)], check=False)
        except OSError:
            return None
        text = path.read_text(encoding="utf-8", errors="replace")
    before, _, after = text.partition(f"{_ANSWER}\n")
    if done.returncode or not after or not before.startswith(_QUESTION):
        return None
    return before.removeprefix(_QUESTION).strip(), after.strip()

"""Export and review from the command line; the sitting at a terminal is driven through a real one."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from cli_call import Call

from allotment.cli import dataset as commands
from allotment.cli._dataset_review_terminal import visible
from allotment.dataset import KINDS, DatasetStats, ExportFormat, Item, load_items, stats
from allotment.dataset._decisions import Decision, decision_key, load_decisions
from allotment.dataset._items import save_reviewed
from allotment.documents import load_sections
from allotment.workspace import Workspace

COUNTS = DatasetStats(asked=4, accepted=4, rejected={}, failed={}, train=0, held_out=0)
PROGRAM = Path(sys.executable).with_name("allotment")
ON_A_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
"""Makes stdin the terminal that interrupts come from, then becomes the program."""
PATIENCE_S = 30.0
"""A terminal that says nothing for so long hangs; nothing waits that long when all is well."""


@pytest.fixture
def dataset(small: Path, call: Call) -> list[Item]:
    """Four pairs of the agent ``rules``: two of one fact, one held out, one of another fact."""
    call("-C", small, "documents", "ingest")
    section = next(section for section in load_sections(Workspace(small)) if "yellow vest" in section.text)
    first = Item(
        id="i0",
        group="hall",
        agent="rules",
        section_id=section.id,
        document=section.document,
        question="Where does work begin?",
        answer="Work begins in Hall 4.",
        value="Hall 4",
        language="en",
        readers=section.readers,
        split="train",
        quote="Work begins at seven in the morning in Hall 4.",
    )
    items = [
        first,
        replace(first, id="i1", question="In which hall do we begin?", kind="paraphrase"),
        replace(
            first, id="i2", question="Which hall is the first one of the day?", kind="paraphrase", split="held_out"
        ),
        replace(
            first, id="i3", group="vest", question="Which colour has the vest?", answer="It is yellow.", value="yellow"
        ),
    ]
    save_reviewed(Workspace(small), "rules", items, COUNTS)
    return items


def outcomes(folder: Path, items: list[Item]) -> list[str]:
    """What is decided about each pair, ``-`` where nothing is."""
    found = load_decisions(Workspace(folder), "rules")
    keys = [decision_key(item) for item in items]
    return [found[key].outcome if key in found else "-" for key in keys]


# --- the terminal


class Terminal:
    """The other end of a program's terminal: what it shows, and the keys that are pressed."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self._process, self._master = process, master
        self._shown = ""
        self._seen = 0

    def wait_for(self, text: str) -> str:
        """Everything since the last wait, up to ``text``."""
        while (place := self._shown.find(text, self._seen)) < 0:
            assert self._read(), f"{text!r} did not come after {self._shown[self._seen :]!r}"
        end = place + len(text)
        shown, self._seen = self._shown[self._seen : end], end
        return shown

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def end(self) -> tuple[int, str]:
        """Exit code, and what was shown last."""
        while self._read():
            pass
        return self._process.wait(PATIENCE_S), self._shown[self._seen :]

    def _read(self) -> bool:
        if not select.select([self._master], [], [], PATIENCE_S)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux says so when the program has ended
            return False
        self._shown += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode("utf-8", "replace")).replace("\r", "")
        return bool(data)


@contextmanager
def terminal(folder: Path, *options: str, editor: str = "") -> Iterator[Terminal]:
    """``dataset review rules`` on a terminal of its own."""
    master, slave = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in ("EDITOR", "VISUAL", "INPUTRC")}
    named = {"EDITOR": editor, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
    call = [sys.executable, "-c", ON_A_TERMINAL, PROGRAM, "-C", folder, "dataset", "review", "rules", *options]
    # A shell's background jobs ignore Ctrl-C and so does what they start; a terminal's programs do not.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(
        call, stdin=slave, stdout=slave, stderr=slave, env={**kept, **named}, start_new_session=True, preexec_fn=heed
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait(PATIENCE_S)
        os.close(master)


BAR = "q quit"


def test_a_sitting_accepts_edits_and_rejects_and_the_dataset_follows(small: Path, dataset: list[Item]) -> None:
    with terminal(small, "--reviewer", "anna") as person:
        shown = person.wait_for(BAR)
        assert "1 of 4" in shown and "documents/rules/day.md › The day" in shown
        assert "Where does work begin?" in shown and "Work begins at seven in the morning in Hall 4." in shown
        person.press("a")
        person.wait_for("accepted")
        person.wait_for(BAR)
        person.press("e")
        person.wait_for("Question: In which hall do we begin?")
        person.press("\x15Which hall is it?\r")
        person.wait_for("Answer: Work begins in Hall 4.")
        person.press("\x15It is Hall 4.\r")
        person.wait_for("edited")
        assert "held-out" in person.wait_for(BAR)
        person.press("r")
        person.wait_for("Reason")
        person.press("dull\r")
        person.wait_for("Reject more? [c] this whole section (+1)")
        person.press("n")
        assert "4 of 4" in person.wait_for(BAR)
        person.press("q")
        code, last = person.end()
    assert (code, "1 accepted, 1 edited, 1 rejected; 1 of 4 left" in last) == (0, True)
    assert outcomes(small, dataset) == ["accept", "edit", "reject", "-"]
    assert {found.reviewer for found in load_decisions(Workspace(small), "rules").values()} == {"anna"}
    items = load_items(Workspace(small), "rules")
    assert [found.id for found in items] == ["i0", "i1", "i3"]
    assert (items[1].question, items[1].answer) == ("Which hall is it?", "It is Hall 4.")
    assert stats(Workspace(small), "rules").reviewed == {"accept": 1, "edit": 1, "reject": 1}


def test_the_next_sitting_goes_on_at_the_first_undecided_pair(small: Path, dataset: list[Item]) -> None:
    with terminal(small) as person:
        person.wait_for(BAR)
        person.press("s")
        person.wait_for("skipped")
        person.wait_for(BAR)
        person.press("a")
        person.wait_for("3 of 4")
        person.wait_for(BAR)
        person.press("q")
        assert person.end()[0] == 0
    with terminal(small) as person:
        assert "1 of 4" in person.wait_for(BAR)
        person.press("s")
        assert "3 of 4" in person.wait_for(BAR)
        person.press("b")
        assert "accepted before" in person.wait_for(BAR)
        person.press("r")
        person.wait_for("Reason")
        person.press("\r")
        person.wait_for("Reject more? [g] this whole fact (+2)  [c] this whole section (+3)")
        person.press("g")
        person.wait_for("rejected, 2 pairs")
        assert "4 of 4" in person.wait_for(BAR)
        person.press("x")
        person.press("a")
        code, last = person.end()
    assert (code, "1 accepted, 3 rejected; none left" in last) == (0, True)
    assert outcomes(small, dataset) == ["reject", "reject", "reject", "accept"]


def test_an_edit_without_its_value_is_told_and_asked_for_again(small: Path, dataset: list[Item]) -> None:
    with terminal(small) as person:
        person.wait_for(BAR)
        person.press("e")
        person.wait_for("Question: ")
        person.press("\r")
        person.wait_for("Answer: ")
        person.press("\x15Somewhere.\r")
        person.wait_for("Not taken: the answer no longer contains the value 'Hall 4'.")
        person.wait_for("Question: ")
        person.press("\r")
        person.wait_for("Answer: ")
        person.press("\x15In Hall 4.\r")
        person.wait_for("edited")
        person.wait_for(BAR)
        person.press("\x04")
        assert person.end()[0] == 0
    found = load_decisions(Workspace(small), "rules")
    assert list(found.values()) == [Decision("edit", "Where does work begin?", "In Hall 4.")]


def test_the_persons_own_editor_gets_question_and_answer(small: Path, tmp_path: Path, dataset: list[Item]) -> None:
    editor = tmp_path / "editor.py"
    editor.write_text(
        "import pathlib, sys\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "text = path.read_text().replace('begin?', 'begin,\\nand when?')\n"
        "path.write_text(text.replace('in Hall', 'early in Hall'))\n",
        encoding="utf-8",
    )
    with terminal(small, editor=f"{sys.executable} {editor}") as person:
        person.wait_for(BAR)
        person.press("e")
        person.wait_for("edited")
        person.wait_for(BAR)
        person.press("q")
        assert person.end()[0] == 0
    (found,) = load_decisions(Workspace(small), "rules").values()
    assert (found.question, found.answer) == ("Where does work begin,\nand when?", "Work begins early in Hall 4.")


def test_an_editor_that_fails_decides_nothing(small: Path, dataset: list[Item]) -> None:
    for editor in ("false", "/nowhere/editor"):
        with terminal(small, editor=editor) as person:
            person.wait_for(BAR)
            person.press("e")
            person.wait_for("Nothing was changed")
            person.press("q")
            assert person.end()[0] == 0
    assert outcomes(small, dataset) == ["-"] * 4


@pytest.mark.alone
def test_an_interrupt_keeps_what_was_decided_and_brings_the_dataset_up_to_date(
    small: Path, dataset: list[Item]
) -> None:
    with terminal(small) as person:
        person.wait_for(BAR)
        person.press("r")
        person.wait_for("Reason")
        person.press("\r")
        person.wait_for("Reject more?")
        person.press("\x03")
        code, last = person.end()
    assert (code, "what is done is kept" in last) == (130, True)
    assert [found.id for found in load_items(Workspace(small), "rules")] == ["i1", "i2", "i3"]


def test_a_pair_that_somebody_else_decides_meanwhile_is_not_shown(small: Path, dataset: list[Item], call: Call) -> None:
    rows = small / "other.jsonl"
    call("-C", small, "dataset", "review", "rules", "--export", rows)
    lines = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]
    rows.write_text("".join(json.dumps({**line, "decision": "reject"}) + "\n" for line in lines[1:3]), encoding="utf-8")
    with terminal(small) as person:
        assert "1 of 4" in person.wait_for(BAR)
        assert call("-C", small, "dataset", "review", "rules", "--import", rows).code == 0
        person.press("a")
        assert "4 of 4" in person.wait_for(BAR)
        person.press("q")
        assert person.end()[0] == 0
    assert outcomes(small, dataset) == ["accept", "reject", "reject", "-"]


def test_filters_say_which_pairs_are_shown_and_when_none_is_left(small: Path, dataset: list[Item]) -> None:
    with terminal(small, "--kind", "paraphrase", "--document", "documents/rules/day.md") as person:
        assert "1 of 2" in person.wait_for(BAR)
        person.press("aa")
        assert "2 accepted; none left" in person.end()[1]
    with terminal(small, "--kind", "paraphrase") as person:
        assert "Nothing is left to decide of 2 pairs. See them once more with --again." in person.end()[1]
    with terminal(small, "--kind", "paraphrase", "--again") as person:
        assert "accepted before" in person.wait_for(BAR)
        person.press("q")
        assert person.end()[0] == 0


def test_nothing_in_a_pair_steers_the_terminal() -> None:
    assert visible("a\x1b]0;title\x07b\u202ec\x9b31m\n\tř") == "a\\u001b]0;title\\u0007b\\u202ec\\u009b31m\n\tř"


# --- files and pipes


def test_without_a_terminal_the_pairs_are_lines_and_under_json_one_array(
    small: Path, dataset: list[Item], call: Call
) -> None:
    outcome = call("-C", small, "dataset", "review", "rules")
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    assert [line["id"] for line in lines] == ["i0", "i1", "i2", "i3"]
    assert call("-C", small, "dataset", "review", "rules", "--json").json() == lines


def test_decisions_go_out_to_a_file_and_come_back(small: Path, dataset: list[Item], call: Call) -> None:
    path = small / "review.csv"
    assert call("-C", small, "dataset", "review", "rules", "--export", path, "--json").json()["pairs"] == 4
    text = path.read_text(encoding="utf-8-sig").replace('"Hall 4","Work', '"Hall 4","Work', 1)
    head, first, *rest = text.splitlines()
    changed = first.removesuffix('"","","",""') + '"reject","","","dull"'
    path.write_text("\r\n".join((head, changed, *rest)) + "\r\n", encoding="utf-8-sig")
    outcome = call("-C", small, "dataset", "review", "rules", "--import", path, "--reviewer", "bob", "--json")
    assert outcome.json() == {"read": {"reject": 1}, "new": 1, "train": 2, "reviewed": {"reject": 1}}
    assert list(load_decisions(Workspace(small), "rules").values()) == [
        Decision("reject", reason="dull", reviewer="bob")
    ]
    again = call("-C", small, "dataset", "review", "rules", "--import", path)
    assert again.out == "1 reject; 0 of them new. 2 pairs to train on.\n"
    undecided = call("-C", small, "dataset", "review", "rules", "--undecided", "--json").json()
    assert [row["id"] for row in undecided] == ["i1", "i2", "i3"]


def test_a_faulty_file_is_exit_code_2_and_nothing_of_it_is_taken(small: Path, dataset: list[Item], call: Call) -> None:
    path = small / "review.jsonl"
    call("-C", small, "dataset", "review", "rules", "--export", path)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows[0]["decision"], rows[2]["decision"] = "reject", "perhaps"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    outcome = call("-C", small, "dataset", "review", "rules", "--import", path)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"{path}: line 3, decision: 'perhaps' is none of accept, edit, reject." in outcome.err
    assert outcomes(small, dataset) == ["-"] * 4


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--document", "gone.md"), "there is no pair of 'gone.md'. Documents with pairs: documents/rules/day.md"),
        (("--export", "a.csv", "--import", "b.csv"), "Give one of the two"),
        (("--export", "a.xlsx"), "neither .csv nor .jsonl"),
        (("--kind", "song"), "'song'"),
        (("--sample", "0"), "--sample"),
    ],
)
def test_a_wrong_call_of_review_is_exit_code_2(
    small: Path, dataset: list[Item], call: Call, options: tuple[str, ...], told: str
) -> None:
    outcome = call("-C", small, "dataset", "review", "rules", *options)
    assert (outcome.code, told in outcome.err) == (2, True)


def test_a_review_before_there_is_a_dataset_names_the_command_that_makes_it(small: Path, call: Call) -> None:
    outcome = call("-C", small, "dataset", "review", "rules")
    assert (outcome.code, "allotment dataset generate rules" in outcome.err) == (1, True)


def test_an_export_goes_to_stdout_to_a_file_or_to_a_folder(small: Path, dataset: list[Item], call: Call) -> None:
    printed = call("-C", small, "dataset", "export", "rules")
    rows = [json.loads(line) for line in printed.out.splitlines()]
    assert [row["metadata"]["id"] for row in rows] == ["i0", "i1", "i3"]
    assert call("-C", small, "dataset", "export", "rules", "--json").json() == rows
    call("-C", small, "dataset", "export", "rules", "--output", small / "train.jsonl")
    assert (small / "train.jsonl").read_text(encoding="utf-8") == printed.out
    told = call("-C", small, "dataset", "export", "rules", "--split", "all", "--output", small / "out", "--json").json()
    assert {split: entry["items"] for split, entry in told.items()} == {"train": 3, "held_out": 1}
    assert sorted(path.name for path in (small / "out").iterdir()) == ["README.md", "held_out.jsonl", "train.jsonl"]
    held_out = call("-C", small, "dataset", "export", "rules", "--split", "held_out", "--format", "alpaca")
    assert [json.loads(line)["instruction"] for line in held_out.out.splitlines()] == [dataset[2].question]


def test_the_card_alone_goes_to_stdout_or_to_a_file(small: Path, dataset: list[Item], call: Call) -> None:
    printed = call("-C", small, "dataset", "export", "rules", "--card").out
    assert printed.startswith("---\npretty_name: 'Small: rules'\n")
    assert call("-C", small, "dataset", "export", "rules", "--card", "--json").json() == {"card": printed}
    call("-C", small, "dataset", "export", "rules", "--card", "--output", small / "CARD.md")
    assert (small / "CARD.md").read_text(encoding="utf-8") == printed


def test_sources_come_into_the_metadata_and_missing_ones_are_told(small: Path, dataset: list[Item], call: Call) -> None:
    rows = call("-C", small, "dataset", "export", "rules", "--with-sources", "--json").json()
    assert all("puts on the yellow vest" in row["metadata"]["context"] for row in rows)
    (small / "documents" / "rules" / "day.md").unlink()
    call("-C", small, "documents", "ingest")
    outcome = call("-C", small, "dataset", "export", "rules", "--with-sources", "--output", small / "out")
    assert "3 items have no context" in outcome.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--split", "all"), "Name a folder: --output DIR."),
        (("--split", "all", "--output", "x.jsonl"), "Name a folder: --output DIR."),
        (("--format", "parquet"), "Name one: --output FILE."),
        (("--format", "parquet", "--output", "x.jsonl"), "Parquet files end in .parquet"),
        (("--output", "x.parquet"), "Parquet files end in .parquet"),
        (("--output", "x.md"), "is no folder"),
        (("--format", "song"), "'song'"),
    ],
)
def test_a_wrong_call_of_export_is_exit_code_2_and_writes_nothing(
    small: Path, dataset: list[Item], call: Call, options: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(small)
    outcome = call("dataset", "export", "rules", *options)
    assert (outcome.code, outcome.out, told in outcome.err) == (2, "", True)
    assert not [path for path in small.iterdir() if path.name.startswith("x.")]


def choices(command: object, parameter: str) -> tuple[str, ...]:
    """Values that an option takes."""
    hint = typing.get_type_hints(command)[parameter]
    inner = (
        next((arm for arm in typing.get_args(hint) if arm is not type(None)), hint)
        if type(None) in (typing.get_args(hint))
        else hint
    )
    return typing.get_args(inner)


def test_the_options_offer_every_kind_and_every_format() -> None:
    assert choices(commands.review_dataset, "kind") == KINDS
    assert choices(commands.export_dataset, "form") == typing.get_args(ExportFormat)

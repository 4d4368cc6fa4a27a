"""``transcripts check``: what is wrong in a transcript, cue by cue."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cli_call import Call

CLEAN = "1\n00:00:01,000 --> 00:00:02,000\nDobrý den.\n\n2\n01:00:03,000 --> 01:00:04,500\nVítejte u nás.\n"
SPOILT = CLEAN.replace("01:00:03", "00:00:03").replace("01:00:04", "00:00:04").replace("u nás.", "že " * 10)


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.srt"
    path.write_text(SPOILT, encoding="utf-8")
    return path


def test_a_clean_transcript_is_exit_code_0(call: Call, talk: Path) -> None:
    talk.write_text(CLEAN.replace("01:00", "00:00"), encoding="utf-8")
    outcome = call("transcripts", "check", talk)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "2 cues, 00:00:04.500, 5 words; findings: none\n"


def test_each_finding_is_shown_with_cue_time_and_kind(call: Call, talk: Path) -> None:
    outcome = call("transcripts", "check", talk)
    assert outcome.code == 1
    header, row, _, summary = outcome.out.splitlines()
    assert header.split() == ["cue", "time", "kind", "detail"]
    assert row.split()[:3] == ["2", "00:00:03.000", "repetition"]
    assert summary == "2 cues, 00:00:04.500, 4 words; findings: repetition 1"


def test_findings_stand_in_the_order_of_the_cues_after_those_of_the_file(call: Call, talk: Path) -> None:
    talk.write_text("A title\n====\n" + SPOILT.replace("Dobrý den.", ""), encoding="utf-8")
    lines = call("transcripts", "check", talk).out.splitlines()
    kinds = ("outside-text", "empty-cue", "repetition")
    assert [kind for line in lines[1:4] for kind in kinds if kind in line] == list(kinds)


def test_speakers_are_counted(call: Call, talk: Path) -> None:
    text = "WEBVTT\n\n1\n00:01.000 --> 00:02.000\n<v Eva>Ano.\n\n2\n00:03.000 --> 00:04.000\n<v Jan>Ne.\n"
    talk.write_text(text, encoding="utf-8")
    assert "2 speakers" in call("transcripts", "check", talk).out


def test_json_is_one_object_with_the_cues_of_every_finding(call: Call, talk: Path) -> None:
    outcome = call("transcripts", "check", talk, "--json")
    assert outcome.code == 1
    assert outcome.json() == {
        "cues": 2,
        "duration": "00:00:04.500",
        "words": 4,
        "findings": [{"kind": "repetition", "cues": [2], "detail": '"že" 10 times; one kept'}],
    }


def test_markup_in_a_transcript_is_not_read_as_colour(call: Call, talk: Path) -> None:
    talk.write_text("[red]Title[/red]\n====\n" + CLEAN, encoding="utf-8")
    assert "[red]Title[/red]" in call("transcripts", "check", talk).out


@pytest.mark.parametrize("raw", [b"", b"no cues at all", b"\0\1\2", b"\x89PNG\r\n\x1a\n\xff"])
def test_a_file_that_is_no_transcript_is_exit_code_1_and_one_paragraph(call: Call, talk: Path, raw: bytes) -> None:
    talk.write_bytes(raw)
    outcome = call("transcripts", "check", talk)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(f"Error: {talk}: ")
    assert outcome.err.count("\n") == 1


def test_a_file_that_is_missing_is_exit_code_2(call: Call, tmp_path: Path) -> None:
    outcome = call("transcripts", "check", tmp_path / "none.srt")
    assert (outcome.code, outcome.out) == (2, "")
    assert "none.srt" in outcome.err


def test_checking_loads_no_model_and_no_detector() -> None:
    heavy = ("torch", "transformers", "sklearn", "numpy", "xllamacpp", "charset_normalizer", "psycopg")
    code = f"""
import sys
from allotment.cli import run_command
run_command(["transcripts", "check", {str(Path(__file__).parents[1] / "data/transcripts/skoleni.srt")!r}])
sys.exit(" ".join(name for name in {heavy!r} if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
    assert "645 cues" in done.stdout

"""The end of an evaluation at the command line: files, exit codes, what changed; and checking a report."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cli_call import Call

from allotment.cli._evaluate_finish import Files, finish
from allotment.cli._run import Run
from allotment.errors import AllotmentError, InputError, StorageError
from allotment.evaluation.report import Check, Figure, Report, kept_reports

PASSED = Report(
    "leaks",
    "Small",
    "2026-11-26T22:00:00+00:00",
    "Nobody learnt what he may not know.",
    (Check("leaks.a", "A clerk learns nothing of plans", "passed", "0 of 40"),),
    (Figure("leaks.hits", "Canaries found", 0, "lower", None, 40, 0.0, "count"),),
)
FAILED = replace(
    PASSED,
    verdict="A clerk got to know \x1b[2Jthe plans.",
    checks=(replace(PASSED.checks[0], outcome="failed", detail="3 of 40"), Check("leaks.b", "A boss", "unknown")),
    figures=(replace(PASSED.figures[0], value=3),),
)

NOWHERE_ELSE = Files()


def run_in(folder: Path, *, as_json: bool = False) -> tuple[Run, io.StringIO]:
    out = io.StringIO()
    return Run(folder, as_json, out), out


def finished(folder: Path, report: Report, files: Files = NOWHERE_ELSE, agent: str = "") -> tuple[int, str]:
    run, out = run_in(folder)
    return finish(run, report, files, agent), out.getvalue()


@pytest.mark.parametrize(("report", "code"), [(PASSED, 0), (FAILED, 1), (replace(PASSED, checks=()), 1)])
def test_only_what_passed_is_exit_code_0(small: Path, report: Report, code: int) -> None:
    assert finished(small, report)[0] == code


def test_it_says_what_did_not_pass_and_where_the_report_is(small: Path) -> None:
    _, told = finished(small, FAILED)
    assert told.startswith("Failed: A clerk got to know ⟨U+001B⟩[2Jthe plans.\n2 checks: 1 failed, 1 not known.\n")
    assert "  failed: A clerk learns nothing of plans (3 of 40)\n  not known: A boss\n" in told
    assert str(small / ".allotment" / "evaluation" / "leaks" / "report.html") in told


def test_every_file_that_is_asked_for_is_written_and_genuine(small: Path, call: Call) -> None:
    files = Files(small / "out" / "r.html", small / "r.json", small / "r.xml")
    finished(small, PASSED, files, "rules")
    assert b"<testsuites>" in (small / "r.xml").read_bytes()
    folder = small / ".allotment" / "evaluation" / "leaks-rules"
    key = call("-C", small, "evaluate", "key").out.strip()
    for file in (files.html, files.json, folder / "report.json", folder / "report.html"):
        assert file is not None
        assert call("evaluate", "verify", file, "-C", small).code == 0
        assert call("evaluate", "verify", file, "--public", key).out.startswith("Genuine: ")
    assert (
        call("evaluate", "verify", files.json or "", "--public", key, "--json").json()["report"]["project"] == "Small"
    )


def test_the_last_ten_are_kept(small: Path) -> None:
    for seconds in range(12):
        finished(small, replace(PASSED, seconds=float(seconds)))
    folder = small / ".allotment" / "evaluation" / "leaks"
    kept = [json.loads(path.read_bytes())["body"]["report"]["seconds"] for path in kept_reports(folder)]
    assert kept == [float(seconds) for seconds in range(2, 12)]
    assert json.loads((folder / "report.json").read_bytes())["body"]["report"]["seconds"] == 11.0
    assert len(list(folder.iterdir())) == 22


def test_what_got_worse_since_the_baseline_is_exit_code_1(small: Path) -> None:
    finished(small, PASSED, Files(json=small / "before.json"))
    assert finished(small, PASSED, Files(baseline=small / "before.json"))[0] == 0
    more = replace(PASSED, figures=(replace(PASSED.figures[0], value=1),))
    code, told = finished(small, more, Files(baseline=small / "before.json", html=small / "r.html"))
    assert code == 1
    assert "  worse: Canaries found: 0 → 1 (none is allowed, so every one counts)\n" in told
    assert "Something got worse" in (small / "r.html").read_text(encoding="utf-8")


def test_json_is_one_value_with_report_files_and_changes(small: Path) -> None:
    finished(small, PASSED, Files(json=small / "before.json"))
    run, out = run_in(small, as_json=True)
    assert finish(run, FAILED, Files(baseline=small / "before.json")) == 1
    value = json.loads(out.getvalue())
    assert set(value) == {"report", "files", "changes"}
    assert [change["name"] for change in value["changes"]["worse"]] == ["leaks.a", "leaks.hits"]
    assert Path(value["files"]["json"]).is_file()


def test_a_baseline_that_is_not_ours_stops_it_and_loses_nothing(small: Path) -> None:
    (small / "before.json").write_text("{}", encoding="utf-8")
    run, out = run_in(small)
    with pytest.raises(InputError, match="the baseline is no signed report"):
        finish(run, PASSED, Files(baseline=small / "before.json"))
    assert PASSED.verdict in out.getvalue()
    assert (small / ".allotment" / "evaluation" / "leaks" / "report.json").is_file()


def test_a_report_that_cannot_be_kept_is_shown_and_written_where_it_can_be(small: Path) -> None:
    (small / ".allotment").mkdir()
    (small / ".allotment" / "evaluation").write_text("in the way", encoding="utf-8")
    run, out = run_in(small)
    with pytest.raises(StorageError, match="cannot be written"):
        finish(run, PASSED, Files(small / "r.html", small / "before.json" / ".", small / "r.xml"))
    assert PASSED.verdict in out.getvalue()
    assert (small / "r.html").is_file() and (small / "r.xml").is_file()


def test_under_json_an_error_stands_in_the_one_value(small: Path) -> None:
    (small / ".allotment").write_text("in the way", encoding="utf-8")
    run, out = run_in(small, as_json=True)
    assert finish(run, PASSED, Files(baseline=small / "none.json")) == 1
    value = json.loads(out.getvalue())
    assert value["report"]["verdict"] == PASSED.verdict and value["error"]["exit_code"] == 1
    assert value["files"] == {}


def test_a_report_that_cannot_be_signed_is_shown_and_its_checks_are_written(small: Path) -> None:
    run, out = run_in(small)
    with pytest.raises(AllotmentError, match="not finite"):
        finish(run, replace(PASSED, seconds=float("nan")), Files(junit=small / "r.xml"))
    assert PASSED.verdict in out.getvalue()
    assert (small / "r.xml").is_file()


def test_what_was_altered_is_exit_code_1_and_says_which_part(small: Path, call: Call) -> None:
    finished(small, PASSED, Files(small / "r.html", small / "r.json"))
    text = (small / "r.json").read_text(encoding="utf-8")
    (small / "forged.json").write_text(text.replace("Nobody", "Nobodi"), encoding="utf-8")
    forged = call("-C", small, "evaluate", "verify", small / "forged.json")
    assert forged.code == 1 and "The signature" in forged.out
    value = call("-C", small, "evaluate", "verify", small / "forged.json", "--json").json()
    assert (value["genuine"], value["report"]) == (False, None)
    page = (small / "r.html").read_text(encoding="utf-8")
    (small / "forged.html").write_text(page.replace("<h1>Nobody", "<h1>Nobodi"), encoding="utf-8")
    altered = call("-C", small, "evaluate", "verify", small / "forged.html")
    assert altered.code == 1 and "Somebody altered it" in altered.out


@pytest.mark.parametrize("content", [b"", b"{}", b"<!doctype html>", b"\xff", b"{" * 5000])
def test_what_is_no_report_is_exit_code_2(small: Path, call: Call, content: bytes) -> None:
    finished(small, PASSED)
    (small / "none").write_bytes(content)
    outcome = call("-C", small, "evaluate", "verify", small / "none")
    assert outcome.code == 2
    assert str(small / "none") in outcome.err
    assert call("-C", small, "evaluate", "verify", small / "not-there").code == 2


def test_without_a_project_a_key_is_wanted_and_none_is_made(tmp_path: Path, call: Call) -> None:
    outcome = call("-C", tmp_path, "evaluate", "verify", sys.executable)
    assert outcome.code == 2 and "--public" in outcome.err
    assert list(tmp_path.iterdir()) == []
    assert call("-C", tmp_path, "evaluate", "key").code == 2
    assert list(tmp_path.iterdir()) == []

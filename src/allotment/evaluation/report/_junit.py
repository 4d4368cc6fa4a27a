"""The checks as JUnit XML. What failed is a failure, what is not known an error: a pipeline is green only by proof."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree

from allotment.evaluation.report._shown import visible
from allotment.evaluation.report._types import Changes, Check, Report

_NOTHING = Check("nothing", "Something is checked", "unknown", "The evaluation checked nothing.")


def to_junit(report: Report, changes: Changes | None = None) -> bytes:
    """A JUnit file with one test case for each check, and one for each thing that got worse since a baseline.

    Args:
        report: whose checks.
        changes: compared with an earlier report; none leaves that suite out.
    """
    suites = ElementTree.Element("testsuites")
    _suite(suites, report, "", report.checks or (_NOTHING,), report.verdict)
    if changes is not None:
        told = f"Compared with the report of {changes.baseline}."
        _suite(suites, report, ".baseline", tuple(_worse(changes)), told)
    data: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _worse(changes: Changes) -> Iterator[Check]:
    """Each thing that got worse or is not looked at any more, as a check that failed; else one that passed."""
    if not changes.got_worse:
        yield Check("worse", "Nothing got worse", "passed")
    for found, what in ((changes.worse, "got worse"), (changes.gone, "is gone")):
        for change in found:
            told = f"{change.before} before, {change.now} now: {change.reason}"
            yield Check(change.name, f"{change.title}: {what}", "failed", told)


def _suite(suites: ElementTree.Element, report: Report, part: str, checks: Sequence[Check], told: str) -> None:
    outcomes = [check.outcome for check in checks]
    suite = ElementTree.SubElement(
        suites,
        "testsuite",
        name=visible(f"allotment evaluate {report.kind}{part}: {report.project}"),
        id=str(len(suites)),
        package="allotment",
        timestamp=_timestamp(report.created),
        hostname="localhost",
        tests=str(len(checks)),
        failures=str(outcomes.count("failed")),
        errors=str(outcomes.count("unknown")),
        time=f"{0 if part else report.seconds:.3f}",
    )
    ElementTree.SubElement(suite, "properties")
    for check in checks:
        _add(suite, check, f"allotment.{report.kind}{part}")
    ElementTree.SubElement(suite, "system-out").text = visible(told)
    ElementTree.SubElement(suite, "system-err")


def _add(suite: ElementTree.Element, check: Check, class_name: str) -> None:
    named = visible(f"{check.title} [{check.name}]")
    case = ElementTree.SubElement(suite, "testcase", name=named, classname=class_name, time="0")
    if check.outcome == "passed":
        return
    tag = "failure" if check.outcome == "failed" else "error"
    told = visible(check.detail or check.title)
    ElementTree.SubElement(case, tag, type=check.outcome, message=told).text = told


def _timestamp(created: str) -> str:
    """The time as the schema has it, without zone and fractions; the first there is where it is no time."""
    try:
        found = datetime.fromisoformat(created)
    except ValueError:
        return "1970-01-01T00:00:00"
    utc = found.astimezone(UTC) if found.tzinfo else found
    return utc.strftime("%Y-%m-%dT%H:%M:%S")

"""The checks as JUnit XML. What failed is a failure, what is not known an error: a pipeline is green only by proof."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree

from allotment.evaluation.report._shown import visible
from allotment.evaluation.report._types import Check, Report

_NOTHING = Check("nothing", "Something is checked", "unknown", "The evaluation checked nothing.")


def to_junit(report: Report) -> bytes:
    """A JUnit file with one test case for each check."""
    checks = report.checks or (_NOTHING,)
    outcomes = [check.outcome for check in checks]
    suites = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(
        suites,
        "testsuite",
        name=visible(f"allotment evaluate {report.kind}: {report.project}"),
        id="0",
        package="allotment",
        timestamp=_timestamp(report.created),
        hostname="localhost",
        tests=str(len(checks)),
        failures=str(outcomes.count("failed")),
        errors=str(outcomes.count("unknown")),
        time=f"{report.seconds:.3f}",
    )
    ElementTree.SubElement(suite, "properties")
    for check in checks:
        _add(suite, check, f"allotment.{report.kind}")
    ElementTree.SubElement(suite, "system-out").text = visible(report.verdict)
    ElementTree.SubElement(suite, "system-err")
    data: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


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

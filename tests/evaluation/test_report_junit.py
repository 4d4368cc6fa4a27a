"""JUnit: valid, one test case for each check, and green only by proof."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree
from report_example import CHECKS, EXAMPLE, HOSTILE

from allotment.evaluation.report import Change, Changes, Check, to_junit

# What the readers of such files agree on, in the order they want it (the schema of Apache Ant's task).
SCHEMA = etree.RelaxNG(
    etree.fromstring("""
<grammar xmlns="http://relaxng.org/ns/structure/1.0" datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
 <start><element name="testsuites"><oneOrMore><element name="testsuite">
  <attribute name="name"><data type="token"><param name="minLength">1</param></data></attribute>
  <attribute name="package"><data type="token"/></attribute>
  <attribute name="hostname"><data type="token"><param name="minLength">1</param></data></attribute>
  <attribute name="id"><data type="int"/></attribute>
  <attribute name="timestamp"><data type="dateTime">
   <param name="pattern">[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}</param></data></attribute>
  <attribute name="tests"><data type="int"/></attribute>
  <attribute name="failures"><data type="int"/></attribute>
  <attribute name="errors"><data type="int"/></attribute>
  <attribute name="time"><data type="decimal"/></attribute>
  <element name="properties"><empty/></element>
  <zeroOrMore><element name="testcase">
   <attribute name="name"><data type="token"/></attribute>
   <attribute name="classname"><data type="token"/></attribute>
   <attribute name="time"><data type="decimal"/></attribute>
   <optional><choice><element name="failure"><ref name="told"/></element>
    <element name="error"><ref name="told"/></element></choice></optional>
  </element></zeroOrMore>
  <element name="system-out"><text/></element><element name="system-err"><text/></element>
 </element></oneOrMore></element></start>
 <define name="told"><attribute name="message"/><attribute name="type"/><text/></define>
</grammar>""")
)


@pytest.mark.parametrize("created", [EXAMPLE.created, "2026-11-26", "2026-11-26T23:59:59.123456+01:00", "never", ""])
def test_it_is_valid_whatever_stands_in_it(created: str) -> None:
    hostile = replace(
        EXAMPLE,
        project=HOSTILE,
        created=created,
        verdict=HOSTILE,
        checks=tuple(Check(f"{HOSTILE}{place}", HOSTILE, "failed", HOSTILE) for place in range(3)),
    )
    SCHEMA.assertValid(etree.fromstring(to_junit(hostile)))


def test_failed_is_a_failure_and_not_known_is_an_error() -> None:
    (suite,) = etree.fromstring(to_junit(EXAMPLE))
    cases = suite.findall("testcase")
    assert [[child.tag for child in case] for case in cases] == [["failure"], ["error"], []]
    assert [suite.get(name) for name in ("tests", "failures", "errors")] == ["3", "1", "1"]
    assert [CHECKS[0].name in case.get("name") for case in cases] == [True, False, False]
    assert cases[0][0].get("message") == CHECKS[0].detail


def test_nothing_checked_is_not_green() -> None:
    (suite,) = etree.fromstring(to_junit(replace(EXAMPLE, checks=())))
    SCHEMA.assertValid(etree.fromstring(to_junit(replace(EXAMPLE, checks=()))))
    assert suite.get("errors") == suite.get("tests") == "1"


def test_what_got_worse_since_the_baseline_is_a_failure_of_its_own() -> None:
    worse = Change("check", "leaks.account", HOSTILE, "passed", "unknown", "no login")
    gone = Change("figure", "attacks.speed", "Attempts a second", 7.0, None, "is not measured any more")
    changes = Changes("2026-11-26T10:00:00+00:00", "0" * 64, worse=(worse,), gone=(gone,))
    whole = etree.fromstring(to_junit(EXAMPLE, changes))
    SCHEMA.assertValid(whole)
    _, suite = whole
    cases = suite.findall("testcase")
    assert [suite.get(name) for name in ("id", "tests", "failures", "errors")] == ["1", "2", "2", "0"]
    assert ["leaks.account" in cases[0].get("name"), "is gone" in cases[1].get("name")] == [True, True]
    assert "passed before, unknown now: no login" in cases[0][0].text


def test_a_baseline_that_holds_is_one_case_that_passed() -> None:
    _, suite = etree.fromstring(to_junit(EXAMPLE, Changes("2026-11-26T10:00:00+00:00", "0" * 64)))
    assert [len(case) for case in suite.findall("testcase")] == [0]

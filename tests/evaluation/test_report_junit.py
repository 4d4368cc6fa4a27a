"""JUnit: valid, one test case for each check, and green only by proof."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree
from report_example import CHECKS, EXAMPLE, HOSTILE

from allotment.evaluation.report import Check, to_junit

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

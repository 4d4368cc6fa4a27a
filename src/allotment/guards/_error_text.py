"""Check ``error_text`` of answers: stack traces and database errors tell how things are built, and sometimes rows."""

from __future__ import annotations

import re

from allotment.guards._finding import AnswerContext, Finding, allow, refuse
from allotment.guards._normalise import normalise

NAME = "error_text"
RULES = (
    re.compile(r"Traceback \(most recent call last\)"),
    re.compile(r"^\s{0,20}File \"[^\"\n]{1,300}\", line \d{1,7}", re.MULTILINE),
    re.compile(r"^\s{1,20}at [\w.$<>]{1,200} ?\([^)\n]{0,200}:\d{1,7}\)", re.MULTILINE),
    re.compile(r"^\s{1,20}at [\w.`<>]{1,200}\([^)\n]{0,200}\) in [^\n]{1,300}:line \d{1,7}", re.MULTILINE),
    re.compile(r"^Caused by: [\w.$]{1,200}|\b(?:java|javax|org|com)\.[\w.$]{1,200}(?:Exception|Error)\b", re.MULTILINE),
    re.compile(r"^goroutine \d{1,9} \[|^panic: |\bthread '[^'\n]{1,80}' panicked at\b", re.MULTILINE),
    re.compile(r"\bUncaught (?:\w{0,40}(?:Error|Exception)|PDOException)\b|\bUnhandledPromiseRejection\w{0,20}"),
    re.compile(
        r"\bfrom [\w./-]{1,200}\.rb:\d{1,7}:in [`']|^#\d{1,3} {1,4}[\w./-]{1,200}\.php\(\d{1,7}\)", re.MULTILINE
    ),
    re.compile(r"\b(?:psycopg|asyncpg|sqlalchemy|pglast)\w{0,10}\.[\w.]{1,80}"),
    re.compile(r"\b(?:SQLSTATE|ERRCODE)\b|^\s{0,8}(?:ERROR|FATAL|DETAIL|HINT|CONTEXT|STATEMENT): ", re.MULTILINE),
    re.compile(
        r"\bpermission denied for (?:table|schema|relation|column|database|function|view|sequence)\b", re.IGNORECASE
    ),
    re.compile(
        r"\b(?:relation|column|function|schema|role|"
        r"table) \"?[\w.]{1,80}\"?(?:\([^)\n]{0,80}\))? does not exist\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\bsyntax error at or near\b|\binvalid input syntax for\b|\brow-level security policy\b", re.IGNORECASE
    ),
    re.compile(
        r"\bORA-\d{5}\b|\bno such (?:table|column): |\byou have an error in your sql syntax\b|"
        r"\bincorrect syntax near\b|\binvalid object name\b|\bunclosed quotation mark\b",
        re.IGNORECASE,
    ),
    re.compile(r"\bviolates (?:unique|foreign key|check|not-null) constraint\b", re.IGNORECASE),
)


def check_error_text(text: str, context: AnswerContext) -> Finding:
    """Refuse a stack trace or the text of a database error."""
    for form in dict.fromkeys((text, normalise(text))):
        for pattern in RULES:
            match = pattern.search(form)
            if match:
                return refuse(NAME, match.group().strip())
    return allow(NAME)

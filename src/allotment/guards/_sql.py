"""Check ``sql`` of answers: statements tell how the data is laid out, and are none of an answer's words.

What an account was asked stands beside an answer by itself, put there by code; this is about statements in the text.
"""

from __future__ import annotations

import re

from allotment.guards._finding import AnswerContext, Finding, allow, refuse
from allotment.guards._normalise import normalise

NAME = "sql"
_NAME = r"[\w.\"`\[\]]{1,80}"
RULES = (
    re.compile(r"```\s{0,3}(?:sql|postgres|psql|mysql)\b", re.IGNORECASE),
    re.compile(r"\bSELECT\s[^;]{1,400}?\sFROM\s"),
    re.compile(
        r"\bselect\s{1,4}(?:distinct\s|all\s)?\s{0,4}(?:\*|(?:count|sum|avg|min|max|coalesce|array_agg|string_agg)\()",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\binsert\s{{1,4}}into\s{{1,4}}{_NAME}\s{{0,4}}(?:\([^)]{{0,300}}\)\s{{0,4}})?(?:values|select)\b",
        re.IGNORECASE,
    ),
    re.compile(rf"\bupdate\s{{1,4}}{_NAME}\s{{1,4}}set\s{{1,4}}{_NAME}\s{{0,4}}=", re.IGNORECASE),
    re.compile(rf"\bdelete\s{{1,4}}from\s{{1,4}}{_NAME}\s{{1,4}}where\b|\bDELETE\s{{1,4}}FROM\s", re.IGNORECASE),
    re.compile(
        r"\b(?:DROP|ALTER|CREATE|TRUNCATE)\s{1,4}(?:OR REPLACE )?(?:TABLE|SCHEMA|DATABASE|ROLE|USER|POLICY|VIEW|"
        r"FUNCTION|INDEX)\s"
    ),
    re.compile(rf"\bGRANT\s[^;]{{1,120}}?\sON\s[^;]{{1,120}}?\sTO\s|\bSET\s{{1,4}}ROLE\s{{1,4}}{_NAME}"),
    re.compile(r"\b(?:pg_catalog|information_schema|pg_roles|pg_authid|pg_shadow|pg_policies)\b", re.IGNORECASE),
)
_SELECT = re.compile(r"\bselect\s[^;]{1,300}?\sfrom\s", re.IGNORECASE)
_CLAUSE = re.compile(
    r"\bwhere\s[^;\n]{1,80}?(?:=|<|>|\blike\b|\bin ?\(|\bis null\b|\bis not null\b)|\border by\b|\bgroup by\b|"
    r"\b(?:inner|left|right|cross|full) join\b|\bjoin\s[^;\n]{1,80}?\son\s|\blimit \d",
    re.IGNORECASE,
)
"""In small letters "select … from …" is English as well; what follows in a statement is not."""
_FOLLOWS = 300


def check_sql(text: str, context: AnswerContext) -> Finding:
    """Refuse an answer with a statement, or with the database's own tables, in its text."""
    for form in dict.fromkeys((text, normalise(text))):
        match = next(filter(None, (pattern.search(form) for pattern in RULES)), None) or _query(form)
        if match:
            return refuse(NAME, match.group())
    return allow(NAME)


def _query(text: str) -> re.Match[str] | None:
    every = _SELECT.finditer(text)
    return next((one for one in every if _CLAUSE.search(text, one.end(), one.end() + _FOLLOWS)), None)

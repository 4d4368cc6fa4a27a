"""Every check of an answer, before a word of it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from allotment.guards._canaries import check_canaries
from allotment.guards._error_text import check_error_text
from allotment.guards._finding import AnswerCheck, AnswerContext, Finding, failed
from allotment.guards._remote_content import check_remote_content
from allotment.guards._secrets import secrets_in_answer
from allotment.guards._sql import check_sql
from allotment.guards._terms import check_protected_terms

ANSWER_CHECKS: Mapping[str, AnswerCheck] = MappingProxyType(
    {
        "protected_terms": check_protected_terms,
        "canaries": check_canaries,
        "secrets": secrets_in_answer(("keys", "tokens")),
        "sql": check_sql,
        "error_text": check_error_text,
        "remote_content": check_remote_content,
    }
)
"""The usual ones: name → check, in the order they are carried out."""
_NOTHING_KNOWN = AnswerContext()


def check_answer(
    text: str, context: AnswerContext = _NOTHING_KNOWN, *, checks: Mapping[str, AnswerCheck] = ANSWER_CHECKS
) -> list[Finding]:
    """All findings on an answer, one of each check; total, and a check that raises refuses.

    Args:
        text: the whole answer, or the part of it about to be released.
        context: what is known of the user's role.
        checks: which checks, by name; none at all is refused by ``refused``.
    """
    return [_guarded(name, check, text, context) for name, check in checks.items()]


def _guarded(name: str, check: AnswerCheck, text: str, context: AnswerContext) -> Finding:
    try:
        return check(text, context)
    except Exception as error:
        return failed(name, error)

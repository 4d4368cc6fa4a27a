"""Every check of an answer, before a word of it is shown."""

from __future__ import annotations

from collections.abc import Callable, Collection

from allotment.guards import _error_text, _remote_content, _terms
from allotment.guards._finding import Finding, refuse


def check_answer(text: str, foreign_terms: Collection[str] = ()) -> list[Finding]:
    """All findings on an answer, one of each check; total, and a check that raises refuses.

    Args:
        text: the whole answer, or the part of it about to be released.
        foreign_terms: what ``foreign_terms()`` gave for the session's role.
    """
    return [
        _guarded(_terms.NAME, lambda: _terms.check_protected_terms(text, foreign_terms)),
        _guarded(_remote_content.NAME, lambda: _remote_content.check_remote_content(text)),
        _guarded(_error_text.NAME, lambda: _error_text.check_error_text(text)),
    ]


def _guarded(name: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except Exception as error:
        return refuse(name, f"the check could not be carried out: {type(error).__name__}: {error}")

"""Every check of a question, in order; one that cannot be carried out refuses."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from allotment.access import Principal
from allotment.guards._finding import Check, Context, Finding, refuse
from allotment.guards._impersonation import check_impersonation
from allotment.guards._length import check_length
from allotment.guards._normalise import Prepared, prepare
from allotment.guards._override import check_override
from allotment.guards._system_prompt import check_system_prompt

QUESTION_CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "length": check_length,
        "impersonation": check_impersonation,
        "override": check_override,
        "system_prompt": check_system_prompt,
    }
)
"""The rules: name → check, in the order they are carried out."""


def check_question(
    text: str,
    principal: Principal,
    roles: Mapping[str, str],
    *,
    checks: Mapping[str, Check] = QUESTION_CHECKS,
) -> list[Finding]:
    """All findings on a question, one of each check; total: every text has an answer, and no exception escapes.

    Args:
        text: the question as it came.
        principal: the session's user and role; claims are compared with this role.
        roles: the project's roles, name → purpose.
        checks: which checks, by name; none at all is refused by ``refused``.
    """
    context = Context(principal, roles)
    try:
        prepared = prepare(text)
    except Exception as error:
        return [refuse(name, _failure(error)) for name in checks or ("normalise",)]
    return [_guarded(name, check, prepared, context) for name, check in checks.items()]


def _guarded(name: str, check: Check, text: Prepared, context: Context) -> Finding:
    try:
        return check(text, context)
    except Exception as error:
        return refuse(name, _failure(error))


def _failure(error: Exception) -> str:
    return f"the check could not be carried out: {type(error).__name__}: {error}"

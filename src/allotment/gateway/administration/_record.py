"""The audit record as an administrator searches, verifies and exports it.

Whoever may search the record is not thereby one who may read what was asked. The words of a question, and everything
made of them, are shown where the one who looks reaches whatever the one who asked reaches; of the other records he sees
who, when, which agent, and how it ended. The command line shows all of it to whoever has the machine.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from allotment.access import AdminPolicy, Principal
from allotment.audit import AuditLog, AuditRecord, Filter, Questions, VerifyReport, ocsf, quotes_no_question
from allotment.errors import AllotmentError, IntegrityError
from allotment.gateway.administration._door import AdminGrant, Door, require_admin
from allotment.gateway.administration._fault import AdminFault
from allotment.gateway.wording import say
from allotment.training.record._shown import visible

LOG = logging.getLogger("allotment.gateway.administration")
PAGE = 50
_WORDLESS = Questions("omitted")
_SHOWN_ELSEWHERE = frozenset({"agent", "outcome", "question", "kind"})
_QUOTE_NOTHING = frozenset({"request-refused", "limit-reached"})
"""Kinds whose details are words of ours alone, though they are written where a question was at hand."""


@dataclass(frozen=True)
class Row:
    """A record as the page shows it."""

    record: int
    at: datetime
    user: str
    role: str
    kind: str
    agent: str
    outcome: str
    reason: str
    question: str
    detail: tuple[tuple[str, str], ...]
    withheld: bool
    """Whether words of it are not shown."""


@dataclass(frozen=True)
class RecordPage:
    """Some records, the newest first."""

    rows: tuple[Row, ...]
    before: int | None
    """Number the next page begins before; none at the end."""
    fault: str = ""
    """Number of a record that is not what was written; then nothing is shown."""


@dataclass(frozen=True)
class Verification:
    """The last walk over the record, or the one under way."""

    running: bool = False
    looked_at: int = 0
    total: int = 0
    report: VerifyReport | None = None
    finished: datetime | None = None
    fault: bool = False
    """Whether it could not be walked to its end."""


class Record:
    """Search, verification and export. Thread-safe."""

    def __init__(self, log: AuditLog, door: Door) -> None:
        self._log = log
        self._door = door
        self._lock = threading.Lock()
        self._verification = Verification()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="audit-verify")

    def close(self) -> None:
        """End; a walk under way is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def search(self, grant: AdminGrant, wanted: Filter, *, before: int | None = None, most: int = PAGE) -> RecordPage:
        """The newest records that are wanted, ``most`` at a time. What was asked is no part of what may be wanted here.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        require_admin(grant, "audit")
        return self.newest(grant.principal, replace(wanted, question=None), before=before, most=most)

    def newest(
        self, principal: Principal, wanted: Filter, *, before: int | None = None, most: int = PAGE
    ) -> RecordPage:
        """As ``search``, for other parts of the administration that show records; they have checked their own grant."""
        try:
            found = self._log.records(most + 1, wanted, before=before)
        except IntegrityError as error:
            return RecordPage((), None, error.element.rpartition(" ")[2] or "?")
        rows = tuple(row_of(record, self._door.policy, principal) for record in found[:most])
        return RecordPage(rows, rows[-1].record if len(found) > most else None)

    def verification(self, grant: AdminGrant) -> Verification:
        """The last walk over the whole record, or the one under way."""
        require_admin(grant, "audit")
        return self._verification

    def verify(self, grant: AdminGrant) -> None:
        """Walk over the whole record in the background; one that is under way is enough."""
        require_admin(grant, "audit")
        with self._lock:
            if self._verification.running:
                return
            self._verification = replace(self._verification, running=True, looked_at=0, total=0)
        self._pool.submit(self._verified)

    def export(self, grant: AdminGrant, wanted: Filter) -> Generator[bytes]:
        """The records that are wanted as lines of JSON, oldest first, in the shape security tools read.

        The whole record is verified on the way; where it is not what was written a last line says so.
        """
        require_admin(grant, "audit")
        return self._exported(grant.principal, replace(wanted, question=None))

    def _exported(self, principal: Principal, wanted: Filter) -> Generator[bytes]:
        try:
            with closing(self._log.walk(wanted)) as walked:
                for record in walked:
                    event, withheld = shown(record.event, self._door.policy, principal)
                    line = ocsf(record.sequence, record.at, event, record.mac)
                    if withheld:
                        line["unmapped"]["withheld"] = True
                    yield json.dumps(line, ensure_ascii=True).encode() + b"\n"
        except IntegrityError as error:
            yield json.dumps({"export_stopped": error.element, "why": error.message}).encode() + b"\n"

    def _verified(self) -> None:
        def tell(_label: str, done: int, total: int) -> None:
            self._verification = replace(self._verification, looked_at=done, total=total)

        try:
            report = self._log.verify(tell)
            self._verification = Verification(report=report, finished=datetime.now(UTC))
        except Exception:
            LOG.exception("the record could not be verified")
            self._verification = Verification(fault=True, finished=datetime.now(UTC))


def shown(event: Mapping[str, Any], policy: AdminPolicy, principal: Principal) -> tuple[Mapping[str, Any], bool]:
    """An event as somebody may see it, and whether words of it are withheld."""
    kind = str(event.get("kind", ""))
    if quotes_no_question(kind) or kind in _QUOTE_NOTHING:
        return event, False
    agent = _named(event, "agent")
    reads = policy.reads_words_of(principal, str(event.get("user", "")), str(event.get("role", "")))
    if reads and (not isinstance(agent, str) or not agent or policy.reads_agent(principal, agent)):
        return event, False
    return _WORDLESS.applied(event), True


def row_of(record: AuditRecord, policy: AdminPolicy, principal: Principal) -> Row:
    """A record as the page shows it to somebody."""
    event, withheld = shown(record.event, policy, principal)
    found = event.get("detail")
    detail: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    told = tuple(
        (str(name).replace("_", " "), _text(value))
        for name, value in detail.items()
        if name not in _SHOWN_ELSEWHERE
        and value not in (None, "", [], {})
        and not (name == "part" and "page" in detail)
    )
    names = {name: _text(_named(event, name)) for name in ("agent", "outcome", "question")}
    return Row(
        record.sequence,
        record.at,
        _text(event.get("user")),
        _text(event.get("role")),
        _text(event.get("kind")),
        names["agent"],
        names["outcome"],
        _text(event.get("reason")),
        names["question"],
        told,
        withheld,
    )


def filter_of(
    user: str = "", agent: str = "", kind: str = "", outcome: str = "", since: str = "", until: str = ""
) -> Filter:
    """The filter of a form.

    Raises:
        AdminFault: a time is none.
    """
    return Filter(
        user.strip() or None, agent or None, kind or None, outcome or None, _moment(since), _moment(until), None
    )


def _moment(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise AdminFault(say("This is no time. Write it like 2026-11-25 or 2026-11-25T14:30.")) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _named(event: Mapping[str, Any], name: str) -> Any:
    detail = event.get("detail")
    return event[name] if name in event else detail.get(name) if isinstance(detail, Mapping) else None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_text(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return visible(str(value))


def checks_of(event: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the checks that refused, of a record about a refusal."""
    detail = event.get("detail")
    checks = detail.get("checks") if isinstance(detail, Mapping) else None
    return tuple(map(str, checks)) if isinstance(checks, Mapping) else ()


def is_reachable(log: AuditLog) -> bool:
    """Whether the record answers."""
    try:
        log.records(1)
    except AllotmentError:
        return False
    return True

"""Every error the package raises, drawn as one tree.

    AllotmentError                 what failed, at which element, what to do          exit code
    ├── ProjectError               allotment.yaml or a call is wrong                          2
    ├── InputError                 some inputs failed; the rest is done and kept              1
    │   ├── DocumentError          a file could not be read into sections
    │   ├── DatasetError           a dataset cannot be made or is not usable
    │   └── TrainingError          a training stopped; `kind` says why
    ├── PolicyError                refused by policy                                          3
    │   ├── AccessDenied           the decision was no; it is on record
    │   ├── NotGranted             something was reached for without a grant
    │   ├── SqlRefused             a statement may not run on this account
    │   ├── LimitReached           too much was asked of the databases at once, or by one user
    │   │   └── RateLimited        what a user, a role or an agent may take of the gateway is taken
    │   ├── ManifestError          an adapter's manifest is missing, edited or stale
    │   └── HeldBack               a version may not be served, for the gate did not let it through
    ├── Cancelled                  nobody waits for the answer any longer                     1
    │   └── TimeLimitReached       an answer took longer than it may
    ├── StorageError               the disk is full or may not be written; what was there is kept  1
    ├── IntegrityError             a record, ledger or file is not what was written           1
    └── MissingPartError           a model, database or driver is not there                   4
        ├── EngineError            the engine is there but does not answer
        └── DatabaseUnavailable    the database is there but does not answer

Each error carries its parts as fields, so that a caller can show them its own way;
``str()`` gives one paragraph.
"""

from __future__ import annotations

import errno


class AllotmentError(Exception):
    """Base of all errors: ``message`` (what failed), ``element`` (where), ``remedy`` (what to do)."""

    exit_code = 2

    def __init__(self, message: str, *, element: str = "", remedy: str = "") -> None:
        self.message = message
        self.element = element
        self.remedy = remedy
        super().__init__(message)

    def __str__(self) -> str:
        where = f"{self.element}: " if self.element else ""
        todo = f" {self.remedy}" if self.remedy else ""
        return f"{where}{self.message}{todo}"


class ProjectError(AllotmentError):
    """The call or ``allotment.yaml`` is wrong."""

    exit_code = 2


class InputError(AllotmentError):
    """Some inputs failed; what succeeded is done and kept."""

    exit_code = 1


class DocumentError(InputError):
    """A file could not be read into sections."""


class DatasetError(InputError):
    """A dataset cannot be made, or cannot be used for training."""


class TrainingError(InputError):
    """A training stopped. ``kind`` is one of out-of-memory, non-finite, bad-data, configuration, infrastructure."""

    def __init__(self, message: str, *, kind: str, element: str = "", remedy: str = "") -> None:
        self.kind = kind
        super().__init__(message, element=element, remedy=remedy)


class PolicyError(AllotmentError):
    """Refused by policy."""

    exit_code = 3


class AccessDenied(PolicyError):
    """The decision was no, and it is on record."""


class NotGranted(PolicyError):
    """A model, adapter or account was reached for without a grant that names it."""


class SqlRefused(PolicyError):
    """A SQL statement may not run on this account."""


class SqlTimedOut(SqlRefused):
    """A SQL statement may run and took longer than one may; what it would have given is not known."""

    def __init__(self, account: str) -> None:
        super().__init__("the query took too long.", element=account, remedy="Ask for less.")


class LimitReached(PolicyError):
    """The databases' connections are all taken, or a user's share of their time is; later the same may run."""


class RateLimited(LimitReached):
    """What a user, a role or an agent may take of the gateway is taken; ``retry_after_s`` says when there is more."""

    def __init__(self, message: str, *, retry_after_s: int, element: str = "") -> None:
        self.retry_after_s = max(1, retry_after_s)
        super().__init__(message, element=element, remedy=f"Ask again in {_duration(self.retry_after_s)}.")


def _duration(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} second{'s' if seconds > 1 else ''}"
    return f"{round(seconds / 60)} minutes" if seconds < 7200 else f"{round(seconds / 3600)} hours"


class ManifestError(PolicyError):
    """An adapter's manifest is missing, was edited, or no longer matches the documents it learnt."""


class HeldBack(PolicyError):
    """A version of an adapter may not be served: the gate found a leak, or could not find out."""


class Cancelled(AllotmentError):
    """The work was stopped, for nobody waits for it any longer."""

    exit_code = 1


class TimeLimitReached(Cancelled):
    """The work was stopped, for it took longer than an answer may."""


class StorageError(AllotmentError):
    """A file could not be written, for the disk is full or the rights are wrong; what was there before is kept."""

    exit_code = 1

    @staticmethod
    def is_full(error: OSError) -> bool:
        """Whether the system said that the disk, or the user's share of it, is full."""
        return error.errno in (errno.ENOSPC, errno.EDQUOT)


class IntegrityError(AllotmentError):
    """A record, ledger or file is not what was written."""

    exit_code = 1


class MissingPartError(AllotmentError):
    """A needed part is not there; ``remedy`` names the command that brings it."""

    exit_code = 4


class EngineError(MissingPartError):
    """A model engine is there but does not answer."""


class DatabaseUnavailable(MissingPartError):
    """A database is there but does not answer."""

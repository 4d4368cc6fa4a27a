"""The signed file: a report, what changed since its baseline, what made it, and a signature over exactly this.

The key is made from the project's ``manifest.key``, which also seals adapters. It signs with Ed25519, so that an
auditor who holds the public key can check a report without any secret of the project.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import TypeAdapter, ValidationError

import allotment
from allotment.errors import InputError, IntegrityError
from allotment.evaluation.report._canonical import report_of, report_value
from allotment.evaluation.report._strict import LARGEST, canonical, read_canonical, unreadable
from allotment.evaluation.report._types import Changes, Report
from allotment.workspace import Workspace

_PURPOSE = b"allotment evaluation report 1"
"""Keeps the derived key, and what it signs, apart from every other use."""
_BODY = {"allotment", "changes", "page", "public_key", "report"}


@dataclass(frozen=True)
class SignedReport:
    """A report as it is handed on."""

    report: Report
    changes: Changes | None
    allotment: str
    """Version of the package that made it."""
    page: str
    """Hash of what makes the page; the same one makes the same page."""
    public_key: str
    """64 hex digits: the key it says it was signed with, which proves nothing by itself."""
    signature: str
    data: bytes
    """The whole file."""

    def is_signed_by(self, public_key: str) -> bool:
        """Whether the holder of this key's secret signed exactly this file."""
        body = read_canonical(self.data, "report")["body"]
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        try:
            key.verify(bytes.fromhex(self.signature), _PURPOSE + canonical(body))
        except InvalidSignature:
            return False
        return self.public_key == public_key


def sign_report(workspace: Workspace, report: Report, changes: Changes | None = None) -> SignedReport:
    """Sign a report with the project's key. Errors as ``to_json``."""
    key = _private_key(workspace)
    body = {
        "allotment": allotment.__version__,
        "changes": None if changes is None else _changes().dump_python(changes, mode="json"),
        "page": page_version(),
        "public_key": _hex(key),
        "report": report_value(report),
    }
    signature = key.sign(_PURPOSE + canonical(body)).hex()
    data = canonical({"body": body, "signature": signature})
    if len(data) > LARGEST:
        raise InputError(
            f"the report is larger than {LARGEST // 1024**2} MiB and could not be read again.",
            element=report.kind,
            remedy="Keep fewer rows in its tables.",
        )
    return read_signed(data)


def read_signed(data: bytes) -> SignedReport:
    """A signed file; whether it is genuine is asked of what is returned.

    Raises:
        InputError: it is no signed report, not in canonical form, or of a version that is not known here.
    """
    value = read_canonical(data, "report")
    body = value.get("body") if isinstance(value, dict) and set(value) == {"body", "signature"} else None
    if not isinstance(body, dict) or set(body) != _BODY:
        raise unreadable("is no signed report of an evaluation", "report")
    return SignedReport(
        report_of(body["report"]),
        _changes_of(body["changes"]),
        _text(body["allotment"], r"[0-9A-Za-z.+!-]{1,64}", "allotment"),
        _text(body["page"], "[0-9a-f]{64}", "page"),
        _text(body["public_key"], "[0-9a-f]{64}", "public_key"),
        _text(value["signature"], "[0-9a-f]{128}", "signature"),
        data,
    )


def public_key(workspace: Workspace) -> str:
    """The project's public key, 64 hex digits; its secret is made at first use."""
    return _hex(_private_key(workspace))


@lru_cache
def page_version() -> str:
    """Hash of everything in this package that has to do with how a page looks: its code and its templates."""
    folder = Path(__file__).parent
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".html", ".css"))
    parts = (f"{path.relative_to(folder).as_posix()} {sha256(path.read_bytes()).hexdigest()}" for path in files)
    return sha256("\n".join(parts).encode("ascii")).hexdigest()


def _private_key(workspace: Workspace) -> Ed25519PrivateKey:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
    return Ed25519PrivateKey.from_private_bytes(derive.derive(_secret(workspace)))


def _secret(workspace: Workspace) -> bytes:
    try:
        return bytes.fromhex(workspace.secret("manifest.key"))
    except ValueError:
        place = str(workspace.secret_file("manifest.key"))
        raise IntegrityError("is not the key it was.", element=place, remedy="Restore it from a backup.") from None


def _hex(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


@lru_cache
def _changes() -> TypeAdapter[Changes]:
    return TypeAdapter(Changes)


def _changes_of(value: Any) -> Changes | None:
    if value is None:
        return None
    try:
        changes = _changes().validate_python(value)
    except ValidationError:
        changes = None
    if changes is None or canonical(_changes().dump_python(changes, mode="json")) != canonical(value):
        raise unreadable("has a wrong value", "report.changes")
    return changes


def _text(value: Any, pattern: str, element: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise unreadable("has a wrong value", f"report.{element}")
    return value

"""E-mails: subject, sender, date and the text; forwarded messages inside; attachments are named, not opened."""

from __future__ import annotations

import email
from email import policy
from email.message import EmailMessage

from allotment.documents._blocks import Extracted
from allotment.documents.formats._clean import one_line
from allotment.documents.formats._encoding import decode
from allotment.documents.formats._html import declared_encoding, html_into
from allotment.documents.formats._writer import Writer
from allotment.errors import DocumentError

_MAX_DEPTH = 10
_MAX_PARTS = 500
_SHOWN = ("From", "To", "Cc", "Date")


def extract_eml(raw: bytes) -> Extracted:
    """An e-mail; each message forwarded in it is a part of its own.

    Raises:
        DocumentError: no e-mail, too many parts, or nested too deeply.
    """
    message = email.message_from_bytes(raw, policy=policy.default)
    if not any(_header(message, name) for name in ("From", "Subject", "Date", "Received")):
        raise DocumentError("is not an e-mail: it has no header with a sender, subject or date")
    reader = _Reader()
    reader.message(message, depth=0)
    return reader.writer.extracted(reader.readers)


class _Reader:
    """Writes a message and those inside it."""

    def __init__(self) -> None:
        self.writer = Writer()
        self.readers: frozenset[str] | None = None
        self._parts = 0
        self._messages = 0

    def message(self, message: EmailMessage, depth: int) -> None:
        """One message: its headers, then its parts."""
        self._messages += 1
        self.writer.mark("part", self._messages)
        self.writer.heading(depth + 1, _header(message, "Subject") or "E-mail")
        shown = [(name, _header(message, name)) for name in _SHOWN]
        self.writer.prose("\n".join(f"{name}: {value}" for name, value in shown if value))
        self._part(message, depth)

    def _part(self, part: EmailMessage, depth: int) -> None:
        self._parts += 1
        if depth > _MAX_DEPTH or self._parts > _MAX_PARTS:
            raise DocumentError("has more parts, or messages inside each other, than an e-mail may have")
        kind = part.get_content_type()
        if kind == "message/rfc822":
            for inner in _inner(part):
                self.message(inner, depth + 1)
        elif _is_attachment(part):
            self._attachment(part)
        elif kind == "multipart/alternative":
            self._part(_preferred(_inner(part)), depth + 1)
        elif part.is_multipart():
            for inner in _inner(part):
                self._part(inner, depth + 1)
        else:
            self._text(part, kind)

    def _attachment(self, part: EmailMessage) -> None:
        name = one_line(_filename(part)) or part.get_content_type()
        self.writer.prose(f"Attachment: {name}")
        self.writer.note(f"attachment {name} was not read; save it as a file of its own")

    def _text(self, part: EmailMessage, kind: str) -> None:
        payload = part.get_payload(decode=True)
        raw = payload if isinstance(payload, bytes) else b""
        declared = str(part.get_content_charset("") or "")
        if kind == "text/html":
            html_into(self.writer, decode(raw, declared or declared_encoding(raw)))
        elif kind == "text/plain":
            for paragraph in decode(raw, declared).split("\n\n"):
                self.writer.prose(paragraph)
        elif kind.startswith("multipart/"):
            raise DocumentError("is damaged or cut off: the boundary between its parts is missing")
        else:
            self._attachment(part)


def _inner(part: EmailMessage) -> list[EmailMessage]:
    payload = part.get_payload()
    return [inner for inner in payload if isinstance(inner, EmailMessage)] if isinstance(payload, list) else []


def _preferred(choices: list[EmailMessage]) -> EmailMessage:
    """Plain text if it says something, else the last, which is the richest."""
    if not choices:
        raise DocumentError("is damaged or cut off: a part of it is empty")
    for choice in choices:
        if choice.get_content_type() == "text/plain":
            payload = choice.get_payload(decode=True)
            if isinstance(payload, bytes) and payload.strip():
                return choice
    return choices[-1]


def _is_attachment(part: EmailMessage) -> bool:
    if part.is_multipart():
        return False
    return part.get_content_disposition() == "attachment" or bool(_filename(part))


def _filename(part: EmailMessage) -> str:
    try:
        return str(part.get_filename() or "")
    except Exception:
        return "(unreadable name)"


def _header(message: EmailMessage, name: str) -> str:
    """A header's text; empty where it is missing or beyond reading."""
    try:
        return one_line(str(message.get(name) or ""))
    except Exception:
        return ""

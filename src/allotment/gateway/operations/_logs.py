"""Logs for machines: one JSON object a line. Nobody's words and no secrets are in them unless that is asked for."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from allotment.gateway.operations._exchange import find
from allotment.project import LogConfig

_SECRETS = (
    (re.compile(r"\bal-[A-Za-z0-9_-]{8,}"), "al-***"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s,'\"]+"), r"\1 ***"),
    (re.compile(r"(?i)(://[^\s:/@]*:)[^\s@]+@"), r"\1***@"),
    (re.compile(r"(?i)\b(password|secret|token|api_key|cookie)(\s*[=:]\s*)('[^']*'|\"[^\"]*\"|[^\s,;&]+)"), r"\1\2***"),
)


def without_secrets(text: str) -> str:
    """``text`` with everything that looks like a key, a password or a login replaced."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


class JsonFormatter(logging.Formatter):
    """A record as one line. Of an error its kind and place are told, its words only with ``details``."""

    def __init__(self, *, details: bool, text: bool = False) -> None:
        super().__init__()
        self._details = details
        self._text = text

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
        }
        exchange = find()
        if exchange is not None:
            line["request"] = exchange.id
        line.update(record.__dict__.get("fields", {}))
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["places"] = _places(record.exc_info[2])
            if self._details:
                line["details"] = without_secrets(str(record.exc_info[1]))
        if not self._text:
            return json.dumps(line, ensure_ascii=False, default=str)
        rest = " ".join(f"{key}={value}" for key, value in line.items() if key not in ("at", "level", "message"))
        return f"{line['at']} {line['level']}: {line['message']} ({rest})".replace("\n", "\\n")


def _places(trace: TracebackType | None) -> list[str]:
    """Where in the program it happened: no source lines and no values."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]


def set_up_logs(config: LogConfig) -> None:
    """Write everything that is logged to stderr in the declared form, what libraries say included."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(details=config.details, text=config.format == "text"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("allotment").setLevel(config.level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.access").disabled = True  # its lines hold whole addresses

"""A record in the shape security tools read: the Open Cybersecurity Schema Framework, https://schema.ocsf.io/1.3.0.

Each kind of event has one class and activity. What the framework has no place for stands under ``unmapped``, the whole
event included, so that nothing is lost and the MAC can be computed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

VERSION = "1.3.0"

_CATEGORIES = {1: "System Activity", 3: "Identity & Access Management", 6: "Application Activity"}
_CLASSES = {
    1008: "Event Log Activity",
    3001: "Account Change",
    3002: "Authentication",
    3004: "Entity Management",
    6002: "Application Lifecycle",
    6003: "API Activity",
}
_ACTIVITIES = {
    (1008, 2): "Delete",
    (3001, 1): "Create",
    (3001, 2): "Enable",
    (3001, 3): "Password Change",
    (3001, 5): "Disable",
    (3002, 1): "Logon",
    (3002, 2): "Logoff",
    (3004, 1): "Create",
    (3004, 4): "Delete",
    (6003, 2): "Read",
    (6003, 3): "Update",
}
_KINDS: dict[str, tuple[int, int]] = {
    "decision": (6003, 2),
    "guard-refused": (6003, 2),
    "unknown": (6003, 2),
    "answered": (6003, 2),
    "failed": (6003, 2),
    "request-refused": (6003, 2),
    "limit-reached": (6003, 2),
    "stream-ended": (6003, 2),
    "logged-in": (3002, 1),
    "login-refused": (3002, 1),
    "key-refused": (3002, 1),
    "logged-out": (3002, 2),
    "session-ended": (3002, 2),
    "user-added": (3001, 1),
    "user-enabled": (3001, 2),
    "set-up": (3001, 3),
    "password-changed": (3001, 3),
    "user-disabled": (3001, 5),
    "role-changed": (3001, 99),
    "claims-changed": (3001, 99),
    "key-created": (3004, 1),
    "key-revoked": (3004, 4),
    "feedback-marked": (6003, 99),
    "feedback-refused": (6003, 99),
    "feedback-approved": (6003, 99),
    "feedback-rejected": (6003, 99),
    "reloaded": (6002, 99),
    "pruned": (1008, 2),
    "admin-viewed": (6003, 2),
    "admin-tried": (6003, 2),
    "admin-refused": (6003, 2),
    "admin-changed": (6003, 3),
}
_FALLBACK = (6003, 99)
_REFUSED = {
    "admin-refused",
    "feedback-refused",
    "guard-refused",
    "key-refused",
    "limit-reached",
    "login-refused",
    "request-refused",
    "stream-ended",
}
_FAILED = {*_REFUSED, "failed"}
_OURS = {"name": "Allotment", "vendor_name": "Allotment"}


def ocsf(sequence: int, at: datetime, event: Mapping[str, Any], mac: str) -> dict[str, Any]:
    """One record as an OCSF event; its number and its MAC are the event's sequence and its unique identifier."""
    kind = str(event.get("kind", ""))
    class_uid, activity = _KINDS.get(kind, _FALLBACK)
    refused, failed = _ended(kind, event)
    shaped: dict[str, Any] = {
        "activity_id": activity,
        "activity_name": _ACTIVITIES.get((class_uid, activity), kind),
        "category_uid": class_uid // 1000,
        "category_name": _CATEGORIES[class_uid // 1000],
        "class_uid": class_uid,
        "class_name": _CLASSES[class_uid],
        "type_uid": class_uid * 100 + activity,
        "time": int(at.timestamp() * 1000),
        "severity_id": 2 if refused else 1,
        "status_id": 2 if failed else 1,
        "status": "Failure" if failed else "Success",
        "metadata": {
            "version": VERSION,
            "product": _OURS,
            "log_name": "audit",
            "event_code": kind,
            "sequence": sequence,
            "uid": mac,
            "profiles": ["security_control"] if class_uid == 6003 else [],
        },
        "unmapped": {"event": dict(event)},
    }
    reason = _detail(event).get("why") or event.get("reason")
    if isinstance(reason, str):
        shaped["status_detail"] = reason
    return {**shaped, **_OBJECTS[class_uid](event, refused)}


def _ended(kind: str, event: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether it was refused, and whether it did not come to what was asked for."""
    denied = kind == "decision" and event.get("outcome") != "allow"
    return denied or kind in _REFUSED, denied or kind in _FAILED


def _detail(event: Mapping[str, Any]) -> Mapping[str, Any]:
    detail = event.get("detail")
    return detail if isinstance(detail, Mapping) else {}


def _user(event: Mapping[str, Any]) -> dict[str, Any]:
    name, role = str(event.get("user") or "unknown"), str(event.get("role") or "")
    return {"name": name, "groups": [{"name": role}] if role else []}


def _api_call(event: Mapping[str, Any], refused: bool) -> dict[str, Any]:
    detail = _detail(event)
    actor: dict[str, Any] = {"user": _user(event)}
    if event.get("kind") == "decision":
        policy = {"name": str(event.get("reason"))}
        actor["authorizations"] = [{"decision": str(event.get("outcome")), "policy": policy}]
    names = (("agent", "agent"), ("adapter", "adapter"), ("account", "database account"))
    found = ((kind, event.get(name) or detail.get(name)) for name, kind in names)
    address = detail.get("address")
    return {
        "actor": actor,
        "api": {"operation": _operation(event), "service": {"name": "allotment"}},
        "src_endpoint": {"ip": address} if isinstance(address, str) else {"name": "unknown"},
        "resources": [{"type": kind, "name": str(name)} for kind, name in found if name],
        "action_id": 2 if refused else 1,
        "disposition_id": 2 if refused else 1,
    }


def _operation(event: Mapping[str, Any]) -> str:
    part = _detail(event).get("part")
    return f"administration: {part}" if str(event.get("kind", "")).startswith("admin-") and part else "ask"


def _authentication(event: Mapping[str, Any], _refused: bool) -> dict[str, Any]:
    return {"user": _user(event), "service": {"name": "allotment"}}


def _account(event: Mapping[str, Any], _refused: bool) -> dict[str, Any]:
    return {"user": _user(event)}


def _entity(event: Mapping[str, Any], _refused: bool) -> dict[str, Any]:
    key = next((str(_detail(event)[name]) for name in ("key", "name", "id") if _detail(event).get(name)), "unknown")
    return {"actor": {"user": _user(event)}, "entity": {"type": "API key", "name": key}}


def _application(_event: Mapping[str, Any], _refused: bool) -> dict[str, Any]:
    return {"app": _OURS}


def _event_log(event: Mapping[str, Any], _refused: bool) -> dict[str, Any]:
    return {"actor": {"app_name": "allotment"}, "log_name": "audit", "message": str(_detail(event).get("through"))}


_OBJECTS = {
    1008: _event_log,
    3001: _account,
    3002: _authentication,
    3004: _entity,
    6002: _application,
    6003: _api_call,
}

"""Check ``secrets``, of questions and answers: keys, tokens and passwords, by the forms their makers gave them.

What was found is told by its kind and length alone: the record must not become the place where secrets lie.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from allotment.guards._finding import AnswerCheck, AnswerContext, Check, Context, Finding, allow, refuse
from allotment.guards._normalise import SCANNED_CHARACTERS, Prepared, normalise
from allotment.project import SecretKind

NAME = "secrets"
_ANY = r"[A-Za-z0-9_-]"

RULES: Mapping[SecretKind, tuple[tuple[str, re.Pattern[str]], ...]] = {
    "keys": (
        ("private key", re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")),
        ("private key", re.compile(r"\bPuTTY-User-Key-File-\d|\bAGE-SECRET-KEY-1[A-Z0-9]{50}")),
        ("AWS key", re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b")),
        ("Google key", re.compile(rf"\bAIza{_ANY}{{35}}")),
        ("Azure key", re.compile(r"\b(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,100}")),
        ("payment key", re.compile(r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,120}")),
    ),
    "tokens": (
        ("GitHub token", re.compile(r"\b(?:gh[opusr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})")),
        ("GitLab token", re.compile(rf"\bgl(?:pat|rt|dt|ptt|agent|ft|soat)-{_ANY}{{20,300}}")),
        ("Slack token", re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}|\bxapp-\d-[A-Za-z0-9-]{20,250}")),
        ("Slack webhook", re.compile(r"\bhooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/]{20,120}")),
        ("model server's key", re.compile(rf"\bsk-(?=[A-Za-z_-]{{0,60}}\d){_ANY}{{20,250}}")),
        ("hub token", re.compile(r"\bhf_[A-Za-z]{30,60}|\bnpm_[A-Za-z0-9]{36}|\bpypi-AgEI[A-Za-z0-9_-]{50,250}")),
        ("web token", re.compile(rf"\beyJ{_ANY}{{8,300}}\.eyJ{_ANY}{{8,2000}}\.{_ANY}{{10,600}}")),
        ("bearer token", re.compile(r"\b[Bb]earer [A-Za-z0-9._~+/-]{20,2000}")),
        ("address with a password", re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{0,100}:[^\s:/@]{1,200}@")),
    ),
    "passwords": (
        (
            "password",
            re.compile(
                r"(?<!\w)(?:passwords?|passwd|pwd|passphrase|pin|passcode|secret|api[ _-]?key|access[ _-]?key|token|"
                r"hesl(?:o|em|a|u|om)|přístupový kód|prístupový kód|kennwort|passwort)(?!\w)"
                r"(?: (?:is|je|ist|lautet|zní|znie|(?:for|to|k|pro|für) (?:the )?\w{1,20} (?:is|je|ist))|\s{0,2}[:=])"
                r"\s{0,3}[\"'`„“]?(?=\S{0,40}\d)(?=\S{0,40}[^\W\d_])[^\s\"'`„“]{5,100}",
                re.IGNORECASE,
            ),
        ),
    ),
}


def secrets_check(kinds: Collection[SecretKind]) -> Check:
    """A check of questions for these kinds, as written and cleaned: other forms have lost their letters' case."""

    def check(text: Prepared, context: Context) -> Finding:
        return _finding(text.original[:SCANNED_CHARACTERS], text.clean, kinds)

    return check


def secrets_in_answer(kinds: Collection[SecretKind]) -> AnswerCheck:
    """The same of answers."""

    def check(text: str, context: AnswerContext) -> Finding:
        return _finding(text, normalise(text), kinds)

    return check


def _finding(original: str, clean: str, kinds: Collection[SecretKind]) -> Finding:
    found = next(_matches(dict.fromkeys((original, clean)), kinds), None)
    return allow(NAME) if found is None else refuse(NAME, found)


def _matches(readings: Collection[str], kinds: Collection[SecretKind]) -> Iterator[str]:
    for kind, rules in RULES.items():
        for name, pattern in rules if kind in kinds else ():
            for reading in readings:
                match = pattern.search(reading)
                if match:
                    yield f"{name}, {len(match.group())} characters"

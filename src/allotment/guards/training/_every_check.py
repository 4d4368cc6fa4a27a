"""Every check that the package brings, read off its files: one check a file, named where the file begins.

Pages and figures are made for what is found here, so that a check without either is noticed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Literal

from allotment.guards._answer import check_answer

_NAMED = re.compile(r"Checks? ((?:``\w+``(?:, | and )?)+)([^:]*): (.+)", re.DOTALL)
_NAME = re.compile(r"``(\w+)``")


@dataclass(frozen=True)
class CheckFile:
    """One check: its name in ``allotment.yaml``, what it looks at, and what its file says of it."""

    name: str
    of: Literal["question", "answer", "both"]
    summary: str
    file: str


def every_check() -> dict[str, CheckFile]:
    """Name → check, in the order of the names.

    A file brings a check if its first line begins "Check ``name``" or if it has a constant ``NAME``.
    """
    answers = {finding.check for finding in check_answer("")}
    found = {}
    for file in sorted(resources.files("allotment.guards").iterdir(), key=lambda one: one.name):
        if file.name.startswith("_") and file.name.endswith(".py"):
            for name, both, summary in _named(ast.parse(file.read_text(encoding="utf-8"))):
                found[name] = CheckFile(
                    name, "both" if both else "answer" if name in answers else "question", summary, file.name
                )
    return dict(sorted(found.items()))


def _named(tree: ast.Module) -> Iterator[tuple[str, bool, str]]:
    """Name, whether it looks at questions and answers alike, and what it is for."""
    words = " ".join((ast.get_docstring(tree) or "").split("\n\n")[0].split())
    match = _NAMED.fullmatch(words)
    if match:
        both = "questions and answers" in match.group(2)
        yield from ((name, both, match.group(3)) for name in _NAME.findall(match.group(1)))
        return
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "NAME":
            yield str(ast.literal_eval(node.value)), False, words.partition(": ")[2] or words

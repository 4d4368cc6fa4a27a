"""What the package imports is declared: a package that only another one brings is missing at the next user's."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements: Iterable[str]) -> set[str]:
    """The distributions of requirements; an extra named ``pool`` of ``psycopg`` is ``psycopg-pool``."""
    found = set()
    for requirement in requirements:
        match = re.match(r"([\w.-]+)(?:\[([\w,-]+)\])?", requirement)
        assert match
        found |= {match[1], *(f"{match[1]}-{extra}" for extra in (match[2] or "").split(",") if extra)}
    return {normal(name) for name in found}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(file: Path) -> Iterator[str]:
    """Packages that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def test_every_package_that_is_imported_is_declared() -> None:
    declared = names(PROJECT["dependencies"])
    declared |= {name for extra in PROJECT["optional-dependencies"].values() for name in names(extra)}
    brought = packages_distributions()
    undeclared: dict[str, str] = {}
    files = list((ROOT / "src").rglob("*.py"))
    assert len(files) > 100
    for file in files:
        for package in imported(file):
            if package in sys.stdlib_module_names or package == PROJECT["name"]:
                continue
            if not {normal(name) for name in brought.get(package, [package])} & declared:
                undeclared[package] = file.relative_to(ROOT).as_posix()
    assert undeclared == {}

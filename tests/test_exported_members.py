"""Every package says what it offers, in order, and offers what it says."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import allotment

DATA = {"examples"}
PACKAGES = sorted(
    item.name for item in pkgutil.iter_modules(allotment.__path__) if item.ispkg and item.name not in DATA
)


def _order(name: str) -> tuple[bool, bool, str]:
    """Constants, then classes, then functions, as the linter wants it."""
    return (not name.isupper(), not name[0].isupper(), name)


@pytest.mark.parametrize("name", PACKAGES)
def test_all_is_sorted(name: str) -> None:
    package = importlib.import_module(f"allotment.{name}")
    assert list(package.__all__) == sorted(package.__all__, key=_order)


@pytest.mark.parametrize("name", PACKAGES)
def test_every_exported_name_exists(name: str) -> None:
    package = importlib.import_module(f"allotment.{name}")
    missing = [member for member in package.__all__ if not hasattr(package, member)]
    assert missing == []


def test_every_package_is_looked_at() -> None:
    assert {"access", "cli", "databases", "documents"} <= set(PACKAGES)

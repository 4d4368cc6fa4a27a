"""The look at known vulnerabilities: a finding fails the build, a list that cannot be reached does not."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FAULTY = {
    "name": "jinja2",
    "version": "2.10",
    "vulns": [{"id": "PYSEC-2019-217", "aliases": ["CVE-2019-10906"], "fix_versions": ["2.10.1"]}],
}
SOUND = {"name": "httpx", "version": "0.28.1", "vulns": []}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = Path(__file__).parents[2] / "scripts" / "audit_dependencies.py"
    spec = importlib.util.spec_from_file_location("audit_dependencies", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answering(installed: list[dict[str, Any]] | None, known: list[dict[str, Any]] | None) -> Any:
    return lambda arguments: known if "--requirement" in arguments else installed


def test_a_known_vulnerability_of_what_is_installed_fails(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(answering([SOUND, FAULTY], [FAULTY])) == 1
    assert "jinja2 2.10: PYSEC-2019-217, mended in 2.10.1" in capsys.readouterr().err


def test_what_is_accepted_by_any_of_its_names_does_not_fail(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(script.ACCEPTED, "CVE-2019-10906", "templates are the project's own")
    assert script.main(answering([FAULTY], [FAULTY])) == 0


@pytest.mark.parametrize("known", [None, [], [{**FAULTY, "vulns": []}]])
def test_without_a_list_that_knows_anything_it_is_said_and_does_not_fail(
    script: ModuleType, known: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(answering([SOUND], known)) == 0
    assert "not audited" in capsys.readouterr().err

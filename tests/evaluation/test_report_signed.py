"""Who signed a report, and whether it is whole: no byte of it may be another."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_example import EXAMPLE

from allotment.errors import InputError, ProjectError
from allotment.evaluation.report import (
    Check,
    Report,
    SignedReport,
    _signed,
    compare,
    page,
    public_key,
    read_baseline,
    read_signed,
    sign_report,
    verify,
)
from allotment.workspace import Workspace

SMALL = Report("leaks", "p", "2026-11-26", "Well.", (Check("a", "A", "passed"),))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("signing"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("another"))


@pytest.fixture(scope="module")
def signed(workspace: Workspace) -> SignedReport:
    return sign_report(workspace, SMALL, compare(SMALL, replace(SMALL, checks=())))


def is_genuine(data: bytes, key: str) -> bool:
    try:
        return verify(data, key).genuine
    except InputError:
        return False


def test_json_and_page_are_genuine_with_the_projects_key(workspace: Workspace) -> None:
    whole = sign_report(workspace, EXAMPLE)
    assert verify(whole.data, public_key(workspace)).page == "none"
    assert verify(page(whole), public_key(workspace)).page == "same"
    assert is_genuine(whole.data, public_key(workspace)) and is_genuine(page(whole), public_key(workspace))
    assert read_signed(whole.data).report == EXAMPLE


def test_every_byte_of_the_json_counts(signed: SignedReport, workspace: Workspace) -> None:
    key, data = public_key(workspace), signed.data
    assert is_genuine(data, key)
    for at in range(len(data)):
        begin, end = data[:at], data[at + 1 :]
        assert not is_genuine(begin + end, key), at
        for byte in (data[at] ^ 1, data[at] ^ 32):
            assert not is_genuine(begin + bytes([byte]) + end, key), at
        assert not is_genuine(begin + b" " + data[at:], key), at
    for byte in range(256):
        assert not is_genuine(data + bytes([byte]), key)
        assert not is_genuine(bytes([byte]) + data, key)


@settings(max_examples=50)
@given(place=st.floats(0, 1, exclude_max=True), byte=st.binary(min_size=1, max_size=1), act=st.sampled_from("xd+"))
def test_every_byte_of_the_page_counts(
    signed: SignedReport, workspace: Workspace, place: float, byte: bytes, act: str
) -> None:
    data = page(signed)
    at = int(place * len(data))
    altered = data[:at] + (b"" if act == "d" else byte) + data[at if act == "+" else at + 1 :]
    assert is_genuine(altered, public_key(workspace)) == (altered == data)


def test_another_projects_signature_proves_nothing_whatever_key_stands_in_it(
    workspace: Workspace, other: Workspace
) -> None:
    forged = sign_report(other, SMALL)
    claimed = json.loads(forged.data)
    claimed["body"]["public_key"] = public_key(workspace)
    spelt = json.dumps(claimed, sort_keys=True, separators=(",", ":")).encode()
    for data in (forged.data, spelt, page(forged)):
        assert not verify(data, public_key(workspace)).by_key
    assert verify(forged.data, public_key(other)).genuine
    assert not verify(spelt, public_key(other)).genuine


def test_doubled_keys_do_not_verify(signed: SignedReport, workspace: Workspace) -> None:
    doubled = signed.data.replace(b'"verdict":"Well."', b'"verdict":"Better.","verdict":"Well."')
    with pytest.raises(InputError, match="stands twice"):
        verify(doubled, public_key(workspace))


def test_a_page_around_a_genuine_report_is_found_to_be_altered(signed: SignedReport, workspace: Workspace) -> None:
    found = verify(page(signed).replace(b"<h1>Well.", b"<h1>Best."), public_key(workspace))
    assert (found.by_key, found.page, found.genuine) == (True, "altered", False)


def test_a_page_with_two_reports_is_none(signed: SignedReport, workspace: Workspace) -> None:
    twice = page(signed) + page(signed)
    with pytest.raises(InputError, match="several"):
        verify(twice, public_key(workspace))


def test_of_another_versions_page_only_the_json_is_vouched_for(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as then:
        then.setattr(_signed, "page_version", lambda: "0" * 64)
        old = sign_report(workspace, SMALL)
    found = verify(page(old), public_key(workspace))
    assert (found.by_key, found.page, found.genuine) == (True, "other version", False)
    assert verify(old.data, public_key(workspace)).genuine


@pytest.mark.parametrize("key", ["", "00", "g" * 64, "A" * 64, "0" * 63, "0" * 65])
def test_what_is_no_key_is_told(signed: SignedReport, key: str) -> None:
    with pytest.raises(ProjectError, match="64 hex digits"):
        verify(signed.data, key)


@pytest.mark.parametrize("key", ["0" * 64, "f" * 64, "01" + "0" * 62])
def test_a_weak_or_impossible_key_vouches_for_nothing(signed: SignedReport, key: str) -> None:
    assert not is_genuine(signed.data, key)


def test_the_key_is_the_projects_and_stays(workspace: Workspace, other: Workspace) -> None:
    assert public_key(workspace) == public_key(Workspace(workspace.root)) != public_key(other)


def test_a_baseline_must_be_the_projects_own(workspace: Workspace, other: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "baseline"
    file.write_bytes(page(sign_report(workspace, SMALL)))
    found, digest = read_baseline(file, public_key(workspace))
    assert found.report == SMALL and len(digest) == 64
    file.write_bytes(sign_report(other, SMALL).data)
    with pytest.raises(InputError, match="not signed with this project's key"):
        read_baseline(file, public_key(workspace))
    file.write_bytes(b"{}")
    with pytest.raises(InputError, match="the baseline is no signed report"):
        read_baseline(file, public_key(workspace))
    with pytest.raises(InputError, match="the baseline cannot be read"):
        read_baseline(tmp_path / "none", public_key(workspace))

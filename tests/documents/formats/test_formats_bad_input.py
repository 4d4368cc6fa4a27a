"""Files that are not what they seem, or that are made to do harm: each has a clear outcome."""

from __future__ import annotations

import gzip
import io
import socket
import subprocess
import sys
import zipfile
from typing import Any

import pytest
from made_files import WORDS, archive, plain_pdf, plain_slides, plain_word, plain_workbook, with_part, word

from allotment.documents._extract import SUFFIXES, extract
from allotment.errors import DocumentError

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


def ole(stream: str) -> bytes:
    return _OLE + stream.encode("utf-16-le") + b"\0" * 100


@pytest.mark.parametrize("suffix", [".docx", ".xlsx", ".pptx"])
def test_an_office_file_with_a_password_says_so(suffix: str) -> None:
    with pytest.raises(DocumentError, match="protected by a password; save it without the password"):
        extract(suffix, ole("EncryptedPackage"))


@pytest.mark.parametrize(
    ("suffix", "raw", "names"),
    [
        (".docx", plain_pdf(), ["a PDF", ".docx"]),
        (".pdf", plain_word(), ["a Word document", ".pdf"]),
        (".docx", plain_workbook(), ["an Excel workbook", ".docx"]),
        (".xlsx", plain_slides(), ["a PowerPoint presentation", ".xlsx"]),
        (".txt", plain_pdf(), ["a PDF", ".txt"]),
        (".md", b"\n <!DOCTYPE html>\n<html><body>x", ["HTML", ".md"]),
        (".csv", b"<html><table>", ["HTML", ".csv"]),
        (".doc", ole("WordDocument"), ["Word document of the old format", "save it as .docx"]),
        (".xlsx", ole("Workbook"), ["old format", "save it as .xlsx"]),
        (".docx", b"{\\rtf1 x}", ["rich text", "save it as .docx"]),
        (".md", gzip.compress(b"words", mtime=0), ["gzip", "unpack it"]),
        (".docx", archive([("a.txt", b"x")]), ["a ZIP archive", "unpack it"]),
        (".docx", archive([("mimetype", b"application/vnd.oasis.opendocument.text")]), ["OpenDocument"]),
        (".txt", b"\x89PNG\r\n\x1a\n", ["an image", ".txt"]),
        (".docx", WORDS.encode(), ["not a Word document", "damaged or misnamed"]),
        (".pdf", WORDS.encode(), ["not a PDF", "damaged or misnamed"]),
    ],
)
def test_a_file_of_another_kind_than_its_ending_is_refused_and_both_are_named(
    suffix: str, raw: bytes, names: list[str]
) -> None:
    with pytest.raises(DocumentError) as refused:
        extract(suffix, raw)
    assert [name for name in names if name not in refused.value.message] == []


@pytest.mark.parametrize("suffix", [".docx", ".xlsx", ".pptx"])
def test_an_office_file_that_is_cut_off_says_so(suffix: str) -> None:
    raw = {".docx": plain_word, ".xlsx": plain_workbook, ".pptx": plain_slides}[suffix]()
    with pytest.raises(DocumentError, match=r"damaged or cut off.*get the file again"):
        extract(suffix, raw[: len(raw) // 2])


@pytest.mark.parametrize("packed_in", ["word/document.xml", "word/media/image1.png"])
def test_a_zip_bomb_is_refused_before_it_is_unpacked(packed_in: str) -> None:
    bomb = with_part(plain_word(), packed_in, lambda part: part + b"<" * (300 * 2**20))
    assert len(bomb) < 2**20
    with pytest.raises(DocumentError, match="unpacks to 300 MiB, more than a document may"):
        extract(".docx", bomb)


def test_an_archive_that_lies_about_its_sizes_is_refused() -> None:
    raw = bytearray(with_part(plain_word(), "word/document.xml", lambda part: part + b" " * 2**20))
    place = raw.rindex(b"word/document.xml") - 46
    raw[place + 24 : place + 28] = (100).to_bytes(4, "little")
    with pytest.raises(DocumentError, match="damaged or cut off"):
        extract(".docx", bytes(raw))


def test_a_part_that_is_there_twice_or_ten_thousand_parts_are_refused() -> None:
    raw = plain_word()
    with zipfile.ZipFile(io.BytesIO(raw)) as source:
        entries = [(name, source.read(name)) for name in source.namelist()]
    for more in ([("WORD/document.xml", b"x")], [(f"word/{n}", b"") for n in range(10_001)]):
        with pytest.raises(DocumentError, match="too many parts, or a part twice"):
            extract(".docx", archive([*entries, *more]))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_in_an_office_file_are_refused(encoding: str) -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'.encode(encoding)
    for name in ("word/document.xml", "word/styles.xml", "docProps/core.xml"):
        with pytest.raises(DocumentError, match="declares entities"):
            extract(".docx", with_part(plain_word(), name, lambda _: laughs))


def test_an_office_file_nested_too_deeply_is_refused() -> None:
    def deep(part: bytes) -> bytes:
        return part.replace(b"<w:body>", b"<w:body>" + b"<w:sdt><w:sdtContent>" * 30_000)

    with pytest.raises(DocumentError):
        extract(".docx", with_part(plain_word(), "word/document.xml", deep))


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    link = b'<Relationship Id="r9" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image" '
    link += b'Target="http://example.com/x.png" TargetMode="External"/></Relationships>'

    def build(document: Any) -> None:
        document.add_paragraph(WORDS)

    raw = with_part(word(build), "word/_rels/document.xml.rels", lambda part: part.replace(b"</Relationships>", link))
    assert extract(".docx", raw).text == WORDS
    page = f"<link rel=stylesheet href=http://example.com/a.css><img src=http://example.com/x.png><p>{WORDS}"
    assert extract(".html", page.encode()).text == WORDS


def test_every_ending_has_its_reader() -> None:
    texts = {".md", ".markdown", ".txt", ".text", ".html", ".htm", ".xhtml", ".csv", ".tsv"}
    assert texts < SUFFIXES
    for suffix in SUFFIXES - {".srt", ".vtt"}:
        if suffix in texts:
            assert "ferry" in extract(suffix, WORDS.encode()).text
            continue
        with pytest.raises(DocumentError, match="is not a"):
            extract(suffix, WORDS.encode())


def test_libraries_of_a_format_are_loaded_with_its_first_file() -> None:
    code = (
        "import sys; from allotment.documents._extract import extract; extract('.md', b'# a');"
        "print([m for m in ('lxml', 'mammoth', 'openpyxl', 'pptx', 'pypdfium2', 'nbformat') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"

"""E-mails."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from made_files import WORDS, check_structure

from allotment.documents._blocks import Extracted
from allotment.documents._extract import extract
from allotment.errors import DocumentError


def read(raw: bytes) -> Extracted:
    document = extract(".eml", raw)
    check_structure(document)
    return document


def message(text: str = WORDS, subject: str = "Příjezd") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Anna <anna@example.com>", "all@example.com", subject
    made["Date"] = "Mon, 01 Jan 2024 10:00:00 +0100"
    made.set_content(text)
    return made


def test_subject_sender_date_and_text_are_read() -> None:
    document = read(message().as_bytes())
    assert document.text == (
        "# Příjezd\n\nFrom: Anna <anna@example.com>\nTo: all@example.com\n"
        f"Date: Mon, 01 Jan 2024 10:00:00 +0100\n\n{WORDS}"
    )


@pytest.mark.parametrize("encoding", ["iso-8859-2", "windows-1250", "utf-8"])
def test_the_text_is_read_in_its_declared_encoding(encoding: str) -> None:
    made = EmailMessage()
    made["Subject"] = "x"
    made.set_content("Žluť", charset=encoding, cte="8bit")
    assert read(made.as_bytes()).text.endswith("Žluť")


def test_plain_text_is_preferred_and_html_is_read_where_there_is_no_other() -> None:
    both = message("Plain words")
    both.add_alternative("<h1>Rich</h1><script>x()</script>", subtype="html")
    assert "Rich" not in read(both.as_bytes()).text
    only = message("")
    only.add_alternative("<p>Rich</p><table><tr><td>a<td>b<tr><td>1<td>2</table>", subtype="html")
    assert read(only.as_bytes()).text.endswith("Rich\n\n| a | b |\n| --- | --- |\n| 1 | 2 |")


def test_attachments_are_named_and_not_opened() -> None:
    made = message()
    made.add_attachment(b"%PDF-secret", maintype="application", subtype="pdf", filename="cena č. 1.pdf")
    document = read(made.as_bytes())
    assert document.text.endswith("Attachment: cena č. 1.pdf") and "secret" not in document.text
    assert document.notes == ("attachment cena č. 1.pdf was not read; save it as a file of its own",)


def test_a_message_inside_a_message_is_a_part_of_its_own() -> None:
    made = message("Look at this.", "Fwd")
    made.add_attachment(message(WORDS, "Inner"))
    document = read(made.as_bytes())
    assert [block.title for block in document.blocks if block.kind == "heading"] == ["Fwd", "Inner"]
    assert [(mark.unit, mark.number) for mark in document.marks] == [("part", 1), ("part", 2)]
    assert document.text.endswith(WORDS)


def test_a_bomb_of_parts_is_refused() -> None:
    many = b"From: a@example.com\nContent-Type: multipart/mixed; boundary=B\n\n" + b"--B\n\nx\n" * 5000 + b"--B--\n"
    deep = message()
    for _ in range(15):
        outer = message("x")
        outer.add_attachment(deep)
        deep = outer
    for raw in (many, deep.as_bytes()):
        with pytest.raises(DocumentError, match="more parts"):
            extract(".eml", raw)
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=B%d\n\n--B%d\n" % (n, n) for n in range(5000))
    with pytest.raises(DocumentError):
        extract(".eml", b"From: a@example.com\n" + nested)


def test_what_is_no_email_is_refused() -> None:
    with pytest.raises(DocumentError, match="not an e-mail"):
        extract(".eml", WORDS.encode())

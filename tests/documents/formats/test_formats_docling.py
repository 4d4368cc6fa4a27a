"""The optional reader."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from made_files import WORDS, check_structure, plain_pdf, plain_word

from allotment.documents._extract import extract
from allotment.errors import DocumentError, MissingPartError


def test_what_docling_is_not_asked_for_is_read_as_ever() -> None:
    assert extract(".md", WORDS.encode(), docling=True) == extract(".md", WORDS.encode())


def test_a_file_of_another_kind_is_refused_before_docling_sees_it() -> None:
    with pytest.raises(DocumentError, match="is a PDF"):
        extract(".docx", plain_pdf(), docling=True)


@pytest.mark.skipif(find_spec("docling") is not None, reason="docling is installed")
def test_without_docling_the_remedy_names_the_extra() -> None:
    with pytest.raises(MissingPartError) as missing:
        extract(".docx", plain_word(), docling=True)
    assert "allotment[docling]" in missing.value.remedy


@pytest.mark.skipif(find_spec("docling") is None, reason="docling is not installed")
@pytest.mark.filterwarnings("ignore")
def test_docling_reads_a_word_document_into_exact_blocks() -> None:
    document = extract(".docx", plain_word(), docling=True)
    check_structure(document)
    assert WORDS in document.text and {"heading", "table"} <= {block.kind for block in document.blocks}

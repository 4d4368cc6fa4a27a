"""Text files: encodings, Markdown's pieces, notebooks, tables of values."""

from __future__ import annotations

import codecs
import json

import pytest
from made_files import WORDS, check_structure

from allotment.documents._blocks import Block
from allotment.documents._extract import extract
from allotment.errors import DocumentError

CZECH = (
    "Směrnice o cestovních náhradách platí od prvního ledna. Účtenky odevzdejte do pěti dnů, šéf je podepíše a "
    "žádost se vrátí. Příliš žluťoučký kůň úpěl ďábelské ódy."
)
CZECH_SHORT = "Účtenky odevzdejte do pěti dnů a šéf je podepíše."
SLOVAK = (
    "Každý zamestnanec môže požiadať o voľno, ktoré mu vedúci schváli do piatich dní. Žiadosť sa podáva na tlačive "
    "a musí byť podpísaná. Ľudia to často zabúdajú."
)
GERMAN = "Die Öffnungszeiten sind für alle gleich, und die Straße ist für den Verkehr nicht größer geworden."
FRENCH = "Le café est fermé à midi ; les élèves sont où ils veulent, et la fenêtre est très grande dans une pièce."
POLISH = "Pracownik składa wniosek o urlop, który przełożony zatwierdza w ciągu pięciu dni, i to jest już wszystko."


def piece_texts(suffix: str, text: str, number: int = 0) -> list[str]:
    document = extract(suffix, text.encode("utf-8"))
    check_structure(document)
    return [document.text[start:end] for start, end in document.blocks[number].pieces]


@pytest.mark.parametrize("text", [CZECH, CZECH_SHORT, SLOVAK, POLISH])
@pytest.mark.parametrize("encoding", ["cp1250", "iso8859-2", "cp852", "utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("suffix", [".txt", ".md", ".html", ".csv"])
def test_central_european_text_is_read_letter_for_letter(text: str, encoding: str, suffix: str) -> None:
    read = extract(suffix, text.encode(encoding)).text
    assert text in read or all(part.strip() in read for part in text.split(","))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "cp1252"),
        (GERMAN, "latin-1"),
        (FRENCH, "cp1252"),
        ("„" + CZECH + "“ – …", "cp1250"),
        (CZECH * 3000, "cp1250"),
    ],
)
def test_windows_punctuation_and_western_text_are_read(text: str, encoding: str) -> None:
    assert extract(".txt", text.encode(encoding)).text == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Все сотрудники имеют право на отпуск согласно закону. " * 4, "cp1251"),
        ("これは日本語の文章です。会議は明日です。" * 4, "shift_jis"),
    ],
)
def test_other_scripts_are_read_where_the_detector_is_sure(text: str, encoding: str) -> None:
    assert extract(".txt", text.encode(encoding)).text == text


@pytest.mark.parametrize(
    "raw",
    [
        "élève modèle".encode("cp1252"),
        b"\xe8\xe1\xfd\xf8 \xf9\xfa",
        bytes(range(128, 256)) * 3,
        b"abc \x81\x8d\x8f",
    ],
)
def test_an_uncertain_encoding_is_refused_with_what_would_help(raw: bytes) -> None:
    with pytest.raises(DocumentError, match="save it as UTF-8"):
        extract(".txt", raw)


@pytest.mark.parametrize(
    "raw", [codecs.BOM_UTF8 + b"a\xff", codecs.BOM_UTF16_LE + b"\x00\xd8ab", codecs.BOM_UTF32_BE + b"abcdef"]
)
def test_a_byte_order_mark_that_lies_is_refused(raw: bytes) -> None:
    with pytest.raises(DocumentError, match="begins with the mark of"):
        extract(".txt", raw)


def test_nul_characters_and_utf16_without_a_mark_are_refused() -> None:
    for raw in (b"some text\0more", CZECH.encode("utf-16-le")):
        with pytest.raises(DocumentError, match="NUL characters"):
            extract(".txt", raw)


def test_a_page_is_read_in_the_encoding_it_declares() -> None:
    odd = "<html><head><meta charset='windows-1251'><body><p>Да"
    assert extract(".html", odd.encode("cp1251")).text == "Да"
    declared = "<?xml version='1.0' encoding='iso-8859-1'?><html><body><p>Ä"
    assert extract(".xhtml", declared.encode("latin-1")).text == "Ä"


@pytest.mark.parametrize("name", ["utf-7", "hex", "unicode_escape", "no-such", "idna"])
def test_an_encoding_that_is_none_of_text_is_not_believed(name: str) -> None:
    raw = f"<meta charset={name}>".encode() + CZECH.encode("cp1250")
    assert CZECH in extract(".html", raw).text


def test_pieces_of_a_table_are_its_rows_and_the_first_has_the_header() -> None:
    pieces = piece_texts(".md", "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n")
    assert pieces == ["| a | b |\n|---|---|\n| 1 | 2 |", "| 3 | 4 |"]
    assert extract(".md", b"| a |\n|---|\n| 1 |\n").blocks[0].header == "| a |\n|---|"


def test_pieces_of_code_end_at_empty_lines_and_keep_its_fences() -> None:
    assert piece_texts(".md", "```py\na = 1\nb = 2\n\n\nc = 3\n```\n") == ["```py\na = 1\nb = 2", "c = 3\n```"]
    long = piece_texts(".md", "```\n" + "x = 1\n" * 200 + "```\n")
    assert len(long) > 3 and sum(piece.count("x = 1") for piece in long) == 200


def test_pieces_of_a_list_are_its_items_and_a_long_item_has_finer_ones() -> None:
    assert piece_texts(".md", "- one\n- two\n  - inner\n") == ["- one", "- two\n  - inner"]
    code = "  ```\n  a. B. C.\n  ```"
    long = piece_texts(".md", f"- {WORDS} {WORDS}\n\n{code}\n\n  - inner one\n  - {WORDS * 12}\n- last\n")
    assert long[0] == f"- {WORDS}" and code.strip() in [piece.strip() for piece in long] and long[-1] == "- last"
    assert "- inner one" in [piece.strip() for piece in long]


def test_headings_resolve_links_that_are_defined_below() -> None:
    assert extract(".md", b"# See [the page][p]\n\n[p]: http://example.com\n").blocks[0].title == "See the page"


@pytest.mark.parametrize("text", ["[" * 20_000, "> " * 3000 + "x", "*a " * 20_000, "- " * 3000 + "x", "`" * 30_000])
def test_markdown_made_to_be_slow_is_read_in_time(text: str) -> None:
    check_structure(extract(".md", (text + "\n").encode()))


def test_a_table_of_values_is_read_by_the_delimiter_that_gives_even_rows() -> None:
    text = 'Zboží;Cena\n"káva; velká";1,50\nčaj;2,00\n'
    assert extract(".csv", text.encode("cp1250")).text.split("\n")[2:] == ["| káva; velká | 1,50 |", "| čaj | 2,00 |"]
    assert extract(".tsv", b"a\tb\n1\t2\n").text == "| a | b |\n| --- | --- |\n| 1 | 2 |"
    assert extract(".csv", b"sep=|\na|b\n1|2\n").text.startswith("| a | b |")


def test_cells_keep_bars_and_line_breaks_inside_their_row() -> None:
    document = extract(".csv", b'a,b\n"x|y","two\nlines"\n,\n')
    assert document.text == "| a | b |\n| --- | --- |\n| x\\|y | two lines |"
    assert [block.kind for block in document.blocks] == ["table"]


def test_a_quotation_that_is_never_closed_is_refused() -> None:
    with pytest.raises(DocumentError, match="quotation mark that is not closed"):
        extract(".csv", b'a,b\n"open,1\n2,3\n')


def test_rows_that_would_fill_memory_are_refused() -> None:
    with pytest.raises(DocumentError, match="split it"):
        extract(".csv", b"a,b\n" * 50_000 + b"x," * 50_000)


def notebook(**changes: object) -> bytes:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "\n", WORDS]},
        {"cell_type": "code", "metadata": {}, "source": "a = '```'", "outputs": [], "execution_count": None},
    ]
    whole = {"nbformat": 4, "nbformat_minor": 4, "metadata": {"language_info": {"name": "python"}}, "cells": cells}
    return json.dumps({**whole, **changes}).encode()


def test_a_notebook_is_its_prose_and_its_code_without_outputs() -> None:
    document = extract(".ipynb", notebook())
    check_structure(document)
    assert document.text == f"# Title\n\n{WORDS}\n\n````python\na = '```'\n````"
    assert [block.kind for block in document.blocks] == ["heading", "prose", "code"]


def test_a_notebook_of_format_three_is_brought_up_to_date() -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "metadata": {}, "source": "Title"},
        {
            "cell_type": "code",
            "language": "python",
            "metadata": {},
            "input": "a = 1",
            "outputs": [],
            "collapsed": False,
        },
    ]
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [{"cells": cells, "metadata": {}}],
    }
    document = extract(".ipynb", json.dumps(old).encode())
    assert document.text.startswith("## Title") and "a = 1" in document.text


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b"{}",
        b"[]",
        b'{"nbformat": 4}',
        b'{"nbformat": 9, "cells": []}',
        notebook(cells=[{"cell_type": "markdown", "metadata": {}, "source": 5}]),
        notebook(cells={"a": 1}),
        notebook(metadata=[]),
    ],
)
def test_what_is_no_notebook_is_refused(raw: bytes) -> None:
    with pytest.raises(DocumentError, match="notebook"):
        extract(".ipynb", raw)


def test_half_of_a_surrogate_pair_does_not_get_into_the_text() -> None:
    raw = notebook().replace(b"ferry", b"fe\\ud800ry\\u0000")
    check_structure(extract(".ipynb", raw))


def test_front_matter_of_a_notebook_and_its_metadata_narrow_the_readers_together() -> None:
    first = {"cell_type": "markdown", "metadata": {}, "source": "---\nreaders: [a, b]\n---\nText"}
    document = extract(".ipynb", notebook(cells=[first], metadata={"readers": ["b", "c"]}))
    assert document.readers == {"b"}
    with pytest.raises(DocumentError, match="no role in common"):
        extract(".ipynb", notebook(cells=[first], metadata={"readers": ["c"]}))


def test_paragraphs_of_plain_text_are_blocks_whatever_marks_they_have() -> None:
    blocks = extract(".txt", b"# no heading\nsame\n\n- no list\n").blocks
    assert [block.kind for block in blocks] == ["prose", "prose"]
    assert isinstance(blocks[0], Block)

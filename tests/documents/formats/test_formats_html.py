"""Web pages."""

from __future__ import annotations

import pytest
from made_files import WORDS, check_structure

from allotment.documents._blocks import Extracted
from allotment.documents._extract import extract
from allotment.errors import DocumentError


def page(text: str) -> Extracted:
    document = extract(".html", text.encode("utf-8"))
    check_structure(document)
    return document


def test_scripts_styles_navigation_and_hidden_parts_are_left_out() -> None:
    hidden = [
        "<script>alert('x')</script>",
        "<style>p {color: red}</style>",
        "<nav><a href=/>Home x</a></nav>",
        "<p hidden>x</p>",
        "<div style='color:red; DISPLAY : none'><p>x<p>x</div>",
        "<span style='visibility:hidden'>x</span>",
        "<div aria-hidden=true><ul><li>x</ul></div>",
        "<div role=navigation>x</div>",
        "<template><p>x</p></template>",
        "<noscript>x</noscript>",
        "<select><option>x</select>",
        "<textarea>x</textarea>",
        "<footer>x</footer>",
        "<!-- x -->",
        "<svg><text>x</text></svg>",
    ]
    assert page(f"<body><p>a</p>{''.join(hidden)}<p>b</p>").text == "a\n\nb"


def test_headings_lists_tables_and_code_are_kept() -> None:
    document = page(
        "<title>Not used</title><h1>Top <b>bold</b></h1><p>One<br>two   three</p>"
        "<ol start=3><li>c<ul><li>inner</ul><li><p>d</p><p>more</p></ol>"
        "<pre><code class='language-python'>\ndef f():\n    return 1\n</code></pre>"
        "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2|3</td></tr></table>"
    )
    assert document.text == (
        "# Top bold\n\nOne\ntwo three\n\n3. c\n  - inner\n4. d\n   more\n\n"
        "```python\ndef f():\n    return 1\n```\n\n| a | b |\n| --- | --- |\n| 1 | 2\\|3 |"
    )
    assert [block.kind for block in document.blocks] == ["heading", "prose", "list", "code", "table"]


def test_the_title_is_the_first_heading_where_there_is_no_other() -> None:
    assert page("<title>Rules &amp; more</title><h2>Part</h2><p>a").text == "# Rules & more\n\n## Part\n\na"


def test_words_that_look_like_markdown_stay_what_they_are() -> None:
    document = page("<p># not a heading</p><p>- no list</p><h2>List&lt;int&gt; and C#</h2><p>| no | table |</p>")
    assert [block.kind for block in document.blocks] == ["prose", "prose", "heading", "prose"]
    assert document.blocks[2].title == "List<int> and C#"


def test_cells_over_several_rows_stand_in_each_and_over_columns_in_the_first() -> None:
    text = page("<table><tr><td>a<td>b<td>c<tr><td rowspan=2>x<td colspan=2>y<tr><td>z<td>w</table>").text
    assert text.split("\n")[2:] == ["| x | y |  |", "| x | z | w |"]


def test_a_table_that_only_arranges_the_page_is_no_table() -> None:
    document = page("<table><tr><td><h2>News</h2><p>One</p><td><table><tr><td>a<td>b<tr><td>1<td>2</table></table>")
    assert [block.kind for block in document.blocks] == ["heading", "prose", "table"]


def test_code_and_tables_inside_a_list_end_it_and_stay_in_order() -> None:
    document = page("<ul><li>a<pre>x = 1</pre>b<li>c</ul>")
    assert [block.kind for block in document.blocks] == ["list", "code", "list"]


def test_readers_are_taken_from_the_meta_element() -> None:
    assert page("<meta name=Readers content='boss, staff'><p>a").readers == {"boss", "staff"}
    assert page("<p>a").readers is None
    assert page("---\nreaders: [boss]\n---\n<meta name=readers content='boss, staff'><p>a").readers == {"boss"}


@pytest.mark.parametrize(
    "text",
    [
        "<meta name=readers>",
        "<meta name=readers content=' '>",
        "<meta name=readers content='a,,b'>",
        "<meta name=readers content=a><meta name=READERS content=a>",
        "---\nreaders: [b]\n---\n<meta name=readers content=a>",
    ],
)
def test_readers_that_could_be_misread_are_refused(text: str) -> None:
    with pytest.raises(DocumentError, match=r"readers|role in common"):
        page(text + "<p>text")


@pytest.mark.parametrize("tag", ["div", "b", "ul><li", "table><tr><td", "blockquote", "span hidden"])
def test_a_page_nested_two_hundred_thousand_deep_is_read(tag: str) -> None:
    assert page(f"<p>{WORDS}</p>" + f"<{tag}>" * 200_000 + "end").text.startswith(WORDS)


def test_a_large_page_is_read_in_bounded_time() -> None:
    text = f"<p>{WORDS}</p>\n<table><tr><td>1<td>2</table><script>var x = '{'y' * 500}'</script>" * 4000
    assert len(page(text).blocks) == 8000


def test_entities_of_a_document_type_are_not_expanded() -> None:
    text = '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY a "aaaa">]><html><body><p>1 &x; &a; 2'
    assert "root:" not in page(text).text


def test_broken_markup_loses_no_words() -> None:
    expected = ["one", "two", "three", "four", "six", "seven", "eight", "nine", "ten"]
    words = page(
        "<p>one <b>two <i>three</p> four</b> <<five> six < seven & eight &bogus; <table><td>nine</div>ten"
    ).text
    assert [word for word in expected if word not in words] == []

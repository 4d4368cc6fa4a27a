"""Which part of a schema a question is about, and which columns join it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sql_parts import card, grant_of, no_rows, table

from allotment.agents.sql._keys import join_keys, path, references
from allotment.agents.sql._link import link
from allotment.agents.sql._prompt import messages
from allotment.agents.sql._values import match_values, phrases
from allotment.agents.sql._vocabulary import likeness
from allotment.databases import Databases, Key, SchemaCard, Table
from allotment.project import Project

FILLER = "id integer, one text, two text, three text, four text, five text, six text, seven text"
LIBRARY = card(
    table("author", "aid integer, name text"),
    table("writes", "aid integer, pid integer"),
    table("paper", "pid integer, title text, year integer"),
    table("venue", "venue_id integer, venue_name text"),
    table("held", "pid integer, at_venue integer"),
)


def wide(count: int) -> SchemaCard:
    """The library among many tables that have nothing to do with it."""
    return card(*LIBRARY.tables, *(table(f"unrelated_{number}", FILLER) for number in range(count)))


def names(schema: SchemaCard) -> set[str]:
    return {one.table.name for one in schema.tables}


@pytest.mark.parametrize(
    ("asked", "named", "same"),
    [
        ("customers", "customer", True),
        ("cities", "city", True),
        ("written", "writes", True),
        ("salary", "pay", True),
        ("department", "dept", True),
        ("zákazníků", "zákazník", True),
        ("order", "border", False),
        ("price", "prince", False),
        ("2021", "2020", False),
    ],
)
def test_words_are_one_in_another_inflection_synonym_or_abbreviation(asked: str, named: str, same: bool) -> None:
    assert (likeness(asked, named) > 0) is same


def test_of_thousands_of_tables_those_the_question_is_about_are_chosen_with_what_joins_them() -> None:
    linked = link("Which authors wrote the most papers?", wide(3000), no_rows)
    assert names(linked.card) == {"author", "writes", "paper"}
    assert {(key.table.name, key.far_table.name) for key in linked.card.keys} >= {("author", "writes")}


def test_the_prompt_is_as_short_for_thousands_of_tables_as_for_few() -> None:
    question = "Which authors wrote the most papers?"
    few, many = (messages(question, link(question, wide(count), no_rows)) for count in (8, 3000))
    assert few == many


def test_a_small_schema_is_given_whole() -> None:
    assert names(link("How many authors are there?", LIBRARY, no_rows).card) == names(LIBRARY)


def test_a_wide_table_keeps_keys_names_dates_and_what_the_question_is_about() -> None:
    columns = ", ".join(f"filler_{number} integer" for number in range(60))
    schema = card(table("person", f"id integer, {columns}, person_name text, born date, shoe_size integer"))
    kept = {column.name for column in link("What is the average shoe size?", schema, no_rows).card.tables[0].columns}
    assert {"id", "person_name", "born", "shoe_size"} <= kept
    assert len(kept) <= 20


def test_no_schema_makes_the_prompt_longer_than_a_model_reads() -> None:
    columns = ", ".join(f"{name}_{number} date" for name in ("order", "name", "total") for number in range(300))
    schema = card(*(table(f"order_{number}", f"id integer, {columns}") for number in range(200)))
    question = "Which order has the highest total, of Alfreds, Bolido, Consolidated, Drachenblut, Eastern and Folk?"
    assert sum(len(message.content) for message in messages(question, link(question, schema, no_rows))) < 9000


def test_keys_are_told_by_names_where_none_are_declared() -> None:
    keys = join_keys(LIBRARY)
    pairs = {(key.table.name, key.column, key.far_table.name, key.far_column) for key in keys}
    assert ("author", "aid", "writes", "aid") in pairs
    assert ("held", "at_venue", "venue", "venue_id") in pairs
    assert not any("name" in (key.column, key.far_column) for key in keys)


def test_a_column_refers_to_the_table_whose_rows_it_names() -> None:
    told = references(LIBRARY, join_keys(LIBRARY))
    assert told[Table("public", "writes"), "aid"].far_table.name == "author"
    assert (Table("public", "author"), "aid") not in told


def test_a_declared_key_is_not_doubted() -> None:
    declared = Key(Table("public", "a"), "b_ref", Table("public", "b"), "nr")
    schema = card(
        table("a", "id integer, b_ref integer, nr integer"), table("b", "nr integer, x text"), keys=[declared]
    )
    assert join_keys(schema) == (declared,)


def test_a_path_of_keys_is_a_shortest_one_and_leads_from_its_beginning() -> None:
    steps = path(Table("public", "author"), [Table("public", "paper")], join_keys(LIBRARY))
    assert [(step.table.name, step.far_table.name) for step in steps] == [("author", "writes"), ("writes", "paper")]


@given(st.text(max_size=80))
def test_any_text_can_be_linked(question: str) -> None:
    linked = link(question, LIBRARY, no_rows)
    assert set(linked.unmatched) <= set(linked.asked)


def test_quotations_names_and_codes_are_what_may_stand_in_rows() -> None:
    assert phrases('Which flights of "First Air" go from JFK to San Francisco, and has Anna booked ab12?') == [
        "San Francisco",
        "First Air",
        "Anna",
        "ab12",
        "JFK",
    ]


def test_values_of_the_question_are_found_in_rows_of_the_account_alone(postgres: Databases, northwind: Project) -> None:
    question = "What did Alfreds Futterkiste order, and what goes to Graz and Norway?"
    sales = grant_of(northwind, "northwind_sales", "sales", "sales")
    schema = postgres.schema_card(sales)
    found = match_values(question, schema, schema.tables, lambda sql: postgres.query(sales, sql))
    assert {(match.phrase, match.column) for match in found} >= {
        ("Alfreds Futterkiste", "company_name"),
        ("Graz", "city"),
        ("Norway", "country"),
    }
    warehouse = grant_of(northwind, "northwind_warehouse", "warehouse", "warehouse")
    schema = postgres.schema_card(warehouse)
    found = match_values(question, schema, schema.tables, lambda sql: postgres.query(warehouse, sql))
    assert "Alfreds Futterkiste" not in {match.phrase for match in found}
    assert ("Norway", "ship_country") not in {(match.phrase, match.column) for match in found}
    assert ("Graz", "ship_city") in {(match.phrase, match.column) for match in found}

"""Questions a database account can answer, made from its tables' and columns' names."""

from __future__ import annotations

from collections.abc import Iterator

from allotment.project import AccountConfig, TableGrant

_PLACES = ("country", "city", "region", "state", "postal_code", "address")
_AMOUNTS = (
    "price",
    "freight",
    "quantity",
    "discount",
    "amount",
    "cost",
    "salary",
    "stock",
    "order",
    "level",
    "total",
    "units",
)
_COUNTRIES = ("Germany", "Sweden", "France", "USA", "Austria", "Brazil")


def account_examples(account: AccountConfig) -> list[str]:
    """Questions about each table the account may read: counts, lists, sums, extremes, groups, and places.

    Only names declared for the account are used, so the examples tell nothing the account does not see.
    """
    found: list[str] = []
    for table, grant in sorted(account.tables.items()):
        found.extend(_about_table(table.rsplit(".", 1)[-1], grant))
    return list(dict.fromkeys(found))


def _about_table(table: str, grant: TableGrant) -> Iterator[str]:
    many = _words(table)
    one = _singular(many)
    yield from (
        f"How many {many} are there?",
        f"How many {many} do we have?",
        f"List all {many}",
        f"Show me the {many}",
    )
    yield f"Kolik je {many}?"
    for column in grant.columns:
        yield from _about_column(many, one, _words(column), column)


def _about_column(many: str, one: str, name: str, column: str) -> Iterator[str]:
    if column.endswith("_id"):
        other = _words(column.removesuffix("_id"))
        if other != one:
            yield from (f"How many {many} per {other}?", f"Which {other} has the most {many}?")
        return
    yield f"What is the {name} of the {one}?"
    if column in _PLACES or column.endswith(tuple(f"_{place}" for place in _PLACES)):
        yield from _about_place(many, name)
    elif "date" in column:
        yield from _about_date(many, name, column)
    elif any(word in column for word in _AMOUNTS):
        yield from _about_amount(many, one, name)
    else:
        yield f"List the {name} of all {many}"


def _about_place(many: str, name: str) -> Iterator[str]:
    yield from (f"How many {many} by {name}?", f"Which {name} has the most {many}?")
    if name.endswith("country"):
        for country in _COUNTRIES:
            yield from (f"How many {many} are there in {country}?", f"Which {many} are from {country}?")
            if name != "country":
                verb = _participle(name.removesuffix(" country"))
                yield from (f"How many {many} were {verb} to {country}?", f"How many {many} went to {country}?")


def _about_date(many: str, name: str, column: str) -> Iterator[str]:
    yield from (
        f"What is the latest {name}?",
        f"When was the last of the {many}?",
        f"How many {many} by {name} in 1997?",
    )
    if column.endswith("ed_date"):
        yield from (f"How many {many} were {name.removesuffix(' date')} in 1998?",)
        yield f"How many {many} were not {name.removesuffix(' date')} yet?"


def _about_amount(many: str, one: str, name: str) -> Iterator[str]:
    yield from (f"What is the total {name} of the {many}?", f"What is the average {name} by {one}?")
    yield from (f"Which {one} has the highest {name}?", f"Which {one} has the lowest {name}?", f"Top {many} by {name}")


def _words(name: str) -> str:
    return name.replace("_", " ")


def _singular(name: str) -> str:
    if name.endswith("ies"):
        return name.removesuffix("ies") + "y"
    if name.endswith(("sses", "xes", "ches", "shes")):
        return name.removesuffix("es")
    return name.removesuffix("s") if name.endswith("s") and not name.endswith("ss") else name


def _participle(verb: str) -> str:
    if verb.endswith("e"):
        return f"{verb}d"
    return f"{verb}ped" if verb.endswith("ip") else f"{verb}ed"

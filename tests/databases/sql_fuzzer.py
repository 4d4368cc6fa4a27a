"""Makes SELECTs by a small grammar, and bends statements that are known; the same seed gives the same statements.

Names of what is hidden (columns, tables) stand everywhere a name may stand: as aliases, outputs, WITH queries, columns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

Columns = list[tuple[str, str]]
"""Name and kind of each column: n(umber), t(ext) or d(ate)."""

TABLES: dict[str, Columns] = {
    "orders": [
        ("order_id", "n"),
        ("order_date", "d"),
        ("required_date", "d"),
        ("shipped_date", "d"),
        ("ship_via", "n"),
        ("ship_city", "t"),
        ("ship_country", "t"),
    ],
    "products": [
        ("product_id", "n"),
        ("product_name", "t"),
        ("supplier_id", "n"),
        ("category_id", "n"),
        ("units_in_stock", "n"),
        ("reorder_level", "n"),
    ],
    "suppliers": [("supplier_id", "n"), ("company_name", "t"), ("city", "t"), ("country", "t"), ("phone", "t")],
    "shippers": [("shipper_id", "n"), ("company_name", "t"), ("phone", "t")],
    "readings": [("region", "t"), ("value", "n")],
    "visits": [("region", "t"), ("guide", "t"), ("visitors", "n")],
}
"""What the account may read, as far as the grammar uses it."""
HIDDEN_COLUMNS = [
    "freight",
    "customer_id",
    "ship_name",
    "employee_id",
    "unit_price",
    "homepage",
    "fax",
    "ctid",
    "canary",
]
HIDDEN_TABLES = ["customers", "employees", "secrets", "all_orders", "readings_south", "pg_roles", "pg_class"]
ALIASES = ["o", "p", "x", "y", "orders", "products", "suppliers", *HIDDEN_COLUMNS[:6], *HIDDEN_TABLES[:3], "order_id"]
TEXTS = ["'Germany'", "'Sweden'", "'a%'", "'canary%'", r"'\'", r"E'\\'", "'o''hare'", "$$x$$", "''", "'München'"]

ORDINARY = [
    "SELECT count(*) FROM orders WHERE ship_country = 'Germany'",
    "SELECT ship_city, count(*) AS n FROM orders GROUP BY ship_city ORDER BY n DESC LIMIT 5",
    "SELECT p.product_name, s.phone FROM products p JOIN suppliers s USING (supplier_id) WHERE s.country = 'Italy'",
    "SELECT s.country, sum(p.units_in_stock) FROM suppliers s LEFT JOIN products p ON p.supplier_id = s.supplier_id"
    " GROUP BY s.country HAVING sum(p.units_in_stock) > 100",
    "WITH late AS (SELECT shipped_date - required_date AS days FROM orders WHERE shipped_date > required_date)"
    " SELECT max(days), avg(days)::numeric(10, 2) FROM late",
    "SELECT to_char(order_date, 'YYYY-MM') AS month, count(*) FROM orders GROUP BY month ORDER BY month",
    "SELECT extract(year FROM order_date) AS y, count(*) FILTER (WHERE shipped_date IS NULL) FROM orders GROUP BY 1",
    "SELECT product_name FROM products WHERE units_in_stock < reorder_level AND discontinued = 0",
    "SELECT phone FROM suppliers WHERE supplier_id NOT IN (SELECT supplier_id FROM products WHERE discontinued = 1)",
    "SELECT product_name, rank() OVER (PARTITION BY category_id ORDER BY units_in_stock DESC) FROM products",
    "SELECT city FROM suppliers UNION SELECT ship_city FROM orders ORDER BY city",
    "SELECT x.n FROM (SELECT ship_via, count(*) AS n FROM orders GROUP BY ship_via) x JOIN shippers h ON"
    " h.shipper_id = x.ship_via WHERE h.phone LIKE '(503)%'",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY units_in_stock) FROM products",
    "SELECT CASE WHEN units_in_stock = 0 THEN 'none' ELSE 'some' END AS stock, count(*) FROM products GROUP BY stock",
    "SELECT region, sum(visitors) FROM visits WHERE guide <> 'Bob' GROUP BY region",
    "SELECT DISTINCT ON (ship_country) ship_country, order_id FROM orders ORDER BY ship_country, order_date DESC",
]
"""Questions as a warehouse asks them."""


@dataclass
class _Level:
    """One SELECT while it is made: FROM items by name."""

    sources: dict[str, Columns] = field(default_factory=dict)


class Grammar:
    """Makes statements; ``hidden`` is the share of names that are taken from what is hidden."""

    def __init__(self, random: Random, hidden: float = 0.03) -> None:
        self._random = random
        self._hidden = hidden

    def statement(self) -> str:
        """One SELECT, with WITH queries now and then."""
        queries: dict[str, Columns] = {}
        texts = []
        for _ in range(self._random.choice([0, 0, 0, 1, 2])):
            name = self._random.choice(ALIASES)
            text, columns = self._select([], queries, 2)
            texts.append(f"{name} AS ({text})")
            queries = {**queries, name: columns}
        text, _ = self._select([], queries, 3)
        return f"WITH {', '.join(texts)} {text}" if texts else text

    def _some(self, chance: float) -> bool:
        return self._random.random() < chance

    def _select(self, outer: list[_Level], queries: dict[str, Columns], depth: int) -> tuple[str, Columns]:
        if depth > 0 and self._some(0.08):
            return self._set_operation(outer, queries, depth)
        level = _Level()
        levels = [level, *outer]
        source = self._from(level, outer, queries, depth)
        grouped = self._some(0.35)
        outputs: Columns = []
        targets, key = [], ""
        if not grouped and self._some(0.1):
            targets.append(self._random.choice(["*", f"{next(iter(level.sources))}.*"]))
        for place in range(self._random.randint(1, 3)):
            kind = self._random.choice("nntd")
            if grouped and place > 0:
                text, kind = self._aggregate(levels, queries, depth)
            else:
                text = self._expression(kind, levels, queries, depth)
            name = self._random.choice(ALIASES)
            named = self._some(0.7)
            targets.append(f"{text} AS {name}" if named else text)
            if named:
                outputs.append((name, kind))
            if place == 0:
                key = self._random.choice(["1", name if named else "1", text, f"ROLLUP ({text})", f"1, {text}"])
        parts = [f"SELECT {'DISTINCT ' if self._some(0.1) else ''}{', '.join(targets)} FROM {source}"]
        if self._some(0.5):
            parts.append(f"WHERE {self._condition(levels, queries, depth)}")
        if grouped:
            parts.append(f"GROUP BY {key}")
        if self._some(0.25):
            name = self._random.choice(outputs)[0] if outputs and self._some(0.6) else self._column("n", levels)
            parts.append(f"ORDER BY {name}{self._random.choice(['', ' DESC', ' NULLS FIRST'])}")
        if self._some(0.04):
            parts.append(f"LIMIT {self._random.randint(0, 20)}")
        return " ".join(parts), outputs or [("order_id", "n")]

    def _set_operation(self, outer: list[_Level], queries: dict[str, Columns], depth: int) -> tuple[str, Columns]:
        left, columns = self._select(outer, queries, depth - 1)
        right, _ = self._select(outer, queries, depth - 1)
        word = self._random.choice(["UNION", "UNION ALL", "INTERSECT", "EXCEPT"])
        return f"({left}) {word} ({right})", columns

    # FROM

    def _from(self, level: _Level, outer: list[_Level], queries: dict[str, Columns], depth: int) -> str:
        text = self._item(level, outer, queries, depth)
        for _ in range(self._random.choice([0, 0, 0, 1, 1, 2])):
            left = {name for columns in level.sources.values() for name, _ in columns}
            other = self._item(level, outer, queries, depth)
            common = sorted(left & {name for name, _ in list(level.sources.values())[-1]})
            join = self._random.choice(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
            if self._some(self._hidden):
                common = HIDDEN_COLUMNS
            if common and (join != "FULL JOIN" or self._some(0.1)) and self._some(0.5):
                text = f"{text} {join} {other} USING ({self._random.choice(common)})"
            elif self._some(0.2):
                text = f"{text}, {other}"
            else:
                text = f"{text} {join} {other} ON {self._column('n', [level])} = {self._column('n', [level])}"
        return text

    def _item(self, level: _Level, outer: list[_Level], queries: dict[str, Columns], depth: int) -> str:
        free = [name for name in ALIASES if name not in level.sources]
        alias = self._random.choice(ALIASES if self._some(0.02) else free)
        if depth > 0 and self._some(0.2):
            text, columns = self._select(outer, queries, depth - 1)
            level.sources[alias] = columns
            return f"({text}) AS {alias}"
        if queries and self._some(0.5):
            name = self._random.choice(list(queries))
            level.sources[alias] = queries[name]
            return f"{name} AS {alias}"
        if self._some(self._hidden):
            level.sources[alias] = [(self._random.choice(HIDDEN_COLUMNS), "t")]
            return f"{self._random.choice(HIDDEN_TABLES)} {alias}"
        name = self._random.choice(list(TABLES))
        plain = self._some(0.4) and name not in level.sources
        level.sources[name if plain else alias] = TABLES[name]
        prefix = "public." if self._some(0.3) else ""
        return f"{prefix}{name}" if plain else f"{prefix}{name} AS {alias}"

    # expressions

    def _column(self, kind: str, levels: Sequence[_Level]) -> str:
        level = levels[0] if self._some(0.8) else self._random.choice(list(levels))
        source = self._random.choice(list(level.sources))
        if self._some(self._hidden):
            column = self._random.choice([*HIDDEN_COLUMNS, source])
        else:
            fitting = [name for name, of in level.sources[source] if of == kind]
            if not fitting:
                return {"n": "7", "t": self._random.choice(TEXTS), "d": "DATE '1997-01-01'"}[kind]
            column = self._random.choice(fitting)
        return f"{source}.{column}" if self._some(0.75) else column

    def _expression(self, kind: str, levels: list[_Level], queries: dict[str, Columns], depth: int) -> str:
        if depth <= 0 or self._some(0.45):
            return self._column(kind, levels)

        def deeper(of: str) -> str:
            return self._expression(of, levels, queries, depth - 1)

        if self._some(0.1):
            return (
                f"CASE WHEN {self._condition(levels, queries, depth - 1)} THEN {deeper(kind)} ELSE {deeper(kind)} END"
            )
        if self._some(0.1):
            inner = _Level()
            source = self._from(inner, levels, queries, 0)
            column = self._column(kind, [inner, *levels])
            within = [inner, *levels]
            return f"(SELECT max({column}) FROM {source} WHERE {self._condition(within, queries, depth - 2)})"
        if self._some(0.07):
            return f"(SELECT max({self._column(kind, levels)}) FROM {self._random.choice(list(TABLES))})"
        if kind == "n":
            form = self._random.choice(
                ["{n} + {n}", "{n} * 2", "abs({n})", "length({t})", "extract(year FROM {d})", "coalesce({n}, 0)",
                 "({n})::numeric", "nullif({n}, 3)", "round({n}::numeric / 3, 2)", "rank() OVER (ORDER BY {n})",
                 "sum({n}) OVER (PARTITION BY {t})", "{d}::date - DATE '1996-01-01'", "strpos({t}, 'a')"]
            )  # fmt: skip
        elif kind == "t":
            form = self._random.choice(
                ["{t} || {t}", "upper({t})", "left({t}, 3)", "coalesce({t}, '')", "({n})::text",
                 "replace({t}, 'a', 'b')", "to_char({d}, 'YYYY-MM')", "concat({t}, {n})",
                 "regexp_replace({t}, '[aeiou]', '\\&\\&', 'g')"]
            )  # fmt: skip
        else:
            form = self._random.choice(["date_trunc('month', {d})", "{d} + INTERVAL '1 day'", "greatest({d}, {d})"])
        return re.sub(r"\{([ntd])\}", lambda found: deeper(found[1]), form)

    def _aggregate(self, levels: list[_Level], queries: dict[str, Columns], depth: int) -> tuple[str, str]:
        kind = self._random.choice("nntd")
        inner = self._expression(kind, levels, queries, depth - 2)
        form = self._random.choice(["count(*)", "count({0})", "count(DISTINCT {0})", "max({0})", "min({0})"])
        filtered = f" FILTER (WHERE {self._condition(levels, queries, 0)})" if self._some(0.15) else ""
        return form.format(inner) + filtered, "n" if form.startswith("count") else kind

    def _condition(self, levels: list[_Level], queries: dict[str, Columns], depth: int) -> str:
        kind = self._random.choice("ntd")
        left = self._expression(kind, levels, queries, depth - 1)
        if self._some(0.15) and depth > 0:
            query, _ = self._select(levels, queries, depth - 2)
            return self._random.choice([f"EXISTS ({query})", f"NOT EXISTS ({query})", f"{left} IN ({query})"])
        if self._some(0.2):
            two = [self._condition(levels, queries, depth - 1) for _ in range(2)]
            return f"({self._random.choice([' AND ', ' OR ']).join(two)})"
        if kind == "t" and self._some(0.5):
            return f"{left} {self._random.choice(['LIKE', 'ILIKE', '~', '!~', '<>'])} {self._random.choice(TEXTS)}"
        right = self._expression(kind, levels, queries, depth - 2)
        return f"{left} {self._random.choice(['=', '<', '>', '>=', 'IS DISTINCT FROM'])} {right}"


_TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|\w+|\s+|.", re.DOTALL)
_KEYWORDS = re.compile(
    "select|from|where|group|by|order|having|limit|as|on|join|left|right|full|union|all|and|or|not|in|is|null|case|when"
    "|then|else|end|with|over|partition|filter|within|using|distinct|exists|between|like|interval|date|set|create|table"
    "|function|alter|role|grant|to|for|update|delete|insert|into|values|begin|copy|do|desc|asc|explain|show",
    re.IGNORECASE,
)


def bent(random: Random, statements: Sequence[str]) -> str:
    """One of the statements with one to three of its words exchanged, dropped, or joined by part of another."""
    tokens = _TOKEN.findall(random.choice(statements))
    for _ in range(random.randint(1, 3)):
        words = _TOKEN.findall(random.choice(statements)) or [" "]
        pool = [*random.choices(_names(words) or ["x"], k=5), *random.choices(HIDDEN_COLUMNS + HIDDEN_TABLES, k=2)]
        places = [place for place, token in enumerate(tokens) if _is_name(token)] or [0]
        place = random.choice(places)
        change = random.random()
        if change < 0.75:
            tokens[place : place + 1] = [random.choice(pool)]
        elif change < 0.85:
            tokens[place : place + 1] = ["(", *words, ")"]
        elif change < 0.9:
            tokens[place:place] = [random.choice(["(", ")", ",", ".", "*", "-", "||", "select"]), " "]
        elif change < 0.95:
            del tokens[place : place + 2]
        else:
            start = random.randrange(len(words))
            tokens[place:place] = [*words[start : start + random.randint(1, 8)], " "]
    return "".join(tokens)


def _names(words: Sequence[str]) -> list[str]:
    return [word for word in words if _is_name(word)]


def _is_name(token: str) -> bool:
    return token[0].isalpha() and not _KEYWORDS.fullmatch(token)

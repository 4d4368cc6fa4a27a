"""Simple SELECTs over the shop, of every kind the three databases should answer alike."""

from __future__ import annotations

from hypothesis import strategies as st

Text = st.SearchStrategy[str]

_JOINED = "orders AS o LEFT JOIN customers AS c ON c.id = o.customer_id"
_WHOLE = st.sampled_from(["o.id", "o.customer_id", "c.id", "1", "2", "3", "7", "-4", "extract(year from o.day)::int"])
_NUMBER = st.sampled_from(["o.total", "o.weight", "0.5", "2.25", "100"]) | _WHOLE
_TEXT = st.sampled_from(["c.name", "c.country", "c.note", "'Germany'", "'x'", "''", "'50% off_'"])
_DATE = st.sampled_from(["o.day", "date '2024-02-29'", "'2023-12-31'::date", "o.placed::date"])
_TIME = st.sampled_from(["o.placed", "timestamp '2024-03-01 00:00:00'", "o.day::timestamp"])
_PATTERN = st.sampled_from(["'%e%'", "'A%'", "'_e%'", "'%\\_'", "'%50\\%%'", "'É%'", "'%S'", "'germany'"])
_PART = st.sampled_from(["year", "quarter", "month", "day", "dow", "isodow", "doy", "week", "hour", "minute"])
_SPAN = st.sampled_from(["1 day", "3 months", "1 year 2 months", "-2 weeks", "90 minutes", "36 hours"])


def _both(left: Text, signs: list[str], right: Text) -> Text:
    return st.tuples(left, st.sampled_from(signs), right).map(lambda parts: f"({' '.join(parts)})")


def _call(form: str, *parts: Text) -> Text:
    return st.tuples(*parts).map(lambda given: form.format(*given))


def _grow(inner: Text, *more: Text) -> Text:
    return st.one_of(inner, *more)


_WHOLES = st.recursive(
    _WHOLE,
    lambda inner: _grow(
        _both(inner, ["+", "-", "*"], inner),
        _call("({} / nullif({}, 0))", inner, inner),
        _call("({} % nullif({}, 0))", inner, inner),
        _call("abs({})", inner),
        _call("coalesce({}, {})", inner, inner),
        _call("greatest({}, {})", inner, inner),
        _call("length({})", _TEXT),
        _call("position('e' in {})", _TEXT),
        _call("({} - {})", _DATE, _DATE),
        _call("(CASE WHEN {} > 2 THEN {} ELSE {} END)", inner, inner, inner),
    ),
    max_leaves=4,
)
_NUMBERS = st.recursive(
    _NUMBER,
    lambda inner: _grow(
        _both(inner, ["+", "-", "*"], inner),
        _call("({} / nullif({}, 0))", inner, inner),
        _call("({}::numeric / 3)", _WHOLES),
        _call("coalesce({}, {})", inner, inner),
        _call("abs({})", inner),
        _call("{}::int", _NUMBER),
        _call("(- {})", inner),
        _WHOLES,
    ),
    max_leaves=4,
)
_TEXTS = st.recursive(
    _TEXT,
    lambda inner: _grow(
        _both(inner, ["||"], inner),
        *(_call(form, inner) for form in ("lower({})", "upper({})", "left({}, 3)", "right({}, 2)", "left({}, -1)")),
        *(_call(form, inner) for form in ("trim({})", "reverse({})", "substring({} from 2 for 3)", "concat({}, 'é')")),
        _call("split_part({}, ' ', 1)", inner),
        _call("coalesce({}, {})", inner, inner),
        _call("o.id::text"),
        _call("to_char({}, 'YYYY-MM-DD')", _DATE),
    ),
    max_leaves=3,
)
_DATES = _DATE | _call("({} + {})", _DATE, st.sampled_from(["1", "30", "-400", "o.id"])) | _call("({} - 7)", _DATE)
_TIMES = (
    _TIME
    | _call("({} + interval '{}')", _DATES | _TIME, _SPAN)
    | _call("({} - interval '{}')", _TIME, _SPAN)
    | _call("date_trunc('{}', {})", st.sampled_from(["year", "quarter", "month", "week", "day", "hour"]), _TIME)
)
_SIGNS = ["=", "<>", "<", ">", "<=", ">="]
_FACT = st.one_of(
    _both(_NUMBERS, _SIGNS, _NUMBERS),
    _both(_TEXTS, _SIGNS, _TEXTS),
    _both(_DATES, _SIGNS, _DATES | _TIMES | st.just("'2024-02-29'")),
    _both(_TIMES, _SIGNS, _TIMES | _DATES | st.just("'2024-03-01'")),
    _both(_TEXTS, ["LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE"], _PATTERN),
    _call("({} IN ({}, {}))", _WHOLES, _WHOLES, _WHOLES),
    _call("({} NOT IN ('Germany', {}))", _TEXTS, _TEXTS),
    _call("({} BETWEEN {} AND {})", _NUMBERS, _NUMBER, _NUMBER),
    _call("({} BETWEEN '2023-12-31' AND {})", _DATES, _DATES),
    _call("({} IS NULL)", _TEXTS | _NUMBERS | _DATES),
    _call("({} IS DISTINCT FROM {})", _TEXTS, _TEXTS),
    st.sampled_from(["c.vip", "(c.vip IS TRUE)", "(c.vip IS NOT FALSE)", "(c.vip = true)", "true"]),
    _call("EXISTS (SELECT 1 FROM customers WHERE customers.id = {})", _WHOLE),
    _call("({} IN (SELECT customer_id FROM orders WHERE total > {}))", _WHOLE, _NUMBER),
    _call("(extract({} from {}) > 2)", _PART, _TIME),
)
_FACTS = st.recursive(
    _FACT,
    lambda inner: _grow(_both(inner, ["AND", "OR"], inner), _call("(NOT {})", inner), _call("NOT {}", inner)),
    max_leaves=3,
)
_ANY = _NUMBERS | _TEXTS | _DATES | _TIMES | _FACTS
_AGGREGATE = st.one_of(
    st.just("count(*)"),
    _call("count({})", _ANY),
    _call("count(DISTINCT {})", _TEXTS | _WHOLES),
    _call("sum({})", _NUMBERS),
    _call("avg({})", _NUMBERS),
    _call("(sum({}) / count(*))", _WHOLES),
    _call("min({})", _NUMBERS | _DATES),
    _call("max({})", _NUMBERS | _TIMES),
    _call("bool_and({})", _FACTS),
    _call("count(*) FILTER (WHERE {})", _FACTS),
    _call("coalesce(sum({}), 0)", _NUMBERS),
)


@st.composite
def _plain(draw: st.DrawFn) -> str:
    columns = draw(st.lists(_ANY, min_size=1, max_size=3))
    direction = draw(st.sampled_from(["", " DESC", " DESC NULLS LAST", " NULLS FIRST"]))
    limit = draw(st.sampled_from(["", " LIMIT 3", " LIMIT 2 OFFSET 1"]))
    return (
        f"SELECT {', '.join(columns)} FROM {_JOINED} WHERE {draw(_FACTS)} ORDER BY {draw(_NUMBERS)}{direction},"
        f" o.id{limit}"
    )


@st.composite
def _grouped(draw: st.DrawFn) -> str:
    key = draw(_TEXTS | _WHOLES | _DATES | _FACTS)
    columns = draw(st.lists(_AGGREGATE, min_size=1, max_size=2))
    having = draw(st.sampled_from(["", " HAVING count(*) > 1", " HAVING sum(o.total) > 10"]))
    return f"SELECT {key} AS k, {', '.join(columns)} FROM {_JOINED} WHERE {draw(_FACTS)} GROUP BY k{having}"


@st.composite
def _nested(draw: st.DrawFn) -> str:
    inner = f"SELECT o.customer_id AS who, {draw(_AGGREGATE)} AS figure FROM {_JOINED} GROUP BY o.customer_id"
    return draw(
        st.sampled_from(
            [
                f"WITH q AS ({inner}) SELECT count(figure), count(*) FROM q WHERE who > 1",
                f"SELECT name, figure FROM customers LEFT JOIN ({inner}) AS q ON q.who = customers.id",
                f"SELECT who FROM ({inner}) AS q UNION SELECT id FROM customers",
                f"SELECT id FROM customers EXCEPT SELECT who FROM ({inner}) AS q",
                f"SELECT who, row_number() OVER (ORDER BY who DESC), sum(who) OVER (ORDER BY who) FROM ({inner}) AS q",
            ]
        )
    )


@st.composite
def _totals(draw: st.DrawFn) -> str:
    return f"SELECT {', '.join(draw(st.lists(_AGGREGATE, min_size=1, max_size=3)))} FROM {_JOINED} WHERE {draw(_FACTS)}"


SELECTS: Text = _plain() | _grouped() | _totals() | _nested()
"""A statement; those of ``_plain`` give their rows in order."""

"""What a statement may be made of. Whatever is not listed is refused, also what PostgreSQL adds tomorrow."""

from __future__ import annotations

EXPRESSIONS = frozenset(
    {
        "A_Const", "A_Expr", "A_ArrayExpr", "Boolean", "BooleanTest", "BoolExpr", "CaseExpr", "CaseWhen",
        "CoalesceExpr", "ColumnRef", "Float", "FuncCall", "Integer", "MinMaxExpr", "NullTest", "SQLValueFunction",
        "SortBy", "String", "SubLink", "TypeCast", "TypeName", "WindowDef",
    }
)  # fmt: skip
"""Node types of PostgreSQL's own grammar that may stand in an expression."""

FUNCTIONS = frozenset(
    {
        # aggregates
        "avg", "bool_and", "bool_or", "corr", "count", "every", "max", "min", "mode", "percentile_cont",
        "percentile_disc", "stddev", "stddev_pop", "stddev_samp", "string_agg", "array_agg", "sum", "var_pop",
        "var_samp", "variance",
        # windows
        "cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "nth_value", "ntile", "percent_rank",
        "rank", "row_number",
        # numbers
        "abs", "ceil", "ceiling", "div", "exp", "floor", "greatest", "ln", "log", "mod", "power", "round", "sign",
        "sqrt", "trunc", "width_bucket",
        # text
        "ascii", "btrim", "char_length", "character_length", "concat", "concat_ws", "initcap", "left", "length",
        "like_escape", "lower", "ltrim", "position", "reverse", "right", "rtrim", "split_part", "starts_with",
        "strpos", "substr", "substring", "upper",
        # dates and times
        "age", "date_bin", "date_part", "date_trunc", "extract", "isfinite", "justify_days", "justify_hours",
        "justify_interval", "make_date", "make_interval", "make_timestamp", "now", "timezone", "to_char", "to_date",
        "to_number", "to_timestamp",
        # other
        "nullif", "array_length", "cardinality",
    }
)  # fmt: skip
"""Functions by exact name; none reads settings, catalogs or files, takes SQL as text, or makes text much longer."""

TYPES = frozenset(
    {
        "bool", "bpchar", "date", "float4", "float8", "int2", "int4", "int8", "interval", "numeric", "text", "time",
        "timestamp", "timestamptz", "varchar",
    }
)  # fmt: skip
"""Targets of a cast; ``regclass`` and its kin would look names up in the catalog."""

OPERATORS = frozenset(
    {
        "=", "<>", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "||", "~~", "!~~", "~~*", "!~~*", "~", "!~",
        "~*", "!~*", "BETWEEN", "NOT BETWEEN", "BETWEEN SYMMETRIC", "NOT BETWEEN SYMMETRIC",
    }
)  # fmt: skip
"""Operators by bare name."""

SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
"""Columns that count or place rows the account may not see."""

MAX_LENGTH = 8000
"""Longest statement in characters."""
MAX_DEPTH = 60
"""Deepest nesting of the parsed statement."""

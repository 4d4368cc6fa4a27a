"""What a statement may be made of. Whatever is not listed is refused, also what PostgreSQL adds tomorrow."""

from __future__ import annotations

EXPRESSIONS = frozenset(
    {
        "A_ArrayExpr", "A_Const", "A_Expr", "A_Indices", "A_Indirection", "BoolExpr", "Boolean", "BooleanTest",
        "CaseExpr", "CaseWhen", "CoalesceExpr", "ColumnRef", "Float", "FuncCall", "GroupingFunc", "GroupingSet",
        "Integer", "MinMaxExpr", "NamedArgExpr", "NullTest", "RowExpr", "SQLValueFunction", "SortBy", "String",
        "SubLink", "TypeCast", "TypeName", "WindowDef",
    }
)  # fmt: skip
"""Node types of PostgreSQL's own grammar that may stand in an expression."""

FUNCTIONS = frozenset(
    {
        # aggregates
        "array_agg", "avg", "bool_and", "bool_or", "corr", "count", "covar_pop", "covar_samp", "every", "max", "min",
        "mode", "percentile_cont", "percentile_disc", "regr_count", "regr_intercept", "regr_r2", "regr_slope",
        "stddev", "stddev_pop", "stddev_samp", "string_agg", "sum", "var_pop", "var_samp", "variance",
        # windows
        "cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "nth_value", "ntile", "percent_rank",
        "rank", "row_number",
        # numbers
        "abs", "cbrt", "ceil", "ceiling", "degrees", "div", "exp", "floor", "ln", "log", "log10", "mod", "pi", "power",
        "radians", "round", "sign", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sqrt", "trunc",
        "width_bucket",
        # text
        "ascii", "btrim", "char_length", "character_length", "concat", "concat_ws", "initcap", "left", "length",
        "like_escape", "lower", "lpad", "ltrim", "octet_length", "position", "regexp_count", "regexp_like",
        "regexp_match", "regexp_replace", "regexp_substr", "replace", "reverse", "right", "rpad", "rtrim",
        "similar_to_escape", "split_part", "starts_with", "string_to_array", "strpos", "substr", "substring",
        "translate", "upper",
        # dates and times
        "age", "date", "date_bin", "date_part", "date_trunc", "extract", "isfinite", "justify_days", "justify_hours",
        "justify_interval", "make_date", "make_interval", "make_time", "make_timestamp", "now", "overlaps", "timezone",
        "to_char", "to_date", "to_number", "to_timestamp",
        # arrays and JSON, read only
        "array_length", "array_position", "cardinality", "json_array_length", "jsonb_array_length",
    }
)  # fmt: skip
"""Functions by exact name; none reads settings, catalogs or files, takes SQL as text, or gives rows of its own."""

INSTEAD = {
    "curdate": "CURRENT_DATE", "date_add": "date + INTERVAL '1 day'", "dateadd": "date + INTERVAL '1 day'",
    "date_format": "to_char(date, 'YYYY-MM')", "date_sub": "date - INTERVAL '1 day'", "datediff": "date - date",
    "day": "EXTRACT(DAY FROM date)", "getdate": "CURRENT_DATE", "group_concat": "string_agg(text, ', ')",
    "if": "CASE WHEN … THEN … ELSE … END", "ifnull": "COALESCE(a, b)", "iif": "CASE WHEN … THEN … ELSE … END",
    "instr": "strpos(text, part)", "isnull": "COALESCE(a, b)", "julianday": "date - date", "len": "length(text)",
    "median": "percentile_cont(0.5) WITHIN GROUP (ORDER BY x)", "month": "EXTRACT(MONTH FROM date)",
    "nvl": "COALESCE(a, b)", "strftime": "to_char(date, 'YYYY-MM')", "total": "sum(x)",
    "week": "EXTRACT(WEEK FROM date)", "year": "EXTRACT(YEAR FROM date)",
}  # fmt: skip
"""Functions of other databases that are often written → what says the same here."""

JOINING = frozenset({"concat", "concat_ws", "lpad", "rpad"})
"""Functions whose text is about as long as all their arguments together."""
REPLACING = {"replace": 2, "regexp_replace": 2}
"""Functions that put a text in many places; the argument that says which, counted from 0, must be written out."""
PADDING = {"lpad": 1, "rpad": 1}
"""Functions that fill up to a length; the argument that says which must be written out."""

TYPES = frozenset(
    {
        "bool", "bpchar", "date", "float4", "float8", "int2", "int4", "int8", "interval", "json", "jsonb", "numeric",
        "text", "time", "timestamp", "timestamptz", "uuid", "varchar",
    }
)  # fmt: skip
"""Targets of a cast; ``regclass`` and its kin would look names up in the catalog."""

OPERATORS = frozenset(
    {
        "=", "<>", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "^", "||", "~~", "!~~", "~~*", "!~~*", "~",
        "!~", "~*", "!~*", "->", "->>", "#>", "#>>", "@>", "<@", "&&", "BETWEEN", "NOT BETWEEN", "BETWEEN SYMMETRIC",
        "NOT BETWEEN SYMMETRIC",
    }
)  # fmt: skip
"""Operators by bare name."""

SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
"""Columns that count or place rows the account may not see."""

WORDS = {
    "CollateClause": "COLLATE", "ParamRef": "a parameter such as $1", "XmlExpr": "XML", "XmlSerialize": "XML",
    "SetToDefault": "DEFAULT", "BitString": "a bit string", "CurrentOfExpr": "CURRENT OF", "MultiAssignRef": "this",
}  # fmt: skip
"""What people call the node types that are refused most."""

MAX_LENGTH = 8000
"""Longest statement in characters."""
MAX_DEPTH = 60
"""Deepest nesting of the parsed statement."""
MAX_SOURCES = 32
"""Most tables and subqueries in FROM, all parts of the statement together."""
MAX_GROWTH = 1000
"""How many times longer than what is stored a text may become by joining and replacing."""
MAX_NUMBER = 32_767
"""Longest padding and greatest number behind a type, as in ``char(20)``."""
MAX_LETTERS = 100
"""Most letters ``translate`` may exchange."""
MAX_OFFER = 1600
"""Longest list of tables in a refusal, in characters."""

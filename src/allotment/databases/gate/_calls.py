"""Functions, operators and types in a statement: by their bare names, from the lists, with small numbers."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from pglast import ast

from allotment.databases.gate._context import Context
from allotment.databases.gate._lists import (
    FUNCTIONS,
    INSTEAD,
    MAX_LETTERS,
    MAX_NUMBER,
    OPERATORS,
    PADDING,
    REPLACING,
    TYPES,
)


def parts_of(names: Any) -> list[str | None]:
    """A name's parts; none for a star."""
    return [getattr(part, "sval", None) for part in names or ()]


def check_call(node: Any, context: Context) -> int:
    """Check a function call, not its arguments; returns by how much it makes a text longer.

    Raises:
        SqlRefused: the function is not listed, or a length that must be written out is not.
    """
    name = _bare(node.funcname)
    if name not in FUNCTIONS or node.func_variadic:
        raise _no_function(".".join(map(str, parts_of(node.funcname))), context)
    arguments = node.args or ()
    if any(type(argument) is ast.NamedArgExpr for argument in arguments) and name != "make_interval":
        raise context.refusal(f"{name}() takes its arguments without names.", "Write them in order.")
    if name in PADDING:
        length = _constant(arguments, PADDING[name])
        if not isinstance(length, int) or length > MAX_NUMBER:
            raise context.refusal(f"the length in {name}() must be a number up to {MAX_NUMBER}.", "Write the number.")
    if name == "translate":
        # Every letter is looked for among these, and nothing ends the search before it is through.
        letters = _constant(arguments, 1)
        if not isinstance(letters, str) or len(letters) > MAX_LETTERS:
            told = f"the letters in translate() must be written out, {MAX_LETTERS} at most."
            raise context.refusal(told, "Write them in quotes.")
    if name in REPLACING:
        text = _constant(arguments, REPLACING[name])
        if not isinstance(text, str):
            raise context.refusal(f"the new text in {name}() must be written out.", "Write it in quotes.")
        # An empty pattern is found between all letters as well.
        return max(1, len(text) + (name == "regexp_replace"))
    return 1


def check_operator(name: Any, context: Context) -> None:
    """Check an operator; none is fine.

    Raises:
        SqlRefused: it is not listed, or has a schema.
    """
    if name and (len(name) != 1 or name[0].sval not in OPERATORS):
        shown = ".".join(map(str, parts_of(name)))
        allowed = " ".join(sorted(name for name in OPERATORS if not name.isupper()))
        raise context.refusal(f"the operator {shown} is not allowed.", f"Operators are {allowed}.")


def check_type(node: Any, context: Context) -> None:
    """Check the target of a cast.

    Raises:
        SqlRefused: it is not listed, or a number behind it is too great.
    """
    name = _bare(node.names)
    arrays = node.arrayBounds or ()
    if name not in TYPES or node.setof or node.pct_type or len(arrays) > 1:
        shown = ".".join(map(str, parts_of(node.names)))
        raise context.refusal(f"a cast to {shown} is not allowed.", f"Cast to one of {', '.join(sorted(TYPES))}.")
    for modifier in node.typmods or ():
        value = _number(modifier)
        if value is None or value > MAX_NUMBER:
            raise context.refusal(f"the number behind {name} must be written out, up to {MAX_NUMBER}.", "Leave it out.")


def _no_function(shown: str, context: Context) -> Exception:
    name = shown.rpartition(".")[2]
    near = get_close_matches(name, FUNCTIONS, n=3, cutoff=0.7)
    if name in INSTEAD:
        remedy = f"Write {INSTEAD[name]}."
    elif near:
        remedy = f"Did you mean {' or '.join(near)}?"
    else:
        remedy = "Use count, sum, avg, min, max, date_trunc, extract, to_char, lower, round, coalesce, rank and such."
    return context.refusal(f"the function {shown}() is not allowed.", remedy)


def _bare(names: Any) -> str | None:
    """The name without pg_catalog, where the grammar itself puts it; with any other schema, none."""
    parts = parts_of(names)
    if len(parts) == 2 and parts[0] == "pg_catalog":
        parts = parts[1:]
    return parts[0] if len(parts) == 1 else None


def _constant(arguments: Any, place: int) -> int | str | None:
    """What is written at one place of the arguments, if it is written out."""
    if len(arguments) <= place:
        return None
    node = arguments[place]
    value = getattr(node.val, "sval", None) if type(node) is ast.A_Const else None
    return value if value is not None else _number(node)


def _number(node: Any) -> int | None:
    value = node.val if type(node) is ast.A_Const else None
    return value.ival if type(value) is ast.Integer else None

"""A statement in pieces, each with its kind, for the page to colour."""

from __future__ import annotations

from sqlglot import tokenize
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

_PLAIN = frozenset({TokenType.VAR, TokenType.IDENTIFIER})


def coloured(statement: str) -> list[tuple[str, str]]:
    """Pairs of kind (``keyword``, ``string``, ``figure`` or none) and text; together the texts are the statement."""
    try:
        tokens = tokenize(statement, read="postgres")
    except SqlglotError:  # one that was refused may be anything
        return [("", statement)]
    pieces: list[tuple[str, str]] = []
    at = 0
    for token in tokens:
        kind = _kind(token)
        if kind:
            pieces += [("", statement[at : token.start]), (kind, statement[token.start : token.end + 1])]
            at = token.end + 1
    return [piece for piece in (*pieces, ("", statement[at:])) if piece[1]]


def _kind(token: Token) -> str:
    if token.token_type is TokenType.STRING:
        return "string"
    if token.token_type is TokenType.NUMBER:
        return "figure"
    return "keyword" if token.text.replace(" ", "").isalpha() and token.token_type not in _PLAIN else ""

"""Secrets come from files, from standard input or from the environment, where no list of processes shows them."""

from __future__ import annotations

from collections.abc import Iterator

import click
import typer.main

from allotment.cli import app


def options_of(command: click.Command, path: str = "allotment") -> Iterator[tuple[str, click.Parameter]]:
    for parameter in command.params:
        yield path, parameter
    for name, inner in getattr(command, "commands", {}).items():
        yield from options_of(inner, f"{path} {name}")


def test_no_command_takes_a_secret_on_its_line() -> None:
    options = list(options_of(typer.main.get_command(app)))
    assert len(options) > 50
    for path, option in options:
        named = {"password", "secret", "token", "key"} & set(f"{option.name}".split("_"))
        assert not named or getattr(option, "is_flag", False), f"{path} {option.name}"

"""The root of the command line: what every command shares, and where errors become text and exit codes."""

from __future__ import annotations

import functools
import inspect
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from allotment.cli._run import Run, output, to_json
from allotment.errors import AllotmentError, StorageError

INTERRUPTED = 130
USAGE = 2

Command = Callable[..., int | None]

_FOLDER = typer.Option("-C", metavar="DIR", help="Work in the project of this folder.", show_default=False)
_JSON = typer.Option("--json", help="Write one JSON value to stdout and nothing else.")
_DEBUG = typer.Option("--debug", help="Show the traceback of an error.")

app = typer.Typer(
    name="allotment",
    help="A company's documents become small fine-tuned models that answer by role.",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def group(name: str, description: str, parent: typer.Typer = app) -> typer.Typer:
    """A noun: a group of commands under ``parent``."""
    noun = typer.Typer(name=name, help=description, rich_markup_mode=None)
    parent.add_typer(noun)
    return noun


def _version(wanted: bool) -> None:
    if wanted:
        from allotment import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    folder: Annotated[Path | None, _FOLDER] = None,
    as_json: Annotated[bool, _JSON] = False,
    debug: Annotated[bool, _DEBUG] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    context.obj = (folder, as_json)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def command(parent: typer.Typer, name: str, cls: type[TyperCommand] | None = None) -> Callable[[Command], Command]:
    """Register a function as the command ``name``; its first parameter is the ``Run``, the others its options.

    ``-C``, ``--json`` and ``--debug`` are added to it, so that they may stand before or after the command.
    What it returns is the exit code; none is 0.

    Args:
        cls: what the library makes of it, where that is another than usual.
    """

    def register(function: Command) -> Command:
        own = inspect.signature(function, eval_str=True)

        @functools.wraps(function)
        def called(context: typer.Context, project_dir: Path | None, as_json: bool, debug: bool, **options: Any) -> int:
            root_folder, root_json = context.obj or (None, False)
            with output(as_json or root_json) as out:
                run = Run(folder=project_dir or root_folder or Path(), json=as_json or root_json, out=out)
                return function(run, **options) or 0

        del called.__wrapped__
        options = [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in list(own.parameters.values())[1:]]
        signature = inspect.Signature([*options, *_shared()])
        called.__signature__ = signature  # type: ignore[attr-defined]
        called.__annotations__ = {item.name: item.annotation for item in signature.parameters.values()}
        parent.command(name, cls=cls)(called)
        return function

    return register


def _shared() -> list[inspect.Parameter]:
    kind = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter("context", kind, annotation=typer.Context),
        inspect.Parameter("project_dir", kind, annotation=Annotated[Path | None, _FOLDER], default=None),
        inspect.Parameter("as_json", kind, annotation=Annotated[bool, _JSON], default=False),
        inspect.Parameter("debug", kind, annotation=Annotated[bool, _DEBUG], default=False),
    ]


def run_command(arguments: Sequence[str]) -> int:
    """Run one call, as the terminal would, and return its exit code; errors are written, not raised."""
    try:
        outcome = app(args=list(arguments), prog_name="allotment", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except Exception as error:
        return _report(error, arguments)
    if outcome == INTERRUPTED:
        return _interrupted()
    return outcome if isinstance(outcome, int) else 0


def main() -> None:
    """The console entry point."""
    sys.exit(run_command(sys.argv[1:]))


def _interrupted() -> int:
    sys.stderr.write("Interrupted; what is done is kept, and the same command goes on from there.\n")
    return INTERRUPTED


def _report(error: Exception, arguments: Sequence[str]) -> int:
    if "--debug" in arguments:
        traceback.print_exception(error, file=sys.stderr)
    known = _known(error)
    if "--json" in arguments:
        sys.stdout.write(to_json(error_value(error)) + "\n")
    sys.stderr.write(f"Error: {known}\n")
    return known.exit_code


def error_value(error: Exception) -> dict[str, Any]:
    """An error as the JSON value that stands on stdout instead of a result."""
    known = _known(error)
    parts = {"message": known.message, "element": known.element, "remedy": known.remedy}
    return {"error": {"kind": type(error).__name__, **parts, "exit_code": known.exit_code}}


def _known(error: Exception) -> AllotmentError:
    """The error in the form all errors have: message, element, remedy, exit code."""
    if isinstance(error, AllotmentError):
        return error
    if hasattr(error, "format_message"):
        return _usage(error)
    if isinstance(error, OSError):
        return _system(error)
    unexpected = AllotmentError(
        f"something unexpected went wrong: {type(error).__name__}: {error}.",
        remedy="Run it again with --debug to see where, and report it.",
    )
    unexpected.exit_code = 1
    return unexpected


def _usage(error: Any) -> AllotmentError:
    path = error.ctx.command_path if getattr(error, "ctx", None) else "allotment"
    message = error.format_message().strip()
    return AllotmentError(message or "which command?", element=path, remedy=f"See `{path} --help`.")


def _system(error: OSError) -> AllotmentError:
    told, element = f"{error.strerror or error}.", str(error.filename or "")
    if StorageError.is_full(error):
        remedy = "Free some disk space, then run the same command again; what is done is kept."
        return StorageError(told, element=element, remedy=remedy)
    return AllotmentError(told, element=element, remedy="Mend that, then run it again.")

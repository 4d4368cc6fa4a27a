"""The command line: one module per noun, each command one call into the packages."""

from importlib import import_module

from allotment.cli._app import app, main, run_command

__all__ = ["app", "main", "run_command"]

# Importing a noun registers its commands; this is the order of `allotment --help`.
for _noun in (
    "init",
    "check",
    "models",
    "documents",
    "transcripts",
    "dataset",
    "training",
    "experiments",
    "database",
    "guards",
    "routing",
    "feedback",
    "users",
    "_users_keys",
    "ask",
    "serve",
    "audit",
    "evaluate",
    "evaluate_leaks",
    "evaluate_attacks",
    "evaluate_reports",
    "demo",
):
    import_module(f"allotment.cli.{_noun}")

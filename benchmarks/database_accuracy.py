"""How often the tool's rows are right: questions with gold SQL, the bare prompt and ours, one model, one run.

Reads ``../shared/data/sql``, or a folder given, with ``questions.jsonl`` (``question``, ``query``, ``db_name``,
``query_category``) and one SQL file for each database; writes ``benchmarks/results/database_accuracy.json``. Every
question's result is kept in ``--work`` at once, so that a stopped run goes on where it was.

    bare   the whole schema as CREATE TABLE and the question; what the model writes runs as it is, as the owner
    ours   ``ask_database`` on an account that sees all of the database
    plain  without a model: does linking keep what the gold query needs; what is answered on accounts that lack a table
           a question needs, with the gold query in the model's place
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from support.sql_hidden import hidden_outcomes
from support.sql_linking import linking
from support.sql_project import MODEL, grant_for, make_project
from support.sql_results import Row, compare, variants

from allotment.agents import ask_database
from allotment.agents.sql._ask import only_statement
from allotment.databases import Databases, EmbeddedServer, SchemaCard
from allotment.databases._result import to_json
from allotment.models import Engine, Engines, Message, pull
from allotment.project import Project
from allotment.workspace import Workspace, hash_text

DATA = Path(__file__).parents[2] / "shared" / "data" / "sql"
RESULTS = Path(__file__).parent / "results" / "database_accuracy.json"
ARMS = ("bare", "ours")
PLAIN = "plain"
_TIMEOUT_MS = 5000

Question = dict[str, Any]
Outcome = dict[str, Any]


def main() -> None:
    """Run, print the table, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with questions.jsonl and the SQL files")
    parser.add_argument("--work", type=Path, help="folder of the project and of results so far; kept")
    parser.add_argument("--questions", type=int, help="only so many, spread evenly over the databases")
    parser.add_argument("--only", choices=(*ARMS, PLAIN), help="one part; results of others so far count as well")
    parser.add_argument("--instructions", action="store_true", help="add a question's instructions to it, in both arms")
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--no-write", action="store_true", help="leave the results file as it is")
    options = parser.parse_args()
    questions = spread(read(options.data, options.instructions), options.questions)
    with tempfile.TemporaryDirectory() as passing:
        work = options.work or Path(passing)
        project = make_project(work / "project", sorted(options.data.glob("*.sql")))
        plain = measured_plain(questions, project) if options.only in (None, PLAIN) else kept_plain()
        arms = [arm for arm in ARMS if options.only in (None, arm)]
        kept = run(questions, project, work / "outcomes.jsonl", options.model, arms)
        if options.work is None:
            EmbeddedServer(Workspace(project.root)).remove()
    figures = summary(questions, kept, options.model, options.instructions) | plain
    show(figures)
    if not options.no_write:
        RESULTS.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(data: Path, instructions: bool) -> list[Question]:
    """All questions, each with a key of its own."""
    questions = [json.loads(line) for line in (data / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    for question in questions:
        if instructions and question.get("instructions"):
            question["question"] += "\n" + question["instructions"].strip()
        question["key"] = hash_text(f"{question['db_name']}\0{question['question']}")[:16]
    return questions


def spread(questions: list[Question], count: int | None) -> list[Question]:
    """``count`` questions at even distances; they are sorted by database and category already."""
    if count is None or count >= len(questions):
        return questions
    return [questions[round(number * len(questions) / count)] for number in range(count)]


def measured_plain(questions: Sequence[Question], project: Project) -> dict[str, Any]:
    """What needs no model."""
    with Databases(project, Workspace(project.root)) as databases:
        databases.provision()
        linked = linking(questions, project, databases)
        return {"linking": linked, "hidden": hidden_outcomes(questions, project, databases)}


def kept_plain() -> dict[str, Any]:
    """The same as it was measured last; empty if it never was."""
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return {name: found.get(name, {}) for name in ("linking", "hidden")}


def run(
    questions: Sequence[Question], project: Project, ledger: Path, model: str, arms: Sequence[str]
) -> dict[tuple[str, str], Outcome]:
    """Answer what is not answered yet; returns ``(arm, key)`` → outcome."""
    kept = {(line["arm"], line["key"]): line for line in read_ledger(ledger)}
    # One arm after the other: an engine that keeps a prompt's beginning then reads ours once.
    todo = [(question, arm) for arm in arms for question in questions if (arm, question["key"]) not in kept]
    if not todo:
        return kept
    pull(model)
    with Engines(parallel=1) as engines, Databases(project, Workspace(project.root)) as databases:
        databases.provision()
        engine = engines.get(model)
        for number, (question, arm) in enumerate(todo, 1):
            outcome = answer(question, arm, engine, project, databases)
            kept[arm, question["key"]] = outcome
            with ledger.open("a", encoding="utf-8") as file:
                file.write(json.dumps(outcome, ensure_ascii=False) + "\n")
            said = "right" if outcome["right"] else ("wrong" if outcome["runs"] else outcome["ended"])
            print(f"{number}/{len(todo)} {arm} {question['db_name']}: {said} in {outcome['seconds']:.1f} s", flush=True)
    return kept


def read_ledger(ledger: Path) -> Iterable[Outcome]:
    """What is kept, in order; a line that was cut off is asked again."""
    lines = ledger.read_text(encoding="utf-8").splitlines(keepends=True) if ledger.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}\n")]


def answer(question: Question, arm: str, engine: Engine, project: Project, databases: Databases) -> Outcome:
    """Ask one question in one way, and compare."""
    database = question["db_name"]
    begun = time.monotonic()
    asked: Callable[..., Outcome] = bare if arm == "bare" else ours
    got = asked(question["question"], engine, project, databases, database)
    got["seconds"] = round(time.monotonic() - begun, 2)
    rows = got.pop("rows")
    gold = [rows_of(databases.admin_dsn(database), query) for query in variants(question["query"])]
    verdict = compare(gold, rows or [], question["question"], question["query_category"])
    right, exact = (verdict.right, verdict.exact) if rows is not None else (False, False)
    named = {name: question[name] for name in ("key", "db_name", "query_category", "question")}
    return {"arm": arm, **named, "right": right, "exact": exact, "runs": rows is not None, **got}


def bare(question: str, engine: Engine, project: Project, databases: Databases, database: str) -> Outcome:
    """The schema, the question, one statement."""
    card = databases.schema_card(grant_for(project, database))
    prompt = f"{create_tables(card)}\n\nWrite one PostgreSQL query that answers this question: {question}"
    completion = engine.complete([Message("user", prompt)], max_tokens=320)
    statement = only_statement(completion.text)
    rows, error = None, ""
    try:
        rows = rows_of(databases.admin_dsn(database), statement)
    except psycopg.Error as failed:
        error = str(failed).splitlines()[0]
    return {
        "rows": rows,
        "ended": "answered" if rows is not None else "no_statement",
        "sql": statement,
        "statements": [statement],
        "refusals": [error] if error else [],
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
    }


def create_tables(card: SchemaCard) -> str:
    """A schema as its owner would hand it over."""
    lines = []
    for table in card.tables:
        columns = ",\n".join(f"  {column.name} {column.type}" for column in table.columns)
        lines.append(f"CREATE TABLE {table.name} (\n{columns}\n);")
    return "\n".join(lines)


def ours(question: str, engine: Engine, project: Project, databases: Databases, database: str) -> Outcome:
    """The tool."""
    found = ask_database(engine, databases, grant_for(project, database), question)
    return {
        "rows": list(found.result.rows) if found.result else None,
        "ended": found.outcome,
        "sql": found.result.sql if found.result else "",
        "statements": list(found.statements),
        "refusals": list(found.refusals),
        "prompt_tokens": found.prompt_tokens,
        "completion_tokens": found.completion_tokens,
    }


def rows_of(dsn: str, statement: str) -> list[Row]:
    """All rows of a statement as the owner, read-only, in the values the tool has."""
    with psycopg.connect(dsn, options=f"-c statement_timeout={_TIMEOUT_MS}") as connection:
        connection.read_only = True
        cursor = connection.execute(statement.encode())
        return [tuple(to_json(value) for value in row) for row in cursor.fetchall()] if cursor.description else []


def summary(
    questions: Sequence[Question], kept: dict[tuple[str, str], Outcome], model: str, instructions: bool
) -> dict[str, Any]:
    """Shares with their 95 % intervals, over all questions and by database and category."""
    arms = {}
    for arm in ARMS:
        outcomes = [kept[arm, question["key"]] for question in questions if (arm, question["key"]) in kept]
        if outcomes:
            by = {name: sorted({o[name] for o in outcomes}) for name in ("db_name", "query_category")}
            groups = {
                name: {value: shares([o for o in outcomes if o[name] == value]) for value in values}
                for name, values in by.items()
            }
            arms[arm] = shares(outcomes) | {"by_database": groups["db_name"], "by_category": groups["query_category"]}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "model": model,
        "questions": len(questions),
        "with_instructions": instructions,
        "arms": arms,
    }


def shares(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What came of questions; ``right`` allows further columns, ``exact`` does not."""
    count = len(outcomes)
    right = sum(o["right"] for o in outcomes)
    low, high = wilson(right, count)
    return {
        "questions": count,
        "right": right,
        "right_share": round(right / count, 3),
        "right_interval": [round(low, 3), round(high, 3)],
        "exact": sum(o["exact"] for o in outcomes),
        "runs": sum(o["runs"] for o in outcomes),
        "not_here": sum(o["ended"] == "not_here" for o in outcomes),
        "repaired": sum(len(o["statements"]) > 1 for o in outcomes),
        "seconds_median": median(o["seconds"] for o in outcomes),
        "prompt_tokens_mean": round(sum(o["prompt_tokens"] for o in outcomes) / count),
        "completion_tokens_mean": round(sum(o["completion_tokens"] for o in outcomes) / count),
    }


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    share = hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return middle - half, middle + half


def median(values: Iterable[float]) -> float:
    """The middle value, the upper one of two."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def show(figures: dict[str, Any]) -> None:
    """The figures as a table."""
    print(f"{'':12}{'right':>16}{'exact':>7}{'runs':>6}{'not here':>10}{'median s':>10}{'tokens in/out':>15}")
    for arm, found in figures["arms"].items():
        for name, one in ((arm, found), *((f"  {n}", o) for n, o in found["by_database"].items())):
            right = f"{one['right']}/{one['questions']} {one['right_share']:.0%}"
            tokens = f"{one['prompt_tokens_mean']}/{one['completion_tokens_mean']}"
            told = f"{one['exact']:>7}{one['runs']:>6}{one['not_here']:>10}{one['seconds_median']:>10.1f}{tokens:>15}"
            print(f"{name:16}{right:>12}{told}")
    if figures["linking"]:
        print("linking:", ", ".join(f"{name} {value}" for name, value in figures["linking"].items()))
    for name, outcomes in figures["hidden"].items():
        print(f"hidden {name}: {', '.join(f'{count} {outcome}' for outcome, count in outcomes.items())}")


if __name__ == "__main__":
    main()

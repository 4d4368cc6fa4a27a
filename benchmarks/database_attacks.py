"""Whether any statement gets more out of an agent's account than the account may see, on PostgreSQL 18 and 15.

Known ways out are tried layer by layer (``tests/databases/test_attacks.py``). Then statements made by a grammar and
bent from known ones run on the whole stack, and each answer is compared with what a superuser gets from a copy of
what the account may see; every hidden text and number is marked, and a mark in an answer or an error is an escape.
The same kinds of statements run without the gate on the account's own login as well.
Writes ``benchmarks/results/database_attacks.json`` after each server; ``make docs`` writes the page from it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests" / "databases"
RESULTS = ROOT / "benchmarks" / "results" / "database_attacks.json"
sys.path.insert(0, str(TESTS))

from attacked_company import attacked_company  # noqa: E402 - beside the tests
from attacks import ATTACKS, GATE_ONLY  # noqa: E402
from fuzz_judge import Judge  # noqa: E402
from own_server import DEBIAN_15  # noqa: E402
from sql_fuzzer import ORDINARY, Grammar, bent  # noqa: E402

# They lock the login itself out or wait for input; the attack table has them.
_NOT_PAST = ("alter role", "alter user", "alter default", "timeout", "copy", "password")


def main() -> None:
    """Measure every server that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--statements", type=int, default=54_000, metavar="N", help="how many for each server")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--server", action="append", choices=["18", "15"], help="only this one")
    options = parser.parse_args()
    figures = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {"servers": {}}
    for server in options.server or ["18", "15"]:
        figures["servers"][server] = measured(server, options.statements, options.seed)
        figures["machine"] = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
        RESULTS.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    escapes = sum(len(found["escapes"]) for found in figures["servers"].values())
    print(f"{escapes} escapes")
    sys.exit(1 if escapes else 0)


def measured(server: str, count: int, seed: int) -> dict[str, Any]:
    """The attack table's tests, then ``count`` statements."""
    table = attack_tests(server)
    programs = DEBIAN_15 if server == "15" else None
    with (
        tempfile.TemporaryDirectory() as folder,
        attacked_company(Path(folder), programs) as company,
    ):
        judge = Judge(company)
        for number, (gated, statement) in enumerate(statements(count, seed)):
            (judge.gated if gated else judge.past_the_gate)(statement)
            if number % 2000 == 0:
                print(f"PostgreSQL {company.version}: {number} of {count}, {len(judge.escapes)} escapes", flush=True)
        judge.close()
        counts = dict(sorted(judge.counts.items()))
        return {
            "version": company.version,
            "date": datetime.now(UTC).date().isoformat(),
            "seed": seed,
            "attack_tests": table,
            "statements": sum(counts.values()),
            **totals(judge.counts),
            "outcomes": counts,
            "escapes": judge.escapes,
        }


def attack_tests(server: str) -> dict[str, int]:
    """How many tests of the attack table passed and failed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(TESTS / "test_attacks.py")]
    chosen = ["-k", f"[{server}- or gate_alone or every_way"]
    told = subprocess.run([*command, *chosen], capture_output=True, text=True, check=False, cwd=ROOT)
    last = told.stdout.strip().splitlines()[-1].replace(",", "").split()
    return {word: int(last[last.index(word) - 1]) if word in last else 0 for word in ("passed", "failed", "skipped")}


def statements(count: int, seed: int) -> Iterator[tuple[bool, str]]:
    """Whether through the gate, and the statement: made, bent from known ones, and both without the gate."""
    random = Random(seed)
    grammar = Grammar(random)
    made = [grammar.statement() for _ in range(300)]
    known = [*(attack.sql for attack in ATTACKS), *GATE_ONLY.values(), *ORDINARY * 12, *made]
    for _ in range(count):
        part = random.random()
        if part < 0.4:
            yield True, grammar.statement()
        elif part < 0.75:
            yield True, bent(random, known)
        else:
            statement = bent(random, known) if part < 0.9 else grammar.statement()
            if not any(word in statement.lower() for word in _NOT_PAST):
                yield False, statement


def totals(counts: Counter[str]) -> dict[str, int]:
    """Accepted and refused by the gate, run past it, and escaped."""

    def of(start: str) -> int:
        return sum(number for outcome, number in counts.items() if outcome.startswith(start))

    return {
        "accepted": of("accepted"),
        "refused": of("refused"),
        "past_the_gate": of("past the gate"),
        "escaped": of("escaped"),
    }


if __name__ == "__main__":
    main()

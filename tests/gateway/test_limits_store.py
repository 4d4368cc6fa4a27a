"""Counting in PostgreSQL: never more than allowed, whoever counts at the same time, and nothing lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, rule, run_state_machine_as_test

from allotment.errors import DatabaseUnavailable
from allotment.gateway import UserStore
from allotment.gateway.limits._store import LimitStore, Refusal, Remaining, Subject, new_id
from allotment.gateway.storage._database import Database
from allotment.project import Limit

MANY = Limit(requests_per_minute=100_000, tokens_per_day=10**12, concurrent=100_000, usd_per_month=10**9)
START = datetime(2031, 3, 31, 23, 50, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def database(state_dsns: tuple[str, str], store: UserStore) -> Iterator[Database]:
    database = Database(state_dsns[0])
    yield database
    database.close()


@pytest.fixture
def forget(run_sql: Callable[..., int]) -> Callable[[], None]:
    def run() -> None:
        run_sql("TRUNCATE gateway.limit_use, gateway.limit_reservations")

    return run


@pytest.fixture(autouse=True)
def _nothing_is_taken(database: Database, forget: Callable[[], None]) -> None:
    forget()


def of(limit: dict[str, Any], scope: Any = "user", name: str = "eva") -> Subject:
    return Subject(scope, name, Limit(**limit).over(MANY))


def take(store: LimitStore, *subjects: Subject, tokens: int = 1, usd: float = 0.0, lives_s: float = 900.0) -> Any:
    return store.reserve(new_id(), subjects, tokens, usd, lives_s)


def refused(found: object) -> str | None:
    return found.measure if isinstance(found, Refusal) else None


def test_twenty_at_once_from_four_pools_take_exactly_what_there_is(state_dsns: tuple[str, str]) -> None:
    pools = [Database(state_dsns[0]) for _ in range(4)]
    subjects = [of({"requests_per_minute": 37}), of({"tokens_per_day": 51}, "role", "sales"), of({}, "agent", "board")]
    orders = [subjects, subjects[::-1], subjects[1:] + subjects[:1]]
    with ThreadPoolExecutor(20) as threads:
        found = list(threads.map(lambda n: take(LimitStore(pools[n % 4]), *orders[n % 3]), range(120)))
    assert sum(isinstance(each, Remaining) for each in found) == 37
    assert sum(refused(each) == "requests" for each in found) == 83
    for pool in pools:
        pool.close()


def test_charges_of_all_processes_add_up(database: Database, state_dsns: tuple[str, str]) -> None:
    other = Database(state_dsns[0])
    stores = [LimitStore(database), LimitStore(other)]
    subject = of({"tokens_per_day": 1000}, "agent", "sales")

    def ask(number: int) -> None:
        one = new_id()
        stores[number % 2].reserve(one, [subject], 2, 0.0, 900)
        stores[number % 2].settle(one, [subject], number, 0.25)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(ask, range(1, 41)))
    row = database.row("SELECT tokens, usd::float FROM gateway.limit_use WHERE scope = 'agent' AND name = 'sales'")
    assert row == (40 * 41 // 2, 10.0)
    assert database.row("SELECT count(*) FROM gateway.limit_reservations") == (0,)
    other.close()


def test_a_request_refused_by_one_limit_takes_nothing_of_the_others(database: Database) -> None:
    store = LimitStore(database)
    eva, sales = of({"requests_per_minute": 5}), of({"tokens_per_day": 10}, "role", "sales")
    for _ in range(3):
        assert refused(take(store, eva, sales, tokens=11)) == "tokens"
    assert take(store, eva).requests == 4


def test_a_place_comes_back_when_it_is_settled_and_when_its_process_died(database: Database) -> None:
    clock = Clock()
    store, eva = LimitStore(database, clock), of({"concurrent": 2})
    first = new_id()
    store.reserve(first, [eva], 1, 0.0, 900)
    take(store, eva, lives_s=60)  # never settled
    assert refused(take(store, eva)) == "concurrent"
    store.settle(first, [eva], 1, 0.0)
    assert isinstance(take(store, eva), Remaining)
    assert refused(take(store, eva)) == "concurrent"
    clock.pass_by(seconds=61)
    assert isinstance(take(store, eva), Remaining)


def test_a_new_day_gives_tokens_and_a_new_month_gives_money(database: Database) -> None:
    clock = Clock()
    store, eva = LimitStore(database, clock), of({"tokens_per_day": 100, "usd_per_month": 1.0})
    one = new_id()
    store.reserve(one, [eva], 10, 0.5, 60)
    store.settle(one, [eva], 95, 0.9)
    spent = take(store, eva, tokens=10)
    assert isinstance(spent, Refusal)
    assert (spent.measure, spent.wait_s) == ("tokens", 600)
    assert refused(take(store, eva, tokens=1, usd=0.2)) == "usd"
    clock.pass_by(seconds=601)
    assert isinstance(take(store, eva, tokens=100, usd=1.0), Remaining)


def test_a_limit_of_no_money_lets_only_what_costs_nothing_through(database: Database) -> None:
    store, eva = LimitStore(database), of({"usd_per_month": 0.0})
    assert refused(take(store, eva, usd=0.000001)) == "usd"
    assert isinstance(take(store, eva), Remaining)


def test_a_limit_that_is_missing_is_an_error_and_not_no_limit(database: Database) -> None:
    import psycopg

    store = LimitStore(database)
    with pytest.raises(psycopg.errors.RaiseException, match="a limit is missing"):
        store.reserve(new_id(), [Subject("user", "eva", MANY.model_copy(update={"concurrent": None}))], 1, 0.0, 60)


def test_refusals_are_told_once_a_minute_for_each_subject_whoever_counts(
    database: Database, state_dsns: tuple[str, str]
) -> None:
    clock, other = Clock(), Database(state_dsns[0])
    stores = [LimitStore(database, clock), LimitStore(other, clock)]
    eva, dana = of({"requests_per_minute": 1}), of({"requests_per_minute": 1}, name="dana")
    take(stores[0], eva)
    take(stores[0], dana)
    told = [take(stores[n % 2], eva).tell for n in range(10)]
    assert told == [True] + [False] * 9
    assert take(stores[1], dana).tell
    clock.pass_by(seconds=50)
    assert not take(stores[0], eva).tell
    other.close()


def test_a_database_that_does_not_answer_is_an_error(tmp_path: Any) -> None:
    nowhere = Database(f"host={tmp_path} user=nobody dbname=none", timeout_s=0.2)
    with pytest.raises(DatabaseUnavailable):
        take(LimitStore(nowhere), of({}))
    nowhere.close()


@given(gaps=st.lists(st.floats(0, 25), min_size=5, max_size=60), most=st.integers(1, 8))
@settings(max_examples=25)
def test_no_sixty_seconds_ever_hold_more_requests_than_allowed_and_waiting_as_told_helps(
    state_dsns: tuple[str, str], gaps: list[float], most: int
) -> None:
    clock, database = Clock(), Database(state_dsns[0])
    store, subject = LimitStore(database, clock), of({"requests_per_minute": most}, name=f"minute-{new_id()}")
    taken: list[datetime] = []
    for gap in gaps:
        clock.pass_by(seconds=gap)
        found = take(store, subject)
        if isinstance(found, Refusal):
            clock.pass_by(seconds=found.wait_s)
            found = take(store, subject)
        assert isinstance(found, Remaining)
        taken.append(clock.now)
        assert sum(clock.now - each < timedelta(seconds=60) for each in taken) <= most
    database.close()


class Counting(RuleBasedStateMachine):
    """Any order of reserving, settling, dying and waiting, beside a model of what each subject took."""

    dsn = ""
    running = Bundle("running")
    LIMITS = (
        {"tokens_per_day": 60, "concurrent": 3, "usd_per_month": 8.0},
        {"tokens_per_day": 100, "concurrent": 4, "usd_per_month": 9.0},
    )

    @initialize()
    def begin(self) -> None:
        self.database, self.clock = Database(self.dsn), Clock()
        self.store = LimitStore(self.database, self.clock)
        mark = new_id()
        self.subjects = [of(self.LIMITS[0], "user", f"u-{mark}"), of(self.LIMITS[1], "role", f"r-{mark}")]
        self.live: dict[UUID, tuple[int, float, datetime]] = {}
        self.charged: list[tuple[datetime, int, float]] = []

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()

    def _fits(self, subject: Subject, tokens: int, usd: float) -> bool:
        now, limit = self.clock.now, subject.limit
        held = [one for one in self.live.values() if one[2] > now]
        today = sum(t for at, t, _ in self.charged if at.date() == now.date())
        month = sum(u for at, _, u in self.charged if (at.year, at.month) == (now.year, now.month))
        return (
            len(held) < (limit.concurrent or 0)
            and today + sum(one[0] for one in held) + tokens <= (limit.tokens_per_day or 0)
            and (usd == 0 or month + sum(one[1] for one in held) + usd <= (limit.usd_per_month or 0))
        )

    @rule(target=running, tokens=st.integers(1, 40), usd=st.sampled_from([0.0, 0.5, 2.0]))
    def reserve(self, tokens: int, usd: float) -> UUID:
        fits, one = all(self._fits(each, tokens, usd) for each in self.subjects), new_id()
        found = self.store.reserve(one, self.subjects, tokens, usd, 900)
        assert isinstance(found, Remaining) == fits, found
        if fits:
            self.live[one] = (tokens, usd, self.clock.now + timedelta(seconds=900))
        return one

    @rule(one=consumes(running), tokens=st.integers(0, 50), usd=st.sampled_from([0.0, 0.25, 3.0]))
    def settle(self, one: UUID, tokens: int, usd: float) -> None:
        if self.live.pop(one, None) is not None:
            self.store.settle(one, self.subjects, tokens, usd)
            self.charged.append((self.clock.now, tokens, usd))

    @rule(seconds=st.sampled_from([1, 700, 40_000]))
    def wait(self, seconds: int) -> None:
        self.clock.pass_by(seconds=seconds)


def test_in_any_order_exactly_what_fits_is_taken(state_dsns: tuple[str, str]) -> None:
    machine = type("Machine", (Counting,), {"dsn": state_dsns[0]})
    run_state_machine_as_test(machine, settings=settings(max_examples=25, stateful_step_count=25, deadline=None))

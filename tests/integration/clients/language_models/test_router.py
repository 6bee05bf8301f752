"""The router on a real PostgreSQL, with both vendors' wire formats: who is asked, who is skipped, what is written
down.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from include.clients.language_models.prices import Tokens, cost
from include.clients.language_models.provider_client import ProviderClient
from include.clients.language_models.question import Access, Question, Reply
from include.clients.language_models.router import NoAnswer, Router
from include.clients.language_models.routing_state import RoutingState
from include.clients.language_models.routing_table import Provider, RoutingTable, checked
from include.common.errors import (
    AccessDenied,
    BudgetSpent,
    ExportError,
    NotConfigured,
    QuotaExhausted,
    Temporary,
    Throttled,
)
from simulators.anthropic import errors as anthropic_errors
from simulators.anthropic.app import KEY as ANTHROPIC_KEY
from simulators.anthropic.app import MessagesSimulator
from simulators.kit.in_process import running
from simulators.openai.app import KEY as OPENAI_KEY
from simulators.openai.app import RecogniserSimulator
from simulators.proxy import ProxySimulator, proxying

pytestmark = pytest.mark.postgres

SCHEMA = {
    "type": "object",
    "properties": {"word": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["word"],
    "additionalProperties": False,
}
QUESTION = Question("quality_scoring", "Choose.", "Some words.", "card_v1", SCHEMA, subject="a" * 64)


def kind(name: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": name, "message": "No."}}


def price(provider: Provider, model: str, read: int, written: int) -> Decimal:
    return cost(provider, model, Tokens(read, 0, written))


@dataclass
class Vendors:
    """Two providers of different vendors; `a` is asked first."""

    database: str
    a: MessagesSimulator
    b: RecogniserSimulator
    urls: dict[str, str]
    keys: dict[str, str | None] = field(
        default_factory=lambda: {"llm_anthropic": ANTHROPIC_KEY, "language_model": OPENAI_KEY}
    )
    changes: dict[str, Any] = field(default_factory=dict)
    breaker: dict[str, Any] = field(
        default_factory=lambda: {"failures": 5, "open_seconds": 30, "max_open_seconds": 600, "probe_seconds": 60}
    )
    wait_seconds: float = 0
    budget: str = "50"
    failover: bool = True

    def table(self) -> RoutingTable:
        a = {"type": "anthropic", "model": "claude-haiku-5-5", "connection": "llm_anthropic", "context_tokens": 200_000}
        b = {"type": "openai", "model": "gpt-5-mini", "connection": "language_model", "context_tokens": 200_000}
        return checked(
            {
                "daily_budget_usd": self.budget,
                "providers": {"a": a | self.changes, "b": b},
                "tasks": {"quality_scoring": {"providers": ["a", "b"], "wait_seconds": self.wait_seconds}},
                "breaker": self.breaker,
            }
        )

    def access(self, connection: str) -> Access | None:
        key = self.keys[connection]
        return (key and Access(key, self.urls[connection], None, f"hash-of-{key}")) or None

    @contextmanager
    def router(self, **options: Any) -> Iterator[Router]:
        client = {"open_client": ProviderClient} | options
        with (
            RoutingState.open(self.database) as state,
            Router(self.table(), state, self.access, price=price, failover=self.failover, **client) as router,
        ):
            yield router

    def ask(self, question: Question = QUESTION, **options: Any) -> Reply:
        with self.router(**options) as router:
            return router.ask(question, lambda _reply: None)

    @property
    def asked(self) -> tuple[int, int]:
        return self.a.journal.count("messages"), self.b.journal.count("chat")

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(statement.encode()).fetchall()

    def later(self, seconds: float) -> None:
        """As if so many seconds had passed for every provider."""
        with psycopg.connect(self.database) as connection:
            connection.execute(
                "UPDATE llm_provider_state SET open_until = open_until - make_interval(secs => %(s)s),"
                " probe_until = probe_until - make_interval(secs => %(s)s),"
                " throttled_until = throttled_until - make_interval(secs => %(s)s)",
                {"s": seconds},
            )

    def state(self, provider: str = "a") -> str:
        found = self.rows(f"SELECT state FROM llm_provider_state WHERE provider = '{provider}'")
        return str(found[0][0]) if found else "closed"


@pytest.fixture
def vendors(database: str) -> Iterator[Vendors]:
    a, b = MessagesSimulator(), RecogniserSimulator()
    with running(a) as at_a, running(b) as at_b:
        yield Vendors(database, a, b, {"llm_anthropic": at_a, "language_model": f"{at_b}/v1"})


def hangs(vendors: Vendors) -> None:
    vendors.changes["timeout_seconds"] = 1
    vendors.a.faults.add("messages", "hang", seconds=3)


def unreachable(vendors: Vendors) -> None:
    vendors.urls["llm_anthropic"] = "http://127.0.0.1:1"


def answers(kind: str, **options: Any) -> Callable[[Vendors], None]:
    def prepare(vendors: Vendors) -> None:
        vendors.a.faults.add("messages", kind, **options)

    return prepare


def status(error: anthropic_errors.MessagesError) -> Callable[[Vendors], None]:
    return answers("status", status=error.status, body=error.as_dict("req_1"), headers=error.headers)


def sets(**attributes: Any) -> Callable[[Vendors], None]:
    def prepare(vendors: Vendors) -> None:
        for name, value in attributes.items():
            setattr(vendors.a, name, value)

    return prepare


# what happens at the first provider; how its request is logged; its state; whether the request may have been billed
FAILOVERS: dict[str, tuple[Callable[[Vendors], None], str, str, bool]] = {
    "no connection": (unreachable, "not_sent", "closed", False),
    "no answer in time": (hangs, "broken", "closed", True),
    "connection lost": (answers("drop_connection"), "broken", "closed", True),
    "500": (answers("status", status=500, body={}), "broken", "closed", True),
    "529 overloaded": (status(anthropic_errors.overloaded()), "broken", "closed", True),
    "a page under 200": (answers("html200"), "broken", "closed", True),
    "nothing under 200": (answers("empty"), "broken", "closed", True),
    "half a body": (answers("short"), "broken", "closed", True),
    "a body that is cut off": (answers("truncate"), "broken", "closed", True),
    "a redirect": (answers("redirect", url="http://127.0.0.1:1/"), "broken", "closed", True),
    "asks to wait an hour": (status(anthropic_errors.too_often(3000)), "throttled", "closed", False),
    "the account is empty": (sets(no_money=True), "exhausted", "exhausted", False),
    "a wrong key": (sets(key="another"), "misconfigured", "misconfigured", False),
    "403": (answers("status", status=403, body=kind("permission_error")), "misconfigured", "misconfigured", False),
    "the model is gone": (sets(retired={"claude-haiku-5-5"}), "misconfigured", "misconfigured", False),
    "402": (answers("status", status=402, body=kind("billing_error")), "exhausted", "exhausted", False),
    "prompt too long": (status(anthropic_errors.too_long(300_000, 200_000)), "too_long", "closed", False),
    "refuses": (sets(stop_reason="refusal"), "refused", "closed", False),
    "cut by its length": (sets(stop_reason="max_tokens"), "bad_answer", "closed", False),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILOVERS.values(), ids=FAILOVERS.keys())
def test_another_provider_answers(vendors: Vendors, case: tuple[Callable[[Vendors], None], str, str, bool]) -> None:
    """Each outcome that another provider may not share leads to it, with one request to each and no delay of its
    own.
    """
    prepare, outcome, state, maybe_paid = case
    prepare(vendors)
    began = time.monotonic()
    reply = vendors.ask()
    assert reply.provider == "b"
    assert reply.content == {"word": "yes"}
    assert vendors.asked[0] <= 1
    assert vendors.asked[1] == 1
    logged = vendors.rows("SELECT provider, outcome, maybe_paid, cost > 0, failover_from FROM llm_requests ORDER BY id")
    billed = maybe_paid or outcome in ("refused", "bad_answer")
    assert logged == [("a", outcome, maybe_paid, billed, None), ("b", "ok", False, True, "a")]
    assert vendors.state() == state
    assert time.monotonic() - began < 3


def test_a_wrong_request_goes_nowhere_else(vendors: Vendors) -> None:
    vendors.a.faults.add("messages", "status", status=422, body=anthropic_errors.invalid("no").as_dict("req"))
    with pytest.raises(NoAnswer) as caught:
        vendors.ask()
    assert caught.value.why == "rejected"
    assert vendors.asked == (1, 0)


def test_our_own_defect_is_not_repeated_at_another_vendor(vendors: Vendors) -> None:
    def defect(_reply: Reply) -> None:
        raise ZeroDivisionError

    with vendors.router() as router, pytest.raises(ZeroDivisionError):
        router.ask(QUESTION, defect)
    assert vendors.asked == (1, 0)


def test_a_short_wait_is_better_than_another_judge(vendors: Vendors) -> None:
    vendors.wait_seconds = 20
    status(anthropic_errors.too_often(7))(vendors)
    with pytest.raises(Throttled) as caught:
        vendors.ask()
    assert caught.value.retry_after == 7
    assert vendors.ask().provider == "b", "meanwhile every task knows and asks the next"
    vendors.later(8)
    assert vendors.ask().provider == "a"
    assert vendors.asked == (2, 1)


def test_the_breaker_opens_after_five_failures_in_a_row_and_closes_after_one_probe(vendors: Vendors) -> None:
    vendors.a.faults.add("messages", "status", status=500, body={}, times=4)
    for _ in range(5):
        vendors.ask()
    assert vendors.state() == "closed", "the fifth succeeded: the count begins anew"
    vendors.a.faults.add("messages", "status", status=500, body={}, times=6)
    for _ in range(8):
        assert vendors.ask().provider == "b"
    assert (vendors.state(), vendors.asked[0]) == ("open", 10)
    vendors.later(31)
    vendors.ask()
    assert (vendors.state(), vendors.asked[0]) == ("open", 11), "the probe failed"
    vendors.later(31)
    vendors.ask()
    assert vendors.asked[0] == 11, "it is open for twice as long"
    vendors.later(31)
    assert vendors.ask().provider == "a"
    moves = vendors.rows("SELECT was, state FROM llm_provider_changes ORDER BY change_id")
    assert moves == [("closed", "open"), ("open", "half_open"), ("half_open", "open"), ("open", "half_open"),
                     ("half_open", "closed")]  # fmt: skip


def test_of_many_callers_exactly_one_gets_the_probe(vendors: Vendors) -> None:
    vendors.a.faults.add("messages", "status", status=500, body={}, times=5)
    for _ in range(5):
        vendors.ask()
    vendors.later(31)
    vendors.a.seconds = 0.5
    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: vendors.ask().provider, range(8)))
    assert sorted(replies) == ["a"] + ["b"] * 7
    assert vendors.asked[0] == 6


def test_a_prober_that_dies_keeps_the_probe_only_for_its_time(vendors: Vendors) -> None:
    vendors.a.faults.add("messages", "status", status=500, body={}, times=5)
    for _ in range(5):
        vendors.ask()
    vendors.later(31)
    with RoutingState.open(vendors.database) as state:
        assert state.take_probe("a", "a task that dies", 60, "")
    assert vendors.ask().provider == "b"
    vendors.later(61)
    assert vendors.ask().provider == "a"


def test_an_outage_costs_the_dead_provider_few_requests(vendors: Vendors) -> None:
    """Ten lines at once: at most the limit, one for each line that was under way, and the probes."""
    vendors.a.faults.add("messages", "status", status=503, body={}, times=-1)

    def line(_number: int) -> set[str]:
        with vendors.router() as router:
            return {router.ask(QUESTION, lambda _reply: None).provider for _ in range(10)}

    with ThreadPoolExecutor(10) as threads:
        assert set().union(*threads.map(line, range(10))) == {"b"}
    assert vendors.asked[0] <= 5 + 10
    vendors.later(31)
    vendors.a.faults.clear()
    assert vendors.ask().provider == "a", "back with the first request after open_seconds"


def test_a_key_that_changed_is_tried_again_at_once(vendors: Vendors) -> None:
    sets(key="another")(vendors)
    vendors.ask()
    vendors.ask()
    assert vendors.asked[0] == 1, "nothing but a change of the configuration helps"
    vendors.keys["llm_anthropic"] = "another"
    assert vendors.ask().provider == "a"
    assert vendors.state() == "closed"


def test_an_empty_account_is_left_alone_until_a_person_says_so(vendors: Vendors) -> None:
    vendors.a.no_money = True
    vendors.ask()
    vendors.a.no_money = False
    assert vendors.ask().provider == "b"
    with RoutingState.open(vendors.database) as state:
        assert state.reset("a", "analyst")
    assert vendors.ask().provider == "a"
    assert vendors.rows("SELECT actor FROM llm_provider_changes ORDER BY change_id DESC LIMIT 1") == [("analyst",)]


def test_an_empty_account_is_tried_again_after_midnight_utc(vendors: Vendors) -> None:
    vendors.a.no_money = True
    vendors.ask()
    vendors.a.no_money = False
    vendors.later(24 * 3600)
    assert vendors.ask().provider == "a"


@pytest.mark.parametrize(
    ("changes", "key", "why"),
    [
        ({"enabled": False}, ANTHROPIC_KEY, "disabled"),
        ({}, None, "keyless"),
        ({"context_tokens": 1000}, ANTHROPIC_KEY, "too_long"),
    ],
)
def test_who_cannot_be_asked_is_skipped_and_shown(
    vendors: Vendors, changes: dict[str, Any], key: str | None, why: str
) -> None:
    vendors.changes, vendors.keys["llm_anthropic"] = changes, key
    long = Question("quality_scoring", "Choose.", "words " * 1000, "card_v1", SCHEMA)
    assert vendors.ask(long).provider == "b"
    assert vendors.asked == (0, 1)
    with vendors.router() as router:
        assert [(each.provider, each.why) for each in router.skipped("quality_scoring", 3000)] == [("a", why)]


def test_a_provider_s_own_budget_ends_at_midnight(vendors: Vendors) -> None:
    vendors.changes["daily_budget_usd"] = "0.000001"
    assert [vendors.ask().provider for _ in range(3)] == ["a", "b", "b"]


def test_the_day_s_ceiling_stops_everything_until_a_person_allows_more(vendors: Vendors) -> None:
    vendors.budget = "0.000001"
    vendors.ask()
    with pytest.raises(BudgetSpent, match="LLM_DAILY_BUDGET_USD"):
        vendors.ask()
    with RoutingState.open(vendors.database) as state:
        state.allow_day(Decimal(1), "analyst")
    vendors.ask()
    assert vendors.asked == (2, 0)


NOBODY: dict[str, tuple[dict[str, str | None], Callable[[Vendors], None], type[ExportError]]] = {
    "no keys": ({"llm_anthropic": None, "language_model": None}, lambda _: None, NotConfigured),
    "empty accounts": ({}, lambda v: (setattr(v.a, "no_money", True), setattr(v.b, "no_money", "insufficient_quota")),
                       QuotaExhausted),
    "wrong keys": ({"llm_anthropic": "x", "language_model": "y"}, lambda _: None, AccessDenied),
    "both down": ({}, lambda v: (v.a.faults.add("messages", "status", status=500, body={}),
                                 v.b.faults.add("chat", "status", status=500, body={})), Throttled),
}  # fmt: skip


@pytest.mark.parametrize("case", NOBODY.values(), ids=NOBODY.keys())
def test_where_nobody_is_left_every_provider_is_named_with_its_reason(vendors: Vendors, case: Any) -> None:
    keys, prepare, kind = case
    vendors.keys |= keys
    prepare(vendors)
    with pytest.raises(kind) as caught:
        vendors.ask()
    assert "a: " in str(caught.value)
    assert "b: " in str(caught.value)
    assert "sk-" not in str(caught.value)


def test_too_long_for_all_is_said_of_the_question(vendors: Vendors) -> None:
    with pytest.raises(NoAnswer) as caught:
        vendors.ask(Question("quality_scoring", "", "w" * 500_000, "card_v1", SCHEMA))
    assert caught.value.why == "too_long"
    assert vendors.asked == (0, 0)


def test_two_bad_answers_are_paid_and_end_the_question(vendors: Vendors) -> None:
    vendors.a.stop_reason = "max_tokens"
    vendors.b.writes = lambda _schema, _text: "no object"
    kept: list[Reply] = []
    with vendors.router() as router, pytest.raises(NoAnswer) as caught:
        router.ask(QUESTION, kept.append)
    assert caught.value.why == "bad_answer"
    assert [reply.content for reply in kept] == [None, None]
    assert all(reply.cost > 0 for reply in kept)


def test_without_failover_only_the_first_provider_that_is_set_up_is_asked(vendors: Vendors) -> None:
    vendors.failover = False
    vendors.a.faults.add("messages", "status", status=500, body={})
    with pytest.raises(Temporary):
        vendors.ask()
    assert vendors.asked == (1, 0)
    vendors.keys["llm_anthropic"] = None
    assert vendors.ask().provider == "b"


def test_a_response_is_kept_in_one_transaction_with_its_row(vendors: Vendors) -> None:
    """A response that the caller could not keep is in no sum; one that waited for the database is there once."""
    failures = [Temporary("the database restarts"), Temporary("the database restarts")]

    def settle(_reply: Reply) -> None:
        if failures:
            raise failures.pop()

    with vendors.router(run_id="run", sleep=lambda _seconds: None) as router:
        router.ask(QUESTION, settle)
    assert vendors.asked == (1, 0)
    ((count, total, kept),) = vendors.rows(
        "SELECT count(*), sum(cost), (SELECT sum(usd) FROM llm_spending WHERE run_id = 'run') FROM llm_requests"
    )
    assert count == 1
    assert total == kept > 0


def test_a_closed_breaker_writes_nothing_but_the_log(vendors: Vendors) -> None:
    class Instant:
        def ask(self, _question: Question) -> Reply:
            return Reply("a", "m", "m", {}, 1, 0, 1, True, Decimal("0.001"), 1)

        def close(self) -> None: ...

    with vendors.router(open_client=lambda *_: Instant()) as router:
        for _ in range(3):
            router.ask(QUESTION, lambda _reply: None)
    assert vendors.rows("SELECT count(*) FROM llm_provider_state") == [(0,)]
    assert vendors.rows("SELECT count(*) FROM llm_requests") == [(3,)]


def test_the_proxy_s_refusal_stops_and_nothing_goes_around_it(vendors: Vendors) -> None:
    with proxying(ProxySimulator("user", "password")) as proxy:
        address = proxy.replace("//", "//user:wrong@")
        own = Access(ANTHROPIC_KEY, vendors.urls["llm_anthropic"], address, "f")
        vendors.access = lambda _connection: own  # type: ignore[method-assign]
        with pytest.raises(AccessDenied, match="CHATGPT_PROXY_URL"):
            vendors.ask()
    assert vendors.asked == (0, 0)

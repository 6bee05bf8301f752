"""Calls with texts, simulated judges, and a run of the scoring without Airflow."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

import psycopg

from include.call_centre.policy import CallCentrePolicy, load_call_centre_policy
from include.call_centre.state.state import QualityState
from include.call_centre.steps.close_run import Closed, close_run
from include.call_centre.steps.open_run import open_run
from include.call_centre.steps.plan import PlannedScores, plan
from include.call_centre.steps.score_batch import Scoring, score_batch
from include.calls.state.state import State
from include.clients.language_models.prices import Tokens, cost
from include.clients.language_models.provider_client import ProviderClient
from include.clients.language_models.question import Access
from include.clients.language_models.router import Router
from include.clients.language_models.routing_state import RoutingState
from include.clients.language_models.routing_table import Provider, RoutingTable, checked
from simulators.anthropic.app import KEY as ANTHROPIC_KEY
from simulators.anthropic.app import MessagesSimulator
from simulators.kit.in_process import running
from simulators.openai.app import KEY as OPENAI_KEY
from simulators.openai.app import RecogniserSimulator
from simulators.openai.scorecard_judge import answer_by_text
from tests.kit import state_samples as samples

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
FIRST, LAST = "2025-08-01", "2025-08-31"
BODY = """\
[00:00:02] [Оператор]: Добрый день, компания Шины, слушаю вас, звонок номер {number}.
[00:00:07] [Клиент]: Здравствуйте, мне нужны зимние шины на семнадцать дюймов.
[00:00:12] [Оператор]: Скажите, пожалуйста, какая у вас машина и сколько колёс нужно?
[00:00:19] [Клиент]: Четыре колеса, машина Шкода Октавия.
[00:00:26] [Оператор]: Есть в наличии, привезём в четверг до восемнадцати часов.
[00:00:33] [Клиент]: Хорошо, договорились, спасибо большое.
[00:00:37] [Оператор]: Всего доброго, до свидания!
"""


def with_texts(database: str, count: int, **other: Any) -> None:
    """`count` calls of August 2025, each with a text of its own."""
    with State.open(database) as state:
        run = samples.opened(state, "texts", *(samples.call(number) for number in range(1, count + 1)))
        for number, row in enumerate(samples.rows(state, run), start=1):
            samples.to_text(state, run, row, checksum=f"{number:064}", words=BODY.format(number=number), **other)


@dataclass
class Scored:
    """A state database, two judges of different vendors' formats, and how often each was asked."""

    database: str
    a: MessagesSimulator
    b: RecogniserSimulator
    urls: dict[str, str]
    settings: dict[str, str] = field(default_factory=dict)
    daily: str = "50"
    failover: bool = True
    order: tuple[str, ...] = ("a", "b")
    limits: dict[str, Any] = field(default_factory=dict)  # of both providers
    wait_seconds: float = 0
    keys: dict[str, str | None] = field(
        default_factory=lambda: {"llm_anthropic": ANTHROPIC_KEY, "language_model": OPENAI_KEY}
    )
    proxy: str | None = None
    runs: int = 0

    @property
    def policy(self) -> CallCentrePolicy:
        return load_call_centre_policy({"QUALITY_ENABLED": "true", **self.settings})

    def table(self) -> RoutingTable:
        a = {"type": "anthropic", "model": "claude-haiku-5-5", "connection": "llm_anthropic", "context_tokens": 200_000}
        b = {"type": "openai", "model": "gpt-5-mini", "connection": "language_model", "context_tokens": 200_000}
        return checked(
            {
                "daily_budget_usd": self.daily,
                "providers": {"a": a | self.limits, "b": b | self.limits},
                "tasks": {"quality_scoring": {"providers": list(self.order), "wait_seconds": self.wait_seconds}},
                "breaker": {"failures": 5, "open_seconds": 30, "max_open_seconds": 600, "probe_seconds": 60},
            }
        )

    def access(self, connection: str) -> Access | None:
        key = self.keys[connection]
        return Access(key, self.urls[connection], self.proxy, sha256(key.encode()).hexdigest()) if key else None

    @contextmanager
    def services(
        self, run_id: UUID | str = "", table: RoutingTable | None = None
    ) -> Iterator[tuple[QualityState, RoutingState, Router]]:
        with (
            QualityState.open(self.database) as state,
            RoutingState.open(self.database) as routing,
            Router(
                table or self.table(),
                routing,
                self.access,
                open_client=ProviderClient,
                price=price,
                failover=self.failover,
                run_id=str(run_id),
                sleep=lambda _seconds: None,
            ) as router,
        ):
            yield state, routing, router

    def opened(self, **asked: Any) -> UUID:
        self.runs += 1
        with self.services() as (state, _, _):
            period = {"date_from": FIRST, "date_to": LAST}
            return open_run(f"dag-{self.runs}", period | asked, state, self.policy, actor="Оператор 1", at=NOW)

    def planned(self, run_id: UUID) -> PlannedScores:
        with self.services(run_id) as (state, routing, router):
            return plan(run_id, state, routing, router, self.policy, price=price, daily_usd=Decimal(self.daily))

    def scored(self, run_id: UUID, batch: int, *, fresh: bool = True, **options: Any) -> int:
        with self.services(run_id, options.pop("table", None)) as (state, routing, router):
            work = Scoring(run_id, state, routing, router, self.policy, options.pop("mask", str), **options)
            return score_batch(batch, work, fresh=fresh)

    def run(self, **asked: Any) -> Closed:
        """Open, plan, score and close, as the DAG does."""
        run_id = self.opened(**asked)
        for batch in self.planned(run_id).batches:
            self.scored(run_id, batch)
        return self.closed(run_id)

    def closed(self, run_id: UUID, failed_step: str | None = None) -> Closed:
        with self.services() as (state, _, _):
            return close_run(run_id, state, failed_step=failed_step)

    @property
    def asked(self) -> tuple[int, int]:
        return self.a.journal.count("messages"), self.b.journal.count("chat")

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def judges(database: str) -> Iterator[Scored]:
    a, b = MessagesSimulator(), RecogniserSimulator()
    says: Callable[[Any, str], Any] = answer_by_text
    a.says, b.writes = says, says
    with running(a) as first, running(b) as second:
        yield Scored(database, a, b, {"llm_anthropic": first, "language_model": f"{second}/v1"})


def price(provider: Provider, model: str, read: int, written: int) -> Decimal:
    return cost(provider, model, Tokens(read, 0, written))

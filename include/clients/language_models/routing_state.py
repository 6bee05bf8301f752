"""What all tasks and processes know of the providers, in PostgreSQL; times are the database's."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from psycopg.types.json import Jsonb

from include.clients.language_models.question import Failure, Outcome, Question, Reply
from include.clients.language_models.routing_table import Breaker, Tree
from include.common.errors import BadInput
from include.common.postgres_session import Session

QUERIES = Path(__file__).parent
_FILE = "routing_state"
_FORGOTTEN_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Standing:
    """A provider as it is now; seconds are from now, negative ones have passed. `spent_today` is USD, the day UTC's."""

    provider: str
    state: str
    failures: int
    fingerprint: str | None
    reason: str | None
    opens_in: float | None
    probe_ends_in: float | None
    throttled_for: float | None
    spent_today: Decimal


@dataclass(frozen=True, slots=True)
class Day:
    """The day in UTC: USD spent by all tasks, the sum that a person allowed, seconds that are left of it."""

    spent: Decimal
    allowed: Decimal | None
    left_sec: float


@dataclass(frozen=True, slots=True)
class WrittenTable:
    """The layer that was written through the API."""

    version: int
    config: Tree
    actor: str
    reason: str
    at: datetime


class RoutingState:
    """The tables `llm_*`. Each method is one short transaction, or a part of the caller's."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @classmethod
    def open(cls, conninfo: str) -> Self:
        """`conninfo` is a libpq URL or keyword string. Raises Temporary if the database does not respond."""
        return cls(Session(conninfo, QUERIES))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def standings(self, providers: list[str]) -> list[Standing]:
        """In the given order; a provider that never failed is closed."""
        return self.session.rows(_FILE, "standings", Standing, providers=providers)

    def day(self) -> Day:
        (found,) = self.session.rows(_FILE, "day", Day)
        return found

    def allow_day(self, usd: Decimal, by: str) -> None:
        """A person allows today (UTC) so much in all; a smaller sum than before changes nothing."""
        self.session.count(_FILE, "allow_day", usd=usd, by=by)

    def take_probe(self, provider: str, caller: str, seconds: float, fingerprint: str) -> bool:
        """True for exactly one caller, once the provider may be tried again."""
        values = {"provider": provider, "caller": caller, "seconds": seconds, "fingerprint": fingerprint}
        return bool(self.session.values(_FILE, "take_probe", **values))

    def succeeded(self, provider: str, caller: str) -> None:
        self.session.count(_FILE, "succeeded", provider=provider, caller=caller)

    def failed(self, provider: str, caller: str, reason: str, breaker: Breaker) -> None:
        self.session.count(
            _FILE,
            "failed",
            provider=provider,
            caller=caller,
            reason=reason,
            limit=breaker.failures,
            open_seconds=breaker.open_seconds,
            max_open_seconds=breaker.max_open_seconds,
        )

    def throttled(self, provider: str, caller: str, seconds: float, reason: str) -> None:
        values = {"provider": provider, "caller": caller, "seconds": seconds, "reason": reason}
        self.session.count(_FILE, "throttled", **values)

    def out_of_service(self, provider: str, outcome: Outcome, fingerprint: str, reason: str) -> None:
        """`outcome` is EXHAUSTED or MISCONFIGURED."""
        values = {"provider": provider, "state": outcome.value, "fingerprint": fingerprint, "reason": reason}
        self.session.count(_FILE, "out_of_service", **values)

    def reset(self, provider: str, actor: str) -> bool:
        """A person's word that it works; False if nothing was wrong with it."""
        with self.session.transaction():
            self.session.count(_FILE, "act_as", actor=actor)
            return self.session.count(_FILE, "reset", provider=provider) == 1

    def log_reply(self, question: Question, reply: Reply, *, run_id: str, failover_from: str | None) -> None:
        outcome = Outcome.REFUSED if reply.refused else Outcome.BAD_ANSWER if reply.content is None else Outcome.OK
        self.session.count(
            _FILE,
            "log_request",
            task=question.task,
            provider=reply.provider,
            model=reply.model,
            outcome=outcome.value,
            reason=reply.fault,
            http_status=200,
            latency_ms=reply.latency_ms,
            input_tokens=reply.input_tokens,
            cached_tokens=reply.cached_tokens,
            output_tokens=reply.output_tokens,
            cost=reply.cost,
            counted=reply.counted,
            maybe_paid=False,
            failover_from=failover_from,
            subject=question.subject,
            run_id=run_id,
        )

    def log_failure(
        self,
        question: Question,
        provider: str,
        model: str,
        failure: Failure,
        *,
        price: Decimal,
        run_id: str,
        failover_from: str | None,
    ) -> None:
        """`price` is the forecast's, counted only where the request may have been billed."""
        self.session.count(
            _FILE,
            "log_request",
            task=question.task,
            provider=provider,
            model=model,
            outcome=failure.outcome.value,
            reason=failure.reason,
            http_status=failure.http_status,
            latency_ms=failure.latency_ms,
            input_tokens=0,
            cached_tokens=0,
            output_tokens=0,
            cost=price if failure.maybe_paid else Decimal(0),
            counted=False,
            maybe_paid=failure.maybe_paid,
            failover_from=failover_from,
            subject=question.subject,
            run_id=run_id,
        )

    def forget_requests(self, before: datetime) -> int:
        """Deletes rows of the log that are older, some thousands at a time; returns how many."""
        gone = 0
        while some := self.session.count(_FILE, "forget_requests", before=before, most=_FORGOTTEN_AT_ONCE):
            gone += some
        return gone

    def written(self) -> WrittenTable | None:
        found = self.session.rows(_FILE, "written", WrittenTable)
        return found[0] if found else None

    def write(self, config: Tree, diff: Tree, *, based_on: int, actor: str, reason: str) -> int:
        """Returns the new version. Raises BadInput(llm_table_changed) if `based_on` is not the last one (0: none)."""
        with self.session.transaction():
            self.session.count(_FILE, "lock_versions")
            last = self.written()
            if (last.version if last else 0) != based_on:
                assert last is not None
                raise BadInput(
                    f"{last.actor} has changed the routing table meanwhile: it is version {last.version} now",
                    problem="llm_table_changed",
                    version=last.version,
                    actor=last.actor,
                )
            values: dict[str, Any] = {"config": Jsonb(config), "diff": Jsonb(diff), "actor": actor, "reason": reason}
            return int(self.session.value(_FILE, "write_version", **values))

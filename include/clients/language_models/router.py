"""The one door to the language models: which provider is asked, who is asked next, what all processes learn of it.

A question goes to the providers of its task in order. One that cannot be asked now is skipped and shown as skipped;
one that fails in a way that another may not is followed by the next. Every request is one row of `llm_requests`, a
billed response in the transaction in which the caller keeps it.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Protocol, Self

from include.clients.language_models.question import Access, Failure, Outcome, Question, Reply
from include.clients.language_models.routing_state import Day, RoutingState, Standing
from include.clients.language_models.routing_table import Provider, RoutingTable
from include.common.errors import (
    AccessDenied,
    BudgetSpent,
    ErrorCode,
    ExportError,
    NotConfigured,
    Permanent,
    QuotaExhausted,
    StopRun,
    Temporary,
    Throttled,
)

log = logging.getLogger(__name__)

LONGEST_HINT_SECONDS = 3600.0  # a longer `retry-after` is a mistake of units
DATABASE_PAUSES = (0.5, 1, 2, 4, 8, 16, 30, 60)  # seconds: a billed response waits for a database that restarts
_GOES_ON = {Outcome.NOT_SENT, Outcome.BROKEN}
_OUT = {Outcome.EXHAUSTED, Outcome.MISCONFIGURED}
_BILLED_IN_VAIN = 2  # billed responses without a usable object, for one question: one provider, then one other


class Client(Protocol):
    """One provider's client: one request, nothing tried again."""

    def ask(self, question: Question) -> Reply | Failure: ...

    def close(self) -> None: ...


OpenClient = Callable[[str, Provider, Access], Client]
FindAccess = Callable[[str], Access | None]  # connection id -> access; None: there is no such connection, or no key
Price = Callable[[Provider, str, int, int], Decimal]  # provider, model, input and output tokens -> USD
Settle = Callable[[Reply], object]


class NoAnswer(Permanent):
    """No provider can answer this question: it is too long for all, refused by two, or not answered in the schema."""

    def __init__(self, message: str, *, why: str) -> None:
        super().__init__(message, code=ErrorCode.LLM_NO_ANSWER)
        self.why = why  # too_long | refused | bad_answer | rejected


@dataclass(frozen=True, slots=True)
class Skipped:
    """A provider that is not asked now, why, and in how many seconds that may change (None: not by itself)."""

    provider: str
    why: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    name: str
    provider: Provider
    access: Access
    standing: Standing


class Router:
    """Not for several threads at once. `with` closes the clients.

    `failover` False: only the first usable provider is asked. `caller` names this process in leases of probes.
    """

    def __init__(
        self,
        table: RoutingTable,
        state: RoutingState,
        find_access: FindAccess,
        *,
        open_client: OpenClient,
        price: Price,
        failover: bool,
        run_id: str = "",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table, self._state, self._find_access = table, state, find_access
        self._open_client, self._price, self._failover = open_client, price, failover
        self._run_id, self._sleep = run_id, sleep
        self._clients: dict[tuple[str, str], Client] = {}
        self.caller = f"{socket.gethostname()}/{os.getpid()}/{threading.get_ident()}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with ExitStack() as closing:
            for client in self._clients.values():
                closing.callback(client.close)

    def providers(self, task: str) -> list[tuple[str, Provider]]:
        """The task's providers that may ever be asked, in order."""
        return self._table.route(task)

    def skipped(self, task: str, input_tokens: int = 0) -> list[Skipped]:
        """The providers of the task that would not be asked now, and why."""
        return self._sorted(task, input_tokens)[1]

    def ask(self, question: Question, settle: Settle, *, but_not: str | None = None) -> Reply:
        """The first usable reply. `settle` gets every billed response, usable or not, in the transaction of its row.
        `but_not` is a provider whose answer was not good enough.

        Raises NoAnswer for a question that no provider can answer, Throttled with `retry_after` if waiting helps,
        BudgetSpent for the day's ceiling, AccessDenied for a proxy that refuses, StopRun that lists every provider and
        its reason if none can be asked, Temporary if requests failed and the failing providers may work again soon.
        """
        left, skipped = self._sorted(question.task, question.input_tokens)
        left = [each for each in left if each.name != but_not]
        wait = self._table.tasks[question.task].wait_seconds
        before: str | None = skipped[0].provider if skipped else None
        billed_in_vain, vain = 0, ""
        for candidate in left:
            if not self._may_ask(candidate):
                skipped.append(Skipped(candidate.name, "open", candidate.standing.probe_ends_in))
                before = before or candidate.name
                continue
            found = self._client(candidate).ask(question)
            if isinstance(found, Reply):
                self._settle(question, found, settle, before)
                self._note_success(candidate)
                if found.content is not None:
                    return found
                billed_in_vain, vain = billed_in_vain + 1, "refused" if found.refused else "bad_answer"
                skipped.append(Skipped(candidate.name, found.fault))
                if billed_in_vain >= _BILLED_IN_VAIN:
                    break
            else:
                self._log(question, candidate, found, before)
                skipped.append(self._note_failure(candidate, found, wait))
            before = candidate.name
        if vain:
            raise NoAnswer(f"the language models gave no usable answer: {_listed(skipped)}", why=vain)
        raise _none_left(question.task, skipped)

    def _sorted(self, task: str, input_tokens: int) -> tuple[list[_Candidate], list[Skipped]]:
        route = self._table.route(task)
        standings = {each.provider: each for each in self._state.standings([name for name, _ in route])}
        day = self._state.day()
        _refuse_above(self._table.daily_budget_usd, day)
        left: list[_Candidate] = []
        skipped: list[Skipped] = []
        for name, provider in route:
            access = self._find_access(provider.connection) if provider.enabled else None
            why = self._why_not(provider, access, standings[name], input_tokens, day)
            if why is None:
                assert access is not None
                left.append(_Candidate(name, provider, access, standings[name]))
            else:
                skipped.append(Skipped(name, *why))
        if not self._failover:  # the first provider that is set up, whatever its state: no other takes its place
            first = next(
                (name for name, provider in route if provider.enabled and self._find_access(provider.connection)), ""
            )
            left = [each for each in left if each.name == first]
        return left, skipped

    def _why_not(
        self, provider: Provider, access: Access | None, standing: Standing, input_tokens: int, day: Day
    ) -> tuple[str, float | None] | None:
        """The first reason that holds, and in how many seconds that may change; None: it can be asked."""
        if access is None:
            return ("keyless" if provider.enabled else "disabled"), None
        wrong = standing.state == "misconfigured" and standing.fingerprint == _fingerprint(provider, access)
        spent = provider.daily_budget_usd is not None and standing.spent_today >= provider.daily_budget_usd
        reasons: list[tuple[bool, str, float | None]] = [
            (wrong, "misconfigured", None),
            (standing.state in ("open", "exhausted") and _ahead(standing.opens_in), standing.state, standing.opens_in),
            (standing.state == "half_open" and _ahead(standing.probe_ends_in), "open", standing.probe_ends_in),
            (_ahead(standing.throttled_for), "throttled", standing.throttled_for),
            (spent, "budget_spent", day.left_sec),
            (input_tokens > provider.context_tokens, "too_long", None),
        ]
        return next(((why, seconds) for holds, why, seconds in reasons if holds), None)

    def _may_ask(self, candidate: _Candidate) -> bool:
        """A provider that is not closed is asked by the one caller that gets the probe."""
        if candidate.standing.state == "closed":
            return True
        fingerprint = _fingerprint(candidate.provider, candidate.access)
        seconds = max(self._table.breaker.probe_seconds, candidate.provider.timeout_seconds)
        return self._state.take_probe(candidate.name, self.caller, seconds, fingerprint)

    def _client(self, candidate: _Candidate) -> Client:
        key = (candidate.name, candidate.provider.model)
        if key not in self._clients:
            self._clients[key] = self._open_client(candidate.name, candidate.provider, candidate.access)
        return self._clients[key]

    def _settle(self, question: Question, reply: Reply, settle: Settle, before: str | None) -> None:
        """The response is paid for, so a database that restarts is waited for."""
        for pause in (*DATABASE_PAUSES, None):
            try:
                with self._state.session.transaction():
                    self._state.log_reply(question, reply, run_id=self._run_id, failover_from=before)
                    settle(reply)
                    return
            except Temporary:
                if pause is None:
                    raise
                self._sleep(pause)

    def _note_success(self, candidate: _Candidate) -> None:
        if candidate.standing.state != "closed" or candidate.standing.failures:
            self._state.succeeded(candidate.name, self.caller)

    def _log(self, question: Question, candidate: _Candidate, failure: Failure, before: str | None) -> None:
        model = candidate.provider.model
        log.warning("the provider %s did not answer: %s (%s)", candidate.name, failure.outcome, failure.reason)
        self._state.log_failure(
            question,
            candidate.name,
            model,
            failure,
            price=self._price(candidate.provider, model, question.input_tokens, 0),
            run_id=self._run_id,
            failover_from=before,
        )

    def _note_failure(self, candidate: _Candidate, failure: Failure, wait: float) -> Skipped:
        """What all tasks learn of it. Raises if no other provider is to be asked."""
        name, fingerprint = candidate.name, _fingerprint(candidate.provider, candidate.access)
        if failure.outcome is Outcome.PROXY_REFUSES:
            raise AccessDenied(
                "the proxy refuses the user or password: check CHATGPT_PROXY_URL", problem="proxy_refuses"
            )
        if failure.outcome is Outcome.REJECTED:
            raise NoAnswer(f"{name} rejects the request: {failure.http_status} {failure.reason}", why="rejected")
        if failure.outcome is Outcome.TOO_LONG:
            return Skipped(name, "too_long")
        if failure.outcome in _OUT:
            self._state.out_of_service(name, failure.outcome, fingerprint, failure.reason)
            return Skipped(name, failure.outcome.value)
        if failure.outcome is Outcome.THROTTLED:
            seconds = min(failure.retry_after if failure.retry_after is not None else 5.0, LONGEST_HINT_SECONDS)
            self._state.throttled(name, self.caller, max(seconds, 1.0), failure.reason)
            if seconds <= wait:
                raise Throttled(
                    f"{name} asks to wait {seconds:.0f} s", code=ErrorCode.LLM_UNAVAILABLE, retry_after=seconds
                )
            return Skipped(name, "throttled", seconds)
        assert failure.outcome in _GOES_ON, failure.outcome
        self._state.failed(name, self.caller, failure.reason, self._table.breaker)
        return Skipped(name, failure.outcome.value, self._table.breaker.open_seconds)


def _ahead(seconds: float | None) -> bool:
    return seconds is not None and seconds > 0


def _fingerprint(provider: Provider, access: Access) -> str:
    return f"{access.fingerprint}/{provider.type}/{provider.model}"


def _refuse_above(ceiling: Decimal, day: Day) -> None:
    ceiling = max(ceiling, day.allowed or Decimal(0))
    if day.spent >= ceiling:
        raise BudgetSpent(
            f"the language models have cost {day.spent:.4f} USD today (UTC), of {ceiling:.2f} that a day may cost "
            "(LLM_DAILY_BUDGET_USD): nothing more is asked until midnight UTC",
            problem="llm_day_spent",
            spent=day.spent,
            ceiling=ceiling,
        )


def _none_left(task: str, skipped: list[Skipped]) -> ExportError:
    """Throttled if time helps, NoAnswer for a question too long for all, else a StopRun that says why of each."""
    listed = _listed(skipped)
    waits = [each.seconds for each in skipped if each.seconds is not None]
    whys = {each.why for each in skipped}
    if waits and not whys <= {"exhausted"}:
        return Throttled(
            f"no language model can be asked for {task} now: {listed}",
            code=ErrorCode.LLM_UNAVAILABLE,
            retry_after=min(*waits, LONGEST_HINT_SECONDS),
            problem="llm_none_now",
            task=task,
            providers=listed,
        )
    if "too_long" in whys and whys <= {"too_long", "disabled", "keyless"}:
        return NoAnswer(f"the question is too long for every provider of {task}: {listed}", why="too_long")
    kind: type[StopRun] = AccessDenied if "misconfigured" in whys else StopRun
    if whys & {"exhausted", "budget_spent"}:
        kind = QuotaExhausted
    elif whys <= {"keyless", "disabled"}:
        kind = NotConfigured
    message = f"no language model can be asked for {task}: {listed}"
    return kind(message, problem="llm_none", task=task, providers=listed)


def _listed(skipped: list[Skipped]) -> str:
    return ", ".join(f"{each.provider}: {each.why}" for each in skipped) or "the task has no provider"

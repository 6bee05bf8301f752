"""Runs: opened once, moved by the state machine, summed up from their records."""

from collections.abc import Mapping, Set
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple, Unpack
from uuid import UUID

from psycopg.types.json import Jsonb

from include.calls.domain.budget import Spending
from include.calls.domain.run_progress import Progress
from include.calls.domain.states import RUN_MOVES, UNFINISHED, RecordStatus, RunStatus
from include.calls.state.rows import NewRun, Run, RunColumns
from include.calls.state.session import Session, statement, storable, storable_detail
from include.common.errors import ErrorCode

_FILE = "runs"
_MONEY = "money"


class LastEnd(NamedTuple):
    """`verdict` is the sentence with which the run was closed, `failed_step` the task whose failure decided it."""

    verdict: str
    failed_step: str | None


class Runs(Session):
    """The table `call_exports` and the history beside it."""

    def open_run(self, new: NewRun) -> Run:
        """The run of this DAG run or of this idempotency key (D5), created where there is none.

        A run of somebody else's DAG run with our key comes back as it is: compare `dag_run_id`.
        """
        parameters = {name: getattr(new, name) for name in NewRun.__slots__}
        parameters["metadata"] = Jsonb(dict(new.metadata))
        with self.transaction() as connection:
            created = bool(connection.execute(statement(_FILE, "insert_run"), parameters).fetchall())
            if created:
                self.event(new.run_id, stage="open_run", event="pending", detail={"actor": new.actor})
        (run,) = self._find(dag_run_id=new.dag_run_id, idempotency_key=new.idempotency_key)
        return replace(run, created=created)

    def run(self, run_id: UUID) -> Run | None:
        return next(iter(self._find(run_id=run_id)), None)

    def run_of_key(self, idempotency_key: str) -> Run | None:
        return next(iter(self._find(idempotency_key=idempotency_key)), None)

    def _find(
        self, *, run_id: UUID | None = None, dag_run_id: str | None = None, idempotency_key: str | None = None
    ) -> list[Run]:
        return self._rows(_FILE, "find_run", Run, run_id=run_id, dag_run_id=dag_run_id, idempotency_key=idempotency_key)

    def move_run(
        self,
        run_id: UUID,
        to: RunStatus,
        *,
        expected: Set[RunStatus],
        stage: str,
        detail: Mapping[str, Any] | None = None,
        **columns: Unpack[RunColumns],
    ) -> bool:
        """False where the run is in none of the `expected` states any more; ValueError for a move nobody may make."""
        refuse_unlisted(expected, to, RUN_MOVES)
        moved = self._count(
            _FILE,
            "move_run",
            run_id=run_id,
            to=to,
            expected=sorted(expected),
            stage=stage,
            detail=Jsonb(storable_detail(detail or {})),
            forecast_cost=columns.get("forecast_cost"),
            generate_summary=columns.get("generate_summary"),
        )
        return moved == 1

    def finish_run(
        self,
        run_id: UUID,
        status: RunStatus,
        *,
        stage: str = "close_run",
        detail: Mapping[str, Any] | None = None,
    ) -> bool:
        """Sums the run up from its records and closes it.

        False where it was not running any more; its sums are fresh even then.
        """
        with self.transaction():
            self.sum_up(run_id)
            return self.move_run(run_id, status, expected={RunStatus.RUNNING}, stage=stage, detail=detail)

    def sum_up(self, run_id: UUID) -> None:
        """The run's calls, minutes and money as its records have them now."""
        self._count(_FILE, "sum_up", run_id=run_id)

    def last_end(self, run_id: UUID) -> LastEnd | None:
        """How the run ended the last time; None where it never has."""
        return next(iter(self._rows(_FILE, "last_end", LastEnd, run_id=run_id)), None)

    def stop_run(self, run_id: UUID, reason: str, *, kind: str, error_code: ErrorCode | None, stage: str) -> bool:
        """False where the run was stopped before: the first reason stays."""
        reason = storable(reason)
        why = Jsonb({"reason": reason, "kind": kind})
        return self._count(_FILE, "stop_run", run_id=run_id, reason=reason, stage=stage, error_code=error_code,
                           detail=why) == 1  # fmt: skip

    def note_run(self, run_id: UUID, patch: Mapping[str, Any]) -> None:
        """Merges `patch` into the run's metadata, key by key."""
        self._count(_FILE, "note_run", run_id=run_id, patch=Jsonb(storable_detail(patch)))

    def note_operating(self, run_id: UUID, seconds: Mapping[str, float]) -> None:
        """What the portal has counted for its methods; the run keeps the highest figure of each."""
        if seconds:
            self._count(_FILE, "note_operating", run_id=run_id, seconds=Jsonb(dict(seconds)))

    def set_forecast(self, run_id: UUID, cost: Decimal) -> None:
        """`cost` (USD) is what the run was expected to spend."""
        self._count(_FILE, "set_forecast", run_id=run_id, forecast_cost=cost)

    def spending(self, run_id: UUID, rate_per_minute: Decimal) -> Spending:
        """What the run has spent and may spend; `rate_per_minute` (USD) prices the recordings in work."""
        (found,) = self._rows(_MONEY, "spending", Spending, run_id=run_id, rate_per_minute=rate_per_minute)
        return found

    def approve(self, run_id: UUID, cost: Decimal, *, stage: str, detail: Mapping[str, Any]) -> None:
        """A person allows the run to spend `cost` (USD) in all; less than is allowed already changes nothing."""
        self._count(_MONEY, "approve", run_id=run_id, cost=cost, stage=stage, detail=Jsonb(storable_detail(detail)))

    def summaries_wanted(self, run_id: UUID) -> tuple[int, int]:
        """How many summaries are missing, and the minutes of their recordings, each rounded up once."""
        ((texts, minutes),) = self._values(_MONEY, "summaries_wanted", run_id=run_id, unfinished=sorted(UNFINISHED))
        return texts, minutes

    def event(
        self,
        run_id: UUID | None,
        *,
        stage: str,
        event: str,
        call_id: str | None = None,
        record_id: str | None = None,
        duration_ms: int | None = None,
        error_code: ErrorCode | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Appends to the history."""
        self._count(
            _FILE,
            "add_event",
            run_id=run_id,
            call_id=call_id,
            record_id=record_id,
            stage=stage,
            event=event,
            duration_ms=duration_ms,
            error_code=error_code,
            detail=Jsonb(storable_detail(detail or {})),
        )

    def counts(self, run_id: UUID) -> dict[RecordStatus, int]:
        """How many records are in each status; a status without any is absent."""
        return {RecordStatus(status): count for status, count in self._values(_FILE, "counts", run_id=run_id)}

    def progress(self, run_id: UUID) -> Progress:
        (progress,) = self._rows(_FILE, "progress", Progress, run_id=run_id)
        return progress


def refuse_unlisted(expected: Set[Any], to: Any, moves: Mapping[Any, Set[Any]]) -> None:
    """ValueError where a move is not in the state machine: the program is wrong, not the data."""
    wrong = sorted(state for state in expected if to not in moves[state])
    if wrong or not expected:
        raise ValueError(f"no move from {', '.join(wrong) or 'nothing'} to {to} in include/calls/domain/states.py")

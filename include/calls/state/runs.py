"""Runs: opened once, moved by the state machine, summed up from recordings and charges."""

from collections.abc import Mapping, Set
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, Unpack
from uuid import UUID

from psycopg.types.json import Jsonb

from include.calls.domain.run_bars import Tried
from include.calls.domain.run_progress import Progress
from include.calls.domain.stages import Stage
from include.calls.domain.states import NOT_ENDED, RUN_MOVES, RecordStatus, RunStatus, refuse_unlisted
from include.calls.state.types import NewRun, Run, RunColumns, RunProgress
from include.common.errors import BadInput
from include.common.postgres_session import Session, storable, storable_detail

_FILE = "runs"


class Runs:
    """The table `call_exports`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def open(self, new: NewRun) -> Run:
        """The run of this DAG run or of this idempotency key; created if there is none.

        A run that another DAG run opened with the same key is returned unchanged: compare `dag_run_id`.
        """
        parameters = {name: getattr(new, name) for name in NewRun.__slots__}
        parameters["metadata"] = Jsonb(dict(new.metadata))
        parameters["stage"] = Stage.OPEN_RUN
        created = bool(self._session.values(_FILE, "insert_run", **parameters))
        (run,) = self._find(dag_run_id=new.dag_run_id, idempotency_key=new.idempotency_key)
        return replace(run, created=created)

    def get(self, run_id: UUID) -> Run:
        """Raises BadInput if there is no such run."""
        found = self._find(run_id=run_id)
        if not found:
            raise BadInput(f"there is no run {run_id}", problem="no_such_run", run_id=run_id)
        return found[0]

    def of_key(self, idempotency_key: str) -> Run | None:
        return next(iter(self._find(idempotency_key=idempotency_key)), None)

    def of_dag_run(self, dag_run_id: str, *, resumed: str | None) -> Run | None:
        """The run `resumed` if given, else the run that this DAG run opened."""
        return next(iter(self._session.rows(_FILE, "of_dag_run", Run, dag_run_id=dag_run_id, resumed=resumed)), None)

    def not_ended(self) -> list[Run]:
        """Runs that are registered or at work, the oldest first."""
        return self._session.rows(_FILE, "not_ended", Run, not_ended=sorted(NOT_ENDED))

    def _find(
        self, *, run_id: UUID | None = None, dag_run_id: str | None = None, idempotency_key: str | None = None
    ) -> list[Run]:
        wanted = {"run_id": run_id, "dag_run_id": dag_run_id, "idempotency_key": idempotency_key}
        return self._session.rows(_FILE, "find_run", Run, **wanted)

    def move(
        self,
        run_id: UUID,
        to: RunStatus,
        *,
        expected: Set[RunStatus],
        stage: str,
        worker: str | None = None,
        detail: Mapping[str, Any] | None = None,
        **columns: Unpack[RunColumns],
    ) -> bool:
        """False if the run is in none of the `expected` statuses; ValueError for a move the state machine lacks.

        To `running`: the run belongs to the DAG run `worker` from then on, and a stop is lifted. To an end: False as
        well if the run belongs to another DAG run than `worker`.
        """
        refuse_unlisted(expected, to, RUN_MOVES)
        values = {"forecast_cost": None, "generate_summary": None, "verdict": None, "failed_step": None, **columns}
        return self._move(run_id, to, expected, stage, worker, detail or {}, values)

    def take_over(self, run: Run, *, worker: str, stage: str) -> bool:
        """Gives a run that its DAG run has left open to the DAG run `worker`; a stop is lifted.

        False if the run has ended or was taken over since it was read.
        """
        values = {"run_id": run.run_id, "status": run.status, "loser": run.worked_by, "worker": worker}
        return self._session.count(_FILE, "take_over", stage=stage, **values) == 1

    def finish(
        self,
        run_id: UUID,
        status: RunStatus,
        *,
        verdict: str,
        failed_step: str | None,
        worker: str | None = None,
        stage: str = Stage.CLOSE_RUN,
    ) -> bool:
        """Sums the run up and closes it with a verdict.

        False if it does not run, or belongs to another DAG run than `worker`; its sums are fresh even then.
        """
        refuse_unlisted({RunStatus.RUNNING}, status, RUN_MOVES)
        detail = {"verdict": verdict, "failed_step": failed_step}
        values = {"forecast_cost": None, "generate_summary": None, **detail}
        with self._session.transaction():
            self.sum_up(run_id)
            return self._move(run_id, status, {RunStatus.RUNNING}, stage, worker, detail, values)

    def _move(
        self,
        run_id: UUID,
        to: RunStatus,
        expected: Set[RunStatus],
        stage: str,
        worker: str | None,
        detail: Mapping[str, Any],
        columns: Mapping[str, Any],
    ) -> bool:
        moved = self._session.count(
            _FILE,
            "move_run",
            run_id=run_id,
            to=to,
            expected=sorted(expected),
            runs=to is RunStatus.RUNNING,
            stage=stage,
            worker=worker,
            detail=Jsonb(storable_detail(detail)),
            **columns,
        )
        return moved == 1

    def sum_up(self, run_id: UUID) -> None:
        """Calls and minutes from the recordings as they are now, money from the ledger."""
        self._session.count(_FILE, "sum_up", run_id=run_id)

    def stop(
        self, run_id: UUID, sentence: str, *, reason: str, kind: str, error_code: StrEnum | None, stage: str
    ) -> bool:
        """Notes why the run stops: the operator's `sentence` with the run, the English `reason` with the event.

        False if it was stopped before: the first reason stays.
        """
        detail = Jsonb({"reason": storable(reason), "kind": kind})
        values = {"run_id": run_id, "stage": stage, "error_code": error_code, "detail": detail}
        return self._session.count(_FILE, "stop_run", sentence=storable(sentence), **values) == 1

    def note(self, run_id: UUID, patch: Mapping[str, Any]) -> None:
        """Merges `patch` into the run's metadata, key by key."""
        self._session.count(_FILE, "note_run", run_id=run_id, patch=Jsonb(storable_detail(patch)))

    def note_server_seconds(self, run_id: UUID, seconds: Mapping[str, float]) -> None:
        """Seconds of work that the telephony system has counted per method; the run keeps the highest of each."""
        if seconds:
            self._session.count(_FILE, "note_server_seconds", run_id=run_id, seconds=Jsonb(dict(seconds)))

    def set_forecast(self, run_id: UUID, cost: Decimal) -> None:
        """The expected spending of the run (USD); the first forecast stays."""
        self._session.count(_FILE, "set_forecast", run_id=run_id, forecast_cost=cost)

    def set_portal(self, run_id: UUID, portal_id: int) -> None:
        """Before the first call is saved. From a second portal on, the run's files get the portal into their names."""
        self._session.count(_FILE, "set_portal", run_id=run_id, portal_id=portal_id)

    def set_trial_end(self, run_id: UUID, statistics_id: int) -> None:
        """The last row of the statistics that a trial has listed: later rows are not reported by it."""
        self._session.count(_FILE, "set_trial_end", run_id=run_id, statistics_id=statistics_id)

    def approve(self, run_id: UUID, cost: Decimal, *, stage: str, detail: Mapping[str, Any]) -> None:
        """A person allows the run to spend `cost` (USD) in all. A sum below the approved one changes nothing."""
        parameters = {"cost": cost, "stage": stage, "detail": Jsonb(storable_detail(detail))}
        self._session.count(_FILE, "approve", run_id=run_id, **parameters)

    def counts(self, run_id: UUID) -> dict[RecordStatus, int]:
        """How many reported recordings are in each status; a status without any is absent."""
        return {RecordStatus(status): count for status, count in self._session.values(_FILE, "counts", run_id=run_id)}

    def tried(self, run_id: UUID) -> Tried:
        """What the run itself has tried: rows of its listing, audio that it asked for, texts that it bought."""
        return next(iter(self._session.rows(_FILE, "tried", Tried, run_id=run_id)))

    def progress(self, run_id: UUID) -> Progress:
        (progress,) = self._session.rows(_FILE, "progress", Progress, run_id=run_id)
        return progress

    def following(self, dag_run_id: str, *, run_id: str | None, key: str | None) -> RunProgress | None:
        """The progress of the run that a person watches; None until it is registered."""
        wanted = {"dag_run_id": dag_run_id, "run_id": run_id, "key": key}
        return next(iter(self._session.rows(_FILE, "following", RunProgress, **wanted)), None)

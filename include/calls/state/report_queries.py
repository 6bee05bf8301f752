"""What the registry, the report, the estimate and the log are made of: read from PostgreSQL, in SQL's own sums."""

from collections.abc import Generator, Mapping
from dataclasses import replace
from datetime import date, tzinfo
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import aiosql
from psycopg import Connection
from psycopg.rows import BaseRowFactory, class_row, dict_row, tuple_row

from include.calls.domain.registry_row import RegistryRow
from include.calls.domain.report_figures import (
    DayFigures,
    DlqItem,
    Drift,
    Estimate,
    Event,
    Flagged,
    Gap,
    GapGroup,
    PortalTrouble,
    QaItem,
    RunFacts,
    RunFigures,
    StageTime,
    Totals,
)
from include.calls.domain.report_zone import sql_zone
from include.calls.domain.states import RecordStatus
from include.common.errors import BadInput

GAPS_SHOWN = 200
DLQ_SHOWN = 200
DRIFTS_SHOWN = 10
FLAGGED_SHOWN = 100
LIVE_EVERY_SEC = 30.0
LIVE_REST = 20.0  # at most a twentieth of a worker's time goes into registries that are replaced soon
_ROWS_PER_FETCH = 2000

T = TypeVar("T")


def registry_rows(conn: Connection[Any], run_id: UUID) -> Generator[RegistryRow]:
    """The run's rows in the order of the calls, fetched a few thousand at a time whatever their number.

    To be closed by whoever may stop half way, as the other streams: its cursor lives in a transaction of its own, which
    has to end before the one around it.
    """
    yield from _streamed(conn, "registry_rows", run_id, class_row(RegistryRow))


def registry_turn(conn: Connection[Any], key: str) -> None:
    """Waits until nobody else writes the registry `key`; the turn lasts as long as the transaction."""
    conn.execute(_sql("registry_turn"), {"key": key})


def live_registry_turn(conn: Connection[Any], run_id: UUID, key: str) -> bool:
    """The same without waiting, for a registry in mid-run.

    False where one is being written or is fresh enough, or where the run has just begun.
    """

    def due() -> bool:
        parameters = {"run_id": run_id, "every": LIVE_EVERY_SEC, "rest": LIVE_REST}
        found = conn.execute(_sql("live_registry_due"), parameters).fetchone()
        return bool(found and found[0])

    if not due():
        return False
    taken = conn.execute(_sql("try_registry_turn"), {"key": key}).fetchone()
    return bool(taken and taken[0]) and due()  # it may have been written between question and turn


def note_live_registry(conn: Connection[Any], run_id: UUID, *, seconds: float) -> None:
    """`seconds` is how long it took to write."""
    conn.execute(_sql("note_live_registry"), {"run_id": run_id, "seconds": seconds})


def run_events(conn: Connection[Any], run_id: UUID) -> Generator[Event]:
    """The run's history in the order it happened, streamed like the registry's rows."""
    yield from _streamed(conn, "run_events", run_id, class_row(Event))


def run_figures(
    conn: Connection[Any], run_id: UUID, *, qa_sample_size: int, zone: tzinfo, failed_step: str | None = None
) -> RunFigures:
    """Everything the report says, by days of `zone`; raises BadInput where there is no such run.

    `failed_step` is what the database cannot know: a task of the run that failed before the batches.
    """
    run = replace(_run_facts(conn, run_id), failed_step=failed_step)
    of_run = {"run_id": run_id}
    span = {"since": run.started_at, "until": run.finished_at or run.last_event_at}
    days = _days(_dicts(conn, "calls_by_day", {**of_run, "zone": sql_zone(zone)}))
    return RunFigures(
        run=run,
        totals=_one(conn, "run_totals", of_run, Totals),
        statuses=_by_status(days),
        days=days,
        gap_groups=_all(conn, "gap_groups", of_run, GapGroup),
        gaps=_all(conn, "gaps", {**of_run, "most": GAPS_SHOWN}, Gap),
        drifts=_all(conn, "drifts", {**of_run, "most": DRIFTS_SHOWN}, Drift),
        review_reasons={row["reason"]: row["calls"] for row in _dicts(conn, "review_reasons", of_run)},
        flagged=_all(conn, "flagged", {**of_run, "most": FLAGGED_SHOWN}, Flagged),
        qa_sample=qa_sample(conn, run_id, qa_sample_size),
        dlq=_all(conn, "dlq", {**of_run, "most": DLQ_SHOWN}, DlqItem),
        stages=_all(conn, "stages", of_run, StageTime),
        trouble=_one(conn, "portal_trouble", span, PortalTrouble),
    )


def qa_sample(conn: Connection[Any], run_id: UUID, size: int) -> list[QaItem]:
    """The recordings of a run that people listen to, always the same, with what they have found so far."""
    return _all(conn, "qa_sample", {"run_id": run_id, "most": size}, QaItem)


def transcript_paths(conn: Connection[Any], run_id: UUID, zone: tzinfo) -> Generator[tuple[date, str]]:
    """The day in `zone` and the storage key of every text, streamed like the registry's rows."""
    yield from _streamed(conn, "transcript_paths", run_id, tuple_row, zone=sql_zone(zone))


def portal_offset(conn: Connection[Any], run_id: UUID) -> int | None:
    """Seconds from UTC of most of the run's calls, as the portal gives their times; None without calls."""
    found = conn.execute(_sql("portal_offset"), {"run_id": run_id}).fetchone()
    return found[0] if found else None


def run_estimate(conn: Connection[Any], run_id: UUID) -> Estimate:
    """What the planned run is going to buy; raises BadInput without such a run or before its forecast is stored."""
    run = _run_facts(conn, run_id)
    if run.forecast_cost is None:
        raise BadInput(f"run {run_id} has no forecast yet: its plan step stores it")
    counts = _dicts(conn, "estimate", {"run_id": run_id})[0]
    return Estimate(run=run, cost=run.forecast_cost, **counts)


def _run_facts(conn: Connection[Any], run_id: UUID) -> RunFacts:
    found = _all(conn, "run_facts", {"run_id": run_id}, RunFacts)
    if not found:
        raise BadInput(f"there is no run {run_id} in call_exports")
    return found[0]


def _days(rows: list[dict[str, Any]]) -> tuple[DayFigures, ...]:
    by_day: dict[date, list[dict[str, Any]]] = {}
    for row in rows:
        by_day.setdefault(row["day"], []).append(row)
    return tuple(
        DayFigures(
            day=day,
            minutes=sum(row["minutes"] for row in of_day),
            cost=sum(row["cost"] for row in of_day),
            spent=sum(row["spent"] for row in of_day),
            statuses={RecordStatus(row["status"]): row["calls"] for row in of_day},
        )
        for day, of_day in by_day.items()
    )


def _by_status(days: tuple[DayFigures, ...]) -> dict[RecordStatus, int]:
    counts = {status: sum(day.statuses.get(status, 0) for day in days) for status in RecordStatus}
    return {status: count for status, count in counts.items() if count}


def _streamed(
    conn: Connection[Any], name: str, run_id: UUID, row: BaseRowFactory[T], **parameters: object
) -> Generator[T]:
    # A cursor on the server lives inside a transaction, also where the connection commits by itself.
    with conn.transaction(), conn.cursor(name=name, row_factory=row) as cursor:
        cursor.itersize = _ROWS_PER_FETCH
        yield from cursor.execute(_sql(name), {"run_id": run_id, **parameters})


def _all(conn: Connection[Any], name: str, parameters: Mapping[str, Any], row: type[T]) -> list[T]:
    with conn.cursor(row_factory=class_row(row)) as cursor:
        return cursor.execute(_sql(name), parameters).fetchall()


def _one(conn: Connection[Any], name: str, parameters: Mapping[str, Any], row: type[T]) -> T:
    return _all(conn, name, parameters, row)[0]


def _dicts(conn: Connection[Any], name: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_sql(name), parameters).fetchall()


def _sql(name: str) -> Any:
    return getattr(_queries(), name).sql


@cache
def _queries() -> Any:
    return aiosql.from_path(Path(__file__).parent / "queries" / "reporting.sql", "psycopg")

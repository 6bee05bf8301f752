"""Runs and calls for the tests of the state, and the ways they go."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import uuid4

import psycopg

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.state.rows import NewRun, RecordRow, Run
from include.calls.state.state import State
from include.common.errors import ErrorCode, Temporary
from include.common.telephony import Call, CallOutcome, Direction

MOSCOW = timezone(timedelta(hours=3))
S = RecordStatus


def new_run(key: str = "key-1", dag_run_id: str = "dag-1") -> NewRun:
    return NewRun(
        run_id=uuid4(),
        dag_run_id=dag_run_id,
        idempotency_key=key,
        period_from=datetime(2025, 8, 1, tzinfo=UTC),
        period_to=datetime(2025, 8, 31, 23, 59, 59, tzinfo=UTC),
        actor="Оператор 1",
        trigger="manual",
        metadata={"limit_calls": 0},
    )


def call(number: int, *, file_id: int | None = 500, **other: object) -> Call:
    plain = Call(
        statistics_id=number,
        call_id=f"11018129443EB80D.1754478570.{number}",
        record_id=str(file_id + number) if file_id else f"none-{number}",
        started_at=datetime(2025, 8, 6, 12, 0, tzinfo=MOSCOW) + timedelta(minutes=number),
        direction=Direction.INBOUND,
        phone_line="+74951234567",
        client_number="+79997654321",
        employee_id="1269",
        duration_sec=90,
        outcome=CallOutcome.ANSWERED,
        outcome_code="200",
        has_recording=file_id is not None,
        recording_ref=str(file_id + number) if file_id else None,
        recording_url=None,
    )
    return replace(plain, **other)


def opened(state: State, name: str = "1", *calls: Call) -> Run:
    run = state.open_run(new_run(f"key-{name}", f"dag-{name}"))
    state.move_run(run.run_id, RunStatus.RUNNING, expected={RunStatus.PENDING}, stage="open_run")
    if calls:
        state.save_calls(run.run_id, calls, {"1269": "Оператор 12"})
    return run


def rows(state: State, run: Run) -> list[RecordRow]:
    return state._records(run.run_id, set(S))


def one(state: State, run: Run) -> RecordRow:
    (row,) = rows(state, run)
    return row


def to_text(state: State, row: RecordRow, *, checksum: str = "aa", cost: str = "0.009") -> None:
    """The whole way of a recording, as the steps walk it."""
    assert state.move_to_work(row, S.DOWNLOADING, stage="download")
    moved = state.move_record(
        row.run_id,
        *row.key,
        S.DOWNLOADED,
        expected={S.DOWNLOADING},
        stage="download",
        raw_path=f"exports/one/raw/{row.record_id}.mp3",
        checksum=checksum,
    )
    assert moved
    bought(state, row, cost=cost)


def bought(state: State, row: RecordRow, *, cost: str = "0.009") -> None:
    assert state.move_to_work(row, S.TRANSCRIBING, stage="transcribe")
    moved = state.move_record(
        row.run_id,
        *row.key,
        S.COMPLETED,
        expected={S.TRANSCRIBING},
        stage="transcribe",
        transcript_path=f"exports/one/transcripts/{row.record_id}.txt",
        audio_sec=Decimal("90.5"),
        language="ru",
        model="gpt-transcribe",
        cost=Decimal(cost),
    )
    assert moved


def events(database: str, run: Run) -> list[tuple[str, str, dict[str, object]]]:
    with psycopg.connect(database) as connection:
        return connection.execute(
            "SELECT stage, event, detail FROM call_events WHERE run_id = %s ORDER BY id", [run.run_id]
        ).fetchall()


def give_up(state: State, row: RecordRow, *, stored: bool) -> None:
    state.move_to_work(row, S.DOWNLOADING, stage="download")
    error = Temporary("it failed", code=ErrorCode.DOWNLOAD_FAILED)
    if stored:
        state.move_record(
            row.run_id,
            *row.key,
            S.DOWNLOADED,
            expected={S.DOWNLOADING},
            stage="download",
            raw_path="exports/raw",
            checksum=row.record_id,
        )
    here = S.DOWNLOADED if stored else S.DOWNLOADING
    state.move_record(
        row.run_id, *row.key, S.ERROR, expected={here}, stage="download", error=error, attempts_plus=1, stage_attempts=6
    )


def first_failed(database: str) -> list[datetime | None]:
    with psycopg.connect(database) as connection:
        return [value for (value,) in connection.execute("SELECT first_failed_at FROM call_records")]


def costs(database: str) -> list[Decimal]:
    with psycopg.connect(database) as connection:
        return [value for (value,) in connection.execute("SELECT cost FROM call_records")]


def cut_connections(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

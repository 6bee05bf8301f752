"""Runs and calls for the tests of the state, and the ways a recording goes."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import psycopg

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.state.state import State
from include.calls.state.types import Charge, NewRun, NewText, RecordingRow, Run
from include.common.errors import ErrorCode, Temporary
from include.common.telephony import Call, CallOutcome, Direction

MOSCOW = timezone(timedelta(hours=3))
HOST = "portal.example"
S = RecordStatus


def new_run(key: str = "key-1", dag_run_id: str = "dag-1", **other: Any) -> NewRun:
    plain = NewRun(
        run_id=uuid4(),
        dag_run_id=dag_run_id,
        idempotency_key=key,
        period_from=datetime(2025, 8, 1, tzinfo=UTC),
        period_to=datetime(2025, 8, 31, 23, 59, 59, tzinfo=UTC),
        actor="Оператор 1",
        trigger="manual",
        due_at=datetime(2025, 9, 1, 2, tzinfo=UTC),
        metadata={"limit_calls": 0},
    )
    return replace(plain, **other)


def call(number: int, *, file_id: int | None = 500, **other: Any) -> Call:
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


def opened(state: State, name: str = "1", *calls: Call, host: str = HOST, **other: Any) -> Run:
    """A running run that has listed these calls and taken up what is to be done."""
    run = state.runs.open(new_run(f"key-{name}", f"dag-{name}", **other))
    state.runs.move(run.run_id, RunStatus.RUNNING, expected={RunStatus.PENDING}, stage="open_run")
    return listed(state, run, *calls, host=host)


def listed(state: State, run: Run, *calls: Call, host: str = HOST) -> Run:
    portal_id = state.portals.of(host, [(one.statistics_id, one.call_id) for one in calls])
    state.runs.set_portal(run.run_id, portal_id)
    run = state.runs.get(run.run_id)
    state.listing.save(run, portal_id, calls, {"1269": "Оператор 12"})
    state.moves.take_up(run, stage="plan", summaries=False)
    return run


def rows(state: State, run: Run) -> list[RecordingRow]:
    return list(state.recordings.of_run(run.run_id))


def one(state: State, run: Run) -> RecordingRow:
    (row,) = rows(state, run)
    return row


def downloaded(state: State, run: Run, row: RecordingRow, *, checksum: str = "aa") -> None:
    assert state.moves.take(
        run.run_id, row.recording_id, S.DOWNLOADING, stage="download", file_name=f"call_{row.call_id}_{row.record_id}"
    )
    assert state.moves.move(
        run.run_id,
        row.recording_id,
        S.DOWNLOADED,
        expected={S.DOWNLOADING},
        stage="download",
        raw_path=f"raw/2025/08/06/{row.record_id}.mp3",
        checksum=checksum,
    )


def text(words: str = "Добрый день.", **other: Any) -> NewText:
    plain = NewText(
        sha256=sha256(words.encode()).hexdigest(),
        body=words,
        preview=words,
        language="ru",
        roles="channels",
        source="recogniser",
        model="gpt-transcribe",
    )
    return replace(plain, **other)


def charge(usd: str, *, seconds: str = "90.5", purpose: str = "recognition", model: str = "gpt-transcribe") -> Charge:
    return Charge(purpose, model, "second", Decimal(seconds), Decimal(usd), confirmed=True)


def bought(state: State, run: Run, row: RecordingRow, *, cost: str = "0.009", words: str = "Добрый день.") -> None:
    """One response, one text, rounded up to `cost`."""
    assert state.moves.take(run.run_id, row.recording_id, S.TRANSCRIBING, stage="transcribe")
    checksum = state.recordings.get(row.recording_id).checksum
    assert checksum
    paid = charge(str(Decimal(cost) / 2))
    state.responses.keep(run.run_id, row.recording_id, checksum, f"piece of {row.recording_id}", "m", {}, paid)
    with state.transaction():
        transcript_id = state.transcripts.keep(run.run_id, row.recording_id, text(words))
        assert state.moves.move(
            run.run_id,
            row.recording_id,
            S.COMPLETED,
            expected={S.TRANSCRIBING},
            stage="transcribe",
            transcript_id=transcript_id,
            transcript_path=f"transcripts/2025/08/06/{row.record_id}.txt",
            audio_sec=Decimal("90.5"),
        )
        state.charges.round_up(run.run_id, row.recording_id, model="gpt-transcribe", minutes=2, price=Decimal(cost))
        state.responses.forget(checksum)


def to_text(
    state: State, run: Run, row: RecordingRow, *, checksum: str = "aa", cost: str = "0.009", words: str = "Добрый день."
) -> None:
    """The whole way of a recording, as the steps go it."""
    downloaded(state, run, row, checksum=checksum)
    bought(state, run, row, cost=cost, words=words)


def give_up(state: State, run: Run, row: RecordingRow, *, stored: bool) -> None:
    """In error, with its audio stored or without."""
    error = Temporary("it failed", code=ErrorCode.DOWNLOAD_FAILED)
    if stored:
        downloaded(state, run, row, checksum=row.record_id)
    else:
        assert state.moves.take(run.run_id, row.recording_id, S.DOWNLOADING, stage="download")
    assert state.moves.move(
        run.run_id,
        row.recording_id,
        S.ERROR,
        expected={S.DOWNLOADED if stored else S.DOWNLOADING},
        stage="download",
        error=error,
        attempts_plus=1,
        stage_attempts=6,
    )


def events(database: str, run: Run | UUID) -> list[tuple[str, str, dict[str, Any]]]:
    run_id = run if isinstance(run, UUID) else run.run_id
    return selected(database, "SELECT stage, event, detail FROM call_events WHERE run_id = %s ORDER BY id", run_id)


def selected(database: str, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(query.encode(), parameters).fetchall()


def executed(database: str, statement: str, *parameters: object) -> int:
    """Rows changed by a statement that a person could type."""
    with psycopg.connect(database) as connection:
        return connection.execute(statement.encode(), parameters).rowcount


def numbers(selection: Iterable[tuple[Any, ...]]) -> list[Any]:
    """The first column."""
    return [value for value, *_ in selection]


def end_leases(database: str) -> None:
    """As if no claim had been renewed for longer than its lease: its task, its host or its network is dead."""
    executed(database, "UPDATE call_claims SET until = clock_timestamp() - interval '1 second'")


def cut_connections(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

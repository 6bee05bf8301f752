"""The figures of a run, asked from a real PostgreSQL."""

from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.types.json import Jsonb

from include.calls.domain.states import RecordStatus as S
from include.calls.state.report_queries import (
    portal_offset,
    registry_rows,
    run_estimate,
    run_events,
    run_figures,
    transcript_paths,
)
from include.common.errors import BadInput

pytestmark = pytest.mark.postgres

RUN_ID = UUID("0b0e7a3e-3f5c-4a53-9a0c-6d6a3c1c7b11")
EARLIER = UUID("0b0e7a3e-3f5c-4a53-9a0c-6d6a3c1c7b10")
START = datetime(2025, 8, 1, 21, 30, tzinfo=UTC)


@pytest.fixture
def conn(database):
    with psycopg.connect(database, autocommit=True) as connection:
        add_run(connection, EARLIER)
        add_run(connection, RUN_ID, forecast_cost=Decimal("1.5"), metadata=Jsonb({"portal_total": 7, "bad_rows": 1}))
        yield connection


def figures_of(conn, run_id, zone=UTC, **options):
    return run_figures(conn, run_id, qa_sample_size=50, zone=zone, **options)


def add_run(conn, run_id, **columns):
    values = {
        "run_id": run_id,
        "dag_run_id": f"manual__{run_id}",
        "idempotency_key": str(run_id),
        "period_from": datetime(2025, 8, 1, tzinfo=UTC),
        "period_to": datetime(2025, 8, 2, 23, 59, 59, tzinfo=UTC),
        "status": "running",
        "actor": "analyst",
        "trigger": "manual",
        "started_at": datetime(2025, 8, 3, 2, tzinfo=UTC),
    }
    insert(conn, "call_exports", values | columns)


def add_record(conn, number, **columns):
    values = {
        "run_id": RUN_ID,
        "call_id": f"call.{number}",
        "record_id": str(number),
        "statistics_id": number,
        "status": "completed",
        "direction": "inbound",
        "from_number": "+79990000001",
        "to_number": "+74950000002",
        "call_started_at": START + timedelta(minutes=number),
        "duration_sec": 60,
        "portal_offset_sec": 10800,
        "failed_code": "answered",
    }
    if columns.get("status", "completed") == "completed":
        values |= {
            "audio_sec": Decimal("61.000"),
            "cost": Decimal("0.009"),
            "transcript_path": f"exports/2025-08-01_2025-08-02/transcripts/call_{number}.txt",
            "checksum": f"{number:064x}",
            "roles": "channels",
            "source": "recogniser",
        }
    insert(conn, "call_records", values | columns)


def add_event(conn, at, **columns):
    insert(conn, "call_events", {"at": at, "run_id": RUN_ID, "stage": "download", "event": "downloaded"} | columns)


def insert(conn, table, values):
    names, places = ", ".join(values), ", ".join(["%s"] * len(values))
    conn.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", list(values.values()))


def test_money_minutes_and_coverage_come_from_the_records(conn):
    add_record(conn, 1)
    add_record(conn, 2, audio_sec=Decimal("30"), cost=Decimal("0.0045"), needs_review=True, review_reasons=["loop"])
    add_record(conn, 3, reused_from_run_id=EARLIER, audio_sec=Decimal("120"), cost=Decimal("0.012"))
    add_record(conn, 4, status="error", error_code="stt_timeout", error_message="no answer")
    add_record(conn, 5, status="missing_audio", error_code="missing_audio")
    add_record(conn, 6, status="no_recording", failed_code="missed")
    figures = figures_of(conn, RUN_ID)
    totals = figures.totals
    assert figures.statuses == {S.COMPLETED: 3, S.ERROR: 1, S.MISSING_AUDIO: 1, S.NO_RECORDING: 1}
    assert (totals.calls, totals.reused, totals.flagged, totals.billed_minutes) == (6, 1, 1, 5)
    assert totals.minutes == pytest.approx(Decimal(211) / 60)
    assert (totals.cost, totals.spent) == (Decimal("0.0255"), Decimal("0.0135"))
    # 61 s at 0.0045 a minute and 30 s at 0.0045 a minute
    assert totals.spent_per_second == pytest.approx(Decimal("91") * Decimal("0.0045") / 60)
    assert (totals.portal_sec, totals.audio_sec) == (180, Decimal("211"))
    assert figures.review_reasons == {"loop": 1}
    assert (figures.run.portal_total, figures.run.bad_rows, figures.run.shared_rows) == (7, 1, 0)


def test_every_call_without_a_text_has_its_reason_and_the_unexpected_ones_their_name(conn):
    add_record(conn, 1, status="no_recording", failed_code="missed")
    add_record(conn, 2, status="no_recording", failed_code="missed")
    add_record(conn, 3, status="no_recording", failed_code="answered")
    add_record(conn, 4, status="error", error_code="stt_timeout", error_message="no answer")
    add_record(conn, 5, status="pending")
    insert(conn, "call_export_dlq", {
        "run_id": RUN_ID, "call_id": "call.4", "record_id": "4", "stage": "transcribe", "error_code": "stt_timeout",
        "first_failed_at": START,
    })  # fmt: skip
    figures = figures_of(conn, RUN_ID)
    reasons = {(group.status, group.error_code, group.failed_code): group.calls for group in figures.gap_groups}
    assert reasons == {
        ("no_recording", None, "missed"): 2,
        ("no_recording", None, "answered"): 1,
        ("error", "stt_timeout", None): 1,
        ("pending", None, None): 1,
    }
    assert [(gap.call_id, gap.in_dlq) for gap in figures.gaps] == [("call.4", True), ("call.5", False)]
    assert figures.totals.late_expected == 1
    assert [item.call_id for item in figures.dlq] == ["call.4"]


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        (UTC, datetime(2025, 8, 2, 0, 0, tzinfo=UTC)),
        (timezone(timedelta(hours=3)), datetime(2025, 8, 1, 21, 0, tzinfo=UTC)),
        (ZoneInfo("Europe/Moscow"), datetime(2025, 8, 1, 21, 0, tzinfo=UTC)),
        (timezone(-timedelta(hours=3, minutes=30)), datetime(2025, 8, 2, 3, 30, tzinfo=UTC)),
    ],
    ids=str,
)
def test_days_are_those_of_the_zone(conn, zone, first):
    """Figures and files change the day at the zone's midnight, whatever zone the connection has."""
    add_record(conn, 1, call_started_at=first - timedelta(seconds=1))
    add_record(conn, 2, call_started_at=first)
    conn.execute("SET TIME ZONE 'Asia/Vladivostok'")
    days = {day.day.day: day.statuses for day in figures_of(conn, RUN_ID, zone).days}
    assert days == {1: {S.COMPLETED: 1}, 2: {S.COMPLETED: 1}}
    with closing(transcript_paths(conn, RUN_ID, zone)) as texts:
        assert [day.day for day, _ in texts] == [1, 2]


def test_the_portals_offset_is_that_of_most_calls(conn):
    assert portal_offset(conn, RUN_ID) is None
    for number, offset in enumerate([3600, 7200, 3600, 7200, 7200]):
        add_record(conn, number, portal_offset_sec=offset)
    assert portal_offset(conn, RUN_ID) == 7200


def test_one_talk_bought_twice_is_counted(conn):
    add_record(conn, 1, checksum="a" * 64)
    add_record(conn, 2, call_id="call.1", checksum="a" * 64)
    add_record(conn, 3, checksum="a" * 64)
    assert figures_of(conn, RUN_ID).totals.duplicates == 1


def test_the_largest_differences_of_length_come_first_and_small_ones_not_at_all(conn):
    add_record(conn, 1, audio_sec=Decimal("60.9"))
    add_record(conn, 2, audio_sec=Decimal("50"))
    add_record(conn, 3, audio_sec=Decimal("90"))
    assert [drift.call_id for drift in figures_of(conn, RUN_ID).drifts] == ["call.3", "call.2"]


def test_the_sample_takes_from_every_stratum_and_is_the_same_every_time(conn):
    for number in range(1, 201):
        add_record(conn, number)
    rare = {201: {"direction": "outbound"}, 202: {"audio_sec": Decimal(900)}, 203: {"needs_review": True}}
    rare[204] = {"portal_number": "+74950000009"}
    for number, columns in rare.items():
        add_record(conn, number, **columns)
    sample = figures_of(conn, RUN_ID).qa_sample
    assert len(sample) == 50
    assert {f"call.{number}" for number in rare} <= {item.call_id for item in sample}
    assert sample == figures_of(conn, RUN_ID).qa_sample
    assert [item.call_started_at for item in sample] == sorted(item.call_started_at for item in sample)


def test_another_run_gives_another_sample(conn):
    for run_id in (RUN_ID, EARLIER):
        for number in range(1, 101):
            add_record(conn, number, run_id=run_id)
    chosen = [{item.call_id for item in figures_of(conn, run_id).qa_sample} for run_id in (RUN_ID, EARLIER)]
    assert chosen[0] != chosen[1]


def test_time_by_stage_and_the_portals_refusals_while_the_run_went(conn):
    begin = datetime(2025, 8, 3, 2, tzinfo=UTC)
    add_event(conn, begin - timedelta(hours=1), run_id=None, stage="portal", event="portal_refused")
    add_event(conn, begin + timedelta(minutes=1), run_id=None, stage="portal", event="portal_refused")
    add_event(conn, begin + timedelta(minutes=2), run_id=None, stage="portal", event="low_rate_on")
    add_event(conn, begin + timedelta(seconds=90), duration_ms=60_000)
    add_event(conn, begin + timedelta(minutes=5), duration_ms=30_000)
    figures = figures_of(conn, RUN_ID)
    (stage,) = figures.stages
    assert (stage.first_at, stage.last_at) == (begin + timedelta(seconds=30), begin + timedelta(minutes=5))
    assert (stage.events, stage.busy_sec) == (2, Decimal(90))
    assert (figures.trouble.refusals, figures.trouble.low_rate_switches) == (1, 1)
    assert figures.run.last_event_at == begin + timedelta(minutes=5)


def test_waiting_for_an_answer_and_days_before_a_resumption_are_nobodys_work(conn):
    begin = datetime(2025, 8, 3, 2, tzinfo=UTC)
    for hours, event in ((0, "running"), (1, "approval_wanted"), (11, "approved"), (12, "error"), (40, "running")):
        add_event(conn, begin + timedelta(hours=hours), stage="plan", event=event)
    assert figures_of(conn, RUN_ID).run.idle_sec == (10 + 28) * 3600
    add_event(conn, begin + timedelta(hours=41), stage="close_run", event="completed")
    assert figures_of(conn, RUN_ID).run.idle_sec == (10 + 28) * 3600, "what comes after the last end is no run's time"


def test_a_stop_and_a_failed_step_are_facts_of_the_run(conn):
    """The database knows of the stop; what failed before the batches it is told."""
    conn.execute(
        "UPDATE call_exports SET metadata = metadata || %s WHERE run_id = %s",
        [Jsonb({"stop": "токен отозван", "shared": 3}), RUN_ID],
    )
    run = figures_of(conn, RUN_ID, failed_step="plan").run
    assert (run.stop, run.failed_step, run.shared_rows) == ("токен отозван", "plan", 3)


def test_a_run_without_calls_has_figures_and_an_unknown_run_has_none(conn):
    assert figures_of(conn, RUN_ID).totals.calls == 0
    with pytest.raises(BadInput, match="there is no run"):
        figures_of(conn, UUID(int=1))


def test_the_estimate_counts_only_what_is_still_to_buy(conn):
    add_record(conn, 1, reused_from_run_id=EARLIER)
    add_record(conn, 2, status="pending", duration_sec=61)
    add_record(conn, 3, status="downloaded", duration_sec=59)
    add_record(conn, 4, status="no_recording")
    estimate = run_estimate(conn, RUN_ID)
    assert (estimate.calls, estimate.recordings, estimate.reused, estimate.to_buy) == (4, 3, 1, 2)
    assert (estimate.minutes, estimate.billed_minutes, estimate.cost) == (Decimal(2), 3, Decimal("1.5"))


def test_without_a_forecast_there_is_no_estimate_that_says_nothing_will_be_spent(conn):
    with pytest.raises(BadInput, match="no forecast yet"):
        run_estimate(conn, EARLIER)


@pytest.mark.parametrize("autocommit", [True, False])
def test_rows_events_and_texts_are_streamed_on_any_connection(conn, database, autocommit):
    for number in (3, 1, 2):
        add_record(conn, number, tags=["оплата"])
        add_event(conn, START, call_id=f"call.{number}", detail=Jsonb({"n": number}))
    with psycopg.connect(database, autocommit=autocommit) as other:
        rows = list(registry_rows(other, RUN_ID))
        events = list(run_events(other, RUN_ID))
        texts = transcript_paths(other, RUN_ID, UTC)
        first = next(texts)
        assert other.execute("SELECT name FROM pg_cursors").fetchall() == [("transcript_paths",)], "not read at once"
        days = Counter(day for day, _ in (first, *texts))
    assert [row.call_id for row in rows] == ["call.1", "call.2", "call.3"]
    assert rows[0].tags == ["оплата"]
    assert [event.detail for event in events] == [{"n": 3}, {"n": 1}, {"n": 2}]
    assert days == {START.date(): 3}

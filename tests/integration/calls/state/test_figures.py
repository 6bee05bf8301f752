"""The figures of a run, asked from a real PostgreSQL."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from math import ceil
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.types.json import Jsonb

from include.calls.domain.states import RecordStatus as S
from include.calls.state.figures import ReportFigures
from include.calls.state.state import State
from include.calls.state.types import ToBuy
from include.common.errors import BadInput

pytestmark = pytest.mark.postgres

RUN_ID = UUID("0b0e7a3e-3f5c-4a53-9a0c-6d6a3c1c7b11")
EARLIER = UUID("0b0e7a3e-3f5c-4a53-9a0c-6d6a3c1c7b10")
START = datetime(2025, 8, 1, 21, 30, tzinfo=UTC)
LISTED = {
    "listed": 7,
    "portal_total": 7,
    "registered": 5,
    "bad_rows": 1,
    "listing_began_at": "2025-08-03T02:00:00+00:00",
}


@pytest.fixture
def conn(database):
    with psycopg.connect(database, autocommit=True) as connection:
        insert(connection, "portals", {"host": "portal.example"})
        add_run(connection, EARLIER)
        add_run(connection, RUN_ID, forecast_cost=Decimal("1.5"), metadata=Jsonb(LISTED))
        yield connection


@pytest.fixture
def state(database):
    with State.open(database) as state:
        yield state


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
        "due_at": datetime(2025, 8, 3, 2, tzinfo=UTC),
        "started_at": datetime(2025, 8, 3, 2, tzinfo=UTC),
        "portal_id": 1,
    }
    insert(conn, "call_exports", values | columns)


def add_recording(conn, number, *, bought_by=RUN_ID, cost=None, **columns):
    """A completed one has a text that `bought_by` paid: its seconds in pieces, `cost` in all."""
    values = {
        "portal_id": 1,
        "call_id": f"call.{number}",
        "record_id": str(number),
        "statistics_id": number,
        "status": "completed",
        "direction": "inbound",
        "from_number": "+79990000001",
        "to_number": "+74950000002",
        "call_started_at": START + timedelta(minutes=number),
        "duration_sec": 60,
        "utc_offset_sec": 10800,
        "outcome": "answered",
        "listed_at": datetime(2025, 8, 3, 1, tzinfo=UTC),
    } | columns
    completed = values["status"] == "completed"
    if completed:
        values = {
            "audio_sec": Decimal("61.000"),
            "transcript_path": f"transcripts/2025/08/01/call_{number}.txt",
            "raw_path": f"raw/2025/08/01/call_{number}.mp3",
            "checksum": f"{number:064x}",
        } | values
    (recording_id,) = insert(conn, "recordings", values, returning="recording_id")
    if completed:
        rate, seconds = Decimal("0.0045"), values["audio_sec"]
        pieces, whole = seconds * rate / 60, Decimal(cost) if cost else ceil(seconds / 60) * rate
        add_charge(conn, recording_id, pieces, run_id=bought_by)
        add_charge(conn, recording_id, whole - pieces, run_id=bought_by, purpose="rounding", unit="minute")
        add_text(conn, recording_id, run_id=bought_by)
    return recording_id


def add_text(conn, recording_id, **columns):
    values = {
        "recording_id": recording_id,
        "sha256": f"{recording_id:064x}",
        "body": "[00:00:01] [Оператор]: Да.\n",
        "preview": "Да.",
        "roles": "channels",
        "source": "recogniser",
        "model": "gpt-transcribe",
        "purchase_no": 1,
        "run_id": RUN_ID,
    }
    (transcript_id,) = insert(conn, "transcripts", values | columns, returning="transcript_id")
    conn.execute("UPDATE recordings SET transcript_id = %s WHERE recording_id = %s", [transcript_id, recording_id])


def add_charge(conn, recording_id, usd, **columns):
    values = {
        "run_id": RUN_ID,
        "recording_id": recording_id,
        "purchase_no": 1,
        "purpose": "recognition",
        "model": "gpt-transcribe",
        "unit": "second",
        "quantity": 60,
        "usd": usd,
        "confirmed": True,
    }
    insert(conn, "charges", values | columns)


def add_event(conn, at, **columns):
    insert(conn, "call_events", {"at": at, "run_id": RUN_ID, "stage": "download", "event": "downloaded"} | columns)


def insert(conn, table, values, returning=None):
    names, places = ", ".join(values), ", ".join(["%s"] * len(values))
    wanted = f" RETURNING {returning}" if returning else ""
    done = conn.execute(f"INSERT INTO {table} ({names}) VALUES ({places}){wanted}", list(values.values()))
    return done.fetchone() if returning else None


@pytest.fixture(autouse=True)
def partition(database):
    """Events of these tests are of August 2025."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SELECT call_events_months('2025-08-01', 1)")


def test_money_minutes_and_coverage_come_from_the_records(conn, state):
    add_recording(conn, 1)
    add_recording(conn, 2, audio_sec=Decimal("30"), cost="0.0045", needs_review=True, review_reasons=["loop"])
    add_recording(conn, 3, bought_by=EARLIER, audio_sec=Decimal("120"), cost="0.012")
    add_recording(conn, 4, status="error", error_code="stt_timeout", error_message="no answer")
    add_recording(conn, 5, status="missing_audio", error_code="missing_audio")
    add_recording(conn, 6, status="no_recording", outcome="missed")
    figures = ReportFigures(state.session).figures(RUN_ID)
    totals = figures.totals
    assert figures.statuses == {S.COMPLETED: 3, S.ERROR: 1, S.MISSING_AUDIO: 1, S.NO_RECORDING: 1}
    assert (totals.calls, totals.reused, totals.flagged, totals.billed_minutes) == (6, 1, 1, 5)
    assert totals.bought_minutes == 3
    assert totals.minutes == pytest.approx(Decimal(211) / 60)
    assert (totals.cost, totals.spent) == (Decimal("0.0255"), Decimal("0.0135"))
    # 61 s at 0.0045 a minute and 30 s at 0.0045 a minute
    assert totals.spent_per_second == pytest.approx(Decimal("91") * Decimal("0.0045") / 60, abs=Decimal("0.000001"))
    assert (totals.portal_sec, totals.audio_sec) == (180, Decimal("211"))
    assert figures.review_reasons == {"loop": 1}
    assert (figures.run.portal_total, figures.run.bad_rows, figures.run.shared_rows) == (7, 1, 0)


def test_money_without_a_text_is_spent_money(conn, state):
    """Pieces of a recording in error, a text that was sent back, a summary that was forgotten."""
    error = add_recording(conn, 1, status="error")
    add_charge(conn, error, Decimal("0.001"))
    sent_back = add_recording(conn, 2)
    conn.execute("UPDATE recordings SET status = 'pending', purchase_no = 2 WHERE recording_id = %s", [sent_back])
    summed = add_recording(conn, 3)
    add_charge(conn, summed, Decimal("0.002"), purpose="summary", unit="token")
    totals = ReportFigures(state.session).figures(RUN_ID).totals
    assert totals.spent == Decimal("0.021")
    assert totals.spent_on_summaries == Decimal("0.002")
    assert totals.cost == Decimal("0.011"), "what the texts that are there cost"
    (day,) = ReportFigures(state.session).figures(RUN_ID).days
    assert (day.cost, day.spent) == (totals.cost, totals.spent)


def test_a_text_of_two_recordings_of_a_call_costs_once(conn, state):
    add_recording(conn, 1)
    conn.execute("UPDATE recordings SET call_id = 'twins'")
    twin = add_recording(conn, 2, status="pending", call_id="twins", checksum="a" * 64, audio_sec=Decimal(61))
    conn.execute(
        "UPDATE recordings SET status = 'completed', transcript_id = (SELECT min(transcript_id) FROM transcripts)"
        " WHERE recording_id = %s",
        [twin],
    )
    totals = ReportFigures(state.session).figures(RUN_ID).totals
    assert (totals.cost, totals.bought_minutes, totals.billed_minutes) == (Decimal("0.009"), 2, 4)
    assert (totals.reused, totals.duplicates) == (0, 0)


def test_what_an_earlier_run_paid_stays_its_own(conn, state):
    add_recording(conn, 1, bought_by=EARLIER)
    earlier, now = (ReportFigures(state.session).figures(run_id).totals for run_id in (EARLIER, RUN_ID))
    assert (earlier.spent, now.spent) == (Decimal("0.009"), 0)
    assert (earlier.reused, now.reused) == (0, 1)
    assert earlier.cost == now.cost == Decimal("0.009")


def test_every_call_without_a_text_has_its_reason_and_the_unexpected_ones_their_name(conn, state):
    add_recording(conn, 1, status="no_recording", outcome="missed")
    add_recording(conn, 2, status="no_recording", outcome="missed")
    add_recording(conn, 3, status="no_recording", outcome="answered")
    gone_wrong = add_recording(conn, 4, status="error", error_code="stt_timeout", error_message="no answer")
    add_recording(conn, 5, status="pending")
    insert(conn, "dead_letters", {
        "run_id": RUN_ID, "recording_id": gone_wrong, "stage": "transcribe", "error_code": "stt_timeout",
        "first_failed_at": START,
    })  # fmt: skip
    figures = ReportFigures(state.session).figures(RUN_ID)
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


def test_days_are_days_of_the_zone_whatever_the_sessions_is(conn, state):
    add_recording(conn, 1, call_started_at=datetime(2025, 8, 1, 20, 59, tzinfo=UTC))
    add_recording(conn, 2, call_started_at=datetime(2025, 8, 1, 21, 0, tzinfo=UTC), status="error")
    state.session.values("runs", "counts", run_id=RUN_ID)  # opens the connection
    with state.session.transaction() as connection:
        connection.execute("SET TIME ZONE 'Asia/Vladivostok'")
        days = {
            zone: [
                (day.day.day, dict(day.statuses), day.spent)
                for day in ReportFigures(state.session).figures(RUN_ID, zone=zone).days
            ]
            for zone in (UTC, timezone(timedelta(hours=3)), ZoneInfo("Europe/Moscow"))
        }
    paid = Decimal("0.009")
    assert days[UTC] == [(1, {S.COMPLETED: 1, S.ERROR: 1}, paid)]
    moscow = [(1, {S.COMPLETED: 1}, paid), (2, {S.ERROR: 1}, 0)]
    assert days[timezone(timedelta(hours=3))] == days[ZoneInfo("Europe/Moscow")] == moscow


def test_the_usual_offset_is_that_of_most_calls(conn, state):
    assert ReportFigures(state.session).usual_offset(RUN_ID) is None
    for number, offset in enumerate((10800, 10800, 25200), start=1):
        add_recording(conn, number, utc_offset_sec=offset)
    assert ReportFigures(state.session).usual_offset(RUN_ID) == 10800


def test_recordings_that_went_or_came_are_counted_for_the_proof(conn, state):
    add_recording(conn, 1)
    add_recording(conn, 2, gone_at=START)
    add_recording(conn, 3, gone_at=START, status="pending")
    add_recording(conn, 4, listed_at=datetime(2025, 8, 3, 3, tzinfo=UTC), status="pending")
    figures = ReportFigures(state.session).figures(RUN_ID)
    totals = figures.totals
    assert (totals.calls, totals.gone, totals.came_since) == (3, 1, 1), "what went without a text is not reported"
    assert figures.run.registered == 5


def test_one_talk_bought_twice_is_counted(conn, state):
    add_recording(conn, 1, checksum="a" * 64)
    add_recording(conn, 2, call_id="call.1", checksum="a" * 64)
    add_recording(conn, 3, checksum="a" * 64)
    assert ReportFigures(state.session).figures(RUN_ID).totals.duplicates == 1


def test_the_largest_differences_of_length_come_first_and_small_ones_not_at_all(conn, state):
    add_recording(conn, 1, audio_sec=Decimal("60.9"))
    add_recording(conn, 2, audio_sec=Decimal("50"))
    add_recording(conn, 3, audio_sec=Decimal("90"))
    assert [drift.call_id for drift in ReportFigures(state.session).figures(RUN_ID).drifts] == ["call.3", "call.2"]


def test_the_sample_takes_from_every_stratum_and_is_the_same_every_time(conn, state):
    for number in range(1, 201):
        add_recording(conn, number)
    rare = {201: {"direction": "outbound"}, 202: {"audio_sec": Decimal(900)}, 203: {"needs_review": True}}
    rare[204] = {"phone_line": "+74950000009"}
    for number, columns in rare.items():
        add_recording(conn, number, **columns)
    sample = ReportFigures(state.session).figures(RUN_ID).qa_sample
    assert len(sample) == 50
    assert {f"call.{number}" for number in rare} <= {item.call_id for item in sample}
    assert sample == ReportFigures(state.session).figures(RUN_ID).qa_sample
    assert [item.call_started_at for item in sample] == sorted(item.call_started_at for item in sample)


def test_the_sample_prefers_texts_that_the_recogniser_is_not_sure_of(conn, state):
    """A tenth of the texts, a quarter of the sample."""
    for number in range(1, 201):
        recording_id = add_recording(conn, number)
        confidence = "0.50" if number % 10 == 0 else "0.80"
        conn.execute("UPDATE transcripts SET confidence = %s WHERE recording_id = %s", [confidence, recording_id])
    sample = ReportFigures(state.session).figures(RUN_ID).qa_sample
    unsure = [item for item in sample if int(item.record_id) % 10 == 0]
    assert (len(sample), len(unsure)) == (50, pytest.approx(12.5, abs=1))


def test_what_was_not_sent_and_how_sure_the_recogniser_is(conn, state):
    flags = {1: [], 2: ["much_not_sent"], 3: ["much_not_sent", "low_confidence"], 4: ["partly_unheard"]}
    for number, reasons in flags.items():
        recording_id = add_recording(conn, number, review_reasons=reasons, needs_review=bool(reasons))
        if number < 3:
            conn.execute(
                "UPDATE transcripts SET confidence = %s WHERE recording_id = %s", [f"0.{number + 6}", recording_id]
            )
    totals = ReportFigures(state.session).figures(RUN_ID).totals
    assert (totals.much_not_sent, totals.partly_unheard, totals.unsure) == (2, 1, 1)
    assert (totals.with_confidence, totals.confidence) == (2, Decimal("0.75"))


def test_the_openings_of_incoming_calls(conn, state):
    add_recording(conn, 1, phone_line="+74950000009")
    add_recording(conn, 2, direction="outbound")
    conn.execute("UPDATE transcripts SET roles = 'none' WHERE recording_id = %s", [add_recording(conn, 3)])
    found = list(ReportFigures(state.session).openings(RUN_ID))
    assert found == [("+74950000009", "[00:00:01] [Оператор]: Да.\n")]


def test_another_run_gives_another_sample(conn, state):
    for number in range(1, 101):
        add_recording(conn, number)
    chosen = [
        {item.call_id for item in ReportFigures(state.session).figures(run_id).qa_sample}
        for run_id in (RUN_ID, EARLIER)
    ]
    assert chosen[0] != chosen[1]


def test_time_by_stage_and_the_portals_refusals_while_the_run_went(conn, state):
    begin = datetime(2025, 8, 3, 2, tzinfo=UTC)
    add_event(conn, begin - timedelta(hours=1), run_id=None, stage="portal", event="portal_refused")
    add_event(conn, begin + timedelta(minutes=1), run_id=None, stage="portal", event="portal_refused")
    add_event(conn, begin + timedelta(minutes=2), run_id=None, stage="portal", event="low_rate_on")
    add_event(conn, begin + timedelta(seconds=90), duration_ms=60_000)
    add_event(conn, begin + timedelta(minutes=5), duration_ms=30_000)
    figures = ReportFigures(state.session).figures(RUN_ID)
    (stage,) = figures.stages
    assert (stage.first_at, stage.last_at) == (begin + timedelta(seconds=30), begin + timedelta(minutes=5))
    assert (stage.events, stage.busy_sec) == (2, Decimal(90))
    assert (figures.trouble.refusals, figures.trouble.low_rate_switches) == (1, 1)
    assert figures.run.last_event_at == begin + timedelta(minutes=5)


def test_waiting_for_an_answer_and_days_before_a_resumption_are_no_working_time(conn, state):
    begin = datetime(2025, 8, 3, 2, tzinfo=UTC)
    for hours, event in ((0, "running"), (1, "approval_wanted"), (11, "approved"), (12, "error"), (40, "running")):
        add_event(conn, begin + timedelta(hours=hours), stage="plan", event=event)
    assert ReportFigures(state.session).figures(RUN_ID).run.idle_sec == (10 + 28) * 3600
    add_event(conn, begin + timedelta(hours=41), stage="close_run", event="completed")
    assert ReportFigures(state.session).figures(RUN_ID).run.idle_sec == (10 + 28) * 3600, (
        "what follows the last end is no run's time"
    )


def test_a_stop_and_a_failed_step_are_facts_of_the_run(conn, state):
    """The database knows of the stop; what failed before the batches it is told."""
    conn.execute(
        "UPDATE call_exports SET metadata = metadata || %s WHERE run_id = %s",
        [Jsonb({"stop": "токен отозван", "shared": 3}), RUN_ID],
    )
    run = ReportFigures(state.session).figures(RUN_ID, failed_step="plan").run
    assert (run.stop, run.failed_step, run.shared_rows) == ("токен отозван", "plan", 3)


def test_a_run_without_calls_has_figures_and_an_unknown_run_has_none(conn, state):
    assert ReportFigures(state.session).figures(RUN_ID).totals.calls == 0
    with pytest.raises(BadInput, match="there is no run"):
        ReportFigures(state.session).figures(UUID(int=1))


def test_a_run_that_has_not_listed_reports_nothing(conn, state):
    add_recording(conn, 1)
    conn.execute("UPDATE call_exports SET portal_id = NULL WHERE run_id = %s", [RUN_ID])
    figures = ReportFigures(state.session).figures(RUN_ID)
    assert (figures.totals.calls, figures.days) == (0, ())


def test_the_estimate_counts_only_what_is_still_to_buy(conn, state):
    add_recording(conn, 1, bought_by=EARLIER)
    add_recording(conn, 2, status="pending", duration_sec=61)
    add_recording(conn, 3, status="downloaded", duration_sec=59)
    add_recording(conn, 4, status="no_recording")
    add_recording(conn, 5, status="error", duration_sec=60)
    to_buy = state.work.to_buy(state.runs.get(RUN_ID))
    estimate = ReportFigures(state.session).estimate(RUN_ID, to_buy)
    assert (estimate.calls, estimate.recordings, estimate.reused, estimate.to_buy) == (5, 4, 1, 3)
    assert (estimate.minutes, estimate.billed_minutes, estimate.cost) == (Decimal(3), 4, Decimal("1.5"))


def test_without_a_forecast_there_is_no_estimate_that_says_nothing_will_be_spent(conn, state):
    with pytest.raises(BadInput, match="no forecast yet"):
        ReportFigures(state.session).estimate(EARLIER, ToBuy(0, 0, 0, Decimal(0)))


def test_the_portals_refusals_are_found_without_reading_the_history(conn, state):
    """The history grows by thousands of rows a night; a report asks for a handful of them."""
    conn.execute(
        "INSERT INTO call_events (at, call_id, record_id, stage, event)"
        " SELECT now(), 'c', 'r', 'transcribe', 'completed' FROM generate_series(1, 20000)"
    )
    conn.execute("ANALYZE call_events")
    question = b"EXPLAIN " + state.session.statement("figures", "portal_trouble")
    since = datetime.now(UTC) - timedelta(hours=1)
    plan = "\n".join(line for (line,) in conn.execute(question, {"since": since, "until": datetime.now(UTC)}))
    assert "Seq Scan" not in plan
    assert "Index" in plan

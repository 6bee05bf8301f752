"""The figures for the monitoring: counted from the history, so that they only rise and outlive every process."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg.types.json import Jsonb

from include.calls.domain.qa_sample import QaCheck
from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.policy import load_policy
from include.calls.reporting.prometheus_page import limits_of, render_metrics
from include.calls.state.metric_queries import MetricsReader
from include.calls.state.state import State
from include.calls.steps.qa_review import record_checks
from include.common.errors import ErrorCode, Temporary
from tests.kit.state_samples import bought, call, give_up, one, opened, rows, to_text

pytestmark = pytest.mark.postgres

S = RecordStatus
NOW = datetime(2025, 9, 1, tzinfo=UTC)
LIMIT = Decimal("64.8")


def page(database: str, reader: MetricsReader | None = None, **policy: str) -> dict[tuple[str, frozenset[Any]], float]:
    """Samples by name and labels, read as Prometheus reads them."""
    settings = load_policy(policy)
    limits = limits_of(settings.schedule, settings.money, NOW)
    with reader or MetricsReader(database) as reading:
        text = render_metrics(reading.figures(run_limit=LIMIT), limits).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: dict[tuple[str, frozenset[Any]], float], name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def event(database: str, name: str, age: str = "0", *, of_record: bool = False, **detail: object) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO call_events (at, call_id, record_id, stage, event, detail)"
            " VALUES (now() - %s::interval, %s, %s, 'transcribe', %s, %s)",
            [age, *(("c", "r") if of_record else (None, None)), name, Jsonb(detail)],
        )


def test_an_empty_state_has_every_metric_at_zero(database: str) -> None:
    """The first failure ever must be a rise from zero, or no alert sees it."""
    samples = page(database)
    for status in ("completed", "error", "cancelled"):
        assert value(samples, "call_export_runs_total", status=status) == 0
        assert value(samples, "call_export_duration_seconds_count", status=status) == 0
    for status in ("completed", "reused", "error", "missing_audio"):
        assert value(samples, "call_transcripts_total", status=status) == 0
    for stage in ("download", "transcribe", "summarize"):
        assert value(samples, "call_export_retry_total", stage=stage) == 0
    assert value(samples, "call_export_qa_checked_total", result="ok") == 0
    assert value(samples, "call_export_qa_recordings", result="issue") == 0
    assert value(samples, "call_export_cost_total", kind="recognition") == 0
    assert value(samples, "call_transcription_minutes_total") == 0
    assert value(samples, "call_export_budget_usd") == 54
    assert value(samples, "call_export_deadline_seconds") == 6 * 3600


def test_a_run_from_end_to_end(database: str) -> None:
    with State(database) as state:
        run = opened(state, "1", call(1), call(2), call(3), call(4, file_id=None))
        first, second, third = (row for row in rows(state, run) if row.status is S.PENDING)
        to_text(state, first, cost="0.009")
        state.move_to_work(second, S.DOWNLOADING, stage="download")
        state.move_record(
            *(run.run_id, *second.key), S.PENDING, expected={S.DOWNLOADING}, stage="download",
            error=Temporary("later", code=ErrorCode.DOWNLOAD_FAILED), attempts_plus=1,
        )  # fmt: skip
        to_text(state, second, checksum="bb", cost="0.0135")
        give_up(state, third, stored=False)
        state.finish_run(run.run_id, RunStatus.ERROR)
    samples = page(database)
    assert value(samples, "call_export_runs_total", status="error") == 1
    assert value(samples, "call_transcripts_total", status="completed") == 2
    assert value(samples, "call_transcripts_total", status="error") == 1
    assert value(samples, "call_export_retry_total", stage="download") == 1
    assert value(samples, "call_export_cost_total", kind="recognition") == pytest.approx(0.0225)
    assert value(samples, "call_transcription_minutes_total") == pytest.approx(2 * 90.5 / 60)
    assert value(samples, "call_export_duration_seconds_count", status="error") == 1
    assert value(samples, "call_export_duration_seconds_bucket", status="error", le="60.0") == 1
    assert value(samples, "call_export_latest_run_failed") == 1
    assert value(samples, "call_export_recordings") == 4
    assert value(samples, "call_export_run_records", run_id=str(run.run_id), status="no_recording") == 1
    assert value(samples, "call_export_run_spent_usd", run_id=str(run.run_id)) == pytest.approx(0.0225)
    assert value(samples, "call_export_run_limit_usd", run_id=str(run.run_id)) == pytest.approx(64.8)


def test_a_text_bought_again_and_a_resumed_run_never_make_a_counter_go_back(database: str) -> None:
    """The rows forget; the history does not."""
    with State(database) as state:
        run = opened(state, "1", call(1))
        to_text(state, one(state, run))
        state.finish_run(run.run_id, RunStatus.COMPLETED)
        before = page(database)
        state.move_run(run.run_id, RunStatus.RUNNING, expected={RunStatus.COMPLETED}, stage="open_run")
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("UPDATE call_records SET status = 'downloaded'")
        during = page(database)
        bought(state, one(state, run))
        state.finish_run(run.run_id, RunStatus.COMPLETED)
    after = page(database)
    rising = [key for key in before if key[0].endswith(("_total", "_bucket", "_count", "_sum"))]
    assert len(rising) > 50
    assert [key for key in rising if not before[key] <= during[key] <= after[key]] == []
    assert value(after, "call_export_cost_total", kind="recognition") == pytest.approx(0.018), "paid twice"
    assert value(after, "call_export_runs_total", status="completed") == 2


def test_reused_texts_are_no_work_and_no_money(database: str) -> None:
    """Else a night of nine thousand old texts would hide a hundred failures."""
    with State(database) as state:
        first = opened(state, "1", call(1))
        to_text(state, one(state, first))
        second = opened(state, "2", call(1))
        assert state.reuse_earlier(second.run_id) == 1
    samples = page(database)
    assert value(samples, "call_transcripts_total", status="completed") == 1
    assert value(samples, "call_transcripts_total", status="reused") == 1
    assert value(samples, "call_export_cost_total", kind="recognition") == pytest.approx(0.009)


def test_summaries_count_as_money_only_where_they_were_bought(database: str) -> None:
    event(database, "summarized", of_record=True, usd="0.002", bought=True)
    event(database, "summarized", of_record=True, usd="0.002", bought=False)
    assert value(page(database), "call_export_cost_total", kind="summary") == pytest.approx(0.002)


def test_a_reader_that_goes_on_says_what_a_new_one_says(database: str) -> None:
    """What is old enough is counted once and kept; what is new is counted at each scrape, late commits included."""
    reader = MetricsReader(database)
    for age in ("2 hours", "1 hour", "16 minutes", "5 minutes"):
        event(database, "completed", age, of_record=True, cost="1", audio_sec="60")
    assert value(page(database, reader), "call_transcripts_total", status="completed") == 4
    assert value(page(database, reader), "call_transcripts_total", status="completed") == 4
    event(database, "completed", of_record=True, cost="1", audio_sec="60")
    assert value(page(database, reader), "call_transcripts_total", status="completed") == 5
    assert page(database, reader) == page(database)


def test_a_database_restored_from_a_copy_is_counted_anew(database: str) -> None:
    reader = MetricsReader(database)
    for _ in range(3):
        event(database, "completed", "1 hour", of_record=True)
    assert value(page(database, reader), "call_transcripts_total", status="completed") == 3
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DELETE FROM call_events WHERE id > 1")
    assert value(page(database, reader), "call_transcripts_total", status="completed") == 1


def test_the_portals_refusals_and_the_low_rate(database: str) -> None:
    for _ in range(3):
        event(database, "portal_refused", code="QUERY_LIMIT_EXCEEDED")
    event(database, "low_rate_on")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO portal_pace (portal, next_permit_at, low_rate_until)"
            " VALUES ('p', now(), now() + interval '1 min')"
        )
    samples = page(database)
    assert value(samples, "call_export_portal_refusals_total", code="QUERY_LIMIT_EXCEEDED") == 3
    assert value(samples, "call_export_portal_refusals_total", code="OPERATION_TIME_LIMIT") == 0
    assert value(samples, "call_export_low_rate_active") == 1


def test_an_error_of_yesterday_counts_until_the_recording_has_a_text_in_whatever_run(database: str) -> None:
    with State(database) as state, psycopg.connect(database, autocommit=True) as connection:
        run = opened(state, "1", call(1))
        give_up(state, one(state, run), stored=False)
        assert value(page(database), "call_export_errors_over_day") == 0
        connection.execute("UPDATE call_records SET first_failed_at = now() - interval '25 hours'")
        assert value(page(database), "call_export_errors_over_day") == 1
        later = opened(state, "2", call(1))
        to_text(state, one(state, later))
    assert value(page(database), "call_export_errors_over_day") == 0


def test_dead_letters_wait_until_replayed_or_done(database: str) -> None:
    with State(database) as state, psycopg.connect(database, autocommit=True) as connection:
        run = opened(state, "1", call(1))
        give_up(state, one(state, run), stored=False)
        connection.execute("UPDATE call_records SET first_failed_at = now() - interval '25 hours'")
        state.move_to_dlq(run.run_id, failed_before=datetime.now(UTC))
        samples = page(database)
        assert value(samples, "call_export_dlq_size") == 1
        assert value(samples, "call_export_dlq_moved_total") == 1
        state.replay(run.run_id)
    samples = page(database)
    assert value(samples, "call_export_dlq_size") == 0
    assert value(samples, "call_export_dlq_moved_total") == 1


def test_a_corrected_finding_is_counted_once_more_and_changes_sides_in_the_present_state(database: str) -> None:
    """A counter that went down would be read as a restart."""
    with State(database) as state:
        run = opened(state, "1", call(1), call(2))
        for number, row in enumerate(rows(state, run)):
            to_text(state, row, checksum=f"c{number}")
            ok = [QaCheck(row.call_id, row.record_id, "ok", "", where="row 1")]
            assert record_checks(run.run_id, ok, state, by="analyst") == 1
        first = rows(state, run)[0]
        corrected = [QaCheck(first.call_id, first.record_id, "issue", "the end is missing", where="row 1")]
        assert record_checks(run.run_id, corrected, state, by="analyst") == 1
    samples = page(database)
    found = {result: value(samples, "call_export_qa_checked_total", result=result) for result in ("ok", "issue")}
    assert found == {"ok": 2, "issue": 1}
    stands = {result: value(samples, "call_export_qa_recordings", result=result) for result in ("ok", "issue")}
    assert stands == {"ok": 1, "issue": 1}


@pytest.mark.parametrize(
    ("cron", "days"), [("0 2 * * *", 1), ("0 2 * * 1-5", 3), ("0 2 1 * *", 31), ("0 */6 * * *", 0.25)]
)
def test_the_schedules_longest_gap_is_what_a_missed_run_is_measured_by(database: str, cron: str, days: float) -> None:
    assert value(page(database, CALL_EXPORT_CRON=cron), "call_export_schedule_seconds") == days * 86400

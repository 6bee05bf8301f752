"""The figures for the monitoring: counters only rise, and outlive every process and every dropped month."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg.types.json import Jsonb

from include.calls.domain.metric_values import Surroundings
from include.calls.domain.qa_sample import QaCheck
from include.calls.domain.run_bars import Bar
from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.policy import load_policy
from include.calls.reporting.prometheus_page import limits_of, render_metrics
from include.calls.state.metrics import MetricsReader
from include.calls.state.qa import QaChecks
from include.calls.state.state import State
from include.common.errors import ErrorCode, Temporary
from tests.kit.state_samples import (
    call,
    charge,
    downloaded,
    executed,
    give_up,
    one,
    opened,
    rows,
    selected,
    to_text,
)

pytestmark = pytest.mark.postgres

S = RecordStatus
NOW = datetime(2025, 9, 1, tzinfo=UTC)
LIMIT = Decimal("64.8")
AGAIN = (
    "UPDATE call_records SET status = 'pending', error_message = NULL, retry_count = retry_count + 1 WHERE run_id = %s"
)
Samples = dict[tuple[str, frozenset[Any]], float]


def page(database: str, reader: MetricsReader | None = None, **policy: str) -> Samples:
    """Samples by name and labels, read as Prometheus reads them."""
    settings = load_policy(policy)
    limits = limits_of(settings.schedule, settings.money, settings.portal, settings.privacy, NOW, smoke_worse_by=0.03)
    with reader or MetricsReader.open(database) as reading:
        text = render_metrics(reading.figures(run_limit=LIMIT), limits, Surroundings()).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def counters(samples: Samples) -> Samples:
    return {key: found for key, found in samples.items() if key[0].endswith(("_total", "_bucket", "_count", "_sum"))}


def event(database: str, name: str, age: str = "0", *, of_recording: bool = False, **detail: object) -> None:
    executed(database, "SELECT call_events_months((now() - %s::interval)::date, 0)", age)
    call_id = "c" if of_recording else None
    executed(
        database,
        "INSERT INTO call_events (at, call_id, record_id, stage, event, detail)"
        " VALUES (now() - %s::interval, %s, %s, 'transcribe', %s, %s)",
        *(age, call_id, call_id, name, Jsonb(detail)),
    )


def fold(database: str) -> None:
    with MetricsReader.open(database) as reader:
        reader.fold()


def aged(database: str, age: str = "1 hour") -> None:
    """The history as if it had happened earlier, within its month."""
    executed(database, "SELECT call_events_months((now() - %s::interval)::date, 0)", age)
    executed(database, "ALTER TABLE call_events DISABLE TRIGGER call_events_no_update")
    executed(database, "UPDATE call_events SET at = at - %s::interval", age)
    executed(database, "ALTER TABLE call_events ENABLE TRIGGER call_events_no_update")


def test_an_empty_state_has_every_metric_at_zero(database: str) -> None:
    """The first failure ever must be a rise from zero, or no alert sees it."""
    samples = page(database)
    for status in ("completed", "error", "cancelled"):
        assert value(samples, "call_export_runs_total", status=status) == 0
        assert value(samples, "call_export_duration_seconds_count", status=status) == 0
    for status in ("completed", "error", "missing_audio"):
        assert value(samples, "call_transcripts_total", status=status) == 0
    for stage in ("download", "transcribe", "summarize"):
        assert value(samples, "call_export_retry_total", stage=stage) == 0
    assert value(samples, "call_export_qa_checked_total", result="ok") == 0
    assert value(samples, "call_export_qa_recordings", result="issue") == 0
    assert value(samples, "call_export_cost_total", kind="recognition") == 0
    assert value(samples, "call_transcription_minutes_total") == 0
    assert value(samples, "call_export_budget_usd") == 54
    assert value(samples, "call_export_deadline_seconds") == 6 * 3600


def test_a_run_from_end_to_end(state: State, database: str) -> None:
    run = opened(state, "1", call(1), call(2), call(3), call(4, file_id=None))
    first, second, third = (row for row in rows(state, run) if row.status is S.PENDING)
    to_text(state, run, first, cost="0.009")
    state.moves.take(run.run_id, second.recording_id, S.DOWNLOADING, stage="download")
    state.moves.move(
        run.run_id, second.recording_id, S.PENDING, expected={S.DOWNLOADING}, stage="download",
        error=Temporary("later", code=ErrorCode.DOWNLOAD_FAILED), attempts_plus=1,
    )  # fmt: skip
    to_text(state, run, second, checksum="bb", cost="0.0135")
    give_up(state, run, third, stored=False)
    state.runs.finish(run.run_id, RunStatus.ERROR, verdict="плохо", failed_step=None)
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


def test_the_bars_are_those_of_the_last_run_that_ended(state: State, database: str) -> None:
    assert {value(page(database), "call_export_bar_exceeded", bar=bar) for bar in Bar} == {0}
    run = opened(state, "1", call(1))
    closed = {"cases": 6, "tried": 6, "exceeded": 1}
    state.runs.note(run.run_id, {"bars": {Bar.NEWLY_MISSING: closed}, "clock_offset_sec": -3600})
    assert value(page(database), "call_export_bar_exceeded", bar=Bar.NEWLY_MISSING) == 0  # it has not ended
    state.runs.finish(run.run_id, RunStatus.ERROR, verdict="", failed_step=None)
    samples = page(database)
    figures = ("cases", "tried", "exceeded")
    assert [value(samples, f"call_export_bar_{name}", bar=Bar.NEWLY_MISSING) for name in figures] == [6, 6, 1]
    assert value(samples, "call_export_bar_exceeded", bar=Bar.EMPTY_TEXTS) == 0
    assert value(samples, "call_export_portal_clock_offset_seconds") == -3600
    assert value(samples, "call_export_portal_clock_may_differ_seconds") == 300


def test_no_counter_goes_back(state: State, database: str) -> None:
    """The rows forget; the history does not."""
    run = opened(state, "1", call(1))
    to_text(state, run, one(state, run))
    state.runs.finish(run.run_id, RunStatus.COMPLETED, verdict="", failed_step=None)
    before = counters(page(database))
    state.runs.move(run.run_id, RunStatus.RUNNING, expected={RunStatus.COMPLETED}, stage="open_run")
    executed(database, AGAIN, run.run_id)
    during = counters(page(database))
    to_text(state, run, one(state, run), words="Иные слова.")
    state.runs.finish(run.run_id, RunStatus.COMPLETED, verdict="", failed_step=None)
    after = counters(page(database))
    assert len(before) > 50
    assert [key for key in before if not before[key] <= during[key] <= after[key]] == []
    assert value(after, "call_export_cost_total", kind="recognition") == pytest.approx(0.018), "paid twice"
    assert value(after, "call_export_runs_total", status="completed") == 2


def test_a_night_that_reports_old_texts_counts_none(state: State, database: str) -> None:
    """Nine thousand old texts would hide a hundred failures."""
    first = opened(state, "1", call(1))
    to_text(state, first, one(state, first))
    before = page(database)
    night = opened(state, "2", call(1))
    after = page(database)
    assert state.runs.progress(night.run_id).completed == 1
    assert counters(after) == counters(before)
    assert value(after, "call_transcripts_total", status="completed") == 1


def test_a_text_shared_by_the_same_bytes_counts_once(state: State, database: str) -> None:
    first = call(1)
    run = opened(state, "1", first, call(2, call_id=first.call_id))
    buyer, twin = rows(state, run)
    to_text(state, run, buyer)
    downloaded(state, run, twin)
    state.moves.share_text(run.run_id, twin.recording_id, stage="transcribe")
    assert value(page(database), "call_transcripts_total", status="completed") == 1
    assert value(page(database), "call_transcription_minutes_total") == pytest.approx(90.5 / 60)


def test_money_is_the_ledgers_by_what_it_was_paid_for(state: State, database: str) -> None:
    run = opened(state, "1", call(1))
    recording_id = one(state, run).recording_id
    for purpose, usd in (("recognition", "1"), ("fallback", "0.5"), ("rounding", "0.25"), ("summary", "2")):
        state.charges.charge(run.run_id, recording_id, charge(usd, purpose=purpose))
    samples = page(database)
    assert value(samples, "call_export_cost_total", kind="recognition") == pytest.approx(1.75)
    assert value(samples, "call_export_cost_total", kind="summary") == pytest.approx(2)


class TestReader:
    def test_a_reader_that_goes_on_says_what_a_new_one_says(self, database: str) -> None:
        """Old history is counted once and kept; new history is counted at each scrape, late commits included."""
        reader = MetricsReader.open(database)
        for age in ("2 hours", "1 hour", "16 minutes", "5 minutes"):
            event(database, "completed", age, of_recording=True, audio_sec=60)
        for texts in (4, 4):
            assert value(page(database, reader), "call_transcripts_total", status="completed") == texts
        event(database, "completed", of_recording=True, audio_sec=60)
        assert value(page(database, reader), "call_transcripts_total", status="completed") == 5
        assert page(database, reader) == page(database)

    def test_a_database_restored_from_a_copy_is_counted_anew(self, database: str) -> None:
        reader = MetricsReader.open(database)
        for _ in range(3):
            event(database, "completed", "1 hour", of_recording=True)
        assert value(page(database, reader), "call_transcripts_total", status="completed") == 3
        executed(database, "DELETE FROM call_events WHERE id > 1")
        assert value(page(database, reader), "call_transcripts_total", status="completed") == 1


class TestFolding:
    def test_it_changes_no_figure_of_any_reader(self, state: State, database: str) -> None:
        run = opened(state, "1", call(1))
        to_text(state, run, one(state, run))
        state.runs.finish(run.run_id, RunStatus.COMPLETED, verdict="", failed_step=None)
        event(database, "portal_refused", "1 hour", code="QUERY_LIMIT_EXCEEDED")
        aged(database)
        old, before = MetricsReader.open(database), page(database)
        page(database, old)
        fold(database)
        assert page(database) == before
        assert page(database, old) == before
        event(database, "completed", of_recording=True, audio_sec=60)
        fold(database)
        assert page(database, old) == page(database)
        assert value(page(database), "call_transcripts_total", status="completed") == 2

    def test_a_dropped_month_takes_no_counter_back(self, database: str) -> None:
        """The history may be deleted by whole months once it is folded."""
        for _ in range(3):
            event(database, "completed", "70 days", of_recording=True, audio_sec=120)
        event(database, "low_rate_on", "70 days")
        event(database, "error", "1 hour", of_recording=True)
        fold(database)
        fold(database)
        before = counters(page(database))
        ((month,),) = selected(database, "SELECT tableoid::regclass::text FROM call_events WHERE event = 'low_rate_on'")
        executed(database, f"DROP TABLE {month}")
        assert counters(page(database)) == before
        assert value(before, "call_transcripts_total", status="completed") == 3  # type: ignore[arg-type]
        assert value(before, "call_transcription_minutes_total") == 6

    def test_recent_history_is_not_folded(self, database: str) -> None:
        """A transaction that is still open may add to it."""
        event(database, "completed", "5 minutes", of_recording=True)
        fold(database)
        assert selected(database, "SELECT count(*) FROM metric_totals") == [(0,)]

    def test_a_run_that_began_in_folded_history_has_its_seconds(self, state: State, database: str) -> None:
        run = opened(state)
        aged(database)
        fold(database)
        state.runs.finish(run.run_id, RunStatus.COMPLETED, verdict="", failed_step=None)
        assert value(page(database), "call_export_duration_seconds_sum", status="completed") == pytest.approx(
            3600, abs=60
        )
        assert value(page(database), "call_export_duration_seconds_bucket", status="completed", le="3600.0") in (0, 1)
        assert value(page(database), "call_export_duration_seconds_bucket", status="completed", le="7200.0") == 1


def test_the_portals_refusals_and_the_low_rate(database: str) -> None:
    for _ in range(3):
        event(database, "portal_refused", code="QUERY_LIMIT_EXCEEDED")
    event(database, "low_rate_on")
    executed(
        database,
        "INSERT INTO portal_pace (portal, next_permit_at, low_rate_until)"
        " VALUES ('p', now(), now() + interval '1 min')",
    )
    samples = page(database)
    assert value(samples, "call_export_portal_refusals_total", code="QUERY_LIMIT_EXCEEDED") == 3
    assert value(samples, "call_export_portal_refusals_total", code="OPERATION_TIME_LIMIT") == 0
    assert value(samples, "call_export_low_rate_switches_total") == 1
    assert value(samples, "call_export_low_rate_active") == 1


def test_an_error_of_yesterday_counts_until_there_is_a_text(state: State, database: str) -> None:
    run = opened(state, "1", call(1))
    give_up(state, run, one(state, run), stored=False)
    assert value(page(database), "call_export_errors_over_day") == 0
    executed(database, "UPDATE recordings SET first_failed_at = now() - interval '25 hours'")
    assert value(page(database), "call_export_errors_over_day") == 1
    later = opened(state, "2", call(1))
    to_text(state, later, one(state, later))
    assert value(page(database), "call_export_errors_over_day") == 0


def test_dead_letters_wait_until_replayed_or_done(state: State, database: str) -> None:
    run = opened(state, "1", call(1))
    give_up(state, run, one(state, run), stored=False)
    executed(database, "UPDATE recordings SET first_failed_at = now() - interval '25 hours'")
    state.dead_letters.move_overdue(run.run_id, failed_before=datetime.now(UTC))
    samples = page(database)
    assert value(samples, "call_export_dlq_size") == 1
    assert value(samples, "call_export_dlq_moved_total") == 1
    state.dead_letters.replay(run.run_id, stage="open_run")
    samples = page(database)
    assert value(samples, "call_export_dlq_size") == 0
    assert value(samples, "call_export_dlq_moved_total") == 1


def test_a_dead_letter_of_a_renamed_recording_ends_with_its_text(state: State, database: str) -> None:
    """The link of a recording becomes a file id after days: it is the same recording, and its letter is answered."""
    run = opened(state, "1", call(1, record_id="https://files.example/1"))
    give_up(state, run, one(state, run), stored=False)
    executed(database, "UPDATE recordings SET first_failed_at = now() - interval '25 hours'")
    state.dead_letters.move_overdue(run.run_id, failed_before=datetime.now(UTC))
    assert value(page(database), "call_export_dlq_size") == 1
    later = opened(state, "2", call(1))
    state.dead_letters.replay(run.run_id, stage="open_run")
    to_text(state, later, one(state, later))
    executed(database, "UPDATE dead_letters SET replayed_at = NULL")  # completed without having been replayed
    assert value(page(database), "call_export_dlq_size") == 0


def test_a_corrected_verdict_is_counted_once_more(state: State, database: str) -> None:
    """A counter that went down would be read as a restart."""
    run = opened(state, "1", call(1), call(2))
    for number, row in enumerate(rows(state, run)):
        to_text(state, run, row, checksum=f"c{number}")
        assert QaChecks(state.session).record(
            run.run_id, QaCheck(row.call_id, row.record_id, "ok", "", where="row 1"), by="analyst"
        )
    first = rows(state, run)[0]
    corrected = QaCheck(first.call_id, first.record_id, "issue", "the end is missing", where="row 1")
    assert QaChecks(state.session).record(run.run_id, corrected, by="analyst")
    samples = page(database)
    found = {result: value(samples, "call_export_qa_checked_total", result=result) for result in ("ok", "issue")}
    assert found == {"ok": 2, "issue": 1}
    stands = {result: value(samples, "call_export_qa_recordings", result=result) for result in ("ok", "issue")}
    assert stands == {"ok": 1, "issue": 1}


@pytest.mark.parametrize(
    ("cron", "days"), [("0 2 * * *", 1), ("0 2 * * 1-5", 3), ("0 2 1 * *", 31), ("0 */6 * * *", 0.25)]
)
def test_a_missed_run_is_measured_by_the_longest_gap(database: str, cron: str, days: float) -> None:
    """Of the schedule."""
    assert value(page(database, CALL_EXPORT_CRON=cron), "call_export_schedule_seconds") == days * 86400

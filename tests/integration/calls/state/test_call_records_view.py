"""`call_records`: what customers' documents and people's SQL rely on, over recordings that live once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from include.calls.domain.states import BY_HAND, RECORD_MOVES, RecordStatus
from include.calls.state.state import State
from include.calls.state.types import Run
from tests.kit.state_samples import (
    bought,
    call,
    downloaded,
    events,
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
AGAIN = (
    "UPDATE call_records SET status = 'pending', error_message = NULL, retry_count = retry_count + 1"
    " WHERE call_id = %s AND run_id = %s"
)
DOCUMENTED = (
    "run_id call_id record_id statistics_id status direction from_number to_number employee_id employee_name"
    " call_started_at duration_sec audio_sec recording_url raw_path checksum transcript_path summary_path tags language"
    " roles source model cost currency_code attempts error_code error_message needs_review review_reasons"
    " reused_from_run_id updated_at retry_count"
)


def brought_to(status: RecordStatus, state: State, run: Run) -> None:
    """The run's only recording in this status, as work brings it there."""
    row = one(state, run)
    if status is S.NO_RECORDING or status is S.PENDING:
        return
    if status in (S.DOWNLOADING, S.MISSING_AUDIO):
        state.moves.take(run.run_id, row.recording_id, S.DOWNLOADING, stage="download")
        if status is S.MISSING_AUDIO:
            state.moves.move(run.run_id, row.recording_id, status, expected={S.DOWNLOADING}, stage="download")
        return
    if status is S.ERROR:
        give_up(state, run, row, stored=True)
        return
    downloaded(state, run, row)
    if status is S.TRANSCRIBING:
        state.moves.take(run.run_id, row.recording_id, status, stage="transcribe")
    elif status is S.COMPLETED:
        bought(state, run, row)


class TestRows:
    def test_it_has_the_documented_columns(self, database: str) -> None:
        columns = selected(
            database, "SELECT column_name FROM information_schema.columns WHERE table_name = 'call_records'"
        )
        assert set(DOCUMENTED.split()) <= {name for (name,) in columns}

    def test_each_run_has_one_row_for_each_recording_of_its_period(self, state: State, database: str) -> None:
        first_call = call(1)
        calls = [first_call, call(2, call_id=first_call.call_id), call(3, file_id=None)]
        runs = [opened(state, name, *calls) for name in ("1", "2")]
        found = selected(database, "SELECT run_id, call_id, record_id FROM call_records")
        assert len(found) == len(set(found)) == 6
        assert {run_id for run_id, *_ in found} == {run.run_id for run in runs}

    def test_a_text_names_its_buyer_and_its_price_in_every_run(self, state: State, database: str) -> None:
        buyer = opened(state, "1", call(1), call(2))
        to_text(state, buyer, rows(state, buyer)[0], cost="0.012")
        later = opened(state, "2", call(1))
        found = selected(
            database,
            "SELECT reused_from_run_id, cost, language, roles, source, model, text_preview FROM call_records"
            " WHERE run_id = %s ORDER BY statistics_id",
            later.run_id,
        )
        text = ("ru", "channels", "recogniser", "gpt-transcribe", "Добрый день.")
        assert found == [(buyer.run_id, Decimal("0.012"), *text), (None, None, *[None] * 5)]
        own = selected(database, "SELECT DISTINCT reused_from_run_id FROM call_records WHERE run_id = %s", buyer.run_id)
        assert own == [(None,)]

    def test_the_newest_buyer_is_named(self, state: State, database: str) -> None:
        """After a recording was sent back."""
        first = opened(state, "1", call(1))
        to_text(state, first, one(state, first))
        second = opened(state, "2", call(1))
        executed(database, AGAIN, call(1).call_id, second.run_id)
        to_text(state, second, one(state, second), words="Иные слова.")
        buyers = selected(database, "SELECT run_id, reused_from_run_id FROM call_records")
        assert sorted(buyers, key=str) == sorted([(first.run_id, second.run_id), (second.run_id, None)], key=str)

    def test_rows_are_neither_added_nor_deleted_through_it(self, state: State, database: str) -> None:
        opened(state, "1", call(1))
        for statement in ("DELETE FROM call_records", "INSERT INTO call_records (call_id) VALUES ('a')"):
            with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
                executed(database, statement)

    def test_a_row_is_found_without_reading_the_period(self, state: State, database: str) -> None:
        opened(state, "1", *(call(number) for number in range(1, 3_000)))
        executed(database, "ANALYZE")
        asked = "SELECT * FROM call_records WHERE run_id = (SELECT run_id FROM call_exports) AND call_id = 'a'"
        plan = [line for (line,) in selected(database, f"EXPLAIN {asked}")]
        assert "recordings_portal_id_call_id_record_id_key" in "\n".join(plan)


class TestSendingBack:
    @pytest.mark.parametrize(
        "status", sorted(set(RecordStatus) - {RecordStatus.ERASED})
    )  # no run reports an erased one
    def test_only_what_no_task_works_on_goes_back(self, state: State, database: str, status: RecordStatus) -> None:
        """Those are the statuses of BY_HAND, and the state machine allows the move."""
        run = opened(state, "1", call(1, file_id=None if status is S.NO_RECORDING else 500))
        brought_to(status, state, run)
        assert one(state, run).status is status
        executed(database, AGAIN, call(1).call_id, run.run_id)
        by_hand = [detail for stage, _, detail in events(database, run) if stage == "by_hand"]
        if status in BY_HAND:
            assert S.PENDING in RECORD_MOVES[status]
            assert one(state, run).status is S.PENDING
            ((author,),) = selected(database, "SELECT session_user")
            assert by_hand == [{"from": status, "why": "sent back by a person", "by": author}]
        else:
            assert one(state, run).status is status
            assert by_hand == []

    def test_it_is_bought_anew(self, state: State, database: str) -> None:
        run = opened(state, "1", call(1))
        to_text(state, run, one(state, run))
        assert executed(database, AGAIN, call(1).call_id, run.run_id) == 1
        row = one(state, run)
        assert (row.purchase_no, row.error_code, row.stage_attempts) == (2, None, 0)
        assert row.transcript_id, "its present text stays until the new one is there"
        shown = selected(database, "SELECT retry_count, error_message, transcript_path IS NULL FROM call_records")
        assert shown == [(1, None, False)]
        assert state.work.to_buy(run).recordings == 1

    def test_sent_back_twice_it_is_bought_once(self, state: State, database: str) -> None:
        run = opened(state, "1", call(1))
        to_text(state, run, one(state, run))
        for _ in range(2):
            executed(database, AGAIN, call(1).call_id, run.run_id)
        assert one(state, run).purchase_no == 2
        assert selected(database, "SELECT retry_count FROM call_records") == [(2,)]

    def test_what_failed_before_is_forgotten(self, state: State, database: str) -> None:
        run = opened(state, "1", call(1))
        give_up(state, run, one(state, run), stored=False)
        executed(database, "UPDATE recordings SET missing_since = '2025-08-30', look_again_on = '2025-08-31'")
        state.dead_letters.move_overdue(run.run_id, failed_before=datetime.now(UTC) + timedelta(days=1))
        executed(database, AGAIN, call(1).call_id, run.run_id)
        kept = "error_code, first_failed_at, missing_since, look_again_on, stage_attempts, purchase_no"
        assert selected(database, f"SELECT {kept} FROM recordings") == [(None, None, None, None, 0, 1)]
        assert selected(database, "SELECT replayed_at IS NOT NULL FROM call_export_dlq") == [(True,)]

    def test_of_a_calls_recordings_those_that_may_go_back_do(self, state: State, database: str) -> None:
        """Not one of them: the others of the same UPDATE are moved, and a warning names it."""
        first = call(1)
        run = opened(state, "1", first, call(2, call_id=first.call_id))
        done, busy = rows(state, run)
        to_text(state, run, done)
        state.moves.take(run.run_id, busy.recording_id, S.DOWNLOADING, stage="download")
        warnings: list[str] = []
        with psycopg.connect(database) as connection:
            connection.add_notice_handler(lambda notice: warnings.append(str(notice.message_primary)))
            connection.execute(AGAIN.encode(), [first.call_id, run.run_id])
        assert [row.status for row in rows(state, run)] == [S.PENDING, S.DOWNLOADING]
        assert len(warnings) == 1
        assert busy.record_id in warnings[0]
        assert str(run.run_id) in warnings[0]

    def test_any_other_status_is_refused_in_one_sentence(self, state: State, database: str) -> None:
        run = opened(state, "1", call(1))
        to_text(state, run, one(state, run))
        with pytest.raises(psycopg.errors.RaiseException, match="only send a recording back to pending, not to error"):
            executed(database, "UPDATE call_records SET status = 'error'")
        assert one(state, run).status is S.COMPLETED

    def test_a_recording_that_a_task_takes_now_is_left_to_it(self, state: State, database: str) -> None:
        run = opened(state, "1", call(1))
        downloaded(state, run, one(state, run))
        with state.transaction():
            state.moves.take(run.run_id, one(state, run).recording_id, S.TRANSCRIBING, stage="transcribe")
            with psycopg.connect(database) as person:
                person.execute("SET lock_timeout = '200ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    person.execute(AGAIN.encode(), [call(1).call_id, run.run_id])
        assert executed(database, AGAIN, call(1).call_id, run.run_id) == 0
        assert one(state, run).status is S.TRANSCRIBING


class TestOtherColumns:
    def test_personal_data_can_be_blanked(self, state: State, database: str) -> None:
        run = opened(state, "1", call(1, recording_url="https://portal.example/a"))
        to_text(state, run, one(state, run))
        blanked = (
            "UPDATE call_records SET from_number = '', to_number = '', employee_id = NULL, employee_name = NULL,"
            " recording_url = NULL, tags = '{}', text_preview = NULL, error_message = NULL"
        )
        assert executed(database, blanked) == 1
        shown = (
            "SELECT from_number, to_number, employee_id, employee_name, recording_url, text_preview FROM call_records"
        )
        assert selected(database, shown) == [("", "", None, None, None, "")]
        assert one(state, run).status is S.COMPLETED

    def test_facts_and_results_stay_as_they_are(self, state: State, database: str) -> None:
        opened(state, "1", call(1))
        facts = "SELECT to_jsonb(own) - 'updated_at', updated_at FROM recordings own"
        ((before, then),) = selected(database, facts)
        executed(
            database, "UPDATE call_records SET checksum = 'x', cost = 5, attempts = 9, duration_sec = 1, raw_path = 'y'"
        )
        ((after, now),) = selected(database, facts)
        assert after == before
        assert now > then


def test_the_runbooks_statement_orders_one_purchase(state: State, database: str) -> None:
    """With the resume that follows it."""
    run = opened(state, "1", call(1), call(2))
    for row in rows(state, run):
        to_text(state, run, row, checksum=row.record_id)
    executed(database, AGAIN, call(1).call_id, run.run_id)
    state.moves.take_up(run, stage="open_run", summaries=False, resumed=True)
    state.work.forget_batches(run.run_id)
    (wanted,) = state.work.unplanned(run.run_id, summaries=False)
    to_text(state, run, state.recordings.get(wanted.recording_id), words="Иные слова.")
    purchases = "SELECT count(DISTINCT (recording_id, purchase_no)) FROM charges WHERE purpose = 'recognition'"
    assert selected(database, purchases) == [(3,)]

"""The state on a real PostgreSQL: what is opened once, moved once, bought once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg
import pytest

from include.clients.state.rows import NewRun, RecordKey, RecordRow, Run, Saved
from include.clients.state.store import State
from include.domain.calls import Direction, PortalCall
from include.domain.errors import ErrorCode, NotConfigured, Temporary
from include.domain.states import RecordStatus, RunStatus

pytestmark = pytest.mark.postgres

MOSCOW = timezone(timedelta(hours=3))
S = RecordStatus


@pytest.fixture
def state(database: str) -> Iterator[State]:
    with State(database) as state:
        yield state


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


def call(number: int, *, file_id: int | None = 500, **other: object) -> PortalCall:
    plain = PortalCall(
        statistics_id=number,
        call_id=f"11018129443EB80D.1754478570.{number}",
        record_id=str(file_id + number) if file_id else f"none-{number}",
        started_at=datetime(2025, 8, 6, 12, 0, tzinfo=MOSCOW) + timedelta(minutes=number),
        direction=Direction.INBOUND,
        portal_number="+74951234567",
        phone_number="+79997654321",
        employee_id="1269",
        duration_sec=90,
        failed_code="200",
        has_recording=file_id is not None,
        file_id=file_id + number if file_id else None,
        recording_url=None,
        portal_transcript_id=None,
    )
    return replace(plain, **other)


def opened(state: State, name: str = "1", *calls: PortalCall) -> Run:
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


class TestRuns:
    def test_a_retried_task_finds_the_run_it_opened(self, state: State) -> None:
        first = state.open_run(new_run())
        again = state.open_run(new_run())
        assert first.created
        assert not again.created
        assert replace(again, created=True) == first

    def test_a_key_that_was_used_answers_with_its_run_and_creates_nothing(self, state: State) -> None:
        first = state.open_run(new_run(dag_run_id="dag-1"))
        other = state.open_run(new_run(dag_run_id="dag-2"))
        assert (other.run_id, other.dag_run_id) == (first.run_id, "dag-1")
        assert state.run_of_key("key-1") == replace(first, created=False)
        assert state.run(uuid4()) is None

    def test_the_own_dag_run_wins_over_somebody_elses_key(self, state: State) -> None:
        state.open_run(new_run("key-1", "dag-1"))
        own = state.open_run(new_run("key-2", "dag-2"))
        assert state.open_run(new_run("key-1", "dag-2")).run_id == own.run_id

    def test_a_run_moves_only_from_the_expected_state_and_only_as_the_state_machine_says(
        self, state: State, database: str
    ) -> None:
        run = opened(state)
        assert not state.move_run(run.run_id, RunStatus.RUNNING, expected={RunStatus.PENDING}, stage="open_run")
        with pytest.raises(ValueError, match="no move from completed to cancelled"):
            state.move_run(run.run_id, RunStatus.CANCELLED, expected={RunStatus.COMPLETED}, stage="x")
        now = state.run(run.run_id)
        assert now is not None
        assert now.status is RunStatus.RUNNING
        assert now.started_at is not None
        assert now.finished_at is None
        assert [event for _, event, _ in events(database, run)] == ["pending", "running"]

    def test_notes_are_merged_key_by_key(self, state: State) -> None:
        run = opened(state)
        state.note_run(run.run_id, {"stop": "why", "portal_total": 5})
        state.note_run(run.run_id, {"stop": None})
        now = state.run(run.run_id)
        assert now is not None
        assert now.metadata == {"limit_calls": 0, "stop": None, "portal_total": 5}

    def test_finishing_sums_up_exactly_and_counts_own_spending_apart(self, state: State) -> None:
        earlier = opened(state, "1", call(1), call(2))
        for row, cost in zip(rows(state, earlier), ("0.0090", "0.000001"), strict=True):
            to_text(state, row, checksum=row.record_id, cost=cost)
        later = opened(state, "2", call(1), call(3), call(4, file_id=None))
        assert state.reuse_earlier(later.run_id) == 1
        fresh = next(row for row in rows(state, later) if row.status is S.PENDING)
        to_text(state, fresh, checksum="cc", cost="0.5")
        assert state.finish_run(later.run_id, RunStatus.COMPLETED)
        assert not state.finish_run(later.run_id, RunStatus.COMPLETED)
        done = state.run(later.run_id)
        assert done is not None
        assert (done.total_calls, done.completed_calls, done.error_calls) == (3, 2, 0)
        assert done.total_minutes == (Decimal(181) / 60).quantize(Decimal("0.0001"))
        assert (done.total_cost, done.spent_cost) == (Decimal("0.509"), Decimal("0.5"))
        assert done.finished_at is not None


class TestListing:
    def test_every_call_is_a_row_with_or_without_a_recording(self, state: State, database: str) -> None:
        run = opened(state)
        saved = state.save_calls(run.run_id, [call(1), call(2, file_id=None)], {"1269": "Оператор 12"})
        assert saved == Saved(new=2, changed=0, shared=0)
        with_recording, without = rows(state, run)
        assert (with_recording.status, without.status) == (S.PENDING, S.NO_RECORDING)
        assert with_recording.employee_name == "Оператор 12"
        assert with_recording.portal_offset_sec == 3 * 3600
        assert with_recording.call_started_at == datetime(2025, 8, 6, 9, 1, tzinfo=UTC)
        assert (with_recording.from_number, with_recording.to_number) == ("+79997654321", "+74951234567")
        listed = [detail for _, event, detail in events(database, run) if event == "calls_saved"]
        assert listed == [{"new": 2, "changed": 0, "shared": 0}]

    def test_the_same_calls_again_change_nothing(self, state: State) -> None:
        run = opened(state, "1", call(1), call(2, file_id=None))
        before = rows(state, run)
        assert state.save_calls(run.run_id, [call(1), call(2, file_id=None)], {}) == Saved(0, 0, 0)
        assert rows(state, run) == before

    def test_a_call_listed_twice_in_one_go_is_one_row(self, state: State) -> None:
        run = opened(state)
        assert state.save_calls(run.run_id, [call(1), call(1)], {}) == Saved(1, 0, 0)

    def test_rows_of_one_call_with_different_recordings_stay_apart(self, state: State) -> None:
        run = opened(state, "1", call(1), call(2, call_id=call(1).call_id), call(3))
        assert [row.several for row in rows(state, run)] == [True, True, False]

    def test_two_statistics_rows_of_one_recording_are_one_record_and_counted(self, state: State) -> None:
        run = opened(state)
        twin = replace(call(1), statistics_id=2)
        assert state.save_calls(run.run_id, [call(1), twin], {}) == Saved(new=1, changed=0, shared=1)

    def test_a_late_recording_takes_the_place_of_none(self, state: State) -> None:
        run = opened(state, "1", call(1, file_id=None))
        assert state.save_calls(run.run_id, [call(1)], {}) == Saved(new=0, changed=1, shared=0)
        row = one(state, run)
        assert (row.status, row.record_id, row.file_id) == (S.PENDING, "501", 501)

    def test_a_recording_that_is_gone_from_the_list_keeps_its_row(self, state: State) -> None:
        run = opened(state, "1", call(1))
        state.save_calls(run.run_id, [call(1, file_id=None)], {})
        assert (one(state, run).status, one(state, run).record_id) == (S.PENDING, "501")

    def test_finished_work_keeps_its_name_and_state_while_figures_follow_the_portal(self, state: State) -> None:
        run = opened(state, "1", call(1))
        to_text(state, one(state, run))
        renamed = replace(call(1), record_id="777", file_id=777, duration_sec=91)
        assert state.save_calls(run.run_id, [renamed], {}) == Saved(new=0, changed=1, shared=0)
        row = one(state, run)
        assert (row.status, row.record_id, row.duration_sec) == (S.COMPLETED, "501", 91)

    def test_text_that_postgresql_cannot_hold_does_not_stop_a_listing(self, state: State) -> None:
        run = opened(state)
        state.save_calls(run.run_id, [call(1, phone_number="+7\0999\ud800")], {"1269": "О\0"})
        assert one(state, run).from_number == "+7\ufffd999?"

    @pytest.mark.timeout(60)
    def test_a_hundred_thousand_calls_stream_in(self, state: State) -> None:
        run = opened(state)
        saved = state.save_calls(run.run_id, (call(number) for number in range(100_000)), {})
        assert saved == Saved(100_000, 0, 0)
        assert state.counts(run.run_id) == {S.PENDING: 100_000}


class TestMoves:
    def test_a_move_that_the_state_machine_lacks_is_a_programming_error(self, state: State) -> None:
        row = one(state, opened(state, "1", call(1)))
        with pytest.raises(ValueError, match="no move from pending to transcribing"):
            state.move_record(row.run_id, *row.key, S.TRANSCRIBING, expected={S.PENDING}, stage="x")
        with pytest.raises(ValueError, match="status"):
            state.move_record(row.run_id, *row.key, S.ERROR, expected={S.PENDING}, stage="x", **{"status": "completed"})

    def test_only_the_first_of_two_takes_a_record_in_hand(self, state: State, database: str) -> None:
        run = opened(state, "1", call(1))
        row = one(state, run)
        assert state.move_to_work(row, S.DOWNLOADING, stage="download")
        with State(database) as other:
            assert not other.move_to_work(row, S.DOWNLOADING, stage="download")
        moves = [(event, detail) for stage, event, detail in events(database, run) if stage == "download"]
        assert moves == [("downloading", {"from": "pending"})]

    def test_a_failure_that_counts_starts_the_clock_and_success_clears_it(self, state: State, database: str) -> None:
        run = opened(state, "1", call(1))
        row = one(state, run)
        state.move_to_work(row, S.DOWNLOADING, stage="download")
        error = Temporary("the portal answered 502", code=ErrorCode.DOWNLOAD_FAILED)
        state.move_record(
            row.run_id,
            *row.key,
            S.PENDING,
            expected={S.DOWNLOADING},
            stage="download",
            error=error,
            attempts_plus=1,
            stage_attempts=1,
        )
        failed = one(state, run)
        assert (failed.attempts, failed.stage_attempts, failed.error_code) == (1, 1, "download_failed")
        assert first_failed(database) != [None]
        state.move_to_work(row, S.DOWNLOADING, stage="download")
        state.move_record(row.run_id, *row.key, S.DOWNLOADED, expected={S.DOWNLOADING}, stage="download", checksum="a")
        assert (one(state, run).error_code, one(state, run).attempts) == (None, 1)
        assert first_failed(database) == [None]

    def test_a_request_to_slow_down_starts_no_clock(self, state: State, database: str) -> None:
        row = one(state, opened(state, "1", call(1)))
        state.move_to_work(row, S.DOWNLOADING, stage="download")
        error = Temporary("slow down")
        state.move_record(row.run_id, *row.key, S.PENDING, expected={S.DOWNLOADING}, stage="download", error=error)
        assert first_failed(database) == [None]

    def test_work_of_a_dead_task_is_taken_back_in_its_own_batch_only(self, state: State) -> None:
        run = opened(state, "1", call(1), call(2))
        keys = [row.key for row in rows(state, run)]
        assert state.assign_batches(run.run_id, [[keys[0]], [keys[1]]]) == [1, 2]
        for row in rows(state, run):
            state.move_to_work(row, S.DOWNLOADING, stage="download")
        assert state.recover_stale(run.run_id, 1, S.DOWNLOADING, stage="download") == 1
        assert [row.status for row in rows(state, run)] == [S.PENDING, S.DOWNLOADING]


def first_failed(database: str) -> list[datetime | None]:
    with psycopg.connect(database) as connection:
        return [value for (value,) in connection.execute("SELECT first_failed_at FROM call_records")]


class TestBatches:
    def test_planning_twice_keeps_the_batches(self, state: State) -> None:
        run = opened(state, "1", *(call(number) for number in range(1, 5)), call(9, file_id=None))
        wanted = state.unplanned(run.run_id)
        assert [minutes for _, minutes in wanted] == [Decimal("1.5")] * 4
        keys = [key for key, _ in wanted]
        assert state.assign_batches(run.run_id, [keys[:3], keys[3:]]) == [1, 2]
        assert state.unplanned(run.run_id) == []
        assert state.assign_batches(run.run_id, []) == []
        assert state.batch_numbers_unfinished(run.run_id) == [1, 2]
        assert [row.key for row in state.batch_records(run.run_id, 1, {S.PENDING})] == keys[:3]
        facts = state.batch_facts(run.run_id, 1)
        assert (facts.records, facts.minutes) == (3, Decimal("4.5"))

    def test_a_forecast_rounds_each_call_up_once(self, state: State) -> None:
        run = opened(state, "1", call(1), call(2, duration_sec=60), call(3, duration_sec=0), call(4, file_id=None))
        figures = state.to_buy(run.run_id)
        assert (figures.recordings, figures.minutes, figures.downloads) == (3, 3, 3)

    def test_a_cleared_task_reopens_the_errors_of_its_own_stage(self, state: State) -> None:
        run = opened(state, "1", call(1), call(2))
        first, second = rows(state, run)
        state.assign_batches(run.run_id, [[first.key, second.key]])
        give_up(state, first, stored=False)
        give_up(state, second, stored=True)
        assert state.reopen_batch(run.run_id, 1, to=S.PENDING, stage="download") == 1
        assert [row.status for row in rows(state, run)] == [S.PENDING, S.ERROR]
        assert state.reopen_batch(run.run_id, 1, to=S.DOWNLOADED, stage="transcribe") == 1
        assert [row.status for row in rows(state, run)] == [S.PENDING, S.DOWNLOADED]

    def test_a_resumed_run_tries_failures_again_and_plans_them_anew(self, state: State) -> None:
        run = opened(state, "1", *(call(number) for number in range(1, 5)))
        done, failed, stored, missing = rows(state, run)
        state.assign_batches(run.run_id, [[row.key for row in (done, failed, stored, missing)]])
        to_text(state, done)
        give_up(state, failed, stored=False)
        give_up(state, stored, stored=True)
        state.move_to_work(missing, S.DOWNLOADING, stage="download")
        state.move_record(run.run_id, *missing.key, S.MISSING_AUDIO, expected={S.DOWNLOADING}, stage="download")
        assert state.reopen_records(run.run_id, stage="open_run") == 3
        assert [row.status for row in rows(state, run)] == [S.COMPLETED, S.PENDING, S.DOWNLOADED, S.PENDING]
        keys = [key for key, _ in state.unplanned(run.run_id)]
        assert keys == [failed.key, stored.key, missing.key]
        assert state.assign_batches(run.run_id, [keys]) == [2]


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


class TestReuse:
    def test_an_earlier_text_is_reused_with_its_price_and_its_buyer(self, state: State, database: str) -> None:
        first = opened(state, "1", call(1))
        to_text(state, one(state, first))
        second = opened(state, "2", call(1))
        assert state.reuse_earlier(second.run_id) == 1
        third = opened(state, "3", call(1))
        assert state.reuse_earlier(third.run_id) == 1
        for run in (second, third):
            row = one(state, run)
            assert (row.status, row.reused_from_run_id) == (S.COMPLETED, first.run_id)
            assert (row.transcript_path, row.raw_path) == ("exports/one/transcripts/501.txt", "exports/one/raw/501.mp3")
        assert costs(database) == [Decimal("0.009")] * 3
        assert events(database, third)[-1][1:] == (
            "completed",
            {"from": "pending", "reused_from": str(first.run_id)},
        )

    def test_a_new_name_of_the_same_statistics_row_is_the_same_recording(self, state: State) -> None:
        by_url = replace(call(1), record_id="url-0123456789abcdef", file_id=None)
        to_text(state, one(state, opened(state, "1", by_url)))
        later = opened(state, "2", call(1))
        assert state.reuse_earlier(later.run_id) == 1

    def test_the_same_bytes_of_the_same_call_are_the_same_recording(self, state: State) -> None:
        to_text(state, one(state, opened(state, "1", call(1))), checksum="aa")
        renamed = replace(call(1), statistics_id=99, record_id="888", file_id=888)
        stranger = replace(call(5), statistics_id=98)
        later = opened(state, "2", renamed, stranger)
        assert state.reuse_earlier(later.run_id) == 0
        for row in rows(state, later):
            state.move_to_work(row, S.DOWNLOADING, stage="download")
            state.move_record(
                row.run_id, *row.key, S.DOWNLOADED, expected={S.DOWNLOADING}, stage="download", checksum="aa"
            )
        outcome = {row.record_id: state.reuse_one(row) for row in rows(state, later)}
        assert outcome == {"888": True, "505": False}

    def test_a_file_number_alone_is_no_proof(self, state: State) -> None:
        to_text(state, one(state, opened(state, "1", call(1))))
        later = opened(state, "2", replace(call(1), call_id="externalCall.other"))
        assert state.reuse_earlier(later.run_id) == 0

    def test_a_row_points_at_the_earlier_files_until_its_own_copies_are_there(self, state: State) -> None:
        to_text(state, one(state, opened(state, "1", call(1))))
        later = opened(state, "2", call(1), call(2))
        state.reuse_earlier(later.run_id)
        (row,) = state.reused_records(later.run_id)
        state.set_paths(row, transcript_path="exports/two/transcripts/a.txt", summary_path=None)
        (row,) = state.reused_records(later.run_id)
        assert row.transcript_path == "exports/two/transcripts/a.txt"

    @pytest.mark.timeout(30)
    def test_a_large_run_finds_its_earlier_texts_right_after_listing(self, state: State, database: str) -> None:
        """Without fresh statistics the planner compares each row with each: minutes instead of a second."""
        calls = [call(number) for number in range(30_000)]
        opened(state, "1", *calls)
        with psycopg.connect(database) as connection:
            connection.execute("UPDATE call_records SET status = 'completed', transcript_path = 'a'")
        later = opened(state, "2", *calls)
        assert state.reuse_earlier(later.run_id) == 30_000

    def test_whoever_buys_a_returned_record_anew_is_its_buyer(self, state: State, database: str) -> None:
        to_text(state, one(state, opened(state, "1", call(1))))
        later = opened(state, "2", call(1))
        state.reuse_earlier(later.run_id)
        with psycopg.connect(database) as connection:
            connection.execute("UPDATE call_records SET status = 'pending' WHERE run_id = %s", [later.run_id])
        to_text(state, one(state, later), cost="0.02")
        assert one(state, later).reused_from_run_id is None


def costs(database: str) -> list[Decimal]:
    with psycopg.connect(database) as connection:
        return [value for (value,) in connection.execute("SELECT cost FROM call_records")]


class TestClaims:
    def test_two_runs_never_hold_one_call(self, state: State, database: str) -> None:
        with state.claim_recording("call-1") as mine, State(database) as other:
            with other.claim_recording("call-1") as theirs, other.claim_recording("call-2") as another:
                assert (mine, theirs, another) == (True, False, True)
        with state.claim_recording("call-1") as mine:
            assert mine

    def test_a_claim_dies_with_its_holder(self, state: State, database: str) -> None:
        with state.claim_recording("call-1"):
            cut_connections(database)
            with State(database) as other, other.claim_recording("call-1") as theirs:
                assert theirs


class TestAnswers:
    def test_a_paid_answer_is_kept_until_it_is_forgotten_and_the_first_one_stays(self, state: State) -> None:
        state.save_answer("aa", "0:0-10", "gpt-transcribe", {"text": "алло"})
        state.save_answer("aa", "0:0-10", "gpt-transcribe", {"text": "другой"})
        state.save_answer("aa", "0:0-10", "whisper-1", {"text": "иной"})
        assert state.saved_answers("aa", "gpt-transcribe") == {"0:0-10": {"text": "алло"}}
        assert state.saved_answer("aa", "1:0-10", "gpt-transcribe") is None
        state.forget_answers("aa")
        assert state.saved_answers("aa", "gpt-transcribe") == {}


class TestDeadLetters:
    def test_a_day_of_failing_leaves_the_ordinary_retries_until_replayed(self, state: State) -> None:
        run = opened(state, "1", call(1), call(2))
        old, _fresh = rows(state, run)
        give_up(state, old, stored=True)
        assert state.move_to_dlq(run.run_id, failed_before=datetime(2000, 1, 1, tzinfo=UTC)) == 0
        later = datetime.now(UTC) + timedelta(hours=1)
        assert state.move_to_dlq(run.run_id, failed_before=later) == 1
        assert state.move_to_dlq(run.run_id, failed_before=later) == 0
        (letter,) = state.dlq(run.run_id)
        assert (letter.record_id, letter.stage, letter.replayed_at) == (old.record_id, "transcribe", None)
        assert state.reopen_records(run.run_id, stage="open_run") == 0
        assert state.replay(run.run_id) == 1
        assert state.replay(run.run_id) == 0
        assert state.record(run.run_id, old.key).status is S.DOWNLOADED  # type: ignore[union-attr]
        assert state.dlq(run.run_id)[0].replayed_at is not None
        assert state.move_to_dlq(run.run_id, failed_before=later) == 0

    def test_a_replayed_record_that_fails_for_another_day_comes_back(self, state: State) -> None:
        run = opened(state, "1", call(1))
        give_up(state, one(state, run), stored=False)
        later = datetime.now(UTC) + timedelta(hours=1)
        state.move_to_dlq(run.run_id, failed_before=later)
        state.replay(run.run_id)
        give_up(state, one(state, run), stored=False)
        assert state.move_to_dlq(run.run_id, failed_before=later) == 1
        assert state.dlq(run.run_id)[0].replayed_at is None


class TestConnection:
    def test_a_cut_connection_is_replaced_before_the_next_statement(self, state: State, database: str) -> None:
        run = opened(state)
        cut_connections(database)
        assert state.run(run.run_id) is not None

    def test_a_connection_cut_in_the_middle_is_temporary_and_undoes_the_whole(
        self, state: State, database: str
    ) -> None:
        run = opened(state)
        with pytest.raises(Temporary), state.transaction():
            state.note_run(run.run_id, {"half": "done"})
            cut_connections(database)
            state.note_run(run.run_id, {"other": "half"})
        now = state.run(run.run_id)
        assert now is not None
        assert "half" not in now.metadata

    def test_a_password_never_reaches_an_error(self) -> None:
        with pytest.raises(Temporary) as caught, State("postgresql://someone:hunter2@127.0.0.1:1/none") as state:
            state.run(UUID(int=0))
        assert "hunter2" not in repr(caught.value)
        assert caught.value.__suppress_context__

    def test_a_missing_schema_is_told_as_such(self, empty_database: str) -> None:
        with pytest.raises(NotConfigured, match="migrations"), State(empty_database) as state:
            state.run(UUID(int=0))

    def test_progress_in_one_sentence(self, state: State) -> None:
        run = opened(state, "1", call(1), call(2), call(3, file_id=None))
        to_text(state, state.record(run.run_id, RecordKey(call(1).call_id, "501")))  # type: ignore[arg-type]
        assert state.progress_sentence(run.run_id) == (
            "готово 1 из 2 записей (взято из прошлых запусков 0), нет на портале 0, ошибок 0; 2 мин, потрачено 0.01 USD"
        )


def cut_connections(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

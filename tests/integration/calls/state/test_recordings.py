"""A record moves once, by the state machine; what was left is taken up again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from include.calls.domain.states import RecordStatus
from include.calls.state.state import State
from include.common.errors import ErrorCode, Temporary
from tests.kit.state_samples import (
    call,
    events,
    first_failed,
    give_up,
    one,
    opened,
    rows,
    to_text,
)

pytestmark = pytest.mark.postgres

S = RecordStatus


@pytest.fixture
def state(database: str) -> Iterator[State]:
    with State(database) as state:
        yield state


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

    def test_going_back_untried_clears_nothing(self, state: State, database: str) -> None:
        """A neighbour was refused: what this recording has against it stays, and since when."""
        run = opened(state, "1", call(1))
        row = one(state, run)
        state.move_to_work(row, S.DOWNLOADING, stage="download")
        state.move_record(row.run_id, *row.key, S.DOWNLOADED, expected={S.DOWNLOADING}, stage="download", checksum="a")
        error = Temporary("no answer", code=ErrorCode.STT_TIMEOUT)
        for failure in (error, None):
            state.move_to_work(one(state, run), S.TRANSCRIBING, stage="transcribe")
            state.move_record(
                row.run_id, *row.key, S.DOWNLOADED, expected={S.TRANSCRIBING}, stage="transcribe", error=failure,
                attempts_plus=int(bool(failure)),
            )  # fmt: skip
        assert (one(state, run).error_code, one(state, run).attempts) == ("stt_timeout", 1)
        assert first_failed(database) != [None]

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
        # 2 + 1, and the one that the portal gives no length for is billed a minute all the same
        assert (figures.recordings, figures.minutes, figures.downloads) == (3, 4, 3)

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

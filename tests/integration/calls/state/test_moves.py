"""A recording moves once, by the state machine; what was left is taken up again."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from include.calls.domain.states import RECORD_MOVES, RecordStatus
from include.calls.state.state import State
from include.calls.state.types import RecordingRow, Run
from include.common.errors import ErrorCode, Temporary
from tests.kit.state_samples import (
    bought,
    call,
    downloaded,
    events,
    executed,
    give_up,
    new_run,
    numbers,
    one,
    opened,
    rows,
    selected,
    to_text,
)

pytestmark = pytest.mark.postgres

S = RecordStatus
AGAIN = (
    "UPDATE call_records SET status = 'pending', error_message = NULL, retry_count = retry_count + 1 WHERE run_id = %s"
)


def take(state: State, run: Run, row: RecordingRow, to: RecordStatus = S.DOWNLOADING) -> bool:
    return state.moves.take(run.run_id, row.recording_id, to, stage="download")


def first_failed(database: str) -> list[datetime | None]:
    return numbers(selected(database, "SELECT first_failed_at FROM recordings ORDER BY recording_id"))


class TestMove:
    def test_a_move_that_the_state_machine_lacks_is_a_defect(self, state: State) -> None:
        run = opened(state, "1", call(1))
        row = one(state, run)
        with pytest.raises(ValueError, match="no move from pending to completed"):
            state.moves.move(run.run_id, row.recording_id, S.COMPLETED, expected={S.PENDING}, stage="x")
        with pytest.raises(ValueError, match="status"):
            state.moves.move(run.run_id, row.recording_id, S.ERROR, expected={S.PENDING}, stage="x", **{"status": "x"})  # type: ignore[misc]
        with pytest.raises(ValueError, match=r"enters downloading by Moves\.take"):
            state.moves.move(run.run_id, row.recording_id, S.DOWNLOADING, expected={S.PENDING}, stage="x")

    def test_only_the_first_of_two_takes_a_recording(self, state: State, database: str) -> None:
        run = opened(state, "1", call(1))
        row = one(state, run)
        assert take(state, run, row)
        with State.open(database) as other:
            assert not take(other, run, row)
        moves = [(event, detail) for stage, event, detail in events(database, run) if stage == "download"]
        assert moves == [("downloading", {"from": "pending"})]
        assert one(state, run).holder == run.run_id

    def test_a_recording_at_work_is_moved_by_its_run_only(self, state: State) -> None:
        mine = opened(state, "1", call(1))
        theirs = opened(state, "2", call(1))
        row = one(state, mine)
        assert take(state, mine, row)
        end = {"expected": {S.DOWNLOADING}, "stage": "download"}
        assert not state.moves.move(theirs.run_id, row.recording_id, S.DOWNLOADED, **end)  # type: ignore[arg-type]
        assert one(state, mine).status is S.DOWNLOADING
        assert state.moves.move(mine.run_id, row.recording_id, S.DOWNLOADED, **end)  # type: ignore[arg-type]
        assert one(state, mine).holder is None

    def test_any_run_goes_on_with_a_recording_that_waits(self, state: State) -> None:
        first = opened(state, "1", call(1))
        downloaded(state, first, one(state, first))
        second = opened(state, "2", call(1))
        bought(state, second, one(state, second))
        assert one(state, first).status is S.COMPLETED

    def test_a_failure_that_counts_starts_the_clock(self, state: State, database: str) -> None:
        """Success clears it."""
        run = opened(state, "1", call(1))
        row = one(state, run)
        take(state, run, row)
        error = Temporary("the portal answered 502", code=ErrorCode.DOWNLOAD_FAILED)
        state.moves.move(
            run.run_id,
            row.recording_id,
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
        downloaded(state, run, row)
        assert (one(state, run).error_code, one(state, run).attempts) == (None, 1)
        assert first_failed(database) == [None]

    def test_going_back_untried_clears_nothing(self, state: State, database: str) -> None:
        """Another recording was refused: the failures of this one stay, and their first time."""
        run = opened(state, "1", call(1))
        row = one(state, run)
        downloaded(state, run, row)
        for failure in (Temporary("no answer", code=ErrorCode.STT_TIMEOUT), None):
            take(state, run, row, S.TRANSCRIBING)
            state.moves.move(
                run.run_id, row.recording_id, S.DOWNLOADED, expected={S.TRANSCRIBING}, stage="transcribe",
                error=failure, attempts_plus=int(bool(failure)),
            )  # fmt: skip
        assert (one(state, run).error_code, one(state, run).attempts) == ("stt_timeout", 1)
        assert first_failed(database) != [None]

    def test_a_request_to_slow_down_starts_no_clock(self, state: State, database: str) -> None:
        run = opened(state, "1", call(1))
        row = one(state, run)
        take(state, run, row)
        error = Temporary("slow down")
        state.moves.move(run.run_id, row.recording_id, S.PENDING, expected={S.DOWNLOADING}, stage="x", error=error)
        assert first_failed(database) == [None]

    def test_the_event_of_a_text_has_its_minutes_and_its_hash(self, state: State, database: str) -> None:
        run = opened(state, "1", call(1))
        to_text(state, run, one(state, run))
        (detail,) = [detail for _, event, detail in events(database, run) if event == "completed"]
        assert detail["audio_sec"] == 90.5
        assert len(detail["sha256"]) == 64

    def test_an_ended_stage_has_its_duration(self, state: State, database: str) -> None:
        """Work that was taken back has none."""
        run = opened(state, "1", call(1), call(2))
        first, second = rows(state, run)
        to_text(state, run, first)
        take(state, run, second)
        state.moves.take_back(run.run_id, second.recording_id, S.DOWNLOADING, stage="download")
        took = selected(
            database,
            "SELECT event, duration_ms IS NOT NULL FROM call_events WHERE recording_id IS NOT NULL ORDER BY id",
        )
        assert took == [
            ("downloading", False),
            ("downloaded", True),
            ("transcribing", False),
            ("completed", True),
            ("downloading", False),
            ("pending", False),
        ]

    def test_recordings_with_the_same_bytes_show_the_newest_text(self, state: State, database: str) -> None:
        """One of them was sent back and bought anew: the other's file is the same file, so the text is the same."""
        first = call(1)
        run = opened(state, "1", first, call(2, call_id=first.call_id))
        buyer, sharer = rows(state, run)
        to_text(state, run, buyer)
        downloaded(state, run, sharer)
        assert state.moves.share_text(run.run_id, sharer.recording_id, stage="transcribe")
        executed(database, AGAIN + " AND record_id = %s", run.run_id, buyer.record_id)
        to_text(state, run, rows(state, run)[0], words="Иные слова.")
        buyer, sharer = rows(state, run)
        assert sharer.transcript_id == buyer.transcript_id
        assert sharer.transcript_path == buyer.transcript_path

    def test_moves_stay_on_their_page(self, state: State, database: str) -> None:
        """No index contains the status. Of a recording's four moves one may leave its page: it names the files."""
        run = opened(state, "1", *(call(number) for number in range(1, 501)))
        for row in rows(state, run):
            to_text(state, run, row, checksum=row.record_id)
        executed(database, "SELECT pg_stat_force_next_flush()")
        state.session.close()
        ((updates, hot),) = selected(
            database, "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'recordings'"
        )
        assert updates >= 2_000
        assert hot / updates > 0.6


class TestWorkOfADeadTask:
    def test_it_is_taken_back_and_counted(self, state: State, database: str) -> None:
        dead = opened(state, "1", call(1))
        row = one(state, dead)
        alive = opened(state, "2", call(1))
        for deaths in (1, 2, 3):
            take(state, dead, row)
            assert state.moves.take_back(alive.run_id, row.recording_id, S.DOWNLOADING, stage="download") == deaths
        now = one(state, alive)
        assert (now.status, now.attempts, now.deaths, now.holder) == (S.PENDING, 0, 3, None)
        assert events(database, alive)[-1] == (
            "download",
            "pending",
            {"from": "downloading", "why": "the task died", "held_by": str(dead.run_id), "deaths": 3},
        )

    def test_the_dead_tasks_run_cannot_move_it_any_more(self, state: State) -> None:
        """A task that was believed dead and is not: what it does now moves nothing."""
        dead = opened(state, "1", call(1))
        row = one(state, dead)
        take(state, dead, row)
        alive = opened(state, "2", call(1))
        state.moves.take_back(alive.run_id, row.recording_id, S.DOWNLOADING, stage="download")
        take(state, alive, row)
        assert not state.moves.move(
            dead.run_id, row.recording_id, S.DOWNLOADED, expected={S.DOWNLOADING}, stage="download"
        )

    def test_a_recording_that_has_moved_on_is_left_alone(self, state: State) -> None:
        run = opened(state, "1", call(1))
        downloaded(state, run, one(state, run))
        assert state.moves.take_back(run.run_id, one(state, run).recording_id, S.DOWNLOADING, stage="download") == 0
        assert one(state, run).deaths == 0

    @pytest.mark.parametrize("how", ["stage passed", "resumed", "sent back", "replayed", "cleared"])
    def test_a_stage_that_passes_or_a_person_forgets_the_deaths(self, state: State, database: str, how: str) -> None:
        run = opened(state, "1", call(1))
        row = one(state, run)
        state.work.assign(run.run_id, [[row.recording_id]])
        take(state, run, row)
        state.moves.take_back(run.run_id, row.recording_id, S.DOWNLOADING, stage="download")
        if how == "stage passed":
            downloaded(state, run, row)
        else:
            give_up(state, run, row, stored=False)
            assert one(state, run).deaths == 1
            ways: dict[str, Callable[[], object]] = {
                "resumed": lambda: state.moves.take_up(run, stage="open_run", summaries=False, resumed=True),
                "sent back": lambda: executed(database, AGAIN, run.run_id),
                "cleared": lambda: state.moves.reopen_batch(run.run_id, 1, to=S.PENDING, stage="download"),
                "replayed": lambda: (
                    state.dead_letters.move_overdue(run.run_id, failed_before=datetime(2999, 1, 1, tzinfo=UTC)),
                    state.dead_letters.replay(run.run_id, stage="open_run"),
                ),
            }
            ways[how]()
        assert one(state, run).deaths == 0

    def test_a_later_night_does_not_forget_them(self, state: State) -> None:
        """A recording that kills its task costs each night one task, not three."""
        run = opened(state, "1", call(1))
        row = one(state, run)
        take(state, run, row)
        state.moves.take_back(run.run_id, row.recording_id, S.DOWNLOADING, stage="download")
        give_up(state, run, row, stored=False)
        night = opened(state, "2", call(1))
        assert (one(state, night).status, one(state, night).deaths) == (S.PENDING, 1)


class TestTakeUp:
    def test_work_left_by_earlier_nights_is_taken_up(self, state: State, database: str) -> None:
        """Unfinished recordings stay where they are; errors go back to where their audio is."""
        first = opened(state, "1", *(call(number) for number in range(1, 6)), call(6, file_id=None))
        done, failed, stored, left, waiting, _ = rows(state, first)
        to_text(state, first, done)
        give_up(state, first, failed, stored=False)
        give_up(state, first, stored, stored=True)
        take(state, first, left)
        downloaded(state, first, waiting, checksum="w")
        night = opened(state, "2")
        statuses = [row.status for row in rows(state, night)]
        assert statuses == [S.COMPLETED, S.PENDING, S.DOWNLOADED, S.DOWNLOADING, S.DOWNLOADED, S.NO_RECORDING]
        work = selected(database, "SELECT recording_id FROM run_work WHERE run_id = %s ORDER BY 1", night.run_id)
        assert numbers(work) == [row.recording_id for row in (failed, stored, left, waiting)]
        moves = [(event, detail["why"]) for stage, event, detail in events(database, night) if stage == "plan"]
        assert sorted(moves) == [("downloaded", "taken up again"), ("pending", "taken up again")]
        assert rows(state, night)[1].stage_attempts == 0

    def test_taking_up_twice_changes_nothing(self, state: State, database: str) -> None:
        run = opened(state, "1", call(1), call(2))
        assert state.moves.take_up(run, stage="plan", summaries=False) == 2
        assert selected(database, "SELECT count(*) FROM run_work") == [(2,)]

    @pytest.mark.parametrize(("due", "taken"), [("2025-08-31", 1), ("2025-09-01", 1), ("2025-09-02", 0), (None, 0)])
    def test_missing_audio_is_looked_for_on_its_night(self, state: State, due: str | None, taken: int) -> None:
        first = opened(state, "1", call(1))
        row = one(state, first)
        take(state, first, row)
        state.moves.move(
            first.run_id,
            row.recording_id,
            S.MISSING_AUDIO,
            expected={S.DOWNLOADING},
            stage="download",
            missing_since=date(2025, 8, 30),
            look_again_on=date.fromisoformat(due) if due else None,
        )
        night = opened(state, "2", call(1))
        assert one(state, night).status is (S.PENDING if taken else S.MISSING_AUDIO)
        assert state.work.to_buy(night).recordings == taken
        assert one(state, night).missing_since == date(2025, 8, 30)
        assert state.moves.take_up(night, stage="open_run", summaries=False, resumed=True) == 1
        assert one(state, night).status is S.PENDING

    def test_texts_without_a_summary_are_work_if_wanted(self, state: State, database: str) -> None:
        """A text without words gets none."""
        first = opened(state, "1", call(1), call(2), call(3))
        for row, words in zip(rows(state, first), ("Да.", "Нет.", ""), strict=True):
            to_text(state, first, row, checksum=row.record_id, words=words)
        summarised = rows(state, first)[0]
        assert summarised.transcript_id
        state.transcripts.set_summary(
            summarised.recording_id, summarised.transcript_id, summary_path="summary/a.md", tags=["заказ"]
        )
        night = opened(state, "2", call(1))
        assert selected(database, "SELECT count(*) FROM run_work WHERE run_id = %s", night.run_id) == [(0,)]
        assert state.moves.take_up(night, stage="plan", summaries=True) == 1

    def test_recordings_in_the_dlq_stay_there(self, state: State) -> None:
        first = opened(state, "1", call(1))
        give_up(state, first, one(state, first), stored=False)
        state.dead_letters.move_overdue(first.run_id, failed_before=datetime(2999, 1, 1, tzinfo=UTC))
        night = opened(state, "2", call(1))
        assert one(state, night).status is S.ERROR
        assert state.moves.take_up(night, stage="open_run", summaries=False, resumed=True) == 0
        assert state.work.to_buy(night).recordings == 0

    def test_a_large_period_is_taken_up_right_after_it_was_listed(self, state: State) -> None:
        """PostgreSQL's statistics do not know the rows yet: a plan that compares each with each takes minutes."""
        run = state.runs.open(new_run())
        run_calls = (call(number) for number in range(30_000))
        state.runs.set_portal(run.run_id, state.portals.of("portal.example", []))
        state.listing.save(run, 1, run_calls, {})
        assert state.moves.take_up(state.runs.get(run.run_id), stage="plan", summaries=False) == 30_000


class TestBatches:
    def test_a_cleared_task_reopens_the_errors_of_its_own_stage(self, state: State) -> None:
        run = opened(state, "1", call(1), call(2), call(3))
        first, second, elsewhere = rows(state, run)
        state.work.assign(run.run_id, [[first.recording_id, second.recording_id], [elsewhere.recording_id]])
        give_up(state, run, first, stored=False)
        give_up(state, run, second, stored=True)
        give_up(state, run, elsewhere, stored=False)
        assert state.moves.reopen_batch(run.run_id, 1, to=S.PENDING, stage="download") == 1
        assert [row.status for row in rows(state, run)] == [S.PENDING, S.ERROR, S.ERROR]
        assert state.moves.reopen_batch(run.run_id, 1, to=S.DOWNLOADED, stage="transcribe") == 1
        assert [row.status for row in rows(state, run)] == [S.PENDING, S.DOWNLOADED, S.ERROR]


class TestSharedTexts:
    def test_the_same_bytes_of_the_same_call_are_bought_once(self, state: State, database: str) -> None:
        first = call(1)
        run = opened(state, "1", first, call(2, call_id=first.call_id), call(3))
        buyer, twin, stranger = rows(state, run)
        to_text(state, run, buyer, checksum="aa")
        for row in (twin, stranger):
            downloaded(state, run, row, checksum="aa")
        shares = [state.moves.share_text(run.run_id, row.recording_id, stage="transcribe") for row in (twin, stranger)]
        assert shares == [True, False]
        buyer, twin, stranger = rows(state, run)
        assert (twin.status, twin.transcript_id) == (S.COMPLETED, buyer.transcript_id)
        assert stranger.status is S.DOWNLOADED
        assert events(database, run)[-1][2] == {"from": "downloaded", "same_bytes_as": buyer.recording_id}
        assert selected(database, "SELECT sum(usd) FROM charges") == [(Decimal("0.009"),)]

    def test_a_recording_that_was_sent_back_gets_a_text_of_its_own(self, state: State, database: str) -> None:
        first = call(1)
        run = opened(state, "1", first, call(2, call_id=first.call_id))
        for row in rows(state, run):
            to_text(state, run, row, checksum="aa")
        executed(database, AGAIN + " AND record_id = '501'", run.run_id)
        row = rows(state, run)[0]
        downloaded(state, run, row, checksum="aa")
        assert not state.moves.share_text(run.run_id, row.recording_id, stage="transcribe")


def test_the_history_is_a_walk_through_the_state_machine(state: State, database: str) -> None:
    """Each move begins where the one before it ended, the rare ones too."""
    run = opened(state, "1", call(1, file_id=None))
    state.listing.save(run, 1, [call(1)], {})
    row = one(state, run)
    take(state, run, row)
    state.moves.take_back(run.run_id, row.recording_id, S.DOWNLOADING, stage="download")
    give_up(state, run, row, stored=True)
    state.moves.take_up(run, stage="plan", summaries=False)
    state.dead_letters.move_overdue(run.run_id, failed_before=datetime(2999, 1, 1, tzinfo=UTC))
    state.dead_letters.replay(run.run_id, stage="open_run")
    bought(state, run, row)
    executed(database, AGAIN, run.run_id)
    to_text(state, run, row, words="Иные слова.")
    moves = selected(
        database,
        "SELECT detail ->> 'from', event FROM call_events WHERE call_id IS NOT NULL AND detail ? 'from' ORDER BY id",
    )
    for before, after in moves:
        assert S(after) in RECORD_MOVES[S(before)]
    assert [before for before, _ in moves[1:]] == [after for _, after in moves[:-1]]
    assert (moves[0], moves[-1]) == (("no_recording", "pending"), ("transcribing", "completed"))

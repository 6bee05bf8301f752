"""A text is bought once, by whoever and whenever."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import psycopg
import pytest

from include.calls.domain.states import RecordStatus
from include.calls.state.rows import OwnCopies
from include.calls.state.state import State
from tests.kit.state_samples import (
    call,
    costs,
    cut_connections,
    events,
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
        by_url = replace(call(1), record_id="url-0123456789abcdef", recording_ref=None)
        to_text(state, one(state, opened(state, "1", by_url)))
        later = opened(state, "2", call(1))
        assert state.reuse_earlier(later.run_id) == 1

    def test_the_same_bytes_of_the_same_call_are_the_same_recording(self, state: State) -> None:
        to_text(state, one(state, opened(state, "1", call(1))), checksum="aa")
        renamed = replace(call(1), statistics_id=99, record_id="888", recording_ref="888")
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
        state.set_paths(row.run_id, [OwnCopies(row.key, "exports/two/transcripts/a.txt", None)])
        (row,) = state.reused_records(later.run_id)
        assert row.transcript_path == "exports/two/transcripts/a.txt"

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


class TestClaims:
    def test_two_runs_never_hold_one_call(self, state: State, database: str) -> None:
        with (
            State(database) as other,
            state.claim_recording("call-1") as mine,
            other.claim_recording("call-1") as theirs,
            other.claim_recording("call-2") as another,
        ):
            assert (mine is not None, theirs is not None, another is not None) == (True, False, True)
        with state.claim_recording("call-1") as mine:
            assert mine

    def test_a_claim_dies_with_its_holder(self, state: State, database: str) -> None:
        with state.claim_recording("call-1") as mine:
            assert mine
            assert mine.alive()
            cut_connections(database)
            assert not mine.alive()
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

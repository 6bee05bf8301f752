"""Work is planned into batches; a number of a batch is given once."""

from decimal import Decimal

import pytest

from include.calls.domain.states import RecordStatus
from include.calls.state.state import State
from include.calls.state.types import RecordingRow, Run, ToBuy
from tests.kit.state_samples import bought, call, downloaded, give_up, opened, rows, selected, to_text

pytestmark = pytest.mark.postgres

S = RecordStatus


def unplanned(state: State, run: Run, *, summaries: bool = False) -> list[int]:
    return [work.recording_id for work in state.work.unplanned(run.run_id, summaries=summaries)]


def test_planning_twice_keeps_the_batches(state: State) -> None:
    run = opened(state, "1", *(call(number) for number in range(1, 5)), call(9, file_id=None))
    wanted = state.work.unplanned(run.run_id, summaries=False)
    assert [work.minutes for work in wanted] == [Decimal("1.5")] * 4
    ids = [work.recording_id for work in wanted]
    assert state.work.assign(run.run_id, [ids[:3], ids[3:]]) == [1, 2]
    assert unplanned(state, run) == []
    assert state.work.assign(run.run_id, []) == []
    assert state.work.unfinished_batches(run.run_id, summaries=False) == [1, 2]
    assert [row.recording_id for row in state.work.batch(run.run_id, 1, {S.PENDING})] == ids[:3]
    assert state.work.batch(run.run_id, 1, {S.DOWNLOADED}) == []
    facts = state.work.batch_facts(run.run_id, 1)
    assert (facts.records, facts.minutes) == (3, Decimal("4.5"))


def test_a_resumed_run_gets_new_numbers_for_what_is_left(state: State) -> None:
    """Two DAG runs of one run never have the same batch."""
    run = opened(state, "1", *(call(number) for number in range(1, 5)))
    done, failed, stored, missing = rows(state, run)
    state.work.assign(run.run_id, [[row.recording_id for row in (done, failed, stored, missing)]])
    to_text(state, run, done)
    give_up(state, run, failed, stored=False)
    give_up(state, run, stored, stored=True)
    state.moves.take(run.run_id, missing.recording_id, S.DOWNLOADING, stage="download")
    state.moves.move(run.run_id, missing.recording_id, S.MISSING_AUDIO, expected={S.DOWNLOADING}, stage="download")
    assert state.moves.take_up(run, stage="open_run", summaries=False, resumed=True) == 3
    state.work.forget_batches(run.run_id)
    assert [row.status for row in rows(state, run)] == [S.COMPLETED, S.PENDING, S.DOWNLOADED, S.PENDING]
    left = unplanned(state, run)
    assert left == [failed.recording_id, stored.recording_id, missing.recording_id]
    assert state.work.assign(run.run_id, [left]) == [2]
    assert [row.recording_id for row in state.work.batch(run.run_id, 1, set(S))] == [done.recording_id]


def test_what_another_run_has_finished_is_work_no_more(state: State) -> None:
    first = opened(state, "1", call(1), call(2))
    second = opened(state, "2", call(1), call(2))
    state.work.assign(second.run_id, [[row.recording_id] for row in rows(state, second)])
    to_text(state, first, rows(state, first)[0])
    assert state.work.unfinished_batches(second.run_id, summaries=False) == [2]
    assert unplanned(state, first) == [rows(state, first)[1].recording_id]


def test_summaries_are_work_of_a_run_that_wants_them(state: State) -> None:
    run = opened(state, "1", call(1), call(2))
    for row in rows(state, run):
        to_text(state, run, row, checksum=row.record_id)
    assert unplanned(state, run, summaries=True) == [row.recording_id for row in rows(state, run)]
    assert unplanned(state, run) == []
    state.work.assign(run.run_id, [[row.recording_id for row in rows(state, run)]])
    assert state.work.unfinished_batches(run.run_id, summaries=True) == [1]
    assert state.work.unfinished_batches(run.run_id, summaries=False) == []
    assert state.work.summaries_wanted(run.run_id) == (2, 4)
    for row in rows(state, run):
        assert row.transcript_id
        state.transcripts.set_summary(row.recording_id, row.transcript_id, summary_path="a.md", tags=[])
    assert state.work.summaries_wanted(run.run_id) == (0, 0)
    assert state.work.unfinished_batches(run.run_id, summaries=True) == []


def test_a_forecast_rounds_each_recording_up_once(state: State) -> None:
    """A recording of unknown length is billed a minute."""
    run = opened(state, "1", call(1), call(2, duration_sec=60), call(3, duration_sec=0), call(4, file_id=None))
    assert state.work.to_buy(run) == ToBuy(recordings=3, minutes=4, downloads=3, portal_minutes=Decimal("2.50"))
    downloaded(state, run, rows(state, run)[0])
    assert state.work.to_buy(run).downloads == 2


def test_a_forecast_counts_what_would_be_taken_up(state: State, database: str) -> None:
    """Nothing is moved by asking, so a dry run says what the next run does."""
    first = opened(state, "1", call(1), call(2), call(3))
    done, failed, _ = rows(state, first)
    to_text(state, first, done)
    give_up(state, first, failed, stored=True)
    night = opened(state, "2", call(1))
    before = [row.status for row in rows(state, night)]
    figures = state.work.to_buy(night)
    assert (figures.recordings, figures.downloads) == (2, 1)
    assert [row.status for row in rows(state, night)] == before
    assert figures.recordings == state.moves.take_up(night, stage="plan", summaries=False)


def test_who_works_on_a_recording_is_known_while_it_does(state: State, database: str) -> None:
    run = opened(state, "1", call(1), call(2))
    row = rows(state, run)[0]
    downloaded(state, run, row)
    assert state.work.in_progress([row.recording_id]) == {}
    state.moves.take(run.run_id, row.recording_id, S.TRANSCRIBING, stage="transcribe")
    found = state.work.in_progress([row.recording_id, 99])
    assert list(found) == [row.recording_id]
    task = found[row.recording_id]
    assert (task.run_id, task.stage) == (run.run_id, "transcribe")
    assert "/" in task.process
    state.moves.take_back(run.run_id, row.recording_id, S.TRANSCRIBING, stage="transcribe")
    bought(state, run, one_of(state, row.recording_id, run))
    assert selected(database, "SELECT count(*) FROM work_in_progress") == [(0,)]


def one_of(state: State, recording_id: int, run: Run) -> RecordingRow:
    return next(row for row in rows(state, run) if row.recording_id == recording_id)

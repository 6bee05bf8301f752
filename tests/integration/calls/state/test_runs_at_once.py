"""Runs that meet: each text is bought once, and no two of them wait for each other for ever."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import cycle

import pytest

from include.calls.domain.states import RecordStatus
from include.calls.state.state import State
from include.calls.state.types import Run
from tests.kit.state_samples import call, charge, give_up, opened, rows, selected, text

pytestmark = pytest.mark.postgres

S = RecordStatus
CALLS = 40


def work_off(database: str, run: Run, ids: list[int]) -> int:
    """What the tasks of a run do, recording by recording; returns how many calls another task had claimed."""
    claimed_elsewhere = 0
    with State.open(database) as state:
        for recording_id in ids:
            row = state.recordings.get(recording_id)
            with state.claims.hold(row.portal_id, row.call_id) as claim:
                if not claim:
                    claimed_elsewhere += 1
                    continue
                if state.moves.take(run.run_id, recording_id, S.DOWNLOADING, stage="download"):
                    assert state.moves.move(
                        run.run_id, recording_id, S.DOWNLOADED, expected={S.DOWNLOADING}, stage="download",
                        raw_path="a", checksum=str(recording_id),
                    )  # fmt: skip
                if not state.moves.take(run.run_id, recording_id, S.TRANSCRIBING, stage="transcribe"):
                    continue
                state.responses.keep(run.run_id, recording_id, str(recording_id), "whole", "m", {}, charge("0.009"))
                with state.transaction():
                    transcript_id = state.transcripts.keep(run.run_id, recording_id, text(str(recording_id)))
                    assert state.moves.move(
                        run.run_id, recording_id, S.COMPLETED, expected={S.TRANSCRIBING}, stage="transcribe",
                        transcript_id=transcript_id, transcript_path="a.txt", audio_sec=Decimal(90),
                    )  # fmt: skip
                    state.charges.round_up(run.run_id, recording_id, model="m", minutes=2, price=Decimal("0.012"))
                    state.responses.forget(str(recording_id))
    return claimed_elsewhere


@pytest.mark.timeout(120)
def test_two_runs_over_the_same_days_buy_each_text_once(state: State, database: str) -> None:
    calls = [call(number) for number in range(1, CALLS + 1)]
    runs = [opened(state, name, *calls) for name in ("1", "2")]
    ids = [row.recording_id for row in rows(state, runs[0])]
    with ThreadPoolExecutor(6) as threads:
        orders = cycle((ids, ids[::-1], ids[CALLS // 2 :] + ids[: CALLS // 2]))
        working = [threads.submit(work_off, database, run, order) for run, order in zip(runs * 3, orders, strict=False)]
        for each in working:
            each.result()
    for run in runs:
        assert work_off(database, run, ids) == 0
        assert state.runs.counts(run.run_id) == {S.COMPLETED: CALLS}
    assert selected(database, "SELECT count(*), sum(requests), sum(usd) FROM charges") == [
        (2 * CALLS, 2 * CALLS, CALLS * Decimal("0.012"))
    ]
    spent = [state.charges.spending(run.run_id, Decimal(1)).spent for run in runs]
    assert sum(spent) == CALLS * Decimal("0.012")
    assert selected(database, "SELECT count(*) FROM work_in_progress") == [(0,)]


@pytest.mark.timeout(120)
def test_changes_of_many_recordings_never_deadlock(state: State, database: str) -> None:
    """Listings and plans of two runs meet the same rows in different order."""
    numbers = list(range(1, 1001))
    runs = [opened(state, name, *(call(number) for number in numbers)) for name in ("1", "2")]
    for row in rows(state, runs[0])[::3]:
        give_up(state, runs[0], row, stored=False)

    def list_again(run: Run, order: list[int]) -> None:
        with State.open(database) as own:
            for seconds in range(8):
                own.listing.save(run, 1, [call(number, duration_sec=seconds) for number in order], {})

    def take_up_again(run: Run) -> None:
        with State.open(database) as own:
            for _ in range(8):
                own.moves.take_up(run, stage="plan", summaries=False, resumed=True)

    def fail_again(run: Run) -> None:
        with State.open(database) as own:
            for row in rows(own, run)[::-3]:
                if own.moves.take(run.run_id, row.recording_id, S.DOWNLOADING, stage="download"):
                    own.moves.move(run.run_id, row.recording_id, S.ERROR, expected={S.DOWNLOADING}, stage="download")

    tasks: list[Callable[[], None]] = [
        lambda: list_again(runs[0], numbers),
        lambda: list_again(runs[1], numbers[::-1]),
        lambda: take_up_again(runs[0]),
        lambda: take_up_again(runs[1]),
        lambda: fail_again(runs[0]),
        lambda: fail_again(runs[1]),
    ]
    with ThreadPoolExecutor(len(tasks)) as threads:
        for done in [threads.submit(task) for task in tasks]:
            done.result()

"""Recordings are read as they are now, a page at a time whatever their number."""

import pytest

from include.calls.domain.states import RecordStatus
from include.calls.state import recordings
from include.calls.state.state import State
from tests.kit.state_samples import call, downloaded, one, opened, rows, to_text

pytestmark = pytest.mark.postgres

S = RecordStatus


def test_pages_follow_each_other_without_gap_or_repetition(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "_PAGE", 3)
    run = opened(state, "1", *(call(number) for number in range(1, 9)), call(9, file_id=None))
    assert [row.statistics_id for row in state.recordings.of_run(run.run_id)] == list(range(1, 10))
    pending = state.recordings.of_run(run.run_id, {S.PENDING})
    assert [row.statistics_id for row in pending] == list(range(1, 9))


def test_the_recordings_of_one_call(state: State) -> None:
    first = call(1)
    run = opened(state, "1", first, call(2, call_id=first.call_id), call(3))
    found = state.recordings.of_call(run.run_id, first.call_id)
    assert [row.record_id for row in found] == ["501", "502"]


def test_a_row_without_a_recording_makes_no_second_name(state: State) -> None:
    """A call of one recording and one row without any needs no record's name in its files."""
    first = call(1)
    run = opened(state, "1", first, call(2, call_id=first.call_id, file_id=None))
    assert [row.several for row in rows(state, run)] == [False, True]


def test_files_keep_their_name_and_day(state: State) -> None:
    """Whatever the portal corrects later: the name is fixed by the first download, the day by the first file."""
    first = call(1)
    run = opened(state, "1", first)
    assert one(state, run).keys.transcript == f"transcripts/2025/08/06/call_{first.call_id}.txt"
    downloaded(state, run, one(state, run))
    name = one(state, run).file_name
    later = call(1, started_at=first.started_at.replace(day=9))
    state.listing.save(run, 1, [later, call(2, call_id=first.call_id)], {})
    row = rows(state, run)[0]
    assert (row.file_name, row.several, row.call_started_at.day) == (name, True, 9)
    assert row.keys.transcript == f"transcripts/2025/08/06/{name}.txt"


def test_the_newest_texts_of_a_run(state: State) -> None:
    run = opened(state, "1", *(call(number) for number in range(1, 5)))
    for row in rows(state, run)[:3]:
        to_text(state, run, row, checksum=row.record_id)
    files = [f"transcripts/2025/08/06/{number}.txt" for number in (501, 502, 503)]
    assert state.recordings.newest_texts(run.run_id, 2) == [files[2], files[1]]


def test_the_companys_numbers_of_a_run(state: State) -> None:
    run = opened(state, "1", call(1), call(2, phone_line="+74950000000"))
    assert state.recordings.phone_lines_of(run.run_id) == {"+74951234567", "+74950000000"}

"""What a run paid stays in its sum, whatever became of the text that was bought (ADR 0011)."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from include.calls.domain.states import RecordStatus
from include.calls.steps import transcribe_recording as recognise
from include.common.errors import Permanent
from tests.kit.export_under_faults import exporting
from tests.kit.small_world import asked, by_sql, statuses, world_of
from tests.kit.whole_export import Export, Outcome

pytestmark = pytest.mark.postgres

S = RecordStatus
SEND_BACK = "UPDATE call_records SET status = 'pending', retry_count = retry_count + 1 WHERE run_id = '{}'"


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    """One recording of a few seconds, a dollar a minute."""
    with exporting(world_of(1), database, tmp_path, WHISPER_RATE_PER_MIN_USD="1") as export:
        yield export


def paid(export: Export, outcome: Outcome) -> Decimal:
    """USD; each place that shows the sum must show the same."""
    with export.state() as state:
        spent = state.spending(outcome.run_id, Decimal(1)).spent
        assert state.progress(outcome.run_id).spent == spent
    ((closed,),) = by_sql(export.conninfo, f"SELECT spent_cost FROM call_exports WHERE run_id = '{outcome.run_id}'")
    assert closed == spent
    return spent


def test_a_text_bought_a_second_time_is_paid_twice(export: Export) -> None:
    outcome = export.run()
    assert paid(export, outcome) == 1
    by_sql(export.conninfo, SEND_BACK.format(outcome.run_id))
    export.run(resume_run_id=str(outcome.run_id))
    assert asked(export) == 2
    assert paid(export, outcome) == 2


def test_a_reused_text_sent_back_is_not_this_runs_expense_until_it_buys_its_own(export: Export) -> None:
    export.run()
    second = export.run()
    assert paid(export, second) == 0
    by_sql(export.conninfo, SEND_BACK.format(second.run_id))
    resumed, (batch,) = export.prepare(resume_run_id=str(second.run_id))
    export.download(resumed, batch)
    with export.state() as state:
        assert state.spending(second.run_id, Decimal(1)).spent == 0
    export.work(resumed, [batch])
    export.close(resumed)
    assert paid(export, second) == 1


def test_pieces_of_a_recording_that_ended_in_error_are_paid_until_its_text_takes_their_place(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*_: object) -> None:
        raise Permanent("the text cannot be stored")

    with monkeypatch.context() as patch:
        patch.setattr(recognise, "store_files", refusing)
        outcome = export.run()
    assert statuses(export, outcome.run_id) == {S.ERROR: 1}
    assert 0 < paid(export, outcome) < Decimal("0.2"), "seconds of a minute that costs a dollar"

    export.run(resume_run_id=str(outcome.run_id))
    assert statuses(export, outcome.run_id) == {S.COMPLETED: 1}
    assert asked(export) == 1
    assert paid(export, outcome) == 1


def test_what_is_in_work_and_what_of_it_is_paid_make_the_recordings_price_together(export: Export) -> None:
    outcome, batches = export.prepare()
    export.download(outcome, batches[0])
    by_sql(export.conninfo, "UPDATE call_records SET status = 'transcribing', spent_unfinished = 0.4")
    with export.state() as state:
        spending = state.spending(outcome.run_id, Decimal(1))
    by_sql(export.conninfo, "UPDATE call_records SET status = 'downloaded'")
    assert (spending.spent, spending.in_progress) == (Decimal("0.4"), Decimal("0.6"))

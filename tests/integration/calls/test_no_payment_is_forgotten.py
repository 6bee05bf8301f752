"""What a run paid stays in its sum, whatever became of the text that was bought (ADR 0011)."""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from include.calls.domain.states import RecordStatus
from include.calls.state.types import Charge
from include.calls.steps import transcribe_recording
from include.clients.storage.local import LocalStorage
from include.common.errors import Permanent
from simulators.bitrix24.world import Audio, Call, PortalWorld
from simulators.sound.dialogues import record
from tests.kit.export_under_faults import exporting
from tests.kit.small_world import FIRST, asked, by_sql, statuses, world_of
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
        spent = state.charges.spending(outcome.run_id, Decimal(1)).spent
        assert state.runs.progress(outcome.run_id).spent == spent
    ((closed,),) = by_sql(export.conninfo, f"SELECT spent_cost FROM call_exports WHERE run_id = '{outcome.run_id}'")
    assert closed == spent
    return spent


def cost_of_texts(export: Export, outcome: Outcome) -> Decimal | None:
    """USD, as the run's rows show it."""
    ((cost,),) = by_sql(export.conninfo, f"SELECT sum(cost) FROM call_records WHERE run_id = '{outcome.run_id}'")
    return cost if cost is None else Decimal(cost)


def test_a_text_bought_a_second_time_is_paid_twice(export: Export) -> None:
    outcome = export.run()
    assert paid(export, outcome) == 1
    by_sql(export.conninfo, SEND_BACK.format(outcome.run_id))
    export.run(resume_run_id=str(outcome.run_id))
    assert asked(export) == 2
    assert paid(export, outcome) == 2
    assert cost_of_texts(export, outcome) == 1, "the cost of the text that is there"


def test_an_earlier_runs_text_is_no_expense(export: Export) -> None:
    """Sent back in a run that merely reports it, the recording costs that run a text of its own."""
    first = export.run()
    second = export.run()
    assert paid(export, second) == 0
    by_sql(export.conninfo, SEND_BACK.format(second.run_id))
    resumed, (batch,) = export.prepare(resume_run_id=str(second.run_id))
    export.download(resumed, batch)
    with export.state() as state:
        assert state.charges.spending(second.run_id, Decimal(1)).spent == 0
    export.work(resumed, [batch])
    export.close(resumed)
    assert paid(export, second) == paid(export, first) == 1


def test_pieces_of_a_failed_recording_are_rounded_up_once(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(*_: object) -> None:
        raise Permanent("the text cannot be stored")

    with monkeypatch.context() as patch:
        patch.setattr(transcribe_recording, "store_transcript", refusing)
        outcome = export.run()
    assert statuses(export, outcome.run_id) == {S.ERROR: 1}
    assert 0 < paid(export, outcome) < Decimal("0.2"), "seconds of a minute that costs a dollar"

    export.run(resume_run_id=str(outcome.run_id))
    assert statuses(export, outcome.run_id) == {S.COMPLETED: 1}
    assert asked(export) == 1
    assert paid(export, outcome) == 1


def test_pieces_of_two_runs_cost_their_minutes_once(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run has paid its own requests; together they are the minutes of the recording, rounded up."""
    world = PortalWorld()
    world.add(Call(1, FIRST, "call-1", file_id=9001), Audio(partial(record, 1, seconds=25)))
    with exporting(world, database, tmp_path, WHISPER_RATE_PER_MIN_USD="1") as export:
        first, (batch,) = export.prepare(dag_run_id="overlap__0")
        export.download(first, batch)
        with monkeypatch.context() as patch:
            patch.setattr(LocalStorage, "put_bytes", killed)
            with pytest.raises(KeyboardInterrupt):
                export.transcribe(first, batch)
        second = export.run(dag_run_id="overlap__1")
        assert statuses(export, second.run_id) == {S.COMPLETED: 1}
        export.close(first)
        spent = [paid(export, run) for run in (first, second)]
        assert all(sum_ > 0 for sum_ in spent)
        assert sum(spent) == cost_of_texts(export, second) == cost_of_texts(export, first) == 1


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_paid_pieces_and_work_in_progress_are_one_price(export: Export) -> None:
    outcome, batches = export.prepare()
    export.download(outcome, batches[0])
    (row,) = export.records(outcome.run_id)
    with export.state() as state:
        assert state.moves.take(outcome.run_id, row.recording_id, S.TRANSCRIBING, stage="transcribe")
        charge = Charge("recognition", "m", "second", Decimal(24), Decimal("0.4"), confirmed=False)
        state.charges.charge(outcome.run_id, row.recording_id, charge)
        spending = state.charges.spending(outcome.run_id, Decimal(1))
        assert (spending.spent, spending.in_progress) == (Decimal("0.4"), Decimal("0.6"))
        state.moves.move(outcome.run_id, row.recording_id, S.DOWNLOADED, expected={S.TRANSCRIBING}, stage="transcribe")

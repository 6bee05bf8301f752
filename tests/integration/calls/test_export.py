"""The whole export over the simulated portal: every call accounted for, every recording with a text."""

import csv
import io
from datetime import UTC, datetime

import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from include.clients.storage.local import LocalStorage
from include.common.errors import NotConfigured
from simulators.bitrix24.seeded import brief, seeded_world, spoken
from tests.kit.whole_export import export_over

pytestmark = pytest.mark.postgres

START, END = datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 3, tzinfo=UTC)


def test_every_call_has_a_row_and_every_recording_a_text(database, tmp_path):
    """Sixty calls of two days: missed, unrecorded, with several recordings of one call, in three containers."""
    world = seeded_world(7, START, END, 60, spoken())
    with export_over(world, database, tmp_path / "storage", drawn=True) as export:
        outcome = export.run()
        assert outcome.red == []
        assert outcome.verdict.status is RunStatus.COMPLETED
        records = export.records(outcome.run_id)
        assert {record.statistics_id for record in records} == set(world.calls)
        recorded = [record for record in records if record.status is not RecordStatus.NO_RECORDING]
        assert {record.status for record in recorded} == {RecordStatus.COMPLETED}
        for record in recorded:
            text = export.storage.get_bytes(record.transcript_path).decode()
            assert text.startswith(f"CALL_ID: {record.call_id}\n")
            assert "[симуляция]" in text
        rows = list(csv.DictReader(io.StringIO(export.registry()), delimiter=";"))
        assert len(rows) == len(records)


def test_a_complete_period_run_again_buys_nothing(database, tmp_path):
    world = seeded_world(7, START, END, 20, spoken())
    with export_over(world, database, tmp_path / "storage") as export:
        first = export.run()
        bought = export.recogniser.journal.count("transcriptions")
        downloaded = export.portal.journal.count("download") + export.portal.journal.count("storage")
        registry = export.registry()
        second = export.run()
        assert second.verdict.status is RunStatus.COMPLETED
        assert export.recogniser.journal.count("transcriptions") == bought > 0
        assert export.portal.journal.count("download") + export.portal.journal.count("storage") == downloaded > 0
        assert export.registry() == registry.replace(str(first.run_id), str(second.run_id))


def test_another_storage_is_no_reason_to_buy_everything_again(database, tmp_path):
    """An unmounted disk or a changed STORAGE_BACKEND looks as if every text were gone."""
    world = seeded_world(7, START, END, 20, brief())
    with export_over(world, database, tmp_path / "storage") as export:
        export.run()
        bought = export.recogniser.journal.count("transcriptions")
        export.storage = LocalStorage(tmp_path / "elsewhere")
        with pytest.raises(NotConfigured, match="STORAGE_BACKEND"):
            export.run()
        export.storage = LocalStorage(tmp_path / "storage")
        assert export.run().verdict.status is RunStatus.COMPLETED
        assert export.recogniser.journal.count("transcriptions") == bought

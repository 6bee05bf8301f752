"""What changes under a step in mid-way: a storage that vanishes among copies, a file that two rows of a call get."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from include.calls.state.rows import Saved

from include.calls.domain.states import RecordStatus
from include.calls.state.state import State
from include.calls.steps import reuse
from include.clients.storage.base import CopyFailure
from include.clients.storage.local import LocalStorage
from include.common.errors import NotConfigured
from tests.kit.small_world import bought, by_sql, statuses, world_of
from tests.kit.state_samples import call, opened, rows
from tests.kit.whole_export import Export, export_over

pytestmark = pytest.mark.postgres

S = RecordStatus
TEXTS = 12
OTHER = {"period_from": "2025-07-31", "period_to": "2025-08-02"}  # another folder, so that texts must be copied


def test_two_rows_of_one_call_that_get_one_file_take_its_name_once(database: str) -> None:
    """As in a first listing: one recording is one record, and the same listing again changes nothing."""
    first, second = call(1, file_id=None), call(2, call_id=call(1).call_id, file_id=None)
    arrived = [
        replace(row, record_id="777", recording_ref="777", has_recording=True, duration_sec=91)
        for row in (first, second)
    ]
    with State(database) as state:
        run = opened(state, "1", first, second)
        assert state.save_calls(run.run_id, arrived, {}) == Saved(new=0, changed=2, shared=0)
        seen = {
            (row.statistics_id, row.record_id, row.file_id, row.status, row.duration_sec) for row in rows(state, run)
        }
        assert seen == {(1, "777", 777, S.PENDING, 91), (2, "none-2", None, S.NO_RECORDING, 91)}
        assert state.save_calls(run.run_id, arrived, {}) == Saved(new=0, changed=0, shared=0)


class Vanishing(LocalStorage):
    """Its disk is unmounted after so many copies."""

    def __init__(self, root: Path, copies: int) -> None:
        super().__init__(root)
        self.folder, self.left = root, copies

    def copy_all(self, pairs: Sequence[tuple[str, str]]) -> list[CopyFailure | None]:
        failures = super().copy_all(pairs[: self.left])
        self.left -= len(failures)
        if self.left == 0 and self.folder.exists():
            self.folder.rename(self.folder.with_name("unmounted"))
        return failures + super().copy_all(pairs[len(failures) :])


@pytest.mark.parametrize(
    "copies", [0, 6, TEXTS], ids=["before the first copy", "among the texts", "before what lies beside them"]
)
def test_a_storage_that_vanishes_in_mid_plan_has_nothing_bought_anew(
    database: str, tmp_path: Path, copies: int
) -> None:
    with export_over(world_of(TEXTS), database, tmp_path / "storage") as export:
        export.run()
        export.storage = Vanishing(tmp_path / "storage", copies)
        with pytest.raises(NotConfigured, match=r"vanished in mid-work.*STORAGE_BACKEND"):
            export.prepare(dag_run_id="second", **OTHER)
        assert by_sql(database, "SELECT count(*) FROM call_events WHERE event = 'text_gone'") == [(0,)]
        shutil.rmtree(tmp_path / "storage", ignore_errors=True)
        (tmp_path / "unmounted").rename(tmp_path / "storage")
        export.storage = LocalStorage(tmp_path / "storage")
        second = resumed(export)
        assert (statuses(export, second), bought(export)) == ({S.COMPLETED: TEXTS}, TEXTS)
        places = [reuse.recognition_beside(str(row.transcript_path)) for row in export.records(second)]
        assert [export.storage.exists(place) for place in places] == [True] * TEXTS


def resumed(export: Export) -> UUID:
    [[run_id]] = by_sql(export.conninfo, "SELECT run_id FROM call_exports WHERE dag_run_id = 'second'")
    return export.run(resume_run_id=str(run_id)).run_id


def test_many_texts_gone_from_a_storage_that_is_there_are_bought_again(database: str, tmp_path: Path) -> None:
    """An old folder that somebody has deleted: texts beside it prove that the storage is the right one."""
    with export_over(world_of(TEXTS), database, tmp_path / "storage") as export:
        first = export.run()
        for row in export.records(first.run_id)[1:]:
            export.storage.delete(str(row.transcript_path))
        second, _ = export.prepare(**OTHER)
        assert statuses(export, second.run_id) == {S.COMPLETED: 1, S.PENDING: TEXTS - 1}

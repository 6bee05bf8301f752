"""What is lost under a run: files of texts, the whole storage."""

from pathlib import Path

import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from include.clients.storage.local import LocalStorage
from include.common.errors import NotConfigured
from tests.kit.small_world import bought, by_sql, downloaded, statuses, world_of
from tests.kit.whole_export import export_over

pytestmark = pytest.mark.postgres

S = RecordStatus
TEXTS = 12  # more than it takes to judge a storage by


def test_a_lost_text_is_written_again_and_nothing_is_bought(database: str, tmp_path: Path) -> None:
    """A folder of a day was deleted: the body is in the database, and the next report writes the files from it."""
    with export_over(world_of(TEXTS), database, tmp_path / "storage") as export:
        first = export.run()
        texts = {str(row.transcript_path): row.call_id for row in export.records(first.run_id)}
        before = {key: export.storage.get_bytes(key) for key in texts}
        for key in list(texts)[:-1]:  # one of the newest shows that it is the same storage
            export.storage.delete(key)
        second = export.run()
        assert second.verdict.status is RunStatus.COMPLETED
        assert {key: export.storage.get_bytes(key) for key in export.storage.keys("transcripts/")} == before
        assert (downloaded(export), bought(export)) == (TEXTS, TEXTS)
        restored = by_sql(database, "SELECT detail FROM call_events WHERE event = 'texts_restored'")
        assert len(restored) == 1


def test_a_storage_that_vanished_is_refused(database: str, tmp_path: Path) -> None:
    """An unmounted disk looks as if every text were gone. Mounted again, the run goes on."""
    with export_over(world_of(TEXTS), database, tmp_path / "storage") as export:
        export.run()
        (tmp_path / "storage").rename(tmp_path / "unmounted")
        with pytest.raises(NotConfigured, match="STORAGE_BACKEND") as caught:
            export.prepare(dag_run_id="second")
        assert caught.value.problem == "texts_not_in_storage"
        (tmp_path / "unmounted" / "raw").rename(tmp_path / "kept")
        export.storage = LocalStorage(tmp_path / "unmounted")
        ((run_id,),) = by_sql(database, "SELECT run_id FROM call_exports WHERE dag_run_id = 'second'")
        resumed = export.run(resume_run_id=str(run_id))
        assert (resumed.verdict.status, statuses(export, run_id)) == (RunStatus.COMPLETED, {S.COMPLETED: TEXTS})
        assert bought(export) == TEXTS


def test_lost_audio_of_a_finished_text_is_not_downloaded_again(database: str, tmp_path: Path) -> None:
    """Retention deletes audio first; the text stays."""
    with export_over(world_of(2), database, tmp_path / "storage") as export:
        for key in [str(row.raw_path) for row in export.records(export.run().run_id)]:
            export.storage.delete(key)
        second = export.run()
        assert (second.verdict.status, downloaded(export), bought(export)) == (RunStatus.COMPLETED, 2, 2)

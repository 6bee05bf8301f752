"""The storage misbehaves: S3 that fails, is slow or gone; a folder that is no folder, or full; audio that changes."""

import hashlib
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.steps.outcome import BatchFailed
from include.clients.storage.base import Storage
from include.clients.storage.local import LocalStorage
from include.clients.storage.s3 import S3Storage
from include.common.errors import NotConfigured
from simulators.bitrix24.world import Audio
from simulators.kit.in_process import running
from simulators.sound.dialogues import record
from tests.integration.clients.storage.s3_front import S3Front
from tests.kit.small_world import asked, attempts, bought, by_sql, codes, downloaded, statuses, world_of
from tests.kit.whole_export import Export, Outcome, export_over

pytestmark = pytest.mark.postgres

S = RecordStatus


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    with export_over(world_of(3), database, tmp_path / "storage") as export:
        yield export


def downloaded_run(export: Export) -> tuple[Outcome, int]:
    """A run whose only batch has its audio and nothing else."""
    outcome, (batch,) = export.prepare()
    export.download(outcome, batch)
    assert statuses(export, outcome.run_id) == {S.DOWNLOADED: 3}
    return outcome, batch


def audio_of(export: Export, outcome: Outcome, tmp_path: Path) -> Path:
    """The first recording's stored file."""
    return tmp_path / "storage" / str(export.records(outcome.run_id)[0].raw_path)


def is_whole(export: Export, outcome: Outcome) -> None:
    assert outcome.red == []
    assert outcome.verdict.status is RunStatus.COMPLETED
    for row in export.records(outcome.run_id):
        audio = export.storage.get_bytes(str(row.raw_path))
        assert hashlib.sha256(audio).hexdigest() == row.checksum
        assert export.storage.exists(str(row.transcript_path))


class TestAudioThatDoesNotStay:
    """Between download and recognition the stored audio changes or goes: it is downloaded again, once."""

    @pytest.mark.parametrize("spoil", ["changed", "cut", "gone"])
    def test_it_is_downloaded_again_and_the_true_recording_is_bought(
        self, export: Export, tmp_path: Path, spoil: str
    ) -> None:
        outcome, batch = downloaded_run(export)
        audio = audio_of(export, outcome, tmp_path)
        content = audio.read_bytes()
        if spoil == "gone":
            audio.unlink()
        else:
            audio.write_bytes(content[: len(content) // 2] if spoil == "cut" else b"\xff" + content[1:])
        export.transcribe(outcome, batch)
        is_whole(export, export.close(outcome))
        assert (downloaded(export), bought(export)) == (4, 3)
        assert attempts(export, outcome.run_id) == [1, 0, 0]
        assert ("checksum_mismatch",) in by_sql(export.conninfo, "SELECT error_code FROM call_events")

    def test_another_content_at_the_second_download_is_reported(self, export: Export, tmp_path: Path) -> None:
        """The portal has replaced the file meanwhile: the new one is recognised, and the report says so."""
        outcome, batch = downloaded_run(export)
        first = export.records(outcome.run_id)[0]
        audio_of(export, outcome, tmp_path).unlink()
        export.portal.world.files[9001].audio = Audio(partial(record, 77, seconds=3, stereo=False))
        export.transcribe(outcome, batch)
        export.close(outcome)
        second = export.records(outcome.run_id)[0]
        assert second.status is S.COMPLETED
        assert second.checksum != first.checksum
        found = by_sql(export.conninfo, "SELECT recording_id, detail FROM call_events WHERE event = 'audio_changed'")
        assert found == [(first.recording_id, {"was": first.checksum, "now": second.checksum})]
        (report,) = [key for key in export.storage.keys("exports/") if key.endswith(".md") and "/summary_" in key]
        assert "с другим содержимым" in export.storage.get_bytes(report).decode()

    def test_while_the_portal_is_down_it_waits_for_the_portal(self, export: Export, tmp_path: Path) -> None:
        outcome, batch = downloaded_run(export)
        audio_of(export, outcome, tmp_path).unlink()
        export.portal.faults.add("download", "status", status=502, times=2)
        export.transcribe(outcome, batch)
        is_whole(export, export.close(outcome))
        assert (outcome.retries, bought(export)) == (2, 3)

    def test_a_storage_that_spoils_everything_ends_in_an_error(self, database: str, tmp_path: Path) -> None:
        """Fetched again once; then a person has to look, and nobody has paid for the text of a damaged file."""
        with export_over(world_of(2), database, Rotting(tmp_path)) as export:
            outcome = export.run()
            assert {type(error) for error in outcome.red} == {BatchFailed}
            assert codes(export, outcome.run_id) == ["checksum_mismatch"] * 2
            assert (downloaded(export), asked(export)) == (4, 0)
            export.transcribe(outcome, 1, fresh=False)
            assert {type(error) for error in outcome.red} == {BatchFailed}, "a retry does not turn green over an error"


class Rotting(LocalStorage):
    """A folder on a disk that loses the last byte of every recording."""

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        if key.startswith("raw/"):
            path.write_bytes(path.read_bytes()[:-1])
        super().put_file(key, path, content_type)


@contextmanager
def s3_behind(front: S3Front, bucket: str, **config: Any) -> Iterator[Storage]:
    """The storage of a bucket, reached through `front`; the client as quick to give up as a test wants it."""
    with running(front) as url:
        client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(connect_timeout=1, read_timeout=config.get("patience", 5), retries={"total_max_attempts": 1}),
        )
        try:
            yield S3Storage(bucket, "", client)
        finally:
            client.close()


@pytest.mark.s3
class TestBucket:
    """S3 between the export and its files."""

    @pytest.fixture
    def front(self, s3_server: str) -> S3Front:
        return S3Front(s3_server)

    def test_errors_of_s3_are_tried_again_and_nothing_is_bought_twice(
        self, front: S3Front, s3_bucket: str, database: str
    ) -> None:
        """Two PUTs of audio, then two of texts: the answer that was paid for waits in PostgreSQL."""
        with s3_behind(front, s3_bucket) as storage, export_over(world_of(3), database, storage) as export:
            outcome, (batch,) = export.prepare()
            front.faults.add("put", "status", status=500, times=2, body="<Error><Code>InternalError</Code></Error>")
            export.download(outcome, batch)
            front.faults.add("put", "status", status=503, times=2, body="<Error><Code>SlowDown</Code></Error>")
            export.transcribe(outcome, batch)
            is_whole(export, export.close(outcome))
            assert bought(export) == asked(export) == 3
            assert outcome.retries >= 2

    def test_a_cut_object_is_never_taken_for_the_recording(self, front: S3Front, s3_bucket: str, database: str) -> None:
        with s3_behind(front, s3_bucket) as storage, export_over(world_of(3), database, storage) as export:
            outcome, batch = downloaded_run(export)
            front.faults.add("get", "truncate", times=1)
            export.transcribe(outcome, batch)
            is_whole(export, export.close(outcome))
            assert bought(export) == asked(export) == 3

    def test_a_slow_s3_costs_time_and_nothing_else(self, front: S3Front, s3_bucket: str, database: str) -> None:
        with s3_behind(front, s3_bucket) as storage, export_over(world_of(3), database, storage) as export:
            front.faults.add("put", "delay", seconds=0.3, times=4)
            outcome = export.run()
            is_whole(export, outcome)
            assert (outcome.retries, bought(export)) == (0, 3)

    def test_an_s3_that_says_nothing_is_left_after_the_timeout(
        self, front: S3Front, s3_bucket: str, database: str
    ) -> None:
        with (
            s3_behind(front, s3_bucket, patience=0.5) as storage,
            export_over(world_of(3), database, storage) as export,
        ):
            outcome, (batch,) = export.prepare()
            front.faults.add("put", "hang", seconds=2)
            export.download(outcome, batch)
            export.transcribe(outcome, batch)
            is_whole(export, export.close(outcome))
            assert outcome.retries == 1
            assert ("storage_failed",) in by_sql(database, "SELECT error_code FROM call_events")

    def test_a_missing_bucket_stops_the_run_before_the_listing(self, front: S3Front, database: str) -> None:
        with (
            s3_behind(front, "calls-of-nobody") as storage,
            export_over(world_of(3), database, storage) as export,
            pytest.raises(NotConfigured, match="S3_BUCKET"),
        ):
            export.run()
        assert export.portal.journal.count("voximplant.statistic.get") == 0
        assert by_sql(database, "SELECT status FROM call_exports") == [("error",)]

    def test_a_bucket_deleted_during_a_run_stops_it(
        self, front: S3Front, s3_bucket: str, database: str, s3_client: Any
    ) -> None:
        with s3_behind(front, s3_bucket) as storage, export_over(world_of(3), database, storage) as export:
            outcome, batch = downloaded_run(export)
            for key in list(storage.keys("")):
                storage.delete(key)
            s3_client.delete_bucket(Bucket=s3_bucket)
            export.transcribe(outcome, batch)
            (stopper,) = outcome.red
            assert isinstance(stopper, NotConfigured)
            assert asked(export) == 0
            s3_client.create_bucket(Bucket=s3_bucket)
            is_whole(export, export.run(resume_run_id=str(outcome.run_id)))
            assert bought(export) == 3


class TestFolder:
    """A local folder that cannot be written to. Run by root no permission would refuse, so a file stands in its way."""

    def test_a_file_for_a_folder_stops_the_run_before_the_listing(self, database: str, tmp_path: Path) -> None:
        (tmp_path / "storage").write_text("not a folder")
        with export_over(world_of(3), database, tmp_path / "storage") as export:
            with pytest.raises(NotConfigured, match="LOCAL_STORAGE_DIR"):
                export.run()
            assert export.portal.journal.count("voximplant.statistic.get") == 0

    def test_texts_that_cannot_be_written_are_not_bought_again(self, export: Export, tmp_path: Path) -> None:
        outcome, batch = downloaded_run(export)
        in_the_way = tmp_path / "storage" / "transcripts"
        in_the_way.write_text("in the way")
        export.transcribe(outcome, batch)
        assert codes(export, outcome.run_id) == ["storage_failed"] * 3
        assert bought(export) == asked(export) == 3
        in_the_way.unlink()
        outcome.red.clear()
        export.transcribe(outcome, batch)
        is_whole(export, export.close(outcome))
        assert bought(export) == asked(export) == 3

    def test_a_full_disk_leaves_no_half_of_a_file(
        self, database: str, small_disk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A file system of its own without a free block: ENOSPC, as an operator's disk says it.

        It fills after the run has looked for room.
        """
        monkeypatch.setattr(LocalStorage, "free_bytes", lambda _storage: None)
        with export_over(world_of(3), database, small_disk / "storage") as export:
            outcome, (batch,) = export.prepare()
            filler = small_disk / "somebody else's"
            fill(filler)
            export.download(outcome, batch)
            assert statuses(export, outcome.run_id) == {S.ERROR: 3}
            assert codes(export, outcome.run_id) == ["storage_failed"] * 3
            reasons = by_sql(database, "SELECT error_message FROM call_records")
            assert all("No space left on device" in reason for (reason,) in reasons)
            files = [path for path in (small_disk / "storage").rglob("*") if path.is_file()]
            assert [path for path in files if "raw" in path.parts] == []
            filler.unlink()
            outcome.red.clear()
            export.work(outcome, [batch])
            is_whole(export, export.close(outcome))
            assert bought(export) == 3

    def test_a_file_that_may_not_grow_leaves_no_half_of_itself(self, export: Export, tmp_path: Path) -> None:
        """The same by a limit on the size of files (EFBIG), for those who may not mount anything."""
        outcome, (batch,) = export.prepare()
        with files_limited_to(4096):
            export.download(outcome, batch)
        assert statuses(export, outcome.run_id) == {S.ERROR: 3}
        assert [path for path in (tmp_path / "storage").rglob("*") if path.is_file() and "raw" in path.parts] == []
        outcome.red.clear()
        export.work(outcome, [batch])
        is_whole(export, export.close(outcome))
        assert bought(export) == 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=False, capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a disk of its own needs the right to mount one: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(file: Path) -> None:
    """To the last block."""
    with file.open("wb", buffering=0) as out, suppress(OSError):
        while out.write(b"\0" * 4096):
            pass


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

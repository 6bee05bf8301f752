"""The whole export with its files on S3, over HTTP: the same results, everything encrypted, nothing left behind."""

from datetime import UTC, datetime

import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.state.migrate import migrate
from include.calls.steps.claim_storage import MARK
from include.clients.storage.s3 import S3Storage
from simulators.bitrix24.seeded import MakeAudio, brief, seeded_world, spoken
from simulators.bitrix24.world import Audio, PortalWorld
from tests.kit.whole_export import Export, Outcome, export_over

pytestmark = [pytest.mark.postgres, pytest.mark.s3]

START, END = datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 3, tzinfo=UTC)
SPOKEN = 5  # of five spoken recordings one is a wav, one an ogg and the rest are mp3
PREFIX = "company/calls"


def mixed() -> MakeAudio:
    """Every container once or more, the rest short: the encoder is not what is on trial here."""
    whole, short = iter([spoken()] * SPOKEN), brief()

    def make(seed: int, seconds: float, stereo: bool) -> Audio:
        maker = next(whole, short)
        return maker(seed, seconds, stereo)

    return make


def world() -> PortalWorld:
    return seeded_world(11, START, END, 24, mixed())


def names(export: Export) -> set[str]:
    """Every file of the run; its log is named by the moment of its start. A bucket has its installation's mark, too."""
    return {key for key in export.storage.keys("") if "/logs/" not in key and key != MARK}


def texts(export: Export) -> dict[str, bytes]:
    return {key: export.storage.get_bytes(key) for key in names(export) if key.startswith("transcripts/")}


def rows(export: Export, outcome: Outcome) -> str:
    return export.registry().replace(str(outcome.run_id), "RUN")


def test_s3_gives_what_a_folder_gives_and_leaves_nothing_behind(
    database, empty_database, s3_client, s3_bucket, tmp_path, monkeypatch
):
    migrate(empty_database)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with export_over(world(), empty_database, tmp_path / "storage") as export:
        outcome = export.run()
        wanted = names(export), texts(export), rows(export, outcome)
        # another database: nothing is known of the first run, so everything is downloaded and bought anew
        export.conninfo, export.storage = database, S3Storage(s3_bucket, PREFIX, s3_client)
        outcome = export.run()
        assert (outcome.verdict.status, outcome.red) == (RunStatus.COMPLETED, [])
        assert (names(export), texts(export), rows(export, outcome)) == wanted
        records = export.records(outcome.run_id, RecordStatus.COMPLETED)
        assert {record.raw_path.rsplit(".", 1)[1] for record in records} == {"mp3", "wav", "ogg"}
        with export.state() as state:
            assert {state.transcripts.get(record.transcript_id).run_id for record in records} == {outcome.run_id}
    assert list(temporary.rglob("*")) == []


@pytest.mark.long
def test_every_object_is_encrypted_and_no_other_is_left(database, s3_client, s3_bucket):
    with export_over(world(), database, S3Storage(s3_bucket, PREFIX, s3_client)) as export:
        outcome = export.run()
        completed = export.records(outcome.run_id, RecordStatus.COMPLETED)
    listed = s3_client.list_objects_v2(Bucket=s3_bucket)
    keys = [item["Key"] for item in listed["Contents"]]
    assert not listed["IsTruncated"]
    for key in keys:
        assert s3_client.head_object(Bucket=s3_bucket, Key=key)["ServerSideEncryption"] == "AES256", key
    tops = {key.removeprefix(f"{PREFIX}/").partition("/")[0] for key in keys}
    assert tops == {"exports", "raw", "recognition", "transcripts", MARK}
    # The bucket's mark.
    # Audio, text and responses of each recording; registry in two forms, log, estimate, the report in two forms and its
    # three pictures
    assert len(keys) == 3 * len(completed) + 10
    assert "Uploads" not in s3_client.list_multipart_uploads(Bucket=s3_bucket)

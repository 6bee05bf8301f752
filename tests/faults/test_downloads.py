"""Recordings that arrive broken, late, from the wrong place, or not at all: stored whole or not at all."""

import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.steps.outcome import BatchFailed
from include.common.errors import ContractBroken, ErrorCode, StopRun
from simulators.bitrix24.world import Audio, PortalWorld
from simulators.sound.dialogues import record
from tests.kit.export_under_faults import (
    check_published,
    completed_by_resume,
    events,
    exporting,
    kept_outside,
    recorded,
    replace_audio,
    statuses,
    world_of,
)
from tests.kit.whole_export import Export, Outcome

pytestmark = [pytest.mark.postgres, pytest.mark.long]

FILE = 9002  # of the recording that has trouble, between two that have none
RATE = {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}
EXPIRED = {"error": "expired_token", "error_description": "The access token provided has expired"}
COMPLETED, MISSING = RecordStatus.COMPLETED, RecordStatus.MISSING_AUDIO


def three() -> PortalWorld:
    return world_of(*map(recorded, (1, 2, 3)))


def requests_for(export: Export, file_id: int = FILE) -> int:
    return export.portal.journal.count("download", subject=str(file_id))


def clear(export: Export, outcome: Outcome) -> Outcome:
    """What clearing the red task in the UI does: the batch is worked through again, as on a first try."""
    outcome.red.clear()
    export.work(outcome, export.batches(outcome.run_id))
    return export.close(outcome)


@pytest.mark.parametrize(
    ("what", "options"),
    [
        ("status", {"status": 500, "body": "<html>Internal Server Error</html>"}),
        ("status", {"status": 503, "body": "<html>Service Unavailable</html>"}),
        ("status", {"status": 403, "body": "<html>Forbidden</html>"}),
        ("status", {"status": 401, "body": EXPIRED}),
        ("body", {"body": EXPIRED}),
        ("truncate", {}),
        ("short", {}),
        ("wrong_length", {}),
        ("hang", {}),
        ("drop_connection", {}),
    ],
    ids=["500", "503", "403", "401", "200 expired", "truncate", "short of SIZE", "length", "hang", "drop"],
)
def test_a_download_that_failed_twice_arrives_whole_at_last(what, options, database, tmp_path, monkeypatch):
    """Each failure is one attempt of that recording alone; the bytes of two tries are never glued together."""
    monkeypatch.setattr("include.clients.bitrix24.open_link.TIMEOUTS", (5.0, 0.4))
    with exporting(three(), database, tmp_path) as export:
        export.portal.faults.add("download", what, times=2, match=str(FILE), **options)
        outcome = export.run()
        assert outcome.red == []
        assert outcome.retries == 2
        rows = check_published(export, outcome)
        assert statuses(rows) == {COMPLETED: 3}
        assert rows[2].error_code is None
        assert [rows[number].attempts for number in (1, 2, 3)] == [0, 2, 0]
        assert [requests_for(export, number) for number in (9001, 9002, 9003)] == [1, 3, 1]


def test_a_download_refused_by_the_rate_limit_uses_up_no_attempt(database, tmp_path):
    with exporting(three(), database, tmp_path) as export:
        export.portal.faults.add("download", "status", times=3, match=str(FILE), status=503, body=RATE)
        outcome = export.run()
        assert (outcome.red, outcome.retries) == ([], 0)
        assert {row.attempts for row in check_published(export, outcome).values()} == {0}
        assert [event["method"] for event in events(export, "portal_refused")] == ["download"] * 3


def test_a_long_refusal_is_left_to_the_next_try(database, tmp_path, monkeypatch):
    """The recording goes back to the queue with all its attempts; the files that had arrived stay."""
    monkeypatch.setattr("include.clients.bitrix24.throttling._LADDER", (250,))  # of a backoff of 10 ms
    with exporting(three(), database, tmp_path) as export:
        export.portal.faults.add("download", "status", match=str(FILE), status=503, body=RATE)
        outcome = export.run()
        assert (outcome.red, outcome.retries) == ([], 1)
        rows = check_published(export, outcome)
        assert statuses(rows) == {COMPLETED: 3}
        assert {(row.attempts, row.error_code) for row in rows.values()} == {(0, None)}
        assert [requests_for(export, number) for number in (9001, 9002, 9003)] == [1, 2, 1]


def test_a_link_that_expired_is_asked_for_again(database, tmp_path):
    """Links live an hour; those of a batch that had to wait longer are new at the next try."""
    with exporting(three(), database, tmp_path) as export:
        export.portal.before("disk.file.get", 4, lambda: setattr(export.portal.links, "ttl_seconds", -1))
        export.portal.before("disk.file.get", 7, lambda: setattr(export.portal.links, "ttl_seconds", 3600))
        outcome = export.run()
        assert (outcome.red, outcome.retries) == ([], 1)
        rows = check_published(export, outcome)
        assert statuses(rows) == {COMPLETED: 3}
        assert {row.attempts for row in rows.values()} == {1}


@pytest.mark.parametrize(
    ("what", "options"),
    [
        ("status", {"status": 404, "body": "<html>Not Found</html>"}),
        ("status", {"status": 410, "body": "<html>Gone</html>"}),
        ("body", {"body": {"error": "ERROR_NOT_FOUND", "error_description": "no such file"}}),
    ],
    ids=["404", "410", "json with 200"],
)
def test_a_dead_link_is_missing_audio_and_not_an_error(what, options, database, tmp_path):
    """Requested once, counted in no share, and requested again by a resume."""
    with exporting(three(), database, tmp_path) as export:
        export.portal.faults.add("download", what, times=-1, match=str(FILE), **options)
        outcome = export.run()
        assert (outcome.red, outcome.verdict.status) == ([], RunStatus.COMPLETED)
        rows = check_published(export, outcome)
        assert statuses(rows) == {COMPLETED: 2, MISSING: 1}
        assert rows[2].error_code == ErrorCode.MISSING_AUDIO
        assert requests_for(export) == 1
        export.portal.faults.clear()
        again = export.run(resume_run_id=str(outcome.run_id))
        assert statuses(check_published(export, again)) == {COMPLETED: 3}
        assert [requests_for(export, number) for number in (9001, 9002, 9003)] == [1, 2, 1]


@pytest.mark.parametrize("what", ["html200", "empty"])
def test_no_audio_where_its_size_was_promised_is_tried_again(what, database, tmp_path):
    """The drive has the file, so the page comes from the portal's front or a proxy; for ever, it is an error."""
    with exporting(three(), database, tmp_path) as export:
        export.portal.faults.add("download", what, times=2, match=str(FILE))
        outcome = export.run()
        assert (outcome.red, outcome.retries, outcome.verdict.status) == ([], 2, RunStatus.COMPLETED)
        assert statuses(check_published(export, outcome)) == {COMPLETED: 3}


def test_no_audio_for_ever_where_its_size_was_promised_is_an_error(database, tmp_path):
    with exporting(three(), database, tmp_path) as export:
        export.portal.faults.add("download", "html200", times=-1, match=str(FILE))
        outcome = export.run()
        assert outcome.verdict.status is RunStatus.ERROR
        rows = check_published(export, outcome)
        assert (rows[2].status, rows[2].error_code) == (RecordStatus.ERROR, ErrorCode.DOWNLOAD_FAILED)
        assert requests_for(export) == 6
        export.portal.faults.clear()
        assert statuses(check_published(export, clear(export, outcome))) == {COMPLETED: 3}


def test_a_page_at_a_link_of_unknown_size_is_believed_at_the_third_time(database, tmp_path):
    """A storage that has lost a file may answer with a page; so does one that is being repaired."""
    world = world_of(*map(kept_outside, range(1, 4)))
    with exporting(world, database, tmp_path) as export:
        export.portal.faults.add("storage", "html200", times=-1, match="2025/2.mp3")
        outcome = export.run()
        assert (outcome.red, outcome.retries, outcome.verdict.status) == ([], 2, RunStatus.COMPLETED)
        rows = check_published(export, outcome)
        assert (rows[2].status, rows[2].error_code) == (MISSING, ErrorCode.MISSING_AUDIO)
        assert export.portal.journal.count("storage", subject="2025/2.mp3") == 3


def test_an_empty_file_at_a_link_of_unknown_size_is_missing_audio(database, tmp_path):
    with exporting(world_of(*map(kept_outside, range(1, 4))), database, tmp_path) as export:
        export.portal.faults.add("storage", "empty", times=-1, match="2025/2.mp3")
        outcome = export.run()
        assert (outcome.red, outcome.retries, outcome.verdict.status) == ([], 0, RunStatus.COMPLETED)
        assert statuses(check_published(export, outcome)) == {COMPLETED: 2, MISSING: 1}


def test_many_pages_in_a_row_end_the_pass_and_at_last_the_run(database, tmp_path, monkeypatch):
    """A portal under maintenance is not asked six times for each recording of a large batch."""
    monkeypatch.setattr("include.calls.steps.download.PAGES_IN_A_ROW", 3)
    world = world_of(*map(recorded, range(1, 31)))
    with exporting(world, database, tmp_path) as export:
        export.portal.faults.add("download", "html200", times=-1)
        outcome = export.run()
        assert isinstance(outcome.red[0], ContractBroken)
        assert {type(error) for error in outcome.red[1:]} <= {StopRun}  # what the other batches say of a stopped run
        assert outcome.verdict.status is RunStatus.ERROR
        assert "вместо записей приходят страницы" in outcome.verdict.sentence
        assert export.portal.journal.count("download") <= 6 * 5  # of the first batch alone
        export.portal.faults.clear()
        completed_by_resume(export, outcome.run_id)


def test_pages_that_pass_cost_retries_and_nothing_else(database, tmp_path, monkeypatch):
    monkeypatch.setattr("include.calls.steps.download.PAGES_IN_A_ROW", 3)
    with exporting(world_of(*map(recorded, range(1, 31))), database, tmp_path) as export:
        export.portal.faults.add("download", "html200", times=20)
        outcome = export.run()
        assert (outcome.red, outcome.verdict.status) == ([], RunStatus.COMPLETED)
        assert statuses(check_published(export, outcome)) == {COMPLETED: 30}


def test_deleted_files_are_missing_audio_until_restored(database, tmp_path):
    world = world_of(*map(recorded, (1, 2, 3, 4)))
    with exporting(world, database, tmp_path) as export:
        deleted = world.files[9002]
        world.delete_file(9002)
        world.to_trash(9003)
        outcome = export.run()
        assert (outcome.red, outcome.verdict.status) == ([], RunStatus.COMPLETED)
        rows = check_published(export, outcome)
        assert [rows[number].status for number in (1, 2, 3, 4)] == [COMPLETED, MISSING, MISSING, COMPLETED]
        assert [event["reason"][:6] for event in events(export, "missing_audio")] == ["file 9"] * 2
        world.files[9002], world.files[9003].deleted_type = deleted, "0"
        again = export.run(resume_run_id=str(outcome.run_id))
        assert statuses(check_published(export, again)) == {COMPLETED: 4}


def test_a_file_deleted_after_its_link_is_missing_audio(database, tmp_path):
    world = three()
    with exporting(world, database, tmp_path) as export:
        export.portal.before("disk.file.get", 6, lambda: world.to_trash(FILE))
        outcome = export.run()
        assert outcome.red == []
        assert statuses(check_published(export, outcome)) == {COMPLETED: 2, MISSING: 1}


def test_a_recording_deleted_from_its_storage_is_missing_audio(database, tmp_path):
    world = world_of(kept_outside(1), kept_outside(2))
    with exporting(world, database, tmp_path) as export:
        world.delete_from_storage("2025/2.mp3")
        outcome = export.run()
        assert (outcome.red, outcome.verdict.status) == ([], RunStatus.COMPLETED)
        rows = check_published(export, outcome)
        assert (rows[1].status, rows[2].status) == (COMPLETED, MISSING)


def test_a_recording_whose_row_has_lost_its_link_is_missing_audio(database, tmp_path):
    world = world_of(kept_outside(1), kept_outside(2))
    with exporting(world, database, tmp_path) as export:
        # the probe asks three times, listing counts and lists; then the rows are read for their links
        export.portal.before("voximplant.statistic.get", 6, lambda: setattr(world.calls[2], "storage_path", None))
        outcome = export.run()
        assert outcome.red == []
        rows = {row.statistics_id: row for row in export.records(outcome.run_id)}
        assert (rows[1].status, rows[2].status) == (COMPLETED, MISSING)
        world.calls[2].storage_path = "2025/2.mp3"


def test_one_closed_folder_is_that_recordings_error(database, tmp_path):
    world = three()
    world.files[FILE].denied = True
    with exporting(world, database, tmp_path) as export:
        outcome = export.run()
        assert [type(error) for error in outcome.red] == [BatchFailed]
        assert outcome.verdict.status is RunStatus.ERROR
        rows = check_published(export, outcome)
        assert statuses(rows) == {COMPLETED: 2, RecordStatus.ERROR: 1}
        assert rows[2].error_code == ErrorCode.DOWNLOAD_FAILED
        world.files[FILE].denied = False
        assert clear(export, outcome).verdict.status is RunStatus.COMPLETED
        assert statuses(check_published(export, outcome)) == {COMPLETED: 3}


def test_all_folders_closed_in_mid_run_stop_the_run(database, tmp_path):
    """Not one of many files may be read: that is the webhook's right, no folder's."""
    world = world_of(*map(recorded, range(1, 11)))
    with exporting(world, database, tmp_path) as export:

        def close_all() -> None:
            for file in world.files.values():
                file.denied = True

        export.portal.before("disk.file.get", 6, close_all)  # the probe has looked at five
        outcome = export.run()
        assert all(isinstance(error, StopRun) for error in outcome.red)
        rows = check_published(export, outcome)
        assert statuses(rows) == {RecordStatus.PENDING: 10}
        assert {row.attempts for row in rows.values()} == {0}
        for file in world.files.values():
            file.denied = False
        again = export.run(resume_run_id=str(outcome.run_id))
        assert statuses(check_published(export, again)) == {COMPLETED: 10}


def test_bytes_that_are_no_audio_are_an_error_that_is_not_retried(database, tmp_path):
    world = three()
    replace_audio(world, FILE, b"not a recording at all" * 100)
    with exporting(world, database, tmp_path) as export:
        outcome = export.run()
        assert [type(error) for error in outcome.red] == [BatchFailed]
        rows = check_published(export, outcome)
        assert (rows[2].error_code, rows[2].attempts, requests_for(export)) == (ErrorCode.NOT_AUDIO, 1, 1)
        assert rows[2].raw_path is None


@pytest.mark.parametrize("extension", ["wav", "ogg"])
def test_the_container_is_recognised_by_its_content(extension, database, tmp_path):
    """The portal names everything `.mp3`; the stored file has the extension of what it is."""
    world = three()
    replace_audio(world, FILE, record(2, seconds=3, extension=extension, stereo=False))
    with exporting(world, database, tmp_path) as export:
        outcome = export.run()
        assert outcome.red == []
        rows = check_published(export, outcome)
        assert [rows[number].raw_path.rpartition(".")[2] for number in (1, 2, 3)] == ["mp3", extension, "mp3"]


def test_a_cleared_task_repeats_a_download_that_never_worked(database, tmp_path):
    """Six tries (one and five retries), each with a new link; clearing touches that recording only."""
    world = three()
    world.files[FILE].size = 5
    with exporting(world, database, tmp_path) as export:
        outcome = export.run()
        assert [type(error) for error in outcome.red] == [BatchFailed]
        assert outcome.verdict.status is RunStatus.ERROR
        rows = check_published(export, outcome)
        assert statuses(rows) == {COMPLETED: 2, RecordStatus.ERROR: 1}
        assert (rows[2].error_code, rows[2].attempts, rows[2].raw_path) == (ErrorCode.DOWNLOAD_FAILED, 6, None)
        assert requests_for(export) == 6
        world.files[FILE].size = None
        assert clear(export, outcome).verdict.status is RunStatus.COMPLETED
        assert outcome.red == []
        rows = check_published(export, outcome)
        assert statuses(rows) == {COMPLETED: 3}
        assert rows[2].error_code is None
        assert [requests_for(export, number) for number in (9001, 9002, 9003)] == [1, 7, 1]


def test_a_portal_that_wants_browser_headers_gets_them(database, tmp_path):
    """The vendor's front answers 404 without them, which must not be taken for a dead link."""
    with exporting(three(), database, tmp_path) as export:
        export.portal.picky_downloads = True
        outcome = export.run()
        assert outcome.red == []
        assert statuses(check_published(export, outcome)) == {COMPLETED: 3}


def test_a_file_replaced_during_a_run_is_stored_whole(database, tmp_path):
    """The first try is cut off, then the file changes: what is stored is the new one, never both halves."""
    world = three()
    with exporting(world, database, tmp_path) as export:
        export.portal.faults.add("download", "truncate", match=str(FILE))
        other = Audio(record(77, seconds=3, extension="mp3", stereo=False))
        export.portal.before("disk.file.get", 7, lambda: setattr(world.files[FILE], "audio", other))
        outcome = export.run()
        assert (outcome.red, outcome.retries) == ([], 1)
        assert statuses(check_published(export, outcome)) == {COMPLETED: 3}

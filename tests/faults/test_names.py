"""Odd, broken and hostile data of the portal: every call accounted for, nothing collapses, no name becomes a path."""

import csv
import io
import re
from collections import Counter
from uuid import UUID

import psycopg
import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.domain.storage_keys import safe_name
from include.common.errors import ErrorCode
from simulators.bitrix24.world import DiskFile, employee
from tests.kit.export_under_faults import (
    TOKEN,
    audio,
    check_published,
    events,
    exporting,
    kept_outside,
    recorded,
    shown_links,
    statuses,
    unrecorded,
    world_of,
)
from tests.kit.whole_export import Export, Outcome

pytestmark = [pytest.mark.postgres, pytest.mark.long]

COMPLETED = RecordStatus.COMPLETED
DAY = "2025/08/01"
HOSTILE = {
    "slash": "a/b/c",
    "climbing": "../../../../etc/passwd",
    "backslash": "..\\..\\windows\\system32",
    "encoded climbing": "%2e%2e%2fetc",
    "dots": "..",
    "nul": "call\0.mp3",
    "three hundred characters": "x" * 300,
    "three hundred emoji": "\N{TELEPHONE RECEIVER}" * 300,
    "emoji": "звонок \N{TELEPHONE RECEIVER}\N{FIRE}",
    "line feeds": "id\n---\n[00:00:00] [Клиент]: да",
    "formula": "=HYPERLINK(1)",
    "device": "CON",
    "statement": "'; DROP TABLE call_records; --",
    "page": "<script>alert(1)</script>",
    "right to left": "\u202e3pm.exe",
    "small": "call-a",
    "capital": "CALL-A",
}


def registry(export: Export) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(export.registry()), delimiter=";"))


def metadata(export: Export) -> dict[str, int]:
    with psycopg.connect(export.conninfo) as connection:
        ((found,),) = connection.execute("SELECT metadata FROM call_exports").fetchall()
    return dict(found)


def downloads(export: Export) -> int:
    return export.portal.journal.count("download") + export.portal.journal.count("storage")


def test_hostile_call_ids_become_neither_paths_nor_lines(database, tmp_path):
    """Each call has files of its own inside the folders of its day, and one line of header says its id."""
    world = world_of(*(recorded(number, call_id=name) for number, name in enumerate(HOSTILE.values(), start=1)))
    with exporting(world, database, tmp_path) as export:
        outcome = export.run()
        assert outcome.red == []
        rows = check_published(export, outcome)
        assert statuses(rows) == {COMPLETED: len(HOSTILE)}
        assert len({row.transcript_path.lower() for row in rows.values()}) == len(HOSTILE)
        for number, name in enumerate(HOSTILE.values(), start=1):
            row = rows[number]
            kept = name.replace("\0", "\N{REPLACEMENT CHARACTER}")
            assert row.call_id == kept
            assert row.transcript_path == f"transcripts/{DAY}/call_{safe_name(kept)}.txt"
            assert row.raw_path == f"raw/{DAY}/call_{safe_name(kept)}.mp3"
            text = export.storage.get_bytes(row.transcript_path).decode()
            assert text.startswith("CALL_ID: ")
            assert text.splitlines()[1] == f"RECORD_ID: {row.record_id}"
            assert text.count("\n---\n") == 1
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_relative_to(tmp_path / "storage")]
    assert outside == []
    assert {path.name for path in (tmp_path / "storage").iterdir()} == {
        *("exports", "raw", "recognition", "transcripts")
    }


def test_two_recordings_of_one_call_keep_their_files(database, tmp_path):
    """A redirected call is two rows of the statistics with one CALL_ID."""
    world = world_of(recorded(1, call_id="shared.1"), recorded(2, call_id="shared.1", call_type="3"), recorded(3))
    with exporting(world, database, tmp_path) as export:
        outcome = export.run()
        rows = check_published(export, outcome)
        assert statuses(rows) == {COMPLETED: 3}
        first, second = rows[1], rows[2]
        assert (first.call_id, first.record_id) != (second.call_id, second.record_id)
        assert first.checksum != second.checksum
        assert [row.raw_path.rpartition("/")[2] for row in (first, second)] == [
            "call_shared.1_9001.mp3",
            "call_shared.1_9002.mp3",
        ]


def test_one_recording_named_by_two_rows_is_bought_once(database, tmp_path):
    """The second row is counted as shared, so that the portal's total still agrees with the registry."""
    world = world_of(recorded(1, call_id="shared.1"), recorded(2, call_id="shared.1", file_id=9001), recorded(3))
    with exporting(world, database, tmp_path) as export:
        outcome = export.run()
        assert outcome.red == []
        assert statuses(check_published(export, outcome, left_out=1)) == {COMPLETED: 2}
        assert downloads(export) == 2
        found = metadata(export)
        assert (found["portal_total"], found["listed"], found["shared"]) == (3, 3, 1)


def test_one_file_named_by_two_calls_is_a_recording_of_each(database, tmp_path):
    world = world_of(recorded(1), recorded(2, file_id=9001))
    with exporting(world, database, tmp_path) as export:
        outcome = export.run()
        assert statuses(check_published(export, outcome)) == {COMPLETED: 2}


def test_the_same_bytes_of_one_call_are_recognised_once(database, tmp_path):
    """The portal gave one recording two names, a link and a file id."""
    world = world_of(recorded(1, call_id="shared.1"), kept_outside(2, call_id="shared.1"))
    world.storage["2025/2.mp3"] = world.files[9001].audio
    with exporting(world, database, tmp_path) as export:
        outcome = export.run()
        assert statuses(check_published(export, outcome)) == {COMPLETED: 2}
        assert export.recogniser.journal.count("transcriptions") == 1


def test_a_renamed_recording_keeps_its_row_and_text(database, tmp_path):
    """Known by its link in the first run, by a file id in the second: one row, one name, nothing is fetched again."""
    world = world_of(kept_outside(1), recorded(2))
    with exporting(world, database, tmp_path) as export:
        known = check_published(export, export.run())[1]
        assert known.record_id.startswith("url-")
        before = downloads(export)
        world.calls[1].file_id = 9001
        world.files[9001] = DiskFile(9001, world.storage["2025/1.mp3"])
        assert check_published(export, export.run())[1] == known
        assert downloads(export) == before
        assert export.recogniser.journal.count("transcriptions") == 2


def test_a_recording_renamed_during_a_run_is_downloaded(database, tmp_path):
    world = world_of(kept_outside(1))
    with exporting(world, database, tmp_path) as export:

        def fetched_by_the_portal() -> None:
            world.calls[1].file_id = 9001
            world.files[9001] = DiskFile(9001, world.storage.pop("2025/1.mp3"))

        # the probe asks three times, listing counts and lists; then the row is read for its link
        export.portal.before("voximplant.statistic.get", 6, fetched_by_the_portal)
        outcome = export.run()
        assert outcome.red == []
        assert statuses(check_published(export, outcome)) == {COMPLETED: 1}
        again = export.run()
        assert statuses(check_published(export, again)) == {COMPLETED: 1}
        assert (downloads(export), export.recogniser.journal.count("transcriptions")) == (1, 1)


def test_a_late_recording_is_found_by_the_next_run(database, tmp_path):
    """A call without a recording at first is looked at again, the others are not bought twice."""
    world = world_of(unrecorded(1), recorded(2))
    with exporting(world, database, tmp_path) as export:
        first = export.run()
        assert check_published(export, first)[1].status is RecordStatus.NO_RECORDING
        world.calls[1].file_id = 9001
        world.files[9001] = DiskFile(9001, audio(1))
        second = export.run()
        rows = check_published(export, second)
        assert statuses(rows) == {COMPLETED: 2}
        assert bought_by(export, second) == {1: second.run_id, 2: first.run_id}
        assert (downloads(export), export.recogniser.journal.count("transcriptions")) == (2, 2)


def test_a_late_second_recording_renames_no_file(database, tmp_path):
    """The second leg's recording arrives after the first was bought: two files of each kind, the first as it was."""
    world = world_of(recorded(1, call_id="shared.1"), unrecorded(2, call_id="shared.1"))
    with exporting(world, database, tmp_path) as export:
        known = check_published(export, export.run())[1]
        assert known.transcript_path == f"transcripts/{DAY}/call_shared.1.txt"
        world.calls[2].file_id = 9002
        world.files[9002] = DiskFile(9002, audio(2))
        rows = check_published(export, export.run())
        assert (rows[1].file_name, rows[1].raw_path) == (known.file_name, known.raw_path)
        assert rows[1].transcript_path == known.transcript_path
        assert rows[2].file_name == "call_shared.1_9002"
        for kind in ("raw", "transcripts", "recognition"):
            assert len(list(export.storage.keys(f"{kind}/"))) == 2


def test_a_text_stays_when_the_portal_empties_its_names(database, tmp_path):
    """RECORD_FILE_ID and CALL_RECORD_URL are gone from the statistics; the text is paid for and is reported."""
    world = world_of(recorded(1), recorded(2))
    with exporting(world, database, tmp_path) as export:
        known = check_published(export, export.run())[1]
        world.calls[1].file_id = None
        second = export.run()
        assert second.verdict.status is RunStatus.COMPLETED
        assert export.records(second.run_id)[0] == known
        assert [row["status"] for row in registry(export)] == ["completed", "completed"]
        world.calls[1].file_id = 9001  # the simulated portal's own file, for the checks at the end


def bought_by(export: Export, outcome: Outcome) -> dict[int, UUID]:
    """The run whose money bought each text that the run reports, by statistics row."""
    with psycopg.connect(export.conninfo) as connection:
        found = connection.execute(
            "SELECT statistics_id, coalesce(reused_from_run_id, run_id) FROM call_records WHERE run_id = %s",
            [outcome.run_id],
        ).fetchall()
    return dict(found)


OPTIONAL = frozenset({
    *("PORTAL_USER_ID", "PORTAL_NUMBER", "PHONE_NUMBER", "CALL_DURATION", "CALL_FAILED_CODE", "CALL_RECORD_URL"),
    *("TRANSCRIPT_ID", "COST", "CALL_VOTE", "CRM_ACTIVITY_ID", "CALL_CATEGORY", "RECORD_DURATION"),
})  # fmt: skip
NUMBERS = {
    "ID": 1,
    "CALL_DURATION": 30,
    "CALL_TYPE": 2,
    "PORTAL_USER_ID": 12,
    "RECORD_FILE_ID": "9001",
    "PHONE_NUMBER": 7999,
}


ODD = {
    "strings and numbers": (NUMBERS, frozenset()),
    "decimals": ({"CALL_DURATION": "30.0", "RECORD_FILE_ID": 9002.0}, frozenset()),
    "nulls": (dict.fromkeys(OPTIONAL), frozenset()),
    "empty": (dict.fromkeys(OPTIONAL, ""), frozenset()),
    "objects": ({name: {} for name in OPTIONAL}, frozenset()),
    "missing": ({}, OPTIONAL),
    "out of range": ({"CALL_DURATION": "9" * 40, "PORTAL_USER_ID": "nobody"}, frozenset()),
    "unknown": ({"CALL_DURATION": "-5", "PORTAL_USER_ID": "404"}, frozenset()),
}
READ_IN_PART = [
    {"CALL_ID": ""},
    {"CALL_ID": None},
    {"CALL_ID": "я" * 3000},
    {"CALL_TYPE": "9"},
    {"CALL_TYPE": ""},
    {"CALL_TYPE": None},
]
UNREADABLE = [
    {"CALL_START_DATE": "2025-08-01T10:00:00"},
    {"ID": "9" * 30},
    {"ID": "first"},
    {"RECORD_FILE_ID": "9" * 30},
    {"RECORD_FILE_ID": "file"},
]


def test_odd_values_of_fields_lose_no_recording(database, tmp_path):
    odd = [recorded(n, fields=fields, without=without) for n, (fields, without) in enumerate(ODD.values(), start=1)]
    with exporting(world_of(*odd), database, tmp_path) as export:
        outcome = export.run()
        assert (outcome.red, outcome.verdict.status) == ([], RunStatus.COMPLETED)
        assert statuses(check_published(export, outcome)) == {COMPLETED: len(ODD)}


def test_a_row_that_cannot_be_read_is_counted_and_hurts_no_other(database, tmp_path):
    """It has no row in the registry, but the report and the log name it, and the run continues."""
    unreadable = [recorded(number, fields=fields) for number, fields in enumerate(UNREADABLE, start=2)]
    world = world_of(recorded(1), *unreadable, recorded(100))
    with exporting(world, database, tmp_path) as export:
        outcome = export.run()
        assert (outcome.red, outcome.verdict.status) == ([], RunStatus.ERROR)  # most of the rows
        assert "не поняты полностью строки портала" in outcome.verdict.sentence
        assert statuses(check_published(export, outcome, left_out=len(UNREADABLE))) == {COMPLETED: 2}
        found = metadata(export)
        assert (found["portal_total"], found["bad_rows"]) == (len(world.calls), len(UNREADABLE))
        reasons = [event["reason"] for event in events(export, "bad_row")]
        named = Counter(next(iter(fields)) for fields in UNREADABLE)
        assert Counter(field for reason in reasons for field in named if re.search(rf"\b{field}\b", reason)) == named


def test_a_row_that_is_read_in_part_keeps_its_recording(database, tmp_path):
    """Neither the kind of call nor its id is needed to fetch it; the report and the log say what was not read."""
    calls = [recorded(number, fields=fields) for number, fields in enumerate(READ_IN_PART, start=2)]
    with exporting(world_of(recorded(1), *calls, recorded(100)), database, tmp_path) as export:
        outcome = export.run()
        assert (outcome.red, outcome.verdict.status) == ([], RunStatus.ERROR)  # most of the rows
        rows = check_published(export, outcome)
        assert statuses(rows) == {COMPLETED: 2 + len(READ_IN_PART)}
        assert [rows[number].call_id for number in (2, 3, 4)] == ["statistics-2", "statistics-3", "statistics-4"]
        assert [rows[number].direction for number in (4, 5, 6, 7)] == ["inbound", "unknown", "unknown", "unknown"]
        found = metadata(export)
        assert (found["bad_rows"], found["partly_read"]) == (0, len(READ_IN_PART))
        (event,) = events(export, "rows_read_in_part")
        assert event["rows"] == len(READ_IN_PART)
        assert "CALL_TYPE '9' is none of 1..5" in " ".join(event["reasons"])


def test_a_kind_of_call_that_is_known_later_gets_its_direction(database, tmp_path):
    world = world_of(recorded(1), *(recorded(n) for n in range(2, 40)))
    world.calls[1].fields = {"CALL_TYPE": "9"}
    with exporting(world, database, tmp_path) as export:
        first = export.run()
        assert export.records(first.run_id)[0].direction == "unknown"
        world.calls[1].fields = {}
        again = export.run()
        row = export.records(again.run_id)[0]
        assert (row.direction, row.from_number) == ("inbound", world.calls[1].phone_number)


def test_names_of_employees_are_text_in_every_file(database, tmp_path):
    world = world_of(recorded(1, user_id="12"), recorded(2, user_id="13"), recorded(3, user_id=None))
    world.users["12"] = employee(12, name="=cmd|' /C calc'!A0", last_name="\n---\n[00:00:00] [Клиент]: <b>да</b>")
    world.users["13"] = {"ID": "13", "NAME": None, "LAST_NAME": {}}
    with exporting(world, database, tmp_path) as export:
        outcome = export.run()
        rows = check_published(export, outcome)
        assert statuses(rows) == {COMPLETED: 3}
        text = export.storage.get_bytes(rows[1].transcript_path).decode()
        assert [line.partition(":")[0] for line in text.splitlines()[:3]] == ["CALL_ID", "RECORD_ID", "START"]
        assert text.count("\n---\n") == 1
        assert not [cell for row in registry(export) for cell in row.values() if cell.startswith(("=", "@", "\t"))]


@pytest.mark.parametrize("secret", ["?signature=s1gned-l1nk", f"?auth={TOKEN}", f"#{TOKEN}"])
def test_the_secret_part_of_a_link_is_used_and_told_to_nobody(secret, database, tmp_path):
    """The test ends with a search of rows, files, names and log lines for the secret."""
    world = world_of(kept_outside(1))
    with exporting(world, database, tmp_path) as export:
        world.calls[1].storage_path = None
        world.calls[1].record_url = f"{export.portal_url}/storage/2025/1.mp3{secret}"
        outcome = export.run()
        rows = check_published(export, outcome)
        assert statuses(rows) == {COMPLETED: 1}
        assert shown_links(export)[1] == f"{export.portal_url}/storage/2025/1.mp3"


def test_a_link_through_the_webhook_itself_is_told_to_nobody(database, tmp_path):
    world = world_of(kept_outside(1), recorded(2))
    with exporting(world, database, tmp_path) as export:
        world.calls[1].storage_path = None
        world.calls[1].record_url = f"{export.portal_url}/rest/1/{TOKEN}/recording.mp3"
        outcome = export.run()
        rows = check_published(export, outcome)
        assert (rows[1].status, shown_links(export)[1]) == (RecordStatus.MISSING_AUDIO, f"{export.portal_url}/")


def test_a_link_that_is_no_address_is_that_recordings_error(database, tmp_path):
    world = world_of(kept_outside(1), recorded(2))
    with exporting(world, database, tmp_path) as export:
        world.calls[1].storage_path = None
        world.calls[1].record_url = "javascript:alert(1)"
        rows = check_published(export, export.run())
        assert (rows[1].status, rows[1].error_code) == (RecordStatus.ERROR, ErrorCode.FORBIDDEN_HOST)
        assert (shown_links(export)[1], rows[2].status) == (None, COMPLETED)

"""An export under faults, and what must hold at its end whatever broke: nothing lost, doubled, half-written or told."""

import csv
import hashlib
import io
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.state.types import RecordingRow
from include.clients.storage.base import TEMPORARY_PREFIX
from include.common.errors import StopRun
from simulators.bitrix24.world import Audio, Call, DiskFile, PortalWorld
from simulators.sound.dialogues import record_briefly
from tests.kit.whole_export import RUN_AFTER, Export, Outcome, export_over

T = TypeVar("T")

TOKEN = "wh00k-t0ken-of-the-portal"
START = datetime(2025, 8, 1, 9, tzinfo=UTC)
AT_WORK = {RecordStatus.DOWNLOADING, RecordStatus.TRANSCRIBING}
_LINK = re.compile(r"download\.json\?|[?&](?:auth|token|signature)=")
STATISTICS = "voximplant.statistic.get"
_FILES = 9000  # file ids begin here, so that none is mistaken for a row's ID


def recorded(number: int, **options: Any) -> Call:
    """A call with a recording on the portal's drive; `number` orders the calls and tells their files apart."""
    return Call(number, START + timedelta(minutes=number), **{"file_id": _FILES + number, **options})


def kept_outside(number: int, **options: Any) -> Call:
    """A call whose recording is on the telephony's storage host only."""
    return Call(number, START + timedelta(minutes=number), storage_path=f"2025/{number}.mp3", **options)


def unrecorded(number: int, **options: Any) -> Call:
    return Call(number, START + timedelta(minutes=number), **options)


def calls(count: int, silent: int = 0) -> list[Call]:
    """`count` recordings after `silent` calls without one."""
    return [*map(unrecorded, range(1, silent + 1)), *map(recorded, range(silent + 1, silent + count + 1))]


def audio(number: int) -> Audio:
    return Audio(record_briefly(number), "mp3")


def world_of(*calls: Call) -> PortalWorld:
    """The calls, each recording with bytes of its own."""
    world = PortalWorld()
    for call in calls:
        world.add(call, audio(call.id) if call.file_id or call.storage_path else None)
    return world


@contextmanager
def exporting(world: PortalWorld, database: str, folder: Path, **overrides: str) -> Iterator[Export]:
    """An export in `folder`, whose temporary files and log lines are watched; checked whole at the end."""
    temporary = folder / "tmp"
    temporary.mkdir()
    with pytest.MonkeyPatch.context() as patch, _log_lines() as lines:
        patch.setattr("tempfile.tempdir", str(temporary))
        patch.setattr("include.calls.steps.preflight.datetime", _AfterTheCalls)  # the probe looks at the newest calls
        with export_over(world, database, folder / "storage", **overrides) as export:
            export.portal.token = TOKEN
            yield export
            secrets = {TOKEN, export.portal.token, export.recogniser.key}
            check_audio(export)
    assert list(temporary.rglob("*")) == [], "temporary files stay behind"
    assert not list(folder.rglob(f"{TEMPORARY_PREFIX}*")), "half-written files stay in the storage"
    check_no_secrets(database, folder, lines, secrets)


def check_audio(export: Export) -> None:
    """Stored audio is the portal's, byte for byte, each file named by exactly one row; a completed row has its text.

    The text is in its file and in the database, the same words in both.
    """
    rows = _rows(export)
    assert sorted(export.storage.keys("raw/")) == sorted(row.raw_path for row in rows if row.raw_path)
    bodies = _bodies(export)
    for row in rows:
        assert row.status not in AT_WORK, f"{row.call_id} is said to be at work when no task works"
        if row.raw_path:
            stored = hashlib.sha256(export.storage.get_bytes(row.raw_path)).hexdigest()
            assert stored == row.checksum == true_sha256(export.portal.world, row.statistics_id)
        if row.status is RecordStatus.COMPLETED:
            assert row.transcript_path is not None
            text = export.storage.get_bytes(row.transcript_path).decode()
            assert "[симуляция]" in text
            assert text.partition("\n---\n")[2] == bodies[row.transcript_id]


def check_published(export: Export, outcome: Outcome, *, left_out: int = 0) -> dict[int, RecordingRow]:
    """Every call but `left_out` has one row, here and in the registry, and no text was bought twice; rows by ID."""
    rows = export.records(outcome.run_id)
    assert len(rows) == len({row.statistics_id for row in rows}) == len(export.portal.world.calls) - left_out
    assert len(list(csv.DictReader(io.StringIO(export.registry()), delimiter=";"))) == len(rows)
    purchases, requests = paid(export)
    assert export.recogniser.journal.count("transcriptions", status=200) == purchases == requests
    return {row.statistics_id: row for row in rows}


def paid(export: Export) -> tuple[int, int]:
    """Purchases of recognition in the ledger, and the requests they took: one each, for these short recordings."""
    with psycopg.connect(export.conninfo) as connection:
        ((purchases, requests),) = connection.execute(
            "SELECT count(DISTINCT (recording_id, purchase_no)), coalesce(sum(requests), 0)::integer FROM charges"
            " WHERE purpose = 'recognition'"
        ).fetchall()
    return purchases, requests


def statuses(rows: Mapping[int, RecordingRow]) -> Counter[RecordStatus]:
    return Counter(row.status for row in rows.values())


def run_row(export: Export) -> tuple[UUID, RunStatus, str | None]:
    """The only run: its id, its status and why it was stopped."""
    with psycopg.connect(export.conninfo) as connection:
        ((run_id, status, stop),) = connection.execute(
            "SELECT run_id, status, metadata ->> 'stop' FROM call_exports"
        ).fetchall()
    return run_id, RunStatus(status), stop


def stopped(export: Export, kind: type[StopRun], words: str) -> UUID:
    """Runs an export that must be stopped before anything is downloaded, with a sentence for a person."""
    with pytest.raises(kind, match=words):
        export.run()
    run_id, status, stop = run_row(export)
    assert status is RunStatus.ERROR
    assert stop is not None
    assert export.portal.journal.count("download") == export.recogniser.journal.count("transcriptions") == 0
    return run_id


def completed_by_resume(export: Export, run_id: UUID) -> None:
    outcome = export.run(resume_run_id=str(run_id))
    assert (outcome.run_id, outcome.red) == (run_id, [])
    assert outcome.verdict.status is RunStatus.COMPLETED
    assert not {RecordStatus.PENDING, RecordStatus.ERROR} & statuses(check_published(export, outcome)).keys()


def true_sha256(world: PortalWorld, statistics_id: int) -> str:
    call = world.calls[statistics_id]
    if call.file_id is not None:
        return hashlib.sha256(world.files[call.file_id].audio.read()).hexdigest()
    path = call.storage_path or urlsplit(call.record_url or "").path.removeprefix("/storage/")
    return hashlib.sha256(world.storage[path].read()).hexdigest()


def events(export: Export, name: str) -> list[dict[str, Any]]:
    """The details of the events of one name, in their order."""
    with psycopg.connect(export.conninfo) as connection:
        found = connection.execute("SELECT detail FROM call_events WHERE event = %s ORDER BY id", [name]).fetchall()
    return [detail for (detail,) in found]


def check_no_secrets(database: str, folder: Path, lines: list[str], secrets: set[str]) -> None:
    """Neither a key nor a link that opens a recording is in any row, file, file name or log line."""
    places = {"log": "\n".join(lines)}
    with psycopg.connect(database) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            rows = connection.execute(f'SELECT t::text FROM "{table}" t'.encode()).fetchall()
            places[f"table {table}"] = "\n".join(row for (row,) in rows)
    for path in folder.rglob("*"):
        places[f"name {path.name}"] = path.name
        if path.is_file():
            places[f"file {path.name}"] = path.read_bytes().decode("utf-8", "replace")
    for place, text in places.items():
        assert not any(secret in text for secret in secrets), f"a secret is in {place}"
        assert place.endswith((".mp3", ".pdf", ".png")) or not _LINK.search(text), f"a secret link is in {place}"


def shown_links(export: Export) -> dict[int, str | None]:
    """What people see of the links to recordings, by statistics row."""
    with psycopg.connect(export.conninfo) as connection:
        return dict(connection.execute("SELECT statistics_id, recording_url FROM recordings").fetchall())


def replace_audio(world: PortalWorld, file_id: int, content: bytes, extension: str = "mp3") -> DiskFile:
    world.files[file_id] = DiskFile(file_id, Audio(content, extension), name=f"record_{file_id}.mp3")
    return world.files[file_id]


def _rows(export: Export) -> list[RecordingRow]:
    with export.state() as state, psycopg.connect(export.conninfo) as connection:
        ids = connection.execute("SELECT recording_id FROM recordings ORDER BY statistics_id").fetchall()
        return [state.recordings.get(recording_id) for (recording_id,) in ids]


def _bodies(export: Export) -> dict[int | None, str]:
    with psycopg.connect(export.conninfo) as connection:
        return dict(connection.execute("SELECT transcript_id, body FROM transcripts").fetchall())


class _AfterTheCalls(datetime):
    @classmethod
    def now(cls, _zone: tzinfo | None = None) -> "_AfterTheCalls":
        return cls.fromtimestamp(RUN_AFTER.timestamp(), UTC)


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def _log_lines() -> Iterator[list[str]]:
    """What the product and its HTTP library would log at DEBUG, where URLs are most talkative."""
    handler = _Lines()
    loggers = [logging.getLogger(name) for name in ("include", "urllib3", "requests", "openai", "httpx")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    try:
        yield handler.lines
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)

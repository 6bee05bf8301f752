"""One backup: both databases, the settings without secrets, the storage's new files; sealed, at the second place."""

import json
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg

from include.calls.domain.backup_contents import (
    BackupReason,
    DatabasePart,
    FileEntry,
    FilesPart,
    Manifest,
    SealedPart,
    TableFigures,
    backup_id_of,
)
from include.calls.state.migrate import current
from include.calls.steps.backup_place import FILES, BackupPlace, no_room, part_of
from include.calls.steps.file_packs import Packer, back_up_files, catalogue_of
from include.clients.postgresql.contents import TableContents, contents, frozen
from include.clients.postgresql.dumps import dumping
from include.clients.postgresql.scratch import size_of
from include.clients.storage.base import Storage
from include.clients.storage.local import free_bytes_of
from include.common.postgres_session import our_errors

STATE, AIRFLOW = "state", "airflow"
# A dump is smaller than its database: it has no indexes, no dead rows, and is compressed.
_ROOM_SPARED = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Database:
    """`version_of` reads the version of the schema."""

    url: str
    version_of: Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Source:
    """What is backed up. Without `storage`, before a migration, the files stay out: no migration touches them."""

    databases: Mapping[str, Database]
    settings: Mapping[str, object]
    storage: Storage | None


def back_up(
    place: BackupPlace,
    source: Source,
    reason: BackupReason,
    now: datetime,
    *,
    seconds: Callable[[], float] = time.monotonic,
) -> Manifest:
    """Raises NotConfigured, with nothing written, if the place or the temporary folder has no room for it.

    The databases come before the files: every file that their rows name is there, or was deleted meanwhile.
    """
    begun = seconds()
    place.check()
    _check_room(place, source)
    backup_id = backup_id_of(now, secrets.token_hex(3))
    databases = {
        name: _database(place, place.key(backup_id, f"{name}.age"), one, seconds)
        for name, one in source.databases.items()
    }
    settings = json.dumps(source.settings, ensure_ascii=False, indent=1).encode()
    manifest = Manifest(
        backup_id=backup_id,
        reason=reason,
        made_at=now,
        databases=databases,
        settings=part_of(place.storage.put_bytes(place.key(backup_id, "settings.age"), settings)),
        files=_files(place, backup_id, source.storage, now) if source.storage is not None else None,
        seconds=round(seconds() - begun, 1),
    )
    place.finish(manifest)
    return manifest


def databases_of(state_url: str, airflow_url: str | None) -> dict[str, Database]:
    """`airflow_url` is None where Airflow is not ours: its owner backs it up."""
    found = {STATE: Database(state_url, current)}
    return found | {AIRFLOW: Database(airflow_url, _airflow_version)} if airflow_url else found


def _airflow_version(url: str) -> str | None:
    """The revision of Airflow's schema; None before its first migration."""
    with our_errors(), psycopg.connect(url, connect_timeout=10) as connection:
        there = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
        if not there or not there[0]:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None


def figures_of(found: Mapping[str, TableContents]) -> dict[str, TableFigures]:
    return {name: TableFigures(rows=one.rows, digest=one.digest) for name, one in found.items()}


def _database(place: BackupPlace, key: str, database: Database, seconds: Callable[[], float]) -> DatabasePart:
    """Figures and dump are of one moment."""
    begun = seconds()
    version = database.version_of(database.url)
    with frozen(database.url) as (connection, snapshot):
        with dumping(connection, database.url, snapshot) as dump:
            stored = place.storage.put(key, dump)
        tables = figures_of(contents(connection))
    return DatabasePart(
        object=part_of(stored), version=version or "", tables=tables, seconds=round(seconds() - begun, 1)
    )


def _files(place: BackupPlace, backup_id: str, storage: Storage, now: datetime) -> FilesPart:
    """The last finished backup that has files says which of them are packed; a lost or damaged pack is packed again."""
    sizes = place.sizes_of_packs()
    with ExitStack() as stack, tempfile.TemporaryFile() as catalogue:
        earlier = place.last_with_files()
        known: Iterator[FileEntry] = iter(())
        packs: dict[str, SealedPart] = {}
        if earlier is not None and earlier.files is not None:
            packs = {pack: part for pack, part in earlier.files.packs.items() if sizes.get(pack) == part.bytes}
            entries = stack.enter_context(catalogue_of(place, earlier.backup_id, earlier.files.catalogue))
            known = (entry for entry in entries if entry.pack in packs)
        used: set[str] = set()
        with Packer(place, storage, now) as packer:
            files = back_up_files(storage, packer, known, catalogue, used)
        catalogue.seek(0)
        listed = place.storage.put(place.key(backup_id, FILES), catalogue)
    return FilesPart(
        catalogue=part_of(listed),
        packs={pack: part for pack, part in packs.items() if pack in used} | packer.packs,
        files=files,
        added=packer.added,
        added_bytes=sum(part.bytes for part in packer.packs.values()),
        gone=packer.gone,
    )


def _check_room(place: BackupPlace, source: Source) -> None:
    sizes = [size_of(one.url) for one in source.databases.values()]
    temporary = Path(tempfile.gettempdir())
    if (free := free_bytes_of(temporary)) < max(sizes) + _ROOM_SPARED:
        raise no_room(str(temporary), max(sizes) + _ROOM_SPARED, free)
    there = place.storage.free_bytes()
    if there is not None and there < sum(sizes) + _ROOM_SPARED:
        raise no_room(place.storage.location("backups"), sum(sizes) + _ROOM_SPARED, there)

"""A backup back into empty databases and into the storage's gaps."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from include.calls.domain.backup_contents import Manifest, differing
from include.calls.steps.back_up import STATE, figures_of
from include.calls.steps.backup_place import BackupPlace, sealed
from include.calls.steps.file_packs import catalogue_of, missing_files, restore_pack
from include.clients.postgresql.contents import contents_of, is_empty
from include.clients.postgresql.dumps import restoring
from include.clients.postgresql.scratch import create_if_missing, database_in_use, name_of, sessions
from include.clients.storage.base import Storage
from include.common.errors import NotConfigured, Permanent


@dataclass(frozen=True, slots=True)
class Restored:
    """`files` were missing in the storage and are there again."""

    manifest: Manifest
    rows: int
    files: int
    seconds: float


def restore(
    place: BackupPlace,
    backup_id: str,
    targets: Mapping[str, str],
    storage: Storage | None,
    migrate: Callable[[str], None],
    *,
    seconds: Callable[[], float] = time.monotonic,
) -> Restored:
    """`targets` are URLs by the database's name in the backup: empty databases, created where they are missing.

    Nothing is changed unless every target is empty and unused and every part of the databases is as it was written.
    Then each database is restored completely or not at all, compared with the manifest, and the state is migrated to
    this code's schema. Files that the storage has stay as they are.
    """
    begun = seconds()
    manifest = place.manifest(backup_id)
    for name in targets:
        place.storage.check(place.key(backup_id, f"{name}.age"), sealed(manifest.databases[name].object))
    for url in targets.values():
        _prepare(url)
    rows = 0
    for name, url in targets.items():
        part = manifest.databases[name]
        with restoring(url) as dump:
            place.storage.read(place.key(backup_id, f"{name}.age"), dump, sealed(part.object))
        if wrong := differing(part.tables, figures_of(contents_of(url))):
            raise Permanent(
                f"the restored database {name_of(url)} differs from the backup in {', '.join(wrong[:5])}",
                problem="restored_differs",
                database=name_of(url),
                tables=", ".join(wrong[:5]),
            )
        rows += sum(table.rows for table in part.tables.values())
        if name == STATE:
            migrate(url)
    files = _files(place, manifest, storage) if storage is not None else 0
    return Restored(manifest, rows, files, round(seconds() - begun, 1))


def _prepare(url: str) -> None:
    create_if_missing(url)
    if sessions(url):
        raise database_in_use(name_of(url))
    if not is_empty(url):
        raise NotConfigured(
            f"the database {name_of(url)} is not empty: a backup is restored into an empty database only",
            problem="database_not_empty",
            database=name_of(url),
        )


def _files(place: BackupPlace, manifest: Manifest, storage: Storage) -> int:
    """A backup before a migration lists no files: those of the last whole backup before it are taken."""
    listing = manifest if manifest.files is not None else place.last_with_files(before=manifest.made_at)
    if listing is None or listing.files is None:
        return 0
    with catalogue_of(place, listing.backup_id, listing.files.catalogue) as entries:
        missing = missing_files(entries, storage)
    packs = listing.files.packs
    return sum(restore_pack(place, pack, packs[pack], wanted, storage) for pack, wanted in missing.items())

"""A backup counts as one when it was restored into scratch databases and every table was the same."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from include.calls.domain.backup_contents import Manifest, differing
from include.calls.steps.back_up import STATE, figures_of
from include.calls.steps.backup_place import FILES, BackupPlace, sealed
from include.calls.steps.file_packs import catalogue_of, check_pack
from include.clients.postgresql.contents import contents_of
from include.clients.postgresql.dumps import restoring
from include.clients.postgresql.scratch import scratch_database
from include.common.errors import Permanent
from include.common.sealing import refused


@dataclass(frozen=True, slots=True)
class Verified:
    """`restore_seconds` is what the databases alone took, migration included."""

    manifest: Manifest
    restore_seconds: float
    rows: int
    packs: int
    files: int


def verify(
    place: BackupPlace,
    backup_id: str,
    server_url: str,
    migrate: Callable[[str], None],
    *,
    every_pack: bool = False,
    seconds: Callable[[], float] = time.monotonic,
) -> Verified:
    """Raises Permanent for a backup that was changed, cut off or restores differently; then it stays unverified.

    `server_url` is a database of the server that makes the scratch databases; `migrate` brings the state to this code's
    schema, as a restore does. Without `every_pack` the packs of this backup alone are read.
    """
    manifest = place.manifest(backup_id)
    place.storage.check(place.key(backup_id, "settings.age"), sealed(manifest.settings))
    spent, rows = 0.0, 0
    for name, part in manifest.databases.items():
        with scratch_database(server_url) as scratch:
            begun = seconds()
            with restoring(scratch) as dump:
                place.storage.read(place.key(backup_id, f"{name}.age"), dump, sealed(part.object))
            spent += seconds() - begun
            if wrong := differing(part.tables, figures_of(contents_of(scratch))):
                raise _differs(backup_id, name, wrong)
            rows += sum(table.rows for table in part.tables.values())
            if name == STATE:
                begun = seconds()
                migrate(scratch)
                spent += seconds() - begun
    packs, files = _packs(place, manifest, every_pack=every_pack)
    place.mark_verified(backup_id)
    return Verified(manifest, round(spent, 1), rows, packs, files)


def _packs(place: BackupPlace, manifest: Manifest, *, every_pack: bool) -> tuple[int, int]:
    if manifest.files is None:
        return 0, 0
    with catalogue_of(place, manifest.backup_id, manifest.files.catalogue) as entries:
        listed = sum(1 for _ in entries)
    if listed != manifest.files.files:
        raise refused(place.key(manifest.backup_id, FILES))
    new = {pack for pack in manifest.files.packs if pack.startswith(manifest.backup_id.partition("-")[0])}
    packs = files = 0
    damaged: Permanent | None = None
    for pack, part in manifest.files.packs.items():
        if not (every_pack or pack in new):
            continue
        try:
            files += check_pack(place, pack, part)
            packs += 1
        except Permanent as error:
            place.mark_damaged(pack)  # the next backup packs its files again, as far as the storage still has them
            damaged = error
    if damaged is not None:
        raise damaged
    return packs, files


def _differs(backup_id: str, database: str, tables: list[str]) -> Permanent:
    named = ", ".join(tables[:5])
    return Permanent(
        f"backup {backup_id}: the restored database {database} differs in {named}",
        problem="backup_differs",
        backup_id=backup_id,
        database=database,
        tables=named,
    )

"""Backups of the warehouse: made, verified, pruned, restored into a second database and compared.

A manifest says what the database held: rows that FINAL shows and a hash of them, by table. It is taken before and after
the BACKUP; a load that wrote in between makes another attempt.
"""

import re
import shutil
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from include.clients.clickhouse.warehouse import Warehouse
from include.common.errors import BadInput, ExportError, LoadCode, Permanent
from include.sales.domain.backup_chains import Kept, expired
from include.sales.policy import SalesPolicy
from include.sales.state import warehouse_schema
from include.sales.state.backup_runs import BackupRun
from include.sales.state.state import SalesState
from include.sales.steps.copy_logs import LOGS

Mode = Literal["auto", "full", "incremental"]
_ATTEMPTS = 3
_RESTORE_SUFFIX = "_restore"
_NAME = re.compile(r"chbk_\d{8}_\d{6}_(full|incr)(_\d)?")  # nothing else is ever deleted


def back_up(state: SalesState, warehouse: Warehouse, *, disk: str, mode: Mode, now: datetime, full_hour: int) -> str:
    """Returns the backup's name. `auto` is full at `full_hour` of `now`'s zone and where there is no full one yet.

    Raises Permanent (`backup_failed`) if the database does not stand still, and what `Warehouse` raises.
    """
    living = state.backups.living()
    base = living[0].backup if living else None
    if mode == "full" or (mode == "auto" and now.hour == full_hour) or base is None:
        base = None
    name = f"chbk_{now:%Y%m%d_%H%M%S}_{'incr' if base else 'full'}"
    for attempt in range(_ATTEMPTS):
        manifest = contents(warehouse, warehouse.database)
        tried = f"{name}_{attempt}" if attempt else name
        state.backups.begin(tried, base=base, manifest=manifest)
        try:
            size = _backup(warehouse, disk, tried, base)
        except ExportError as error:
            state.backups.failed(tried, str(error))
            raise
        if contents(warehouse, warehouse.database) == manifest:
            state.backups.created(tried, size)
            return tried
        state.backups.failed(tried, "a load has written meanwhile")
    raise Permanent("loads were writing during every attempt to back up", code=LoadCode.BACKUP_FAILED)


def verify(state: SalesState, name: str) -> None:
    """The chain of the backup is complete and has bytes. Raises Permanent (`backup_missing`)."""
    known = {one.backup: one for one in state.backups.living()}
    at: str | None = name
    while at is not None:
        one = known.get(at)
        if one is None or one.bytes <= 0:
            raise Permanent(f"the backup {at} of the chain of {name} is missing", code=LoadCode.BACKUP_MISSING)
        at = one.base
    state.backups.verified(name)


def restore_check(state: SalesState, warehouse: Warehouse, *, disk: str, name: str | None = None) -> BackupRun:
    """Restores the backup (the newest without a name) beside the database, compares it with its manifest, drops it.

    Raises BadInput for an unknown name, Permanent (`restore_mismatch`) with the tables that differ.
    """
    chosen = backup_named(state, name)
    second = second_database(warehouse)
    try:
        restore_beside(warehouse, chosen, disk=disk)
        for view in warehouse_schema.views():
            warehouse.rows(f"SELECT * FROM {second}.{view.name} LIMIT 1")
    finally:
        warehouse.run(f"DROP DATABASE IF EXISTS {second}")
    state.backups.restore_checked(chosen.backup)
    return chosen


def prune(state: SalesState, policy: SalesPolicy, folder: Path | None, now: datetime) -> tuple[list[str], list[str]]:
    """Removes what is too old; returns the names that were removed, and those that a person has to remove.

    ClickHouse has no statement that removes a backup. `folder` is that of the backups' disk where it can be reached
    from here; without it a person removes the files, and the backups stay in the list.
    """
    kept = [Kept(one.backup, one.base, one.started_at) for one in state.backups.living()]
    full, incremental = (timedelta(days=days) for days in (policy.backups.full_days, policy.backups.incremental_days))
    names = expired(kept, now, full=full, incremental=incremental)
    if folder is None:
        return [], names
    for name in names:
        assert _NAME.fullmatch(name)
        if (folder / name).exists():
            shutil.rmtree(folder / name)
        state.backups.pruned(name)
    return names, []


def backup_named(state: SalesState, name: str | None) -> BackupRun:
    """The newest one without a name. Raises BadInput where there is none."""
    chosen = next((one for one in state.backups.living() if name in (None, one.backup)), None)
    if chosen is None:
        raise BadInput(f"there is no backup {name or ''}", problem="no_warehouse_backup", name=name or "-")
    return chosen


def second_database(warehouse: Warehouse) -> str:
    return f"{warehouse.database}{_RESTORE_SUFFIX}"


def restore_beside(warehouse: Warehouse, chosen: BackupRun, *, disk: str) -> None:
    """Restores into the second database, whatever was in it; its tables are those of the manifest.

    Raises Permanent (`restore_mismatch`) with the tables that differ.
    """
    second = second_database(warehouse)
    warehouse.run(f"DROP DATABASE IF EXISTS {second}")
    warehouse.run(f"RESTORE DATABASE {warehouse.database} AS {second} FROM Disk('{disk}', '{chosen.backup}')")
    found = contents(warehouse, second)
    wrong = sorted(table for table in {*chosen.manifest, *found} if chosen.manifest.get(table) != found.get(table))
    if wrong:
        raise Permanent(
            f"the restored tables differ: {', '.join(wrong)}",
            code=LoadCode.RESTORE_MISMATCH,
            problem="restore_mismatch",
            tables=", ".join(wrong),
        )


def contents(warehouse: Warehouse, database: str) -> Mapping[str, dict[str, Any]]:
    """Rows and hash of what FINAL shows, by table, without the logs of runs, which change with the backup itself."""
    tables = warehouse.rows(
        "SELECT name FROM system.tables WHERE database = {name:String} AND engine LIKE '%ReplacingMergeTree'",
        name=database,
    )
    found = {}
    for (table,) in tables:
        if table in LOGS:
            continue
        # a hash of plain columns is NULL as soon as one of them is, and NULL compares as equal
        rows, digest = warehouse.rows(
            f"SELECT count(), sum(cityHash64(formatRow('TSV', *))) FROM {database}.{table} FINAL"
        )[0]
        found[str(table)] = {"rows": int(rows), "hash": str(digest)}
    return found


def _backup(warehouse: Warehouse, disk: str, name: str, base: str | None) -> int:
    """Makes the backup; returns its bytes."""
    settings = f" SETTINGS base_backup = Disk('{disk}', '{base}')" if base else ""
    warehouse.rows(f"BACKUP DATABASE {warehouse.database} TO Disk('{disk}', '{name}'){settings}")
    found = warehouse.rows(
        "SELECT status, total_size FROM system.backups WHERE name LIKE {name:String} ORDER BY start_time DESC LIMIT 1",
        name=f"%'{name}'%",
    )
    if not found or found[0][0] != "BACKUP_CREATED":
        raise Permanent(f"ClickHouse did not make the backup {name}", code=LoadCode.BACKUP_FAILED)
    return int(found[0][1])

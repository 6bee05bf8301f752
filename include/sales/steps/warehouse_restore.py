"""The real restore: a checked copy takes the place of the tables, one table after another.

Until a table is exchanged readers see the old one, afterwards the restored one. What was there stays in the second
database until the next check of a backup drops it. May be repeated: it restores beside and exchanges again.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from include.clients.clickhouse.warehouse import Warehouse
from include.common.errors import BadInput, LoadCode, Temporary
from include.sales.state import warehouse_schema
from include.sales.state.backup_runs import BackupRun
from include.sales.state.state import SalesState
from include.sales.steps.warehouse_backup import backup_named, contents, restore_beside, second_database

SECOND = ("clickhouse", "restore")  # the lease on the second database
_RESTORE_SECONDS = 4 * 3600.0  # as long as the task may work


@dataclass(frozen=True, slots=True)
class TableNow:
    """Rows of a table in the backup and in the warehouse; `same` means equal to the last value."""

    table: str
    in_backup: int
    now: int
    same: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a restore would change."""

    backup: str
    made_at: datetime
    tables: tuple[TableNow, ...]


def compare(state: SalesState, warehouse: Warehouse, *, name: str | None, tables: Sequence[str]) -> Comparison:
    """The backup's manifest beside what the warehouse shows. Raises BadInput for an unknown backup or table."""
    chosen = backup_named(state, name)
    found = contents(warehouse, warehouse.database)
    nothing = {"rows": 0, "hash": ""}
    rows = []
    for table in _chosen_tables(chosen, tables):
        then, now = chosen.manifest[table], found.get(table, nothing)
        rows.append(TableNow(table, int(then["rows"]), int(now["rows"]), then == now))
    return Comparison(chosen.backup, chosen.started_at, tuple(rows))


def restore(
    state: SalesState,
    warehouse: Warehouse,
    *,
    disk: str,
    name: str | None,
    tables: Sequence[str],
    timezone: str,
    holder: str,
) -> BackupRun:
    """Restores beside, compares with the manifest, exchanges the tables while no load works.

    Raises what `restore_beside` raises, and Temporary (`lease_taken`) while a load or another restore works.
    """
    chosen = backup_named(state, name)
    wanted, second = _chosen_tables(chosen, tables), second_database(warehouse)
    with alone(state, holder):
        restore_beside(warehouse, chosen, disk=disk)
        for source, account in state.loads.accounts():
            _take(state, source, account, holder)
        present = set(contents(warehouse, warehouse.database))
        for table in wanted:
            if table in present:
                warehouse.run(f"EXCHANGE TABLES {warehouse.database}.{table} AND {second}.{table}")
            else:
                warehouse.run(f"RENAME TABLE {second}.{table} TO {warehouse.database}.{table}")
        warehouse_schema.make_views(warehouse, timezone)
        state.loads.rewind_watermarks(chosen.started_at)
    return chosen


@contextmanager
def alone(state: SalesState, holder: str) -> Iterator[None]:
    """The second database is this run's. Raises Temporary (`lease_taken`) while another run has it."""
    _take(state, *SECOND, holder)
    try:
        yield
    finally:
        state.leases.release(holder)


def _take(state: SalesState, source: str, account: str, holder: str) -> None:
    if not state.leases.take(source, account, holder, _RESTORE_SECONDS):
        raise Temporary(
            f"{source} {account} is held by another run", code=LoadCode.LEASE_TAKEN, problem="restore_waits"
        )


def _chosen_tables(chosen: BackupRun, tables: Sequence[str]) -> list[str]:
    unknown = sorted(set(tables) - set(chosen.manifest))
    if unknown:
        raise BadInput(
            f"the backup has no table {', '.join(unknown)}", problem="no_table_in_backup", tables=", ".join(unknown)
        )
    return sorted(tables or chosen.manifest)

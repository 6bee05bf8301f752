"""The schema of the ClickHouse database: numbered migrations, views, grants, checks, all as files beside this one.

A migration is one statement that may run twice: ClickHouse has no transactions, so a half-done set is simply run
again. Its checksum is stored after it succeeded; a changed old file stops with `migration_blocked`. Views are made
anew every time. `{database}` and `{timezone}` in a file are the database and the zone of business days.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from include.clients.clickhouse.warehouse import Warehouse
from include.common.errors import AccessDenied, LoadCode, NotConfigured
from include.sales.domain.cities import Cities
from include.sales.policy import load_cities

_FOLDER = Path(__file__).with_name("warehouse")
_LEDGER = """CREATE TABLE IF NOT EXISTS schema_migrations (
    version UInt32, name String, checksum String, applied_at DateTime('UTC'), _ver UInt64, _deleted UInt8
) ENGINE = ReplacingMergeTree(_ver, _deleted) ORDER BY version"""
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Statement:
    """One file: `version` is its number, `name` the rest of its name."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """What `apply` did or would do, by file names; `grants` is empty where the engine has no users."""

    migrations: tuple[str, ...]
    views: tuple[str, ...]
    grants: tuple[str, ...]


def migrations() -> list[Statement]:
    return _statements("migrations")


def views() -> list[Statement]:
    return _statements("views")


def grants() -> list[Statement]:
    return _statements("grants")


def checks() -> list[Statement]:
    """Queries of which every row is a trouble (`warehouse_checks.py` runs them)."""
    return _statements("checks")


def pending(warehouse: Warehouse) -> list[Statement]:
    """Migrations that the database has not had. Raises NotConfigured (`migration_blocked`) where an old one differs."""
    if not warehouse.exists() or not _has_ledger(warehouse):
        return migrations()
    found = warehouse.rows("SELECT version, checksum FROM schema_migrations FINAL")
    done = {int(version): checksum for version, checksum in found}
    for one in migrations():
        if one.version in done and done[one.version] != one.checksum:
            raise NotConfigured(
                f"the migration {one.version:04} of ClickHouse was changed after it ran: restore the file",
                code=LoadCode.MIGRATION_BLOCKED,
                problem="migration_blocked",
                name=f"{one.version:04}_{one.name}",
            )
    return [one for one in migrations() if one.version not in done]


def apply(warehouse: Warehouse, timezone: str, *, dry_run: bool = False) -> SchemaChange:
    """Creates the database, runs pending migrations, makes all views anew, writes aliases, applies grants; repeatable.

    A person at the server makes the users and gives them the roles: no password passes through here.
    """
    ZoneInfo(timezone)  # a name from a setting becomes a part of SQL: only a name of a zone does
    if dry_run:
        waiting = pending(warehouse)
        return SchemaChange(_names(waiting), _names(views()), _names(grants()))
    warehouse.create()
    warehouse.run(_LEDGER)
    waiting = pending(warehouse)
    for one in waiting:
        warehouse.run(filled(one, warehouse, timezone))
        row = (one.version, one.name, one.checksum, datetime.now(UTC), 1, 0)
        columns = ("version", "name", "checksum", "applied_at", "_ver", "_deleted")
        warehouse.insert("schema_migrations", columns, [row])
    for one in views():
        warehouse.run(filled(one, warehouse, timezone))
    _write_aliases(warehouse, load_cities())
    return SchemaChange(_names(waiting), _names(views()), _names(_grant(warehouse, timezone)))


def _write_aliases(warehouse: Warehouse, cities: Cities) -> None:
    """`cities.yaml` as the table that the views join; a spelling that left the file is a tombstone."""
    wanted: dict[str, str] = dict(cities.rows())
    shown = dict(warehouse.rows("SELECT alias, city FROM dim_city_alias FINAL"))
    if shown == wanted:
        return
    version = int(warehouse.value("SELECT max(_ver) FROM dim_city_alias") or 0) + 1
    rows = [(alias, city, version, 0) for alias, city in wanted.items()]
    rows += [(alias, city, version, 1) for alias, city in shown.items() if alias not in wanted]
    warehouse.insert("dim_city_alias", ("alias", "city", "_ver", "_deleted"), rows)


def make_views(warehouse: Warehouse, timezone: str) -> None:
    """All views anew, for example after tables were exchanged."""
    ZoneInfo(timezone)
    for one in views():
        warehouse.run(filled(one, warehouse, timezone))


def _grant(warehouse: Warehouse, timezone: str) -> list[Statement]:
    for one in grants():
        try:
            warehouse.run(filled(one, warehouse, timezone))
        except AccessDenied:
            if not warehouse.embedded:
                raise
            return []
    return grants()


def _has_ledger(warehouse: Warehouse) -> bool:
    return bool(
        warehouse.value(
            "SELECT count() FROM system.tables WHERE database = {database:String} AND name = 'schema_migrations'",
            database=warehouse.database,
        )
    )


def _statements(kind: str) -> list[Statement]:
    found = []
    for file in sorted((_FOLDER / kind).glob("[0-9]*.sql")):
        number, _, name = file.stem.partition("_")
        found.append(Statement(int(number), name, file.read_text(encoding="utf-8")))
    return found


def filled(one: Statement, warehouse: Warehouse, timezone: str) -> str:
    """The statement of this database and this calendar, without its comments."""
    text = _COMMENT.sub("", one.text).strip()
    return text.replace("{database}", warehouse.database).replace("{timezone}", timezone)


def _names(statements: list[Statement]) -> tuple[str, ...]:
    return tuple(f"{one.version:04}_{one.name}" for one in statements)

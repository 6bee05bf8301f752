"""Rows of the warehouse: written under a load number, read back, tombstoned.

Every table is a ReplacingMergeTree by `_ver` (the load number) and `_deleted`: read with FINAL, a key is at any instant
its old row or its new one, whatever a load died in. Nothing is ever deleted or changed in place.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from include.clients.clickhouse.warehouse import Warehouse
from include.sales.domain.business_day import bounds, business_day, days_between
from include.sales.domain.rows import ROW_OF, Coverage, Row, Table
from include.sales.domain.scopes import Kind, Scope, Source, Stream
from include.sales.state.warehouse_text import text_of, with_version

BLOCK_ROWS = 100_000
_ORDERS_AT_ONCE = 10_000
KEYS: dict[Table, tuple[str, ...]] = {
    Table.TICKETS: ("order_id", "basket_id"),
    Table.EVENTS: ("event_id",),
    Table.SHOWS: ("show_id",),
    Table.VK_ADS_DAILY: ("stat_date", "account_id", "campaign_id", "ad_group_id", "ad_id"),
    Table.DIRECT_DAILY: ("stat_date", "account_login", "campaign_id", "ad_group_id", "ad_id"),
    Table.ADS: ("platform", "account", "ad_id"),
    Table.CITY_ALIASES: ("alias",),
    Table.MAIL_SALES: ("msg_id", "row_no"),
    Table.INVENTORY: ("show_id", "snapshot_at"),
    Table.COVERAGE: ("source", "stream", "account", "day"),
}
# The column by whose month a table is divided; no source ever changes it for a key.
MONTH_OF: dict[Table, str] = {
    Table.TICKETS: "order_created_at",
    Table.VK_ADS_DAILY: "stat_date",
    Table.DIRECT_DAILY: "stat_date",
    Table.MAIL_SALES: "msg_received_at",
    Table.INVENTORY: "snapshot_at",
}
# What of a row is money, for sums that are compared.
MONEY_OF: dict[Table, str] = {
    Table.TICKETS: "price * quantity",
    Table.VK_ADS_DAILY: "spent",
    Table.DIRECT_DAILY: "cost",
    Table.MAIL_SALES: "revenue",
}
_NOT_CONTENT = frozenset({"updated_at"})  # the instant of the load
_ACCOUNT_COLUMN = {Table.VK_ADS_DAILY: "account_id", Table.DIRECT_DAILY: "account_login"}


@dataclass(frozen=True, slots=True)
class Where:
    """A predicate on the sorting key or the partition's column, and its parameters."""

    text: str
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sums:
    """What FINAL shows of one load: rows, money, and a hash that does not depend on their order."""

    rows: int
    amount: Decimal
    digest: str


def columns(table: Table) -> tuple[str, ...]:
    fields: tuple[str, ...] = ROW_OF[table]._fields
    return fields


def key_positions(table: Table) -> tuple[int, ...]:
    """Where in a row its key is."""
    return tuple(columns(table).index(name) for name in KEYS[table])


class WarehouseRows:
    """Statements on the tables that loads write; raises what `Warehouse` raises."""

    def __init__(self, warehouse: Warehouse, zone: ZoneInfo) -> None:
        self._warehouse = warehouse
        self._zone = zone

    def highest_version(self, tables: Iterable[Table] = tuple(Table)) -> int:
        """The highest load number that any of the tables has; 0 for empty ones."""
        parts = " UNION ALL ".join(f"SELECT max(_ver) AS v FROM {table}" for table in tables)
        return int(self._warehouse.value(f"SELECT max(v) FROM ({parts})") or 0)

    def insert(self, table: Table, rows: Sequence[Row], load_id: int) -> None:
        """Live rows under the load's number; one INSERT for each month, as one may touch at most 100 partitions."""
        for part in by_month(table, rows).values():
            self.insert_text(table, text_of(part), load_id)

    def insert_text(self, table: Table, text: bytes, load_id: int) -> None:
        """Rows of one month, as `text_of` has made them, live under the load's number."""
        self._warehouse.insert_text(table, (*columns(table), "_ver", "_deleted"), with_version(text, load_id))

    def where(self, scope: Scope) -> Where:
        """The keys of a window in its table."""
        assert scope.table is not None
        assert scope.first is not None
        assert scope.last is not None
        if scope.table is Table.TICKETS:
            start, end = bounds(scope.first, scope.last, self._zone)
            return Where(
                "order_created_at >= {start:DateTime('UTC')} AND order_created_at < {end:DateTime('UTC')}",
                {"start": start, "end": end},
            )
        column = _ACCOUNT_COLUMN[scope.table]
        kind = "UInt64" if scope.table is Table.VK_ADS_DAILY else "String"
        return Where(
            f"stat_date >= {{first:Date}} AND stat_date <= {{last:Date}} AND {column} = {{account:{kind}}}",
            {"first": scope.first, "last": scope.last, "account": scope.account},
        )

    def keys(self, scope: Scope) -> Iterable[tuple[Any, ...]]:
        """Keys of the window that FINAL shows now, streamed."""
        assert scope.table is not None
        where = self.where(scope)
        named = ", ".join(KEYS[scope.table])
        statement = f"SELECT {named} FROM {scope.table} FINAL WHERE {where.text}"
        for block in self._warehouse.stream(statement, **where.parameters):
            yield from (tuple(row) for row in block)

    def newer_than(self, scope: Scope, load_id: int) -> bool:
        """Whether a later load has written in the window: this one is superseded."""
        where = self.where(scope)
        found = self._warehouse.value(
            f"SELECT count() FROM {scope.table} FINAL WHERE {where.text} AND _ver > {{load_id:UInt64}}",
            load_id=load_id,
            **where.parameters,
        )
        return bool(found)

    def tombstone_absent(self, scope: Scope, load_id: int) -> int:
        """Keys of the window that the load has not written do not exist any more; returns how many."""
        assert scope.table is not None
        where = self.where(scope)
        return self._tombstone(scope.table, where, load_id)

    def tombstone_orders(self, orders: Sequence[int], load_id: int) -> int:
        """Tickets of these orders that the load has not written do not exist any more; returns how many."""
        buried = 0
        for start in range(0, len(orders), _ORDERS_AT_ONCE):
            some = list(orders[start : start + _ORDERS_AT_ONCE])
            buried += self._tombstone(
                Table.TICKETS, Where("order_id IN {orders:Array(UInt64)}", {"orders": some}), load_id
            )
        return buried

    def sums(self, table: Table, load_id: int, within: tuple[Any, Any] | None) -> Sums:
        """What FINAL shows of the load's rows; `within`: the lowest and highest value of the partition's column."""
        text, parameters = "_ver = {load_id:UInt64}", {"load_id": load_id}
        if within and table in MONTH_OF:
            kind = "Date" if isinstance(within[0], date) and not isinstance(within[0], datetime) else "DateTime('UTC')"
            text += f" AND {MONTH_OF[table]} >= {{low:{kind}}} AND {MONTH_OF[table]} <= {{high:{kind}}}"
            parameters |= {"low": within[0], "high": within[1]}
        return self._sums(table, Where(text, parameters), load_id)[0]

    def sums_of_window(self, scope: Scope, load_id: int) -> tuple[Sums, int]:
        """What FINAL shows of the window, whichever load has written it, and how many of its rows are this load's."""
        assert scope.table is not None
        return self._sums(scope.table, self.where(scope), load_id)

    def cover(self, scope: Scope, load_id: int, *, covered_until: datetime, now: datetime) -> list[Coverage]:
        """Writes what is complete now: one row for each day of the scope; returns the rows."""
        covered = [
            Coverage(
                source=scope.source,
                stream=scope.stream,
                account=scope.account,
                day=day,
                covered_until=covered_until,
                rows=rows,
                amount=amount,
                loaded_at=now,
            )
            for day, (rows, amount) in self._days(scope, covered_until).items()
        ]
        self.insert(Table.COVERAGE, covered, load_id)
        return covered

    def covered_until(self, source: Source, stream: Stream) -> datetime | None:
        """Up to which instant the source's newest day is complete; None where it was never loaded."""
        found = self._warehouse.rows(
            "SELECT covered_until FROM load_coverage FINAL"
            " WHERE source = {source:String} AND stream = {stream:String}"
            " ORDER BY day DESC, covered_until DESC LIMIT 1",
            source=source.value,
            stream=stream.value,
        )
        return found[0][0] if found else None

    def _days(self, scope: Scope, covered_until: datetime) -> dict[date, tuple[int, Decimal]]:
        last = business_day(covered_until, self._zone)
        if scope.kind is Kind.WINDOW:
            assert scope.first is not None
            assert scope.last is not None
            days = days_between(scope.first, scope.last)
        else:
            since = scope.changed_since
            days = days_between(business_day(since, self._zone) if since else last, last)
        found = {day: (0, Decimal(0)) for day in days}
        if not days or scope.stream not in (Stream.ORDERS, Stream.STATS):
            return found
        window = Scope(scope.source, scope.stream, Kind.WINDOW, scope.account, days[0], days[-1])
        assert window.table is not None
        where = self.where(window)
        if window.table is Table.TICKETS:
            day_of = f"toDate(order_created_at, '{self._zone.key}')"
            amount = "sumIf(price * quantity, payed_at IS NOT NULL)"
        else:
            day_of, amount = "stat_date", f"sum({MONEY_OF[window.table]})"
        statement = f"SELECT {day_of} AS d, count(), {amount} FROM {window.table} FINAL WHERE {where.text} GROUP BY d"
        for day, rows, money in self._warehouse.rows(statement, **where.parameters):
            found[day] = (int(rows), Decimal(money))
        return found

    def _tombstone(self, table: Table, where: Where, load_id: int) -> int:
        """A tombstone copies the whole old row, so that it comes into the same partition."""
        absent = f"FROM {table} FINAL WHERE {where.text} AND _ver < {{load_id:UInt64}}"
        count = int(self._warehouse.value(f"SELECT count() {absent}", load_id=load_id, **where.parameters))
        if count:
            named = ", ".join(columns(table))
            self._warehouse.run(
                f"INSERT INTO {table} ({named}, _ver, _deleted) SELECT {named}, {{load_id:UInt64}}, 1 {absent}",
                load_id=load_id,
                **where.parameters,
            )
        return count

    def _sums(self, table: Table, where: Where, load_id: int) -> tuple[Sums, int]:
        named = ", ".join(name for name in columns(table) if name not in _NOT_CONTENT)
        # a hash of plain columns is NULL as soon as one of them is, and would compare as equal
        statement = (
            f"SELECT count(), {_money(table)}, sum(cityHash64(formatRow('TSV', {named}))),"
            f" countIf(_ver = {{own:UInt64}}) FROM {table} FINAL WHERE {where.text}"
        )
        rows, amount, digest, own = self._warehouse.rows(statement, own=load_id, **where.parameters)[0]
        return Sums(int(rows), Decimal(amount), str(digest)), int(own)


def _money(table: Table) -> str:
    return f"sum({MONEY_OF[table]})" if table in MONEY_OF else "toDecimal64(0, 2)"


def by_month(table: Table, rows: Sequence[Row]) -> dict[tuple[int, int], Sequence[Row]]:
    """The rows by their partition; all in one where the table has none."""
    column = MONTH_OF.get(table)
    if column is None or not rows:
        return {(0, 0): rows} if rows else {}
    position = columns(table).index(column)
    months: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in rows:
        day: Any = row[position]
        months[day.year, day.month].append(row)  # instants are UTC, as toYYYYMM of the column is
    return {**months}

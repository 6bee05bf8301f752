"""A source of sales that says what a test tells it to, and the warehouse beside it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from include.clients.clickhouse.warehouse import Warehouse, WarehouseSettings
from include.sales.domain.business_day import bounds
from include.sales.domain.rows import DirectDay, Event, MailSale, Row, Show, Table, Ticket, VkAdsDay
from include.sales.domain.scopes import Batch, Counters, Fetched, Kind, Scope, Source, Stream

ZONE = ZoneInfo("Europe/Moscow")
DAY = date(2026, 11, 19)
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def warehouse_at(port: int, database: str = "zakaz") -> Warehouse:
    return Warehouse(WarehouseSettings("127.0.0.1", port, "default", "", database, secure=False, embedded=True))


def ticket(order: int, basket: int = 1, *, day: date = DAY, price: str = "1000.00", **other: object) -> Ticket:
    """A ticket that was sold at noon of its day."""
    noon = datetime(day.year, day.month, day.day, 9, 0, tzinfo=UTC)
    made = Ticket(
        order_id=order,
        basket_id=basket,
        event_id=7,
        show_id=70,
        order_created_at=noon,
        order_updated_at=noon,
        payed_at=noon,
        refunded_at=None,
        deleted_at=None,
        sale_date=day,
        refund_date=None,
        quantity=1,
        price=Decimal(price),
        original_price=Decimal(price),
        refunded_amount=Decimal("0.00"),
        refund_assumed=0,
        price_mismatch=0,
        currency="RUB",
        payment_type="card",
        promo_code_id=0,
        utm_source="vk",
        utm_medium="cpc",
        utm_campaign="autumn",
        utm_content="msk_19_11",
        utm_term="",
        utm_city_raw="msk",
    )
    return made._replace(**other)


def refunded(sold: Ticket, day: date, amount: str | None = None) -> Ticket:
    noon = datetime(day.year, day.month, day.day, 9, 0, tzinfo=UTC)
    money = Decimal(amount) if amount else sold.price * sold.quantity
    return sold._replace(refunded_at=noon, refund_date=day, refunded_amount=money, order_updated_at=noon)


EVENT = Event(7, "Концерт", 1, "Москва", "Зал", "RUB", 1, None)
SHOW = Show(70, 7, datetime(2026, 12, 1, 16, 0, tzinfo=UTC), date(2026, 12, 1), 180, 1, None)


def vk_day(day: date, ad: int = 1, spent: str = "100.00", account: int = 5, **other: object) -> VkAdsDay:
    made = VkAdsDay(
        day, account, 10, 20, ad, 1000, 50, Decimal(spent), "RUB", 1, "vk", "cpc", "autumn", "msk_19_11", "", "msk",
        19, 11, "v2",
    )  # fmt: skip
    return made._replace(**other)


def direct_day(day: date, ad: int = 1, cost: str = "50.00", login: str = "ads") -> DirectDay:
    return DirectDay(
        day, login, 30, 40, ad, 500, 25, Decimal(cost), "RUB", 1, "yandex", "cpc", "autumn", "", "", "spb", 0, 0
    )


def letter(received_at: datetime, sold: int, revenue: str, *, msg: str = "m1") -> MailSale:
    return MailSale(
        msg, 1, received_at, date(2026, 12, 1), 7, "Концерт", "Москва", sold, Decimal(revenue), Decimal("0.00"), "RUB",
        "0" * 64, "csv",
    )  # fmt: skip


@dataclass
class FakeSource:
    """Holds the truth of one source: `tickets` or `days`; answers a scope from it.

    `trouble` is called with the number of each batch that is given out; `before_answer` once for each fetch.
    """

    tickets: list[Ticket] = field(default_factory=list)
    days: list[Row] = field(default_factory=list)
    letters: list[MailSale] = field(default_factory=list)
    events: list[Event] = field(default_factory=lambda: [EVENT])
    shows: list[Show] = field(default_factory=lambda: [SHOW])
    names: tuple[str, ...] = ("",)
    now: datetime = NOW
    batch: int = 1000
    trouble: Callable[[int], None] = lambda _number: None
    before_answer: Callable[[], None] = lambda: None
    reports: list[str] = field(default_factory=list)
    findings: dict[str, int] = field(default_factory=dict)

    def accounts(self) -> tuple[str, ...]:
        return self.names

    def check_access(self) -> None:
        pass

    def close(self) -> None:
        pass

    def fetch(self, scope: Scope, *, report_name: str, backfill: bool = False) -> Fetched:  # noqa: ARG002
        self.reports.append(report_name)
        self.before_answer()
        counters = Counters(covered_until=self.now)
        counters.findings.update(self.findings)
        return Fetched(self._batches(scope, counters), counters)

    def _batches(self, scope: Scope, counters: Counters) -> Iterator[Batch]:
        for number, batch in enumerate(self._answer(scope)):
            self.trouble(number)
            counters.rows[batch.table] += len(batch.rows)
            yield batch

    def _answer(self, scope: Scope) -> Iterator[Batch]:
        if scope.stream is Stream.EVENTS:
            yield Batch(Table.EVENTS, tuple(self.events))
            yield Batch(Table.SHOWS, tuple(self.shows))
        elif scope.stream is Stream.MAIL:
            yield Batch(Table.MAIL_SALES, tuple(self.letters))
        elif scope.stream is Stream.ORDERS:
            yield from self._orders(scope)
        else:
            table = Table.VK_ADS_DAILY if scope.source is Source.VK_ADS else Table.DIRECT_DAILY
            inside = [row for row in self.days if self._in_window(row, scope)]
            yield from (Batch(table, part) for part in self._parts(inside))

    def _orders(self, scope: Scope) -> Iterator[Batch]:
        if scope.kind is Kind.WINDOW:
            assert scope.first is not None
            assert scope.last is not None
            start, end = bounds(scope.first, scope.last, ZONE)
            inside = [one for one in self.tickets if start <= one.order_created_at < end]
        else:
            since = scope.changed_since or self.now - timedelta(days=3650)
            changed = {one.order_id for one in self.tickets if one.order_updated_at >= since}
            inside = [one for one in self.tickets if one.order_id in changed]
        for part in self._parts(inside):
            yield Batch(Table.TICKETS, part, frozenset(one.order_id for one in part))  # type: ignore[union-attr]

    def _parts(self, rows: Sequence[Row]) -> Iterator[tuple[Row, ...]]:
        for start in range(0, len(rows), self.batch):
            yield tuple(rows[start : start + self.batch])

    @staticmethod
    def _in_window(row: Row, scope: Scope) -> bool:
        assert isinstance(row, VkAdsDay | DirectDay)
        account = str(row.account_id) if isinstance(row, VkAdsDay) else row.account_login
        assert scope.first is not None
        assert scope.last is not None
        return scope.first <= row.stat_date <= scope.last and account == scope.account

"""What one load covers, and what fetching it from a source yields. A load works on a `SalesSource` alone."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from include.sales.domain.rows import Row, Table


class Source(StrEnum):
    QTICKETS = "qtickets"
    VK_ADS = "vk_ads"
    DIRECT = "direct"
    GMAIL = "gmail"


class Stream(StrEnum):
    """What of a source is read; with it, the tables that a load writes."""

    EVENTS = "events"  # QTickets: dim_events, dim_shows
    ORDERS = "orders"  # QTickets: stg_qtickets_tickets
    OPEN_ORDERS = "open_orders"  # QTickets: older orders that may still change, by their numbers; the same table
    INVENTORY = "inventory"  # QTickets: fact_qtickets_inventory
    STATS = "stats"  # ads: dim_ads, then the facts of the account's days
    MAIL = "mail"  # Gmail: stg_mail_sales


class Kind(StrEnum):
    DELTA = "delta"  # what changed: keys that are absent mean nothing
    WINDOW = "window"  # all of the days: keys of the window's table that are absent do not exist any more


WINDOW_TABLE: dict[tuple[Source, Stream], Table] = {
    (Source.QTICKETS, Stream.ORDERS): Table.TICKETS,
    (Source.VK_ADS, Stream.STATS): Table.VK_ADS_DAILY,
    (Source.DIRECT, Stream.STATS): Table.DIRECT_DAILY,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What one load asks for, and the predicate whose keys it replaces.

    `account` is empty where a source has one account. A window has `first` and `last`, both inclusive: business days of
    the order's creation, or days of the statistics; it is a scope of `WINDOW_TABLE` alone, and what a load writes
    besides (`dim_ads`) only adds. A delta has `changed_since`; it is None for all that the source has (events, shows).
    `corrected_until`: up to this instant the source was asked what it has corrected, and the window reaches back to it.
    Open orders are a delta of orders that were created up to the end of `last`. Of letters a person may name the search
    (`query`) and how many of the newest are read (`limit`).
    """

    source: Source
    stream: Stream
    kind: Kind
    account: str = ""
    first: date | None = None
    last: date | None = None
    changed_since: datetime | None = None
    corrected_until: datetime | None = None
    query: str = ""
    limit: int | None = None

    @property
    def table(self) -> Table | None:
        """The table in which a window's absent keys are tombstoned; None for a scope that tombstones no key."""
        return WINDOW_TABLE.get((self.source, self.stream)) if self.kind is Kind.WINDOW else None


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one table, at most a few thousand.

    `orders`: of tickets, the orders that this batch holds whole, so that an order's other tickets do not exist any
    more, in a delta too. An order without a ticket is only here.
    """

    table: Table
    rows: tuple[Row, ...]
    orders: frozenset[int] = frozenset()


@dataclass(slots=True)
class Counters:
    """What a fetch has seen; complete once its batches are exhausted.

    `covered_until`: the instant before the first request, up to which the answer is complete. `watermark`: the latest
    change that the source named, None where it names none. `findings`: how often each thing that a person should know
    of was seen, by the code of its alert; `examples` has some ids of each. `amount` is the sum of money by day: of
    tickets by day of sale, of ads by day of the statistics. `preliminary`: days that the source may still correct.
    """

    covered_until: datetime | None = None
    watermark: datetime | None = None
    requests: int = 0
    source_rows: int = 0
    bad_rows: int = 0
    rows: Counter[Table] = field(default_factory=Counter)
    amount: dict[date, Decimal] = field(default_factory=dict)
    findings: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    quota_left: dict[str, int] = field(default_factory=dict)
    quota_limits: dict[str, int] = field(default_factory=dict)
    preliminary: set[date] = field(default_factory=set)

    def found(self, code: str, example: object = "") -> None:
        """Counts a finding; the first five examples are kept."""
        self.findings[code] += 1
        kept = self.examples.setdefault(code, [])
        if example and len(kept) < 5:
            kept.append(str(example))


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer to a scope: `batches` is read once; `counters` grow while it is read.

    Whatever is wrong with the answer is raised before the last batch has been given out, so an exhausted iterator is a
    complete, checked answer, and nothing may be written before.
    """

    batches: Iterator[Batch]
    counters: Counters


class SalesSource(Protocol):
    """A source of sales or of advertising, in the warehouse's words."""

    def accounts(self) -> tuple[str, ...]:
        """The accounts that the connection names; one empty name where the source has one account."""

    def check_access(self) -> None:
        """Asks for something cheap. Raises AccessDenied, NotConfigured or Temporary as `fetch` would."""

    def fetch(self, scope: Scope, *, report_name: str, backfill: bool = False) -> Fetched:
        """Everything of the scope, page by page.

        `report_name` is the same for all attempts of one load and differs between loads: Direct keeps a report under
        its name. `backfill` leaves at least half of the source's rate to others. Raises, also while the batches are
        read: NotReady (ask again with the same name in `retry_after` seconds), Throttled, Temporary (with
        paging_unstable: fetching anew may help at once), StopRun.
        """

    def close(self) -> None: ...

"""The four sources of the warehouse over their simulators, with clocks and pauses of the test's own."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from include.clients.access_tokens import OwnTokens
from include.clients.gmail.gmail_access import GmailAccess
from include.clients.gmail.gmail_api import GMAIL, GmailApi
from include.clients.qtickets.qtickets_api import QTICKETS, QticketsApi
from include.clients.source_api import SourceApi, SourceName
from include.clients.vk_ads.vk_ads_api import VK_ADS, VkAdsApi
from include.clients.vk_ads.vk_legacy_api import VK_LEGACY, VkLegacyApi
from include.clients.vk_ads.vk_tokens import ClientTokens, ReadyToken, VkTokens
from include.clients.yandex_direct.direct_api import DirectApi
from include.clients.yandex_direct.direct_errors import DIRECT
from include.sales.domain.advertising_rows import direct_day_row, vk_day_row
from include.sales.domain.letters import KnownEvent
from include.sales.domain.rows import Row, Table
from include.sales.domain.scopes import Batch, Counters, Fetched, Kind, Scope, Source, Stream
from include.sales.policy import load_cities, load_sales_policy
from include.sales.steps.advertising_source import AdvertisingSource
from include.sales.steps.mail_source import MailSource
from include.sales.steps.qtickets_source import OpenOrders, QticketsSource
from simulators.gmail.app import CLIENT_ID as GOOGLE_CLIENT
from simulators.gmail.app import CLIENT_SECRET as GOOGLE_SECRET
from simulators.gmail.app import REFRESH_TOKEN, GmailSimulator
from simulators.kit.advertising import Account, labels_of, seeded_account
from simulators.kit.in_process import running
from simulators.qtickets.app import TOKEN, QticketsSimulator
from simulators.qtickets.box_office import BoxOffice, seeded_box_office
from simulators.vk_ads.app import CLIENT_ID, CLIENT_SECRET, VkAdsSimulator
from simulators.yandex_direct.app import TOKEN as DIRECT_TOKEN
from simulators.yandex_direct.app import DirectSimulator

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 10)
NOW = datetime(2026, 11, 11, 9, tzinfo=UTC)
POLICY = load_sales_policy({})
ACCOUNT, LOGIN = 4711, "organiser"


@dataclass
class Pauses:
    """A pace and a sleep that note what they were asked for and wait for nothing."""

    slept: list[float] = field(default_factory=list)
    refusals: list[tuple[str, float]] = field(default_factory=list)

    def acquire(self) -> None:
        pass

    def refused(self, code: str, seconds: float, method: str) -> None:  # noqa: ARG002
        self.refusals.append((code, seconds))

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def api(name: SourceName, url: str, pauses: Pauses, **options: Any) -> SourceApi:
    return SourceApi(name, url, pauses, sleep=pauses.sleep, timeout_seconds=options.pop("timeout", 5.0), **options)


@dataclass
class Sold:
    """QTickets over its simulator."""

    simulator: QticketsSimulator
    source: QticketsSource
    client: QticketsApi
    pauses: Pauses

    @property
    def office(self) -> BoxOffice:
        return self.simulator.office


def office(orders: int = 120, seed: int = 3) -> BoxOffice:
    return seeded_box_office(seed, FIRST, LAST, orders, labels_of("vk", FIRST) + labels_of("yandex", FIRST))


@contextmanager
def qtickets(
    box_office: BoxOffice | None = None,
    *,
    token: str = TOKEN,
    timeout: float = 5.0,
    open_orders: OpenOrders = lambda _last: (),
) -> Iterator[Sold]:
    simulator, pauses = QticketsSimulator(box_office or office()), Pauses()
    with running(simulator) as url:
        client = QticketsApi(api(QTICKETS, f"{url}/api/rest/v1", pauses, timeout=timeout), token)
        source = QticketsSource(client, POLICY, load_cities(), open_orders=open_orders, now=lambda: NOW)
        yield Sold(simulator, source, client, pauses)
        source.close()


@dataclass
class Advertised:
    """An advertising source over its simulator."""

    simulator: Any
    source: AdvertisingSource
    account: Account
    pauses: Pauses
    url: str
    tokens: VkTokens | None = None


def account(source: str, seed: int = 1, ads: int = 8) -> Account:
    return seeded_account(seed, FIRST, LAST, labels_of(source, FIRST, ads))


@contextmanager
def vk_ads(
    served: Account | None = None, *, legacy: bool = False, ready_token: bool = False, store: OwnTokens | None = None
) -> Iterator[Advertised]:
    served = served or account("vk")
    simulator, pauses = VkAdsSimulator({ACCOUNT: served}, clock=NOW.timestamp), Pauses()
    with running(simulator) as url:
        tokens: VkTokens = ReadyToken(simulator.issue(ACCOUNT))
        if not ready_token and not legacy:
            simulator.tokens.clear()
            asking = api(VK_ADS, url, pauses)
            tokens = ClientTokens(asking, CLIENT_ID, CLIENT_SECRET, store or OwnTokens(), now=lambda: NOW)

        def opened(name: str) -> Any:
            if legacy:
                return VkLegacyApi(api(VK_LEGACY, url, pauses), tokens.current(), int(name))
            return VkAdsApi(api(VK_ADS, url, pauses), tokens, now=lambda: NOW)

        source = AdvertisingSource(
            Source.VK_ADS,
            lambda: (str(ACCOUNT),),
            opened,
            lambda name: vk_day_row(int(name), "RUB", "legacy" if legacy else "v2", vat_included=True),
            POLICY,
            queued=False,
            now=lambda: NOW,
        )
        yield Advertised(simulator, source, served, pauses, url, tokens)
        source.close()


@contextmanager
def direct(served: Account | None = None) -> Iterator[Advertised]:
    served = served or account("yandex", seed=2)
    simulator, pauses = DirectSimulator({LOGIN: served}), Pauses()
    with running(simulator) as url:
        source = AdvertisingSource(
            Source.DIRECT,
            lambda: (LOGIN,),
            lambda name: DirectApi(api(DIRECT, f"{url}/json/v501", pauses), DIRECT_TOKEN, name),
            lambda name: direct_day_row(name, "RUB"),
            POLICY,
            queued=True,
            settles_days=3,
            now=lambda: NOW,
        )
        yield Advertised(simulator, source, served, pauses, url)
        source.close()


@dataclass
class Mailbox:
    simulator: GmailSimulator
    source: MailSource
    pauses: Pauses
    url: str


@contextmanager
def gmail(known: Sequence[KnownEvent] = ()) -> Iterator[Mailbox]:
    from google.oauth2.credentials import Credentials

    simulator, pauses = GmailSimulator(), Pauses()
    with running(simulator) as url:
        credentials = Credentials(  # type: ignore[no-untyped-call]
            token=None,
            refresh_token=REFRESH_TOKEN,
            client_id=GOOGLE_CLIENT,
            client_secret=GOOGLE_SECRET,
            token_uri=f"{url}/token",
        )
        client = GmailApi(api(GMAIL, url, pauses), GmailAccess(credentials))
        source = MailSource(client, POLICY, load_cities(), known_events=lambda: known, now=lambda: NOW)
        yield Mailbox(simulator, source, pauses, url)
        source.close()


def window(source: Source, account_name: str = "", first: date = FIRST, last: date = LAST) -> Scope:
    stream = Stream.ORDERS if source is Source.QTICKETS else Stream.STATS
    return Scope(source, stream, Kind.WINDOW, account_name, first, last)


def delta(source: Source = Source.QTICKETS, stream: Stream = Stream.ORDERS, since: datetime | None = None) -> Scope:
    return Scope(source, stream, Kind.DELTA, changed_since=since)


def read(fetched: Fetched) -> tuple[list[Batch], Counters]:
    return list(fetched.batches), fetched.counters


def rows_of(batches: Iterable[Batch], table: Table) -> list[Any]:
    found: list[Row] = [row for batch in batches if batch.table is table for row in batch.rows]
    return found


def money_by_day(rows: Iterable[Any], field_name: str) -> dict[date, Decimal]:
    found: dict[date, Decimal] = {}
    for row in rows:
        found[row.stat_date] = found.get(row.stat_date, Decimal(0)) + getattr(row, field_name)
    return found


def days_later(days: int) -> datetime:
    return datetime.combine(LAST, datetime.min.time(), UTC) + timedelta(days=days)
